// Asks the ctr shim the questions of every shim, and those that only real containers can answer. A containerd of its own,
// a network namespace of its own; both are gone at the end.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { askShim, containerOf, ended, find, outputOf, podOf, until } from '../conformance/suite.ts';
import type { ContainerSpec, RuntimeShim, SandboxSpec } from '../contract.ts';
import { startTestRuntime, type TestRuntime } from './test-runtime.ts';
import { openCtrShim } from './index.ts';

let runtime: TestRuntime;
let shim: RuntimeShim;
const logsDir = (): string => join(runtime.directory, 'logs');

askShim(test, async () => {
  runtime = await startTestRuntime();
  shim = await openCtrShim(runtime.ctx);
  const [imageRef] = await shim.importArchive(runtime.imageArchive);
  const reopen = async (): Promise<RuntimeShim> => (shim = await openCtrShim(runtime.ctx));
  return { shim, reopen, imageRef: imageRef!, isReal: true, logsDir: logsDir() };
});

test.after.always(async () => {
  await shim?.close();
  await runtime?.stop();
});

async function withContainer(
  pod: Partial<SandboxSpec>,
  more: Partial<ContainerSpec> & { argv: string[] },
  body: (id: string, spec: ContainerSpec) => Promise<void>,
): Promise<void> {
  const image = await shim.ensureImage(runtime.imageRef, { policy: 'IfNotPresent' });
  const sandbox = await shim.createSandbox({ ...podOf('real'), ...pod });
  const spec = containerOf({ logsDir: logsDir() }, sandbox, image, more);
  const { id } = await shim.runContainer(spec);
  try {
    await body(id, spec);
  } finally {
    await shim.remove(id);
    await shim.removeSandbox(sandbox.id);
  }
}

const SAID = 'said all\n';
/** containerd waits two seconds for the output of a process that has ended, on however busy a machine: what is cut is asked again. */
const say = (id: string, script: string): Promise<string> =>
  until(`all that is said by ${script}`, async () => {
    const all = `${script}\nprintf '${SAID.replace('\n', '\\n')}'`;
    const { stdout } = await outputOf(shim.exec(id, ['sh', '-c', all], { tty: false, stdin: false }));
    return stdout.endsWith(SAID) && stdout.slice(0, -SAID.length).trim() + ' ';
  }).then((text) => text.slice(0, -1));

/** Of the container's program: a task that is started is runc for a moment yet, with privileges that end with it. */
const statusOf = (pid: number): Promise<string> =>
  until('the program runs', async () => {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return !/^Name:\s+runc/m.test(status) && status;
  });

const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);

test.serial("limits are the kernel's, and more memory than allowed is OOMKilled", (t) =>
  withContainer(
    {},
    {
      argv: [
        'sh',
        '-c',
        'until [ -e /tmp/go ]; do sleep 0.1; done; x=$(head -c 60000000 /dev/zero | tr "\\0" x); echo ${#x}',
      ],
      limits: { memoryBytes: 16 << 20, cpuShares: 204, cpuQuotaMicros: 50_000, cpuPeriodMicros: 100_000 },
    },
    async (id, spec) => {
      const group = (controller: string, file: string): string =>
        readFileSync(
          `/sys/fs/cgroup/${controller}/${runtime.ctx.settings.cgroupRoot}/kubepods/pod${spec.pod.uid}/${id}/${file}`,
          'utf8',
        ).trim();
      if (!existsSync('/sys/fs/cgroup/cgroup.controllers')) {
        t.is(group('memory', 'memory.limit_in_bytes'), String(16 << 20));
        t.is(group('cpu', 'cpu.shares'), '204');
        t.is(group('cpu', 'cpu.cfs_quota_us'), '50000');
      }
      t.true((await shim.stats(id))!.memoryWorkingSetBytes > 0);
      await say(id, 'touch /tmp/go');
      const state = await ended(shim, id);
      t.is(state.exitCode, 137);
      t.is(state.reason, 'OOMKilled');
    },
  ),
);

