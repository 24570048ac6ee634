// Decides the questions that every runtime shim is asked. A shim that answers them all can carry a kubelet. Never knows
// which shim it asks.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestFn } from 'ava';
import { patience } from '../../test/kit/patience.ts';
import {
  ShimError,
  type ContainerSpec,
  type ContainerState,
  type ExecSession,
  type ImageState,
  type RuntimeShim,
  type SandboxSpec,
  type SandboxState,
} from '../contract.ts';

export interface ShimUnderTest {
  shim: RuntimeShim;
  /** The same runtime, seen by a kubelet that has been killed and started again. */
  reopen(): Promise<RuntimeShim>;
  /** An image that is there, with a shell and sleep. */
  imageRef: string;
  /** false: containers are only pretended; what they print and exec is not asked. */
  isReal: boolean;
  logsDir: string;
}

let count = 0;

export function podOf(name: string): SandboxSpec {
  const uid = `00000000-0000-4000-8000-${String(Date.now() % 1e6).padStart(6, '0')}${String(++count).padStart(6, '0')}`;
  return {
    pod: { uid, namespace: 'default', name },
    attempt: 0,
    hostname: name,
    hostNetwork: false,
    hostPid: false,
    hostIpc: false,
    shareProcessNamespace: false,
    limits: {},
    annotations: {},
  };
}

export function containerOf(
  under: { logsDir: string },
  sandbox: SandboxState,
  image: ImageState,
  more: Partial<ContainerSpec> & { argv: string[] },
): ContainerSpec {
  const name = more.name ?? 'main';
  const logPath = join(under.logsDir, sandbox.pod.uid, `${name}-${more.attempt ?? 0}.log`);
  mkdirSync(join(logPath, '..'), { recursive: true });
  return {
    pod: sandbox.pod,
    sandboxId: sandbox.id,
    name,
    attempt: 0,
    kind: 'main',
    image,
    env: { PATH: '/bin:/usr/bin' },
    workingDir: '/',
    user: { image: '', groups: [] },
    mounts: [],
    limits: {},
    capabilities: ['CAP_CHOWN', 'CAP_KILL', 'CAP_SETUID', 'CAP_SETGID'],
    privileged: false,
    readOnlyRoot: false,
    noNewPrivileges: false,
    seccomp: 'unconfined',
    oomScoreAdjust: 0,
    sysctls: {},
    logPath,
    annotations: {},
    tty: false,
    ...more,
  };
}

export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | false>,
  timeoutMs = 120_000,
): Promise<T> {
  const goesOn = patience(timeoutMs);
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer as T;
    if (!goesOn()) throw new Error(`waited ${timeoutMs} ms in vain: ${what}`);
    await sleep(50);
  }
}

export async function find(shim: RuntimeShim, id: string): Promise<ContainerState | undefined> {
  return (await shim.list()).containers.find((container) => container.id === id);
}

export function ended(shim: RuntimeShim, id: string, timeoutMs?: number): Promise<ContainerState> {
  return until(
    `container ${id} has ended`,
    async () => {
      const state = await find(shim, id);
      return state?.state === 'exited' && state;
    },
    timeoutMs,
  );
}

export async function outputOf(
  session: ExecSession,
): Promise<{ stdout: string; stderr: string; exitCode: number; error?: string }> {
  let stdout = '';
  let stderr = '';
  session.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  session.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return { ...(await session.ended), stdout, stderr };
}

