// Asks a kubelet with real containers what becomes of pods: a real API actor in this process, a containerd of its own.
// At the end nothing may be left on the machine.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import type { Container, Pod } from '../../lib/api/generated/types.ts';
import type { StreamVerb } from '../../lib/bus/streams.ts';
import { startTestRuntime, type TestRuntime } from '../../runtime-shims/ctr/test-runtime.ts';
import { SHIMS } from '../../runtime-shims/index.ts';
import { eventually } from '../../test/kit/eventually.ts';
import { converseWith, type Conversation } from '../../test/kit/bus-conversation.ts';
import { containerOf, isReady, startTestNode, type TestNode } from '../../test/kit/kubelet-node.ts';

let runtime: TestRuntime;
let node: TestNode;
test.before(async () => {
  runtime = await startTestRuntime({ isShared: true, podCidr: '10.233.77.0/24' });
  const { containerdAddress, containerdNamespace, cgroupRoot, stateDir } = runtime.ctx.settings;
  node = await startTestNode({
    openShim: SHIMS.ctr,
    settings: {
      runtime: 'ctr',
      containerdAddress: containerdAddress!,
      containerdNamespace: containerdNamespace!,
      cgroupRoot,
      stateDir,
      nodePodCidr: '10.233.77.0/24',
      imageArchives: [runtime.imageArchive],
    },
  });
});
test.after.always(async () => {
  await node?.stop();
  await runtime?.stop();
});

const image = 'ghcr.io/acme/web:1a2b3c4';
const web = (more: Partial<Container> = {}): Container => ({ name: 'main', image, ...more });
const shell = (script: string, more: Partial<Container> = {}): Container =>
  web({ command: ['sh', '-c', script], ...more });
const idOf = (pod: Pod): string => containerOf(pod)!.containerID!.replace('containerd://', '');
const ok = (pod: Pod): boolean => isReady(pod);

function fetchText(host: string, path = '/'): Promise<{ code: number; text: string }> {
  return new Promise((resolve, reject) => {
    const request = get({ host, port: 8080, path, agent: false, timeout: 10_000 }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ code: response.statusCode!, text }));
    });
    request.on('timeout', () => request.destroy(new Error('no answer')));
    request.on('error', reject);
  });
}

const converse = (verb: StreamVerb, pod: string, more: object, input?: string): Promise<Conversation> =>
  converseWith(node.api, verb, { namespace: 'default', pod, container: 'main', ...more }, input);

test.serial('the demo runs from the archive that the node was given, and answers by its own name', async (t) => {
  const began = Date.now();
  await node.createPod('web-0', {
    containers: [
      web({
        ports: [{ containerPort: 8080 }],
        readinessProbe: { httpGet: { path: '/healthz', port: 8080 }, periodSeconds: 1, timeoutSeconds: 10 },
      }),
    ],
  });
  const pod = await node.podWhen('web-0', 'ready', ok);
  t.log(`ready ${Date.now() - began} ms after its creation`);
  t.is((await fetchText(pod.status!.podIP!)).text.trim(), 'web-0');
  t.true((await node.node()).status!.nodeInfo!.containerRuntimeVersion.startsWith('containerd://1.'));
});

test.serial('limits are enforced; who uses more memory is OOMKilled', async (t) => {
  const limits = { cpu: '200m', memory: '24Mi' };
  await node.createPod('limited', {
    restartPolicy: 'Never',
    containers: [
      shell('until [ -e /tmp/go ]; do sleep 0.1; done; x=$(head -c 80000000 /dev/zero | tr "\\0" x); echo ${#x}', {
        resources: { limits, requests: { cpu: '100m', memory: '16Mi' } },
      }),
    ],
  });
  const running = await node.podWhen('limited', 'runs', (pod) => containerOf(pod)?.state?.running !== undefined);
  const group = (file: string): string =>
    readFileSync(
      join(
        '/sys/fs/cgroup',
        file.split('.')[0]!,
        runtime.ctx.settings.cgroupRoot,
        'kubepods',
        `pod${running.metadata.uid!}`,
        idOf(running),
        file,
      ),
      'utf8',
    ).trim();
  if (!existsSync('/sys/fs/cgroup/cgroup.controllers')) {
    t.is(group('memory.limit_in_bytes'), String(24 << 20));
    t.is(group('cpu.shares'), '102');
    t.is(group('cpu.cfs_quota_us'), '20000');
  }
  await converse('exec', 'limited', { command: ['touch', '/tmp/go'] });
  const ended = await node.podWhen('limited', 'failed', (pod) => pod.status?.phase === 'Failed');
  t.like(containerOf(ended)?.state?.terminated, { reason: 'OOMKilled', exitCode: 137 });
});