test.serial('user, groups, capabilities, read-only root and masked paths are as told', (t) =>
  withContainer(
    {},
    { argv: ['sleep', '1000'], user: { image: 'web', groups: [4000] }, readOnlyRoot: true, noNewPrivileges: true },
    async (id) => {
      t.is(await say(id, 'id -u; id -g'), '1000\n1000');
      const status = await statusOf(runtime.pidOf(id));
      t.regex(status, /^Groups:\s+2000 4000\s*$/m);
      t.regex(status, /^NoNewPrivs:\s+1$/m);
      t.regex(status, /^CapEff:\s+0+$/m);
      t.regex(status, /^CapBnd:\s+00000000000000e1$/m);
      t.is(await say(id, 'touch /x 2>/dev/null || echo refused'), 'refused');
      t.is(await say(id, 'cat /proc/kcore 2>/dev/null | head -c 4 | wc -c'), '0');
    },
  ),
);

test.serial('the default seccomp profile filters system calls', (t) =>
  withContainer({}, { argv: ['sleep', '1000'], seccomp: 'default' }, async (id) => {
    t.regex(await statusOf(runtime.pidOf(id)), /^Seccomp:\s+2$/m);
  }),
);

test.serial("mounts, host name and shared memory are the pod's", async (t) => {
  const source = join(runtime.directory, 'greeting');
  writeFileSync(source, 'hello\n');
  const mounts = [{ source, target: '/etc/greeting', readOnly: true, propagation: 'private' as const }];
  await withContainer({ hostname: 'web-0' }, { argv: ['sleep', '1000'], mounts }, async (id) => {
    t.is(await say(id, 'cat /etc/greeting; hostname; echo x > /etc/greeting || echo refused'), 'hello\nweb-0\nrefused');
    t.is(await say(id, 'df /dev/shm | tail -1 | cut -d" " -f1'), 'shm');
  });
});

test.serial('containers of one pod share its address; the node reaches it', (t) =>
  withContainer({}, { argv: ['/bin/web'], name: 'web' }, async (id, spec) => {
    const sandbox = (await shim.list()).sandboxes.find((one) => one.id === spec.sandboxId)!;
    const answer = await until('web answers', async () => {
      const result = await runtime.ctx.exec.run([
        'busybox',
        'timeout',
        '20',
        'wget',
        '-qO-',
        `http://${sandbox.ip}:8080/`,
      ]);
      return result.exitCode === 0 && result.stdout;
    });
    t.is(answer.trim(), 'real');
    t.true(await say(id, 'ip addr show eth0').then((text) => text.includes(sandbox.ip)));
    t.true(await say(id, 'ip addr show lo').then((text) => text.includes('127.0.0.1')));
  }),
);

test.serial("containers that share their pod's processes see and signal each other; orphans are reaped", (t) =>
  withContainer({ shareProcessNamespace: true }, { argv: ['sleep', '1234'] }, async (id, spec) => {
    const other = await shim.runContainer({
      ...spec,
      name: 'other',
      argv: ['sh', '-c', 'echo $$ >/dev/shm/pid; exec sleep 4321'],
    });
    const processes = (): Promise<string> => say(id, 'cat /proc/[0-9]*/cmdline | tr "\\0" " "');
    await until('the other one is seen', async () => (await processes()).includes('sleep 4321'));
    t.true((await say(id, 'cat /proc/1/cmdline | tr "\\0" " "')).startsWith('sleep infinity'));
    t.is(await say(id, 'ls /proc/1/root 2>/dev/null || echo refused'), 'refused');
    const orphan = await say(id, 'sleep 0.1 >/dev/null 2>&1 & echo $!');
    await until(
      'nothing is left of a process that nobody waits for',
      async () => (await say(id, `[ -e /proc/${orphan} ] || echo gone`)) === 'gone',
    );
    await say(id, 'until kill -9 $(cat /dev/shm/pid); do sleep 0.1; done');
    t.is((await ended(shim, other.id)).exitCode, 137);
    t.is((await find(shim, id))?.state, 'running');
    await shim.remove(other.id);

    const again = await openCtrShim(runtime.ctx);
    const { sandboxes } = await again.list();
    t.is(sandboxes.find((one) => one.id === spec.sandboxId)?.state, 'ready', 'the next kubelet finds it');
    await again.close();
    const group = `${runtime.ctx.settings.cgroupRoot}/kubepods/pod${spec.pod.uid}/process-namespace`;
    const file = [`/sys/fs/cgroup/memory/${group}`, `/sys/fs/cgroup/${group}`].find((path) => existsSync(path))!;
    process.kill(Number(readFileSync(join(file, 'cgroup.procs'), 'utf8').trim()), 'SIGKILL');
    t.is((await ended(shim, id)).exitCode, 137);
    await until('the sandbox is lost', async () =>
      (await shim.list()).sandboxes.some((one) => one.id === spec.sandboxId && one.state === 'lost'),
    );
  }),
);

