// Shows exec, attach, run -it, cp, port-forward, debug and logs with every kubectl that this machine has, over every
// transport that it speaks, on real containers. Without any kubectl it says so: test/conformance speaks the protocols itself.
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Pod } from '../../lib/api/generated/types.ts';
import { follow, run, TestCluster, type Ran } from '../kit/cluster.ts';
import { eventually } from '../kit/eventually.ts';
import { IMAGE, isReady, shellPod, yaml } from '../kit/manifests.ts';
import { tellOnFailure } from '../kit/tell-on-failure.ts';
import { onTerminal } from '../kit/terminal.ts';
import { findKubectls, type Kubectl } from '../kubectl/find-kubectls.ts';

const cluster = new TestCluster({ name: 'streams', args: ['--nodes', '1', '--stores', '1'] });
tellOnFailure(test, cluster);
/** Oldest first. */
let kubectls: Kubectl[] = [];

/** A kubectl, and how it is told to speak. */
interface Client {
  name: string;
  path: string;
  env: Record<string, string>;
}

const SPDY = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false', KUBECTL_PORT_FORWARD_WEBSOCKETS: 'false' };
const plain = ({ file, version }: Kubectl): Client => ({ name: `kubectl ${version}`, path: file, env: {} });
const forced = ({ file, version }: Kubectl): Client => ({ name: `kubectl ${version}, SPDY`, path: file, env: SPDY });
/** The oldest, the newest, and the newest without WebSockets: between them every transport. */
const few = (): Client[] => [
  ...new Map(
    [plain(kubectls[0]!), plain(kubectls.at(-1)!), forced(kubectls.at(-1)!)].map((one) => [one.name, one]),
  ).values(),
];

const argvOf = ({ path }: Client, args: readonly string[]): string[] => [
  path,
  '--kubeconfig',
  join(cluster.home, 'kubeconfig'),
  ...args,
];
/** kubectl's own race, with every server: the empty message that opens a stream may come before it knows the stream. */
const NOISE = /^E\d{4} .*websocket\.go:\d+\] Unknown stream id \d, discarding message\n/gm;

async function ask(client: Client, args: readonly string[], stdin = ''): Promise<Ran> {
  const ran = await run(argvOf(client, args), { stdin, env: { HOME: cluster.home, ...client.env } });
  return { ...ran, stderr: ran.stderr.replaceAll(NOISE, '') };
}

async function must(t: ExecutionContext, client: Client, args: readonly string[], stdin = ''): Promise<string> {
  const { code, stdout, stderr } = await ask(client, args, stdin);
  t.is(code, 0, `${client.name} ${args.join(' ')}: ${stderr}`);
  return stdout;
}

const ready = (name: string): Promise<Pod> =>
  eventually(`${name} is ready`, async () => {
    const pod = await cluster.get<Pod>('pod', name);
    return isReady(pod) && pod;
  });

const WEB = `mkdir /w; echo "hello" > /w/index.html; head -c 300000 /dev/zero > /w/zeros
httpd -p 80 -h /w; httpd -p 127.0.0.1:8081 -h /w
while :; do echo tick; sleep 1; done`;
/** As kubectl has it of a kubelet with containerd. */
const NOT_RUN =
  /^error: Internal error occurred: error executing command in container: failed to exec in container: failed to start exec "[-\w]+": OCI runtime exec failed: exec failed: .*exec: "nosuch": executable file not found in \$PATH: unknown\n$/;
const LAST = 'echo one; echo two; echo three; exit 1';

test.before(async () => {
  kubectls = (await findKubectls()).toReversed();
  if (kubectls.length === 0) return;
  await cluster.up();
  await cluster.mustApply(shellPod('web', WEB));
  await cluster.mustApply(shellPod('last', LAST, { pod: { restartPolicy: 'Never' } }));
  await ready('web');
});
test.after.always(async () => {
  if (kubectls.length > 0) await cluster.down();
});