test.serial('configuration arrives: environment, files, token, name service', async (t) => {
  await node.request('POST', '/api/v1/namespaces/default/configmaps', {
    metadata: { name: 'settings' },
    data: { color: 'blue', 'app.conf': 'a=1\n' },
  });
  await node.request('POST', '/api/v1/namespaces/default/secrets', {
    metadata: { name: 'keys' },
    stringData: { key: 's3cret' },
  });
  const script = [
    'echo "$COLOR $KEY $NAME $IP $(echo $LIMIT) $ARG"',
    'cat /config/app.conf /keys/key; echo',
    'stat -c %a -L /keys/key',
    'head -c 3 /var/run/secrets/kubernetes.io/serviceaccount/token; echo',
    'cat /etc/resolv.conf; hostname; echo $KUBERNETES_SERVICE_HOST',
    'echo shared > /scratch/file; df -t tmpfs /scratch | tail -1 | cut -d" " -f1',
    'echo done > /dev/termination-log; exit 0',
  ].join('\n');
  await node.createPod('configured', {
    restartPolicy: 'Never',
    volumes: [
      { name: 'config', configMap: { name: 'settings' } },
      { name: 'keys', secret: { secretName: 'keys', defaultMode: 0o400 } },
      { name: 'scratch', emptyDir: { medium: 'Memory', sizeLimit: '8Mi' } },
    ],
    containers: [
      shell(script, {
        env: [
          { name: 'COLOR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'color' } } },
          { name: 'KEY', valueFrom: { secretKeyRef: { name: 'keys', key: 'key' } } },
          { name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
          { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
          { name: 'LIMIT', valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } } },
          { name: 'ARG', value: '$(COLOR)-$(NAME)' },
        ],
        resources: { limits: { memory: '32Mi' } },
        volumeMounts: [
          { name: 'config', mountPath: '/config' },
          { name: 'keys', mountPath: '/keys', readOnly: true },
          { name: 'scratch', mountPath: '/scratch' },
        ],
      }),
    ],
  });
  const pod = await node.podWhen('configured', 'ended', (one) => one.status?.phase === 'Succeeded');
  const { out } = await converse('logs', 'configured', { logs: {} });
  const lines = out.split('\n');
  t.is(lines[0], `blue s3cret configured ${pod.status!.podIP!} 32 blue-configured`);
  t.deepEqual(lines.slice(1, 5), ['a=1', 's3cret', '400', 'eyJ']);
  t.true(out.includes('search default.svc.cluster.local svc.cluster.local cluster.local'));
  t.true(out.includes('nameserver 10.96.0.10\noptions ndots:5\nconfigured\n10.96.0.1\n'));
  t.true(out.includes('\ntmpfs\n'));
  t.is(containerOf(pod)?.state?.terminated?.message?.trim(), 'done');
});

/** Between two lines, at the least. */
const GAP_MS = 500;

test.serial('logs: tail, timestamps, since, follow, over the API as kubectl asks', async (t) => {
  await node.createPod('talks', {
    restartPolicy: 'Never',
    containers: [
      shell(
        'for i in 1 2 3 4; do echo line $i; done; until [ -e /tmp/go ]; do sleep 0.1; done; echo line 5; sleep 1; echo last',
      ),
    ],
  });
  await node.podWhen('talks', 'runs', (pod) => pod.status?.phase === 'Running');
  const followed = converse('logs', 'talks', { logs: { follow: true } });
  await eventually('the last two of four lines', async () => {
    const { out } = await converse('logs', 'talks', { logs: { tailLines: 2 } });
    return out === 'line 3\nline 4\n';
  });
  await sleep(GAP_MS);
  await converse('exec', 'talks', { command: ['touch', '/tmp/go'] });
  await node.podWhen('talks', 'ended', (pod) => pod.status?.phase === 'Succeeded');
  t.is((await followed).out, 'line 1\nline 2\nline 3\nline 4\nline 5\nlast\n');
  const stamped = (await converse('logs', 'talks', { logs: { timestamps: true } })).out.trim().split('\n');
  t.true(stamped.every((line) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z (line|last)/.test(line)));
  const at = (line: string): number => Date.parse(line.split(' ')[0]!);
  t.true(at(stamped[4]!) - at(stamped[3]!) >= GAP_MS);
  const since = new Date(at(stamped[4]!) - GAP_MS / 2).toISOString();
  t.is((await converse('logs', 'talks', { logs: { sinceTime: since } })).out, 'line 5\nlast\n');
  t.is((await node.api.http('GET', '/api/v1/namespaces/default/pods/talks/log?tailLines=1')).text, 'last\n');
  await t.throwsAsync(converse('logs', 'talks', { logs: { previous: true } }), {
    message: /previous terminated container "main" in pod "talks" not found/,
  });
});

test.serial('exec: input, output, exit code; not found; a terminal', async (t) => {
  t.deepEqual(
    await converse(
      'exec',
      'web-0',
      { command: ['sh', '-c', 'read x; echo "got $x"; echo bad >&2; exit 3'], stdin: true },
      'hello\n',
    ),
    { out: 'got hello\n', err: 'bad\n', code: 3 },
  );
  for (const tty of [false, true])
    await t.throwsAsync(converse('exec', 'web-0', { command: ['nope'], tty }), {
      message:
        /^Internal error occurred: error executing command in container: failed to exec in container: failed to start exec "[-\w]+": OCI runtime exec failed: exec failed: .*exec: "nope": executable file not found in \$PATH: unknown$/,
    });
  const terminal = await converse('exec', 'web-0', { command: ['sh', '-c', 'tty; exit 5'], tty: true });
  t.regex(terminal.out, /\/dev\/pts\/\d+/);
  t.is(terminal.code, 5);
  await t.throwsAsync(converse('exec', 'no-such-pod', { command: ['true'] }), { message: /is not on node node-1/ });
});

test.serial('a killed container is restarted in its sandbox: same address, then backoff', async (t) => {
  const before = await node.podWhen('web-0', 'ready', ok);
  process.kill(runtime.pidOf(idOf(before)), 'SIGKILL');
  const after = await node.podWhen(
    'web-0',
    'ready again',
    (pod) => isReady(pod) && containerOf(pod)?.restartCount === 1,
  );
  t.is(after.status?.podIP, before.status?.podIP);
  t.like(containerOf(after)?.lastState?.terminated, { exitCode: 137, reason: 'Error' });
  process.kill(runtime.pidOf(idOf(after)), 'SIGKILL');
  const waiting = await node.podWhen(
    'web-0',
    'backs off',
    (pod) => containerOf(pod)?.state?.waiting?.reason === 'CrashLoopBackOff',
  );
  t.false(isReady(waiting));
  const third = await node.podWhen(
    'web-0',
    'ready the third time',
    (pod) => isReady(pod) && containerOf(pod)?.restartCount === 2,
  );
  // Ten seconds, by times of whole seconds.
  const { lastState, state } = containerOf(third)!;
  t.true(Date.parse(state!.running!.startedAt!) - Date.parse(lastState!.terminated!.finishedAt!) >= 9_000);
  t.regex((await converse('logs', 'web-0', { logs: { previous: true } })).out, /^serving /);
});

test.serial('probes: exec gates readiness, http restarts, startup holds both back', async (t) => {
  const ready = {
    exec: { command: ['test', '-e', '/tmp/ready'] },
    periodSeconds: 1,
    timeoutSeconds: 10,
    failureThreshold: 1,
  };
  await node.createPod('gated', { containers: [shell('sleep 1000', { readinessProbe: ready })] });
  const unready = await node.podWhen('gated', 'runs', (pod) => containerOf(pod)?.state?.running !== undefined);
  t.false(isReady(unready));
  await converse('exec', 'gated', { command: ['touch', '/tmp/ready'] });
  await node.podWhen('gated', 'ready', ok);
  await converse('exec', 'gated', { command: ['rm', '/tmp/ready'] });
  await node.podWhen('gated', 'not ready', (pod) => !isReady(pod));
  const startup = { tcpSocket: { port: 8080 }, periodSeconds: 1, failureThreshold: 20 };
  const liveness = { httpGet: { path: '/nothing', port: 8080 }, periodSeconds: 1, failureThreshold: 2 };
  await node.createPod('unwell', {
    containers: [
      web({ command: ['sh', '-c', 'sleep 3; exec /bin/web'], startupProbe: startup, livenessProbe: liveness }),
    ],
    terminationGracePeriodSeconds: 1,
  });
  const restarted = await node.podWhen('unwell', 'restarted', (pod) => containerOf(pod)?.restartCount === 1);
  t.truthy(restarted);
  for (const told of [
    /^Startup probe failed: dial tcp .*ECONNREFUSED/,
    /^Liveness probe failed: HTTP probe failed with statuscode: 404$/,
  ])
    t.truthy(
      await eventually(
        () => `an event ${told}`,
        async () => (await node.eventsOf('unwell')).find(({ message }) => told.test(message ?? '')),
      ),
    );
  await Promise.all(['gated', 'unwell'].map((name) => node.deletePod(name, 0)));
  await Promise.all(['gated', 'unwell'].map((name) => node.podGone(name)));
});

test.serial(
  'a new kubelet adopts: the same process, no restart, always ready; and so it is after containerd was killed',
  async (t) => {
    const before = await node.podWhen('web-0', 'ready', ok);
    const pid = runtime.pidOf(idOf(before));
    await node.stopKubelet();
    await node.startKubelet();
    await sleep(1500);
    const after = (await node.getPod('web-0'))!;
    t.deepEqual(after.status, before.status);
    await runtime.killContainerd();
    await eventually(
      () => 'the node says that its runtime is down',
      async () => {
        const found = (await node.node()).status?.conditions?.find(({ type }) => type === 'Ready');
        return found?.status === 'False' && /runtime is down/.test(found.message ?? '') ? true : undefined;
      },
    );
    t.is((await fetchText(before.status!.podIP!)).text.trim(), 'web-0', 'it answers all the while');
    await runtime.startContainerd();
    await eventually(
      () => 'the node is ready again',
      async () => {
        const found = (await node.node()).status?.conditions?.find(({ type }) => type === 'Ready');
        return found?.status === 'True' ? true : undefined;
      },
    );
    t.is(runtime.pidOf(idOf(before)), pid);
    const last = (await node.getPod('web-0'))!;
    t.is(containerOf(last)?.restartCount, containerOf(before)?.restartCount);
    t.true(isReady(last));
  },
);

test.serial('a container that ended while no kubelet ran is found, with its code', async (t) => {
  const untilTold = 'trap "exit 9" TERM; touch /tmp/listens; while :; do sleep 0.1; done';
  await node.createPod('brief', { restartPolicy: 'Never', containers: [shell(untilTold)] });
  const running = await node.podWhen('brief', 'runs', (pod) => containerOf(pod)?.state?.running !== undefined);
  const listens = { command: ['sh', '-c', 'until [ -e /tmp/listens ]; do sleep 0.1; done'] };
  await converse('exec', 'brief', listens);
  const pid = runtime.pidOf(idOf(running));
  await node.stopKubelet();
  process.kill(pid, 'SIGTERM');
  await eventually('it has ended', () => !existsSync(`/proc/${pid}`));
  await node.startKubelet();
  const pod = await node.podWhen('brief', 'failed', (one) => one.status?.phase === 'Failed');
  t.is(containerOf(pod)?.state?.terminated?.exitCode, 9);
});

test.serial('deleted, the demo drains: it answers until it is gone; preStop runs first', async (t) => {
  const env = [{ name: 'DRAIN_SECONDS', value: '4' }];
  const preStop = { exec: { command: ['sh', '-c', 'echo preStop ran > /proc/1/fd/1; sleep 1'] } };
  await node.createPod('drains', {
    terminationGracePeriodSeconds: 60,
    containers: [
      web({
        env,
        lifecycle: { preStop },
        readinessProbe: { httpGet: { port: 8080 }, periodSeconds: 1, timeoutSeconds: 10 },
      }),
    ],
  });
  const pod = await node.podWhen('drains', 'ready', ok);
  const followed = converse('logs', 'drains', { logs: { follow: true } });
  await node.deletePod('drains');
  let answers = 0;
  const isSilent = async (): Promise<boolean> => {
    const found = await fetchText(pod.status!.podIP!).catch(() => undefined);
    if (found?.code === 200) answers++;
    return found === undefined;
  };
  await eventually('it answers no more', isSilent);
  t.true(answers > 2, `${answers} answers after it was told to end`);
  await node.podGone('drains');
  t.regex((await followed).out, /^serving .*\npreStop ran\ndraining\ndone\n$/s);
});

test.serial('a sandbox that is lost (a reboot) is made again, with everything in it', async (t) => {
  const before = await node.podWhen('web-0', 'ready', ok);
  await node.stopKubelet();
  const sandboxes = join(runtime.ctx.settings.stateDir, 'runtime', 'sandboxes');
  await runtime.ctr('tasks', 'rm', '--force', idOf(before));
  for (const id of readdirSync(sandboxes))
    for (const name of ['net', 'uts', 'ipc', 'shm'])
      if (readFileSync('/proc/self/mountinfo', 'utf8').includes(join(sandboxes, id, name)))
        execFileSync('umount', ['-l', join(sandboxes, id, name)]);
  await node.startKubelet();
  const after = await node.podWhen('web-0', 'ready again', (pod) => isReady(pod) && idOf(pod) !== idOf(before));
  t.is((await fetchText(after.status!.podIP!)).text.trim(), 'web-0');
  t.is(containerOf(after)?.restartCount, containerOf(before)!.restartCount + 1);
});

test.serial(
  'when all pods are deleted nothing is left: no namespace, mount, address, control group, container, file',
  async (t) => {
    const all = (await node.request('GET', '/api/v1/namespaces/default/pods')).items as Pod[];
    for (const { metadata } of all) await node.deletePod(metadata.name);
    for (const { metadata } of all) await node.podGone(metadata.name);
    const state = runtime.ctx.settings.stateDir;
    await eventually(
      () => `the kubelet has cleaned up; pods: ${readdirSync(join(state, 'pods')).join(' ')}`,
      async () => (readdirSync(join(state, 'pods')).length === 0 ? true : undefined),
    );
    t.false(readFileSync('/proc/self/mountinfo', 'utf8').includes(state));
    t.deepEqual(readdirSync(join(state, 'runtime', 'sandboxes')), []);
    t.deepEqual(readdirSync(join(state, 'runtime', 'containers')), []);
    t.deepEqual(
      readdirSync(join(state, 'runtime', 'addresses', 'pods')).filter((name) => /^\d/.test(name)),
      [],
    );
    t.deepEqual(readdirSync(join(state, 'logs')), []);
    t.deepEqual(
      readdirSync(`/sys/fs/cgroup/memory/${runtime.ctx.settings.cgroupRoot}/kubepods`).filter((name) =>
        name.startsWith('pod'),
      ),
      [],
    );
    t.is((await runtime.ctr('containers', 'ls', '--quiet')).stdout.trim(), '');
    t.false(execFileSync('ip', ['route']).toString().includes('10.233.77.'));
  },
);
