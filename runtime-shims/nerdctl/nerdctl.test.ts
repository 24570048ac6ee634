// Asks which nerdctl calls each verb makes, against a nerdctl that only answers: no binary of it is needed. What nerdctl
// itself does with them is not asked here.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import test from 'ava';
import { seededChance } from '../../lib/base/chance.ts';
import { systemClock } from '../../lib/actor/system.ts';
import { silentLog } from '../../lib/base/log.ts';
import type { Exec, ExecResult } from '../../lib/exec/exec.ts';
import { containerOf, podOf } from '../conformance/suite.ts';
import type { ContainerSpec, ImageState, ShimContext, ShimError } from '../contract.ts';
import { PAUSE_IMAGE, pauseArguments, runArguments } from './arguments.ts';
import { endOf } from './exec.ts';
import { openNerdctlShim } from './index.ts';
import { containerOf as inspectedContainer, endedInEvent } from './inspect.ts';

const directory = mkdtempSync(join(tmpdir(), 'flotilla-nerdctl-'));
test.after.always(() => rmSync(directory, { recursive: true, force: true }));

const image: ImageState = {
  ref: 'docker.io/library/a:1',
  id: 'sha256:1',
  sizeBytes: 1,
  config: { entrypoint: [], command: [], env: [], user: '', workingDir: '' },
};
const pod = { ...podOf('web-0'), pod: { uid: 'u1', namespace: 'default', name: 'web-0' } };
const sandbox = { id: 'pause1', pod: pod.pod, attempt: 0, state: 'ready' as const, ip: '10.0.0.2', createdAtMs: 0 };
const spec = (more: Partial<ContainerSpec> = {}): ContainerSpec => ({
  ...containerOf({ logsDir: directory }, sandbox, image, { argv: ['/bin/web', '-v'] }),
  logPath: '/logs/0.log',
  ...more,
});

test('a pause container holds the sandbox', (t) => {
  t.deepEqual(pauseArguments('p', pod, PAUSE_IMAGE), [
    'run',
    '--detach',
    '--name',
    'p',
    '--network',
    'none',
    '--hostname',
    'web-0',
    '--ipc',
    'shareable',
    '--label',
    'io.kubernetes.pod.uid=u1',
    '--label',
    'io.kubernetes.pod.name=web-0',
    '--label',
    'io.kubernetes.pod.namespace=default',
    '--label',
    'io.kubernetes.container.restartCount=0',
    '--label',
    'io.flotilla.kind=sandbox',
    'registry.k8s.io/pause:3.9',
  ]);
  t.deepEqual(
    pauseArguments('p', { ...pod, hostNetwork: true, hostPid: true, hostIpc: true }, PAUSE_IMAGE).slice(2, 10),
    ['--name', 'p', '--network', 'host', '--ipc', 'host', '--pid', 'host'],
  );
});

test('a container says everything that its specification says', (t) => {
  const argv = runArguments(
    'c',
    spec({
      env: { A: '1' },
      workingDir: '/srv',
      user: { image: '', uid: 1000, gid: 1000, groups: [2000] },
      mounts: [{ source: '/s', target: '/t', readOnly: true, propagation: 'private' }],
      limits: { memoryBytes: 1024, cpuShares: 2, cpuQuotaMicros: 50_000, cpuPeriodMicros: 100_000, pids: 10 },
      capabilities: ['CAP_CHOWN'],
      noNewPrivileges: true,
      readOnlyRoot: true,
      oomScoreAdjust: 999,
    }),
    pod,
    '/flotilla/pod',
  );
  const labels = argv.flatMap((word, i) => (word === '--label' ? [i, i + 1] : []));
  t.deepEqual(
    argv.filter((_, i) => !labels.includes(i)),
    [
      'run',
      '--detach',
      '--name',
      'c',
      '--network',
      'container:pause1',
      '--ipc',
      'container:pause1',
      '--cgroup-parent',
      '/flotilla/pod',
      '--log-driver',
      'json-file',
      '--log-opt',
      'log-path=/logs/0.log',
      '--env',
      'A=1',
      '--workdir',
      '/srv',
      '--user',
      '1000:1000',
      '--group-add',
      '2000',
      '--volume',
      '/s:/t:ro,rprivate',
      '--memory',
      '1024b',
      '--cpu-shares',
      '2',
      '--cpu-quota',
      '50000',
      '--cpu-period',
      '100000',
      '--pids-limit',
      '10',
      '--cap-drop',
      'ALL',
      '--cap-add',
      'CHOWN',
      '--security-opt',
      'seccomp=unconfined',
      '--security-opt',
      'no-new-privileges',
      '--read-only',
      '--oom-score-adj',
      '999',
      '--entrypoint',
      '/bin/web',
      'docker.io/library/a:1',
      '-v',
    ],
  );
});

test('the default seccomp profile is the default; privileged says nothing of capabilities', (t) => {
  const argv = runArguments('c', spec({ seccomp: 'default' }), pod, '/x');
  t.false(argv.includes('seccomp=unconfined'));
  const privileged = runArguments('c', spec({ privileged: true }), pod, '/x');
  t.true(privileged.includes('--privileged'));
  t.false(privileged.includes('--cap-drop'));
});

const stateDir = join(directory, 'state');
const DATA_ROOT = join(stateDir, 'nerdctl');
const BASE = ['nerdctl', '--address', '/c.sock', '--namespace', 'ns', '--data-root', DATA_ROOT];