/** `open` is called once, before the first question. */
export function askShim(test: TestFn, open: () => Promise<ShimUnderTest>): void {
  let under: ShimUnderTest;
  const ask = test.serial;
  test.before(async () => {
    under = await open();
  });

  /** A pod with one container; removed when the question has been answered. */
  const withPod = async (
    name: string,
    body: (pod: {
      sandbox: SandboxState;
      image: ImageState;
      run: (more: Partial<ContainerSpec> & { argv: string[] }) => Promise<ContainerState>;
    }) => Promise<void>,
  ): Promise<void> => {
    const { shim } = under;
    const image = await shim.ensureImage(under.imageRef, { policy: 'IfNotPresent' });
    const sandbox = await shim.createSandbox(podOf(name));
    try {
      await body({ sandbox, image, run: (more) => shim.runContainer(containerOf(under, sandbox, image, more)) });
    } finally {
      for (const container of (await shim.list()).containers)
        if (container.pod.uid === sandbox.pod.uid) await shim.remove(container.id);
      await shim.removeSandbox(sandbox.id);
    }
  };

  ask('it says its name and version', async (t) => {
    const { name, version } = await under.shim.version();
    t.truthy(name);
    t.truthy(version);
  });

  ask('an image that is there is not pulled', async (t) => {
    const image = await under.shim.ensureImage(under.imageRef, {
      policy: 'IfNotPresent',
      onPull: () => t.fail('pulled'),
    });
    t.is(image.ref, under.imageRef);
    t.regex(image.id, /^sha256:[0-9a-f]{64}$/);
  });

  ask('an image that is not there is refused by policy Never', async (t) => {
    const error = await t.throwsAsync(under.shim.ensureImage('registry.invalid/no/such:1', { policy: 'Never' }));
    t.is((error as ShimError).kind, 'ErrImageNeverPull');
  });

  ask('an image whose name is no name is refused', async (t) => {
    const error = await t.throwsAsync(under.shim.ensureImage('UPPER/Case', { policy: 'IfNotPresent' }));
    t.is((error as ShimError).kind, 'InvalidImageName');
  });

  ask('a sandbox has an address of its own; asked for again, it is the same', async (t) => {
    const one = podOf('one');
    const two = podOf('two');
    const [a, b] = await Promise.all([under.shim.createSandbox(one), under.shim.createSandbox(two)]);
    t.regex(a.ip, /^\d+\.\d+\.\d+\.\d+$/);
    t.not(a.ip, b.ip);
    t.is(a.state, 'ready');
    t.deepEqual(await under.shim.createSandbox(one), a);
    t.deepEqual(
      (await under.shim.list()).sandboxes.filter(({ pod }) => pod.uid === one.pod.uid),
      [a],
    );
    await under.shim.removeSandbox(a.id);
    await under.shim.removeSandbox(b.id);
    await under.shim.removeSandbox(b.id);
    t.deepEqual(
      (await under.shim.list()).sandboxes.filter(({ pod }) => [one.pod.uid, two.pod.uid].includes(pod.uid)),
      [],
    );
  });

  ask('a container runs until it is told to end', (t) =>
    withPod('runs', async ({ run, sandbox }) => {
      const container = await run({ argv: ['sleep', '1000'] });
      t.is(container.state, 'running');
      t.is(container.sandboxId, sandbox.id);
      t.is((await find(under.shim, container.id))?.state, 'running');
      await under.shim.signal(container.id, 'SIGKILL');
      t.is((await ended(under.shim, container.id)).exitCode, 137);
      await under.shim.signal(container.id, 'SIGTERM');
      await under.shim.remove(container.id);
      await under.shim.remove(container.id);
      t.is(await find(under.shim, container.id), undefined);
    }),
  );

  ask('the same run asked for twice is one container', (t) =>
    withPod('twice', async ({ run }) => {
      const [a, b] = await Promise.all([run({ argv: ['sleep', '1000'] }), run({ argv: ['sleep', '1000'] })]);
      t.deepEqual(a, b);
    }),
  );

  ask('an exit is told as it happens, with its code and its times', (t) =>
    withPod('exits', async ({ run }) => {
      const seen: ContainerState[] = [];
      const watch = under.shim.watch((event) => event.type === 'changed' && seen.push(event.container));
      const container = await run({
        argv: ['sh', '-c', 'sleep 0.7; exit 7'],
        annotations: { 'hollow.flotilla.io/exit-code': '7', 'hollow.flotilla.io/exit-after-ms': '700' },
      });
      const told = await until('the exit event', async () => seen.find(({ id }) => id === container.id));
      watch.stop();
      t.is(told.exitCode, 7);
      t.true(told.finishedAtMs! >= told.startedAtMs);
      t.deepEqual(await find(under.shim, container.id), told);
    }),
  );

  ask('a container that cannot start has ended with 128, StartError', (t) =>
    withPod('cannot', async ({ run, sandbox }) => {
      const starting = run({ argv: ['/no/such/program'], annotations: { 'hollow.flotilla.io/start': 'fail' } });
      const error = await t.throwsAsync(starting);
      t.is((error as ShimError).kind, 'RunContainerError');
      const [state] = (await under.shim.list()).containers.filter(({ pod }) => pod.uid === sandbox.pod.uid);
      t.is(state?.exitCode, 128);
      t.is(state?.reason, 'StartError');
    }),
  );

  ask('a shim that is opened anew finds what runs, and what ended meanwhile', (t) =>
    withPod('adopted', async ({ run }) => {
      const lasting = await run({ name: 'lasting', argv: ['sleep', '1000'] });
      const brief = await run({
        name: 'brief',
        argv: ['sh', '-c', 'sleep 0.5; exit 9'],
        annotations: { 'hollow.flotilla.io/exit-code': '9', 'hollow.flotilla.io/exit-after-ms': '500' },
      });
      await under.shim.close();
      await sleep(900);
      under.shim = await under.reopen();
      t.deepEqual(await find(under.shim, lasting.id), lasting);
      t.is((await ended(under.shim, brief.id)).exitCode, 9);
      await under.shim.signal(lasting.id, 'SIGKILL');
      t.is((await ended(under.shim, lasting.id)).exitCode, 137);
    }),
  );

  ask('gc finds nothing to remove where nothing was lost', async (t) => {
    t.deepEqual(await under.shim.gc(), []);
  });

  ask('what a container uses can be asked', (t) =>
    withPod('stats', async ({ run }) => {
      if (!under.isReal) return void t.pass();
      const container = await run({ argv: ['sleep', '1000'] });
      const used = await until('its memory is counted', async () => {
        const stats = await under.shim.stats(container.id);
        return stats !== undefined && stats.memoryWorkingSetBytes > 0 && stats;
      });
      t.true(used.cpuUsageNanos >= 0);
    }),
  );

  ask('exec passes input, output, errors and the exit code', (t) =>
    withPod('exec', async ({ run }) => {
      if (!under.isReal) return void t.pass();
      const container = await run({ argv: ['sleep', '1000'] });
      const session = under.shim.exec(
        container.id,
        ['sh', '-c', 'read line; echo "got $line"; echo oops >&2; exit 3'],
        { tty: false, stdin: true },
      );
      session.stdin!.end('hello\n');
      t.deepEqual(await outputOf(session), { exitCode: 3, stdout: 'got hello\n', stderr: 'oops\n' });
    }),
  );

  ask('exec of what is not there says so', (t) =>
    withPod('noexec', async ({ run }) => {
      if (!under.isReal) return void t.pass();
      const container = await run({ argv: ['sleep', '1000'] });
      const { exitCode, error } = await outputOf(
        under.shim.exec(container.id, ['no-such-program'], { tty: false, stdin: false }),
      );
      t.true(exitCode === 126 || exitCode === 127, `exit code ${exitCode}: ${error}`);
      t.regex(error ?? '', /not found|no such file/i);
    }),
  );

  ask('exec that takes too long is ended', (t) =>
    withPod('slow', async ({ run }) => {
      if (!under.isReal) return void t.pass();
      const container = await run({ argv: ['sleep', '1000'] });
      // Not ended, it would not come back before the limit of the test run.
      const { exitCode } = await outputOf(
        under.shim.exec(container.id, ['sleep', '100000'], { tty: false, stdin: false, timeoutMs: 500 }),
      );
      t.not(exitCode, 0);
      t.is((await find(under.shim, container.id))?.state, 'running');
    }),
  );

  ask('exec with a terminal has one', (t) =>
    withPod('tty', async ({ run }) => {
      if (!under.isReal) return void t.pass();
      const container = await run({ argv: ['sleep', '1000'] });
      const { stdout, exitCode } = await outputOf(
        under.shim.exec(container.id, ['sh', '-c', 'test -t 0 && echo "it\'s a terminal"; exit 4'], {
          tty: true,
          stdin: false,
        }),
      );
      t.regex(stdout, /it's a terminal/);
      t.is(exitCode, 4);
    }),
  );

  ask('what is written to a running container is read by it; its end is told once the writer has gone', (t) =>
    withPod('stdin', async ({ run }) => {
      if (!under.isReal || under.shim.openInput === undefined) return void t.pass();
      const container = await run({ argv: ['sh', '-c', 'read line; echo "got $line"; cat; exit 6'], stdin: 'once' });
      const input = await under.shim.openInput(container.id);
      await new Promise<void>((resolve) => void input.stdin!.write('one\ntwo\n', () => resolve()));
      await input.close();
      t.is((await ended(under.shim, container.id)).exitCode, 6);
      t.is(readFileSync(container.logPath, 'utf8'), 'got one\ntwo\n');
    }),
  );

  ask('a writer who goes does not end the input of a container that keeps it open', (t) =>
    withPod('stdin-open', async ({ run }) => {
      if (!under.isReal || under.shim.openInput === undefined) return void t.pass();
      const container = await run({ argv: ['sh', '-c', 'read a; read b; echo "$a $b"'], stdin: 'open' });
      for (const word of ['one', 'two']) {
        const input = await under.shim.openInput(container.id);
        await new Promise<void>((resolve) => void input.stdin!.write(`${word}\n`, () => resolve()));
        await input.close();
      }
      await ended(under.shim, container.id);
      t.is(readFileSync(container.logPath, 'utf8'), 'one two\n');
    }),
  );

  ask('a container with a terminal has one, of the size that is asked for, and its exit code is known', (t) =>
    withPod('terminal', async ({ run }) => {
      if (!under.isReal || under.shim.openInput === undefined) return void t.pass();
      const script =
        'test -t 0 && echo terminal; until [ "$(stty size)" = "30 100" ]; do sleep 0.1; done; read x; exit $x';
      const container = await run({ argv: ['sh', '-c', script], stdin: 'open', tty: true });
      const input = await under.shim.openInput(container.id);
      input.resize(100, 30);
      await new Promise<void>((resolve) => void input.stdin!.write('7\n', () => resolve()));
      t.is((await ended(under.shim, container.id)).exitCode, 7);
      t.regex(readFileSync(container.logPath, 'utf8'), /terminal\r\n/);
      await input.close();
    }),
  );

  ask('a container on a terminal that cannot start says why', (t) =>
    withPod('no-terminal', async ({ run }) => {
      if (!under.isReal || under.shim.openInput === undefined) return void t.pass();
      const error = await t.throwsAsync(run({ argv: ['no-such-program'], stdin: 'open', tty: true }));
      t.regex(error?.message ?? '', /no-such-program/);
    }),
  );

  ask('output goes to the log file', (t) =>
    withPod('logs', async ({ run }) => {
      if (!under.isReal) return void t.pass();
      const { readFileSync } = await import('node:fs');
      // Several, and short: what is said last must not be lost because the other output has ended.
      for (let attempt = 0; attempt < 5; attempt++) {
        const argv = ['sh', '-c', `echo ${attempt} to stdout; echo ${attempt} to stderr >&2`];
        const { id, logPath } = await run({ argv, attempt });
        await ended(under.shim, id);
        await until(`both lines of attempt ${attempt} are in the log`, async () => {
          const text = readFileSync(logPath, 'utf8');
          return text.includes(`${attempt} to stdout`) && text.includes(`${attempt} to stderr`);
        });
      }
      t.pass();
    }),
  );

  ask('environment, host name and directory are as told', (t) =>
    withPod('told', async ({ run }) => {
      if (!under.isReal) return void t.pass();
      const { readFileSync } = await import('node:fs');
      const container = await run({
        argv: ['sh', '-c', 'echo "$GREETING|$(pwd)|${HOSTNAME:-$(hostname)}"'],
        env: { PATH: '/bin:/usr/bin', GREETING: 'good, morning=1', HOSTNAME: 'told' },
        workingDir: '/tmp',
      });
      await ended(under.shim, container.id);
      await until('the line', async () =>
        readFileSync(container.logPath, 'utf8').includes('good, morning=1|/tmp|told'),
      );
      t.pass();
    }),
  );
}