function title(name: string, body: (t: ExecutionContext) => Promise<void>): void {
  test.serial(name, async (t) => {
    if (kubectls.length > 0) return body(t);
    t.log(
      'no kubectl on this machine (on the PATH or where tools put it): only test/conformance/streams.test.ts has shown this',
    );
    t.pass();
  });
}

title('exec in every version and transport: input, outputs, exit code, and what cannot be', async (t) => {
  t.log(kubectls.map(({ version, file }) => `${version} ${file}`).join('\n'));
  const clients = kubectls.flatMap((one) => (one.minor < 30 ? [plain(one)] : [plain(one), forced(one)]));
  const script = 'cat; echo oops >&2; exit 7';
  const one = async (client: Client): Promise<void> => {
    const said = await ask(client, ['exec', '-i', 'web', '--', 'sh', '-c', script], `from ${client.name}`);
    t.deepEqual(
      [said.code, said.stdout, said.stderr],
      [7, `from ${client.name}`, 'oops\ncommand terminated with exit code 7\n'],
      client.name,
    );
  };
  for (let i = 0; i < clients.length; i += 3) await Promise.all(clients.slice(i, i + 3).map(one));
  for (const client of few()) {
    const unknown = await ask(client, ['exec', 'web', '-c', 'nosuch', '--', 'ls']);
    t.is(unknown.code, 1);
    t.regex(unknown.stderr, /container nosuch is (not valid for pod web|not found in pod web)/, client.name);
    t.regex((await ask(client, ['exec', 'nosuch', '--', 'ls'])).stderr, /pods "nosuch" not found/);
    const missing = await ask(client, ['exec', 'web', '--', 'nosuch']);
    t.deepEqual([missing.code, missing.stdout], [1, ''], client.name);
    t.regex(missing.stderr, NOT_RUN, client.name);
  }
});

title('exec -it: the size of the terminal and of another one, and the exit code', async (t) => {
  for (const client of few()) {
    const script =
      'until [ "$(stty size)" = "33 101" ]; do sleep 0.1; done; read name; echo "hello $name, $TERM"; exit 5';
    const env = Object.entries(client.env).map(([name, value]) => `${name}=${value}`);
    const terminal = onTerminal(
      ['env', ...env, ...argvOf(client, ['exec', '-it', 'web', '--', 'env', 'TERM=vt100', 'sh', '-c', script])],
      { rows: 33, columns: 101 },
    );
    terminal.type('you\n');
    t.is(await terminal.ended, 5, `${client.name}: ${terminal.said()}`);
    t.regex(terminal.said(), /hello you, vt100\r\n/);
  }
});

title('cp carries 20 MB both ways, byte for byte', async (t) => {
  const bytes = randomBytes(20_000_000);
  const sum = (data: Buffer): string => createHash('sha256').update(data).digest('hex');
  const [there, back] = [join(cluster.home, 'there'), join(cluster.home, 'back')];
  writeFileSync(there, bytes);
  for (const client of few().slice(0, 2)) {
    await must(t, client, ['cp', there, 'web:/tmp/big']);
    t.is(
      (await must(t, client, ['exec', 'web', '--', 'sha256sum', '/tmp/big'])).split(' ')[0],
      sum(bytes),
      client.name,
    );
    await must(t, client, ['cp', 'web:/tmp/big', back]);
    t.is(sum(readFileSync(back)), sum(bytes), client.name);
    rmSync(back);
  }
});