/** Answers by the first words of the call. */
function fake(answers: Record<string, Partial<ExecResult>>): { ctx: ShimContext; calls: string[][] } {
  const calls: string[][] = [];
  const exec: Exec = {
    run: async (argv) => {
      calls.push([...argv]);
      const words = argv.slice(argv[0] === 'nerdctl' ? BASE.length : 0).join(' ');
      const key = Object.keys(answers).find((start) => words.startsWith(start));
      return {
        argv,
        exitCode: 0,
        signal: null,
        timedOut: false,
        stdout: '',
        stderr: '',
        ...(key === undefined ? {} : answers[key]),
      };
    },
    spawn: () => ({
      pid: 1,
      stdin: null,
      stdout: new PassThrough(),
      stderr: new PassThrough(),
      ended: Promise.resolve({ exitCode: 0, signal: null }),
      kill() {},
    }),
  };
  const settings = {
    node: 'n',
    nodeIp: '10.0.0.1',
    podCidr: '10.1.0.0/24',
    stateDir,
    cgroupRoot: 'f',
    containerdAddress: '/c.sock',
    containerdNamespace: 'ns',
  };
  return { ctx: { exec, clock: systemClock, chance: seededChance(1), log: silentLog, settings }, calls };
}

test("every call names the socket, the namespace and the directory; the version is containerd's", async (t) => {
  const answer = JSON.stringify({
    Client: { Version: '1.7' },
    Server: { Components: [{ Name: 'containerd', Version: 'v1.6.20' }] },
  });
  const { ctx, calls } = fake({ version: { stdout: answer } });
  const shim = await openNerdctlShim(ctx);
  t.deepEqual(await shim.version(), { name: 'containerd', version: '1.6.20' });
  t.deepEqual(calls[0], [...BASE, 'version', '--format', '{{json .}}']);
  await shim.close();
});

test('an image is looked for, then pulled; a password is no argument', async (t) => {
  let pulls = 0;
  const { ctx, calls } = fake({});
  const answering = { ...ctx.exec };
  ctx.exec.run = async (argv, options) => {
    if (argv.includes('pull')) {
      pulls++;
      t.truthy(options?.env?.['DOCKER_CONFIG']);
    }
    const found = { stdout: JSON.stringify([{ Id: 'sha256:2', Config: { Cmd: ['x'], User: 'app' } }]) };
    const missing = { exitCode: 1, stderr: 'no such image' };
    return {
      ...(await answering.run(argv, options)),
      ...(argv.includes('inspect') ? (pulls === 0 ? missing : found) : {}),
    };
  };
  const shim = await openNerdctlShim(ctx);
  const got = await shim.ensureImage('registry.io/a:1', {
    policy: 'IfNotPresent',
    auth: { username: 'u', password: 'secret' },
  });
  t.like(got, { id: 'sha256:2', config: { command: ['x'], user: 'app' } });
  t.deepEqual(
    calls.map((call) => call.slice(BASE.length)),
    [
      ['image', 'inspect', 'registry.io/a:1'],
      ['pull', '--quiet', 'registry.io/a:1'],
      ['image', 'inspect', 'registry.io/a:1'],
    ],
  );
  t.false(JSON.stringify(calls).includes('secret'));
  await shim.close();
});

test('a daemon that is not there is Unavailable, a container that is not there is no error', async (t) => {
  const gone = fake({
    ps: { exitCode: 1, stderr: 'cannot access containerd socket "/c.sock"' },
    kill: { exitCode: 1, stderr: 'no such container c' },
    rm: { exitCode: 1, stderr: 'no such container c' },
  });
  const shim = await openNerdctlShim(gone.ctx);
  t.is(((await t.throwsAsync(shim.list())) as ShimError).kind, 'Unavailable');
  await t.notThrowsAsync(shim.signal('c', 'SIGTERM'));
  await t.notThrowsAsync(shim.remove('c'));
  await shim.close();
});

test('events of nerdctl and of docker tell which container ended', (t) => {
  t.is(
    endedInEvent(
      JSON.stringify({ Topic: '/tasks/exit', Event: JSON.stringify({ container_id: 'c1', exit_status: 1 }) }),
    ),
    'c1',
  );
  t.is(endedInEvent(JSON.stringify({ Action: 'die', Actor: { ID: 'c2' } })), 'c2');
  t.is(endedInEvent(JSON.stringify({ Action: 'start', Actor: { ID: 'c2' } })), undefined);
  t.is(endedInEvent('not json'), undefined);
});

test('what could be made but not started has ended with 128', (t) => {
  const labels = { 'io.kubernetes.pod.uid': 'u', 'io.kubernetes.container.name': 'c' };
  const state = inspectedContainer({
    Name: '/x',
    Config: { Labels: labels },
    State: { Status: 'created', Error: 'exec: not found', StartedAt: '0001-01-01T00:00:00Z' },
    Created: '2026-01-01T00:00:00Z',
  });
  t.like(state, {
    id: 'x',
    state: 'exited',
    exitCode: 128,
    reason: 'StartError',
    message: 'exec: not found',
    startedAtMs: Date.parse('2026-01-01T00:00:00Z'),
  });
});

test("the code of an exec is read from nerdctl's last line, docker's from its own end", (t) => {
  const fatal = (message: string): string => `time="2026-11-22T11:36:08Z" level=fatal msg="${message}"\n`;
  t.deepEqual(endOf(1, fatal('exec failed with exit code 137')), { exitCode: 137 });
  t.deepEqual(endOf(1, fatal('exec: \\"nope\\": executable file not found in $PATH')), {
    exitCode: 127,
    error: 'exec: "nope": executable file not found in $PATH',
  });
  t.is(endOf(1, fatal('permission denied'))?.exitCode, 126);
  t.is(endOf(3, 'oops\n'), undefined);
  t.is(endOf(1, 'he said level=fatal msg="x"\n'), undefined);
});