test.serial('containers outlive containerd; exits that it missed are told', (t) =>
  withContainer({}, { argv: ['sleep', '1000'] }, async (id, spec) => {
    const script = 'trap "exit 6" TERM; touch /tmp/listens; while :; do sleep 0.1; done';
    const brief = await shim.runContainer({ ...spec, name: 'brief', argv: ['sh', '-c', script] });
    const pid = runtime.pidOf(brief.id);
    await say(brief.id, 'until [ -e /tmp/listens ]; do sleep 0.1; done');
    await runtime.killContainerd();
    const error = await t.throwsAsync(shim.list());
    t.is((error as { kind?: string }).kind, 'Unavailable');
    process.kill(pid, 'SIGTERM');
    await until('it has ended', async () => !isAlive(pid));
    await runtime.startContainerd();
    t.is((await until('containerd is back', () => find(shim, id).catch(() => undefined))).state, 'running');
    t.is((await ended(shim, brief.id)).exitCode, 6);
    await shim.remove(brief.id);
  }),
);

test.serial('a container whose task was lost has ended with 137, ContainerStatusUnknown', (t) =>
  withContainer({}, { argv: ['sleep', '1000'] }, async (id) => {
    await shim.close();
    await runtime.ctr('tasks', 'rm', '--force', id);
    shim = await openCtrShim(runtime.ctx);
    const state = await ended(shim, id);
    t.is(state.exitCode, 137);
    t.is(state.reason, 'ContainerStatusUnknown');
  }),
);

test.serial('with its state directory lost, the shim knows containers by their labels', (t) =>
  withContainer({}, { argv: ['sleep', '1000'], name: 'labelled', attempt: 3 }, async (id, spec) => {
    await shim.close();
    runtime.loseRecords();
    shim = await openCtrShim(runtime.ctx);
    const state = await until('it is found', () => find(shim, id));
    t.like(state, { pod: spec.pod, name: 'labelled', attempt: 3, state: 'running', logPath: spec.logPath });
  }),
);

test.serial('gc frees the address of a sandbox that was never finished', async (t) => {
  const addresses = join(runtime.ctx.settings.stateDir, 'addresses', 'pods');
  writeFileSync(join(addresses, '10.249.7.77'), 'gone\r\neth0');
  t.deepEqual(await shim.gc(), ['address of sandbox gone']);
  t.false(existsSync(join(addresses, '10.249.7.77')));
});

test.serial('at the end nothing is left: no namespace, mount, address, control group, container', async (t) => {
  const state = runtime.ctx.settings.stateDir;
  t.deepEqual(await shim.list(), { sandboxes: [], containers: [] });
  t.false(readFileSync('/proc/self/mountinfo', 'utf8').includes(join(state, 'sandboxes')));
  t.deepEqual(readdirSync(join(state, 'sandboxes')), []);
  t.deepEqual(readdirSync(join(state, 'containers')), []);
  t.deepEqual(
    readdirSync(join(state, 'addresses', 'pods')).filter((name) => /^\d/.test(name) && name !== 'last_reserved_ip.0'),
    [],
  );
  t.deepEqual(
    readdirSync(`/sys/fs/cgroup/memory/${runtime.ctx.settings.cgroupRoot}/kubepods`).filter((name) =>
      name.startsWith('pod'),
    ),
    [],
  );
  t.is((await runtime.ctr('containers', 'ls', '--quiet')).stdout.trim(), '');
  t.is(
    (await runtime.ctr('snapshots', 'ls')).stdout
      .trim()
      .split('\n')
      .filter((line) => line.includes('Active')).length,
    0,
  );
});