title('port-forward: many connections at once, one that only loopback hears, one that nobody hears', async (t) => {
  for (const client of few()) {
    const argv = argvOf(client, ['port-forward', 'pod/web', ':80', ':8081', ':9']);
    const env = Object.entries(client.env).map(([name, value]) => `${name}=${value}`);
    const forward = follow(['env', ...env, ...argv]);
    try {
      const portOf = (port: number): Promise<string> =>
        eventually(
          `${client.name} listens for ${port}`,
          () => new RegExp(`127.0.0.1:(\\d+) -> ${port}\\n`).exec(forward.said())?.[1],
        );
      const get = async (port: string, path: string): Promise<ArrayBuffer> => {
        const url = `http://127.0.0.1:${port}${path}`;
        const answer = await fetch(url, { headers: { connection: 'close' } }).catch((error: Error) => {
          throw new Error(`${client.name} ${url}: ${String(error.cause)}; it said ${forward.said()}`);
        });
        return answer.arrayBuffer();
      };
      const port = await portOf(80);
      const pages = await Promise.all(Array.from({ length: 12 }, () => get(port, '/zeros')));
      t.true(
        pages.every(({ byteLength }) => byteLength === 300_000),
        client.name,
      );
      t.is(Buffer.from(await get(await portOf(8081), '/')).toString(), 'hello\n', client.name);
      await t.throwsAsync(get(await portOf(9), '/'));
      await eventually('the refusal is told', () =>
        /error forwarding port 9 to pod web, uid [-\w]+: /.test(forward.said()),
      );
    } finally {
      forward.stop();
    }
  }
});

title('run -i and run -it: input, its end, the terminal, the exit code', async (t) => {
  const client = plain(kubectls.at(-1)!);
  const piped = await ask(
    client,
    ['run', 'piped', '-i', '--rm', '--restart=Never', `--image=${IMAGE}`, '--', 'sh', '-c', 'cat; exit 3'],
    'all of it\n',
  );
  t.is(piped.code, 3, piped.stderr);
  t.regex(piped.stdout, /^all of it\n/);
  const script = 'until [ "$(stty size)" = "20 60" ]; do sleep 0.1; done; read name; echo "hello $name"; exit 4';
  const args = ['run', 'typed', '-it', '--rm', '--restart=Never', `--image=${IMAGE}`, '--', 'sh', '-c', script];
  const terminal = onTerminal(argvOf(client, args), { rows: 20, columns: 60 });
  terminal.type('you\n');
  t.is(await terminal.ended, 4, terminal.said());
  t.regex(terminal.said(), /hello you\r\n/);
});

title('attach: several times to one container, whose input stays open; its death ends it', async (t) => {
  const container = { stdin: true, tty: true };
  const script = 'while read word; do echo "heard $word"; done';
  await cluster.mustApply(shellPod('talk', script, { container, pod: { restartPolicy: 'Never' } }));
  await ready('talk');
  for (const [i, client] of few().entries()) {
    const env = Object.entries(client.env).map(([name, value]) => `${name}=${value}`);
    const terminal = onTerminal(['env', ...env, ...argvOf(client, ['attach', '-it', 'talk'])], {
      rows: 24,
      columns: 80,
    });
    terminal.type(`word${i}\n`);
    await eventually(`${client.name} hears it: ${terminal.said()}`, () => terminal.said().includes(`heard word${i}`));
    terminal.stop();
  }
  const last = onTerminal(argvOf(few()[0]!, ['attach', '-it', 'talk']), { rows: 24, columns: 80 });
  last.type('again\n');
  await eventually('it is attached', () => last.said().includes('heard again'));
  last.type('\u0004');
  t.is(await last.ended, 0, last.said());
});

title('debug: a container that sees the processes of another one', async (t) => {
  const client = plain(kubectls.at(-1)!);
  const args = [
    'debug',
    'web',
    '-i',
    `--image=${IMAGE}`,
    '--target=main',
    '-c',
    'look',
    '--',
    'sh',
    '-c',
    'read x; ps; exit 0',
  ];
  const said = await ask(client, args, 'go\n');
  t.is(said.code, 0, said.stderr);
  t.regex(said.stdout, /httpd -p 80/);
  const status = await eventually('its end is told', async () =>
    (await cluster.get<Pod>('pod', 'web')).status?.ephemeralContainerStatuses?.find(({ state }) => state?.terminated),
  );
  t.is(status.state?.terminated?.exitCode, 0);
  const again = await cluster.get<Pod>('pod', 'web');
  t.is(again.status?.containerStatuses?.[0]?.restartCount, 0);
});

title('containers that share their processes see each other; so does one that is added to look at them', async (t) => {
  const client = plain(kubectls.at(-1)!);
  const side = { name: 'side', image: IMAGE, command: ['sleep', '4321'] };
  await cluster.mustApply(
    yaml({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'shared' },
      spec: {
        shareProcessNamespace: true,
        terminationGracePeriodSeconds: 1,
        containers: [{ name: 'main', image: IMAGE, command: ['sleep', '1234'] }, side],
      },
    }),
  );
  await ready('shared');
  t.regex(await must(t, client, ['exec', 'shared', '-c', 'main', '--', 'ps']), /sleep 4321/);
  const args = ['debug', 'shared', '-i', `--image=${IMAGE}`, '-c', 'look', '--', 'sh', '-c', 'read x; ps'];
  const said = await ask(client, args, 'go\n');
  t.regex(said.stdout, /sleep 1234[^]*sleep 4321|sleep 4321[^]*sleep 1234/, said.stderr);
});

title('logs: follow to the end, tail, limits, times, since, previous, all containers', async (t) => {
  const client = plain(kubectls.at(-1)!);
  const logs = (...args: string[]): Promise<string> => must(t, client, ['logs', ...args]);
  await eventually('it has ended', async () => (await cluster.get<Pod>('pod', 'last')).status?.phase === 'Failed');
  t.is(await logs('last', '-f'), 'one\ntwo\nthree\n');
  t.is(await logs('last', '--tail=1'), 'three\n');
  t.is(await logs('last', '--limit-bytes=5'), 'one\nt');
  t.regex(await logs('last', '--timestamps', '--tail=1'), /^\d{4}-\d\d-\d\dT[\d:.]+Z three\n$/);
  t.is(await logs('last', '--since-time=2100-01-01T00:00:00Z'), '');
  t.regex(await logs('web', '--all-containers', '--prefix', '--tail=1'), /^\[pod\/web\/main\] tick\n/m);
  const never = await ask(client, ['logs', 'last', '--previous']);
  t.regex(never.stderr, /previous terminated container "main" in pod "last" not found/);
  const follower = follow(argvOf(client, ['logs', '-f', 'web', '--tail=0']));
  await eventually('a line comes', () => follower.said().includes('tick'));
  follower.stop();
});

title('a container that dies, and a kubelet that is killed, end the commands in them', async (t) => {
  await cluster.mustApply(shellPod('mortal', 'sleep 1000', { pod: { restartPolicy: 'Never' } }));
  await ready('mortal');
  const sleeper = (client: Client, pod: string): ReturnType<typeof follow> => {
    const env = Object.entries(client.env).map(([name, value]) => `${name}=${value}`);
    return follow(['env', ...env, ...argvOf(client, ['exec', pod, '--', 'sh', '-c', 'echo up; sleep 1000'])]);
  };
  const started = few().map((client) => sleeper(client, 'mortal'));
  await eventually('all run', () => started.every(({ said }) => said().includes('up')));
  await cluster.must('delete', 'pod', 'mortal', '--grace-period', '0', '--force');
  for (const { ended, said } of started) t.not(await ended, 0, said());
  const orphan = sleeper(few()[0]!, 'web');
  await eventually('it runs', () => orphan.said().includes('up'));
  await cluster.kill('kubelet-node-1');
  t.not(await orphan.ended, 0, orphan.said());
  t.is(
    await eventually('the next kubelet serves', async () => {
      const { code, stdout } = await ask(few()[0]!, ['exec', 'web', '--', 'echo', 'back']);
      return code === 0 && stdout;
    }),
    'back\n',
  );
});
