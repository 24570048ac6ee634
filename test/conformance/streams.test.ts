// Shows exec, attach and port-forward between clients of every protocol and a kubelet that is played here: what is carried,
// how it ends, who is let in, what a slow or a wrong client does to others.
import test from 'ava';
import fc from '../kit/fast-check.ts';
import { systemClock } from '../../lib/actor/system.ts';
import { ApiError } from '../../lib/base/errors.ts';
import { LIMITS } from '../../lib/base/limits.ts';
import type { StreamOpen } from '../../lib/bus/messages.ts';
import { serveStreams, type BusStream } from '../../lib/bus/streams.ts';
import { encode } from '../../lib/streams/spdy/frames.ts';
import { HeaderWriter } from '../../lib/streams/spdy/header-block.ts';
import type { SpdyConnection } from '../../lib/streams/spdy/connection.ts';
import { startApi, type TestApi } from '../kit/api-server.ts';
import { eventually } from '../kit/eventually.ts';
import {
  messagesOf,
  openSpdy,
  openTunnel,
  openWebSocket,
  Refused,
  textOf,
  upgradeToSpdy,
} from '../kit/stream-client.ts';

const PODS = '/api/v1/namespaces/default/pods';
const EXEC = `${PODS}/web/exec?container=c&command=run&stdin=true&stdout=true&stderr=true`;
const SILENT = `${PODS}/web/exec?command=silent&stdout=true`;
const FORWARD = `${PODS}/web/portforward`;

let api: TestApi;
const opened: Array<StreamOpen & { verb: string }> = [];
const ended = new Set<string>();
/** Of commands that print without end: how much the kubelet could get rid of. */
let printedBytes = 0;

test.before(async () => {
  api = await startApi();
  await api.http('POST', '/api/v1/namespaces/default/serviceaccounts', { body: { metadata: { name: 'default' } } });
  await api.http('POST', '/api/v1/nodes', { body: { metadata: { name: 'node-1' } } });
  for (const name of ['web', 'nowhere'])
    await api.http('POST', PODS, {
      body: {
        metadata: { name },
        spec: {
          containers: [
            { name: 'c', image: 'x' },
            { name: 'd', image: 'x' },
          ],
        },
      },
    });
  await api.http('POST', `${PODS}/web/binding`, {
    body: { metadata: { name: 'web' }, target: { kind: 'Node', name: 'node-1' } },
  });
  const bus = api.network.connect('kubelet-node-1');
  serveStreams({ cluster: 'c1', bus, clock: systemClock }, 'node-1', serve);
});
test.after.always(() => api.stop());

async function serve(verb: string, open: StreamOpen, stream: BusStream): Promise<void> {
  opened.push({ ...open, verb });
  void stream.closed.then(() => ended.add(open.id));
  if (open.port === 81) throw new ApiError('InternalError', 'connection refused');
  const [word] = open.command ?? [];
  if (word === 'refused') throw new ApiError('BadRequest', 'container c of pod web is not running');
  if (word === 'silent') return stream.onFrame(() => {});
  if (word === 'gone') return stream.close();
  if (word === 'endless') return void print(stream);
  const said: Buffer[] = [];
  stream.onFrame(async (frame) => {
    if (frame.type === 'resize') await stream.write('stdout', Buffer.from(`${frame.width}x${frame.height};`));
    if (frame.type === 'data') said.push(Buffer.from(frame.data));
    if (frame.type !== 'end' && said.at(-1)?.at(-1) !== 0x0a) return;
    await stream.write('stdout', Buffer.from(`${verb} got ${Buffer.concat(said).toString()}`));
    if (verb !== 'portforward' && open.tty !== true) await stream.write('stderr', Buffer.from('oops'));
    stream.exit(verb === 'exec' ? 3 : 0);
  });
}

async function print(stream: BusStream): Promise<void> {
  let isOver = false;
  stream.onFrame(() => {});
  void stream.closed.then(() => (isOver = true));
  for (; !isOver; printedBytes += LIMITS.streamFrameBytes)
    await stream.write('stdout', Buffer.alloc(LIMITS.streamFrameBytes));
}

const lastOpened = (): StreamOpen => opened.at(-1)!;
const STATUS = {
  metadata: {},
  status: 'Failure',
  message: 'command terminated with non-zero exit code: exit status 3',
  reason: 'NonZeroExitCode',
  details: { causes: [{ reason: 'ExitCode', message: '3' }] },
};

/** As kubectl does: all streams first, then input, then its end. */
async function runOverSpdy(connection: SpdyConnection, types: readonly string[], input: string) {
  const streams = Object.fromEntries(types.map((type) => [type, connection.open([['streamType', type]])]));
  const texts = Object.fromEntries(Object.entries(streams).map(([type, stream]) => [type, textOf(stream)]));
  if (streams['resize'] !== undefined) await streams['resize'].write(Buffer.from('{"Width":100,"Height":30}\n'));
  await streams['stdin']!.write(Buffer.from(input));
  streams['stdin']!.end();
  const [error, stdout, stderr] = await Promise.all([texts['error'], texts['stdout'], texts['stderr']]);
  await connection.closed;
  return { error, stdout, stderr };
}

// ---- commands -------------------------------------------------------------------------------------------------------

test.serial('exec over SPDY: input and its end, both outputs, the exit code as a Status', async (t) => {
  const input = 'x'.repeat(1_000_000);
  const said = await runOverSpdy(await openSpdy(api, EXEC), ['error', 'stdin', 'stdout', 'stderr'], input);
  t.is(said.stdout, `exec got ${input}`);
  t.is(said.stderr, 'oops');
  t.deepEqual(JSON.parse(said.error!), STATUS);
  t.like(lastOpened(), { verb: 'exec', pod: 'web', container: 'c', command: ['run'], stdin: true, tty: false });
});

test.serial('exec over SPDY on a terminal: one output, and its size', async (t) => {
  const connection = await openSpdy(api, `${EXEC}&tty=true`);
  const said = await runOverSpdy(connection, ['error', 'stdin', 'stdout', 'resize'], 'ls');
  t.true(said.stdout === '100x30;exec got ls' || said.stdout === 'exec got ls', 'the size has a stream of its own');
  t.deepEqual(JSON.parse(said.error!), STATUS);
});

test.serial('older protocols over SPDY tell an exit code as text', async (t) => {
  for (const protocols of [['v9.channel.k8s.io', 'v2.channel.k8s.io'], []]) {
    const { socket, protocol } = await upgradeToSpdy(api, EXEC, { protocols });
    t.is(protocol, protocols.length === 0 ? 'channel.k8s.io' : 'v2.channel.k8s.io');
    socket.destroy();
    const connection = await openSpdy(api, EXEC, { protocols });
    const said = await runOverSpdy(connection, ['error', 'stdin', 'stdout', 'stderr'], 'a');
    t.is(said.error, STATUS.message);
  }
});

for (const [name, isText] of [
  ['v5.channel.k8s.io', false],
  ['v4.channel.k8s.io', false],
  ['v4.base64.channel.k8s.io', true],
  ['channel.k8s.io', false],
  ['base64.channel.k8s.io', true],
] as const)
  test.serial(`exec over a WebSocket: ${name}`, async (t) => {
    const socket = await openWebSocket(api, EXEC, { protocols: [name] });
    t.is(socket.protocol, name);
    const all = messagesOf(socket);
    const send = (channel: number, text: string): void =>
      socket.send(
        isText ? `${channel}${Buffer.from(text).toString('base64')}` : Buffer.from([channel, ...Buffer.from(text)]),
      );
    send(0, 'hel');
    // Only v5 can say that the input has ended; the others type what this command takes for the end.
    send(0, name === 'v5.channel.k8s.io' ? 'lo' : 'lo\n');
    if (name === 'v5.channel.k8s.io') socket.send(Buffer.from([255, 0]));
    const read = (await all).map((message): [number, string] =>
      isText
        ? [message[0]! - 0x30, Buffer.from(message.toString('latin1', 1), 'base64').toString()]
        : [message[0]!, message.toString('utf8', 1)],
    );
    t.deepEqual(
      read.slice(0, 3).map(([channel, text]) => `${channel} ${text.trim()}`),
      ['1 ', '1 exec got hello', '2 oops'],
    );
    const [channel, last] = read[3]!;
    t.is(channel, 3);
    if (/^v[45]/.test(name)) t.deepEqual(JSON.parse(last), STATUS);
    else t.is(last, STATUS.message);
  });

test.serial('attach: what is typed, a size, and an end without an exit code', async (t) => {
  const path = `${PODS}/web/attach?container=c&stdin=true&stdout=true&tty=true`;
  const said = await runOverSpdy(await openSpdy(api, path), ['error', 'stdin', 'stdout', 'resize'], 'hi');
  t.regex(said.stdout!, /attach got hi$/);
  t.deepEqual(JSON.parse(said.error!), { metadata: {}, status: 'Success' });
  const socket = await openWebSocket(api, path);
  const all = messagesOf(socket);
  // As @kubernetes/client-node writes it.
  socket.send(Buffer.from('\u0004{"height":24,"width":80}'));
  socket.send(Buffer.from('\u0004{"Width":-1,"Height":"x"}'));
  socket.send(Buffer.from('\u0004{'));
  socket.send(Buffer.from([255, 0]));
  const text = (await all).map((message) => message.subarray(1).toString()).join('|');
  t.is(text, '|80x24;|attach got |{"metadata":{},"status":"Success"}');
});

test.serial('what cannot be is refused before the upgrade, in the words of the real one', async (t) => {
  const refusal = (path: string, asked = {}): Promise<Refused | undefined> =>
    t.throwsAsync<Refused>(openSpdy(api, path, asked), { instanceOf: Refused });
  const told = async (path: string, asked = {}): Promise<string> => {
    const { code, body } = (await refusal(path, asked))!;
    return `${code} ${body.message}`;
  };
  const both = 'choose one of: [c d]';
  t.is(
    await told(`${PODS}/web/exec?command=ls&stdout=true`),
    `400 a container name must be specified for pod web, ${both}`,
  );
  t.is(
    await told(`${PODS}/web/exec?container=zzz&command=ls&stdout=true`),
    '400 container zzz is not valid for pod web',
  );
  t.is(
    await told(`${PODS}/web/exec?container=c&stdout=true`),
    '400 you must specify at least 1 command for the container',
  );
  t.is(
    await told(`${PODS}/web/exec?container=c&command=ls`),
    '400 you must specify at least 1 of stdin, stdout, stderr',
  );
  t.is(await told(`${PODS}/none/exec?container=c&command=ls&stdout=true`), '404 pods "none" not found');
  t.is(
    await told(`${PODS}/nowhere/exec?container=c&command=ls&stdout=true`),
    '400 pod nowhere does not have a host assigned',
  );
  t.is(await told(`${PODS}/nowhere/portforward`), '400 pod nowhere does not have a host assigned');
  t.is(
    await told(`${PODS}/web/exec?container=c&command=refused&stdout=true`),
    '400 container c of pod web is not running',
  );
  t.regex(
    await told(EXEC, { protocols: ['v9.channel.k8s.io'] }),
    /^400 unable to upgrade: unable to negotiate protocol/,
  );
  t.regex(await told(FORWARD, { protocols: ['v9'] }), /server accepts \[portforward\.k8s\.io\]/);
  const web = await t.throwsAsync<Refused>(openWebSocket(api, FORWARD, { protocols: ['v4.channel.k8s.io'] }));
  t.is(web?.body.message, 'query parameter "ports" is required');
  const log = async (query: string): Promise<string> => {
    const { code, body } = await api.http('GET', `${PODS}/web/log?container=c&${query}`);
    return `${code} ${body.message}`;
  };
  t.is(
    await log('tailLines=-1&sinceSeconds=0'),
    '422 PodLogOptions "web" is invalid: [tailLines: Invalid value: -1: must be greater than or equal to 0, sinceSeconds: Invalid value: 0: must be greater than 0]',
  );
  t.regex(await log('limitBytes=0'), /^422 .*limitBytes: Invalid value: 0: must be greater than 0$/);
  t.regex(await log('sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z'), /at most one of `sinceTime` or `sinceSeconds`/);
  t.regex(await log('tailLines=x'), /^400 strconv.ParseInt: parsing "x": invalid syntax$/);
  t.is((await api.http('GET', EXEC)).body.message, 'Upgrade request required');
  t.is((await api.http('GET', FORWARD)).body.message, 'Upgrade request required');
});

test.serial('a WebSocket needs the right to create as well as the one to get; SPDY needs create', async (t) => {
  const role = (verbs: string[]) => ({
    metadata: { name: 'runs' },
    rules: [{ apiGroups: [''], resources: ['pods/exec', 'pods/portforward'], verbs }],
  });
  const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/default';
  const asked = { token: 'bob-token' };
  await t.throwsAsync(openSpdy(api, EXEC, asked), { message: /cannot create resource .*pods\/exec/ });
  await api.http('POST', `${rbac}/roles`, { body: role(['get']) });
  await api.http('POST', `${rbac}/rolebindings`, {
    body: {
      metadata: { name: 'runs' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'runs' },
      subjects: [{ kind: 'User', name: 'bob', apiGroup: 'rbac.authorization.k8s.io' }],
    },
  });
  await eventually('bob may get', () =>
    openWebSocket(api, EXEC, asked).then(
      () => Promise.reject(new Error('bob may do both')),
      (error: Error) => /User ."bob." cannot create resource/.test(error.message),
    ),
  );
  await api.http('PUT', `${rbac}/roles/runs`, { body: role(['create']) });
  await eventually('bob may create', async () => {
    const connection = await openSpdy(api, EXEC, asked);
    connection.close();
    return true;
  });
  await t.throwsAsync(openWebSocket(api, EXEC, asked), { message: /User ."bob." cannot get resource/ });
  await api.http('PUT', `${rbac}/roles/runs`, { body: role(['get', 'create']) });
  const socket = await eventually('bob may do both', () => openWebSocket(api, EXEC, asked));
  socket.terminate();
});

// ---- how it ends ----------------------------------------------------------------------------------------------------

test.serial('when the client goes, the kubelet hears of it; when the kubelet goes, the client does', async (t) => {
  const spdy = await openSpdy(api, `${SILENT}&container=c`);
  const { id } = lastOpened();
  for (const type of ['error', 'stdout']) spdy.open([['streamtype', type]]);
  spdy.close();
  await eventually('the kubelet is told', () => ended.has(id));
  const early = await openSpdy(api, `${SILENT}&container=c`);
  const { id: earlyId } = lastOpened();
  early.close();
  await eventually('also before there were streams', () => ended.has(earlyId));
  const socket = await openWebSocket(api, `${PODS}/web/exec?container=c&command=gone&stdout=true`);
  const last = (await messagesOf(socket)).at(-1)!;
  t.is(last[0], 3);
  t.is(JSON.parse(last.toString('utf8', 1)).status, 'Failure');
});

test.serial('a client that does not read holds a bounded number of bytes, and delays nobody', async (t) => {
  const endless = `${PODS}/web/exec?container=c&command=endless&stdout=true`;
  const { socket } = await upgradeToSpdy(api, endless);
  socket.pause();
  const writer = new HeaderWriter();
  socket.write(encode.synStream(1, writer.write([['streamtype', 'error']])));
  socket.write(encode.synStream(3, writer.write([['streamtype', 'stdout']])));
  const stalled = await openWebSocket(api, endless);
  stalled.pause();
  let before = -1;
  let looksAlike = 0;
  // How much the kernel takes for two connections is its own affair; without a bound it would never be enough.
  await eventually('nothing more is taken', async () => {
    looksAlike = before === printedBytes && printedBytes > 0 ? looksAlike + 1 : 0;
    before = printedBytes;
    const said = await runOverSpdy(await openSpdy(api, EXEC), ['error', 'stdin', 'stdout', 'stderr'], 'meanwhile');
    t.is(said.stdout, 'exec got meanwhile');
    return looksAlike === 3;
  });
  socket.destroy();
  stalled.terminate();
});

// ---- ports ----------------------------------------------------------------------------------------------------------

for (const [name, connect] of [
  ['SPDY', (path: string) => openSpdy(api, path, { protocols: ['portforward.k8s.io'] })],
  ['SPDY in a WebSocket', (path: string) => openTunnel(api, path)],
] as const)
  test.serial(`ports over ${name}: many connections at once, a refused one, wrong ones`, async (t) => {
    const connection = await connect(FORWARD);
    const pair = (port: string, requestId: string) => {
      const headers = (type: string): Array<[string, string]> => [
        ['streamtype', type],
        ['port', port],
        ['requestID', requestId],
      ];
      const error = connection.open(headers('error'));
      error.end();
      return { error: textOf(error), data: connection.open(headers('data')) };
    };
    const answers = Array.from({ length: 20 }, async (_, i) => {
      const { error, data } = pair('80', String(i));
      const answer = textOf(data);
      await data.write(Buffer.from(`question ${i}`));
      data.end();
      return `${await answer}${await error}`;
    });
    t.deepEqual(
      await Promise.all(answers),
      answers.map((_, i) => `portforward got question ${i}`),
    );
    const refused = pair('81', 'r');
    t.regex(await refused.error, /^error forwarding port 81 to pod web, uid [-\w]+: connection refused$/);
    await Promise.all(['0', '65536', 'x', ''].map((port) => pair(port, `w${port}`).data.closed));
    const { id } = lastOpened();
    connection.close();
    await eventually('nothing is left open', () => ended.has(id));
  });

test.serial('ports over the channels of a WebSocket: each begins with its number', async (t) => {
  const socket = await openWebSocket(api, `${FORWARD}?ports=80&ports=81`, { protocols: ['v5.channel.k8s.io'] });
  const all = messagesOf(socket);
  socket.send(Buffer.from('\0hello'));
  socket.send(Buffer.from([255, 0]));
  const read = (await all).map((message) => [message[0], message.subarray(1).toString('latin1')] as const);
  const of = (channel: number): string[] => read.flatMap(([number, text]) => (number === channel ? [text] : []));
  t.deepEqual(of(0), ['P\0', 'portforward got hello']);
  t.deepEqual(of(1), ['P\0']);
  t.deepEqual(of(2), ['Q\0']);
  t.regex(of(3)[1] ?? '', /error forwarding port 81/);
});

// ---- wrong bytes ----------------------------------------------------------------------------------------------------

test.serial('whatever is sent after the upgrade, that connection ends and the API serves on', async (t) => {
  const writer = new HeaderWriter();
  const good = encode.synStream(1, writer.write([['streamtype', 'error']]));
  const bytes = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 60 }),
    fc.uint8Array({ maxLength: 30 }).map((tail) => Buffer.concat([good, tail])),
    fc.uint8Array({ maxLength: 30 }).map((block) => encode.synStream(1, Buffer.from(block))),
  );
  await fc.assert(
    fc.asyncProperty(bytes, async (sent) => {
      const { socket } = await upgradeToSpdy(api, EXEC);
      const { id } = lastOpened();
      socket.on('error', () => {});
      socket.resume();
      socket.end(sent);
      await eventually('the kubelet is let go', () => ended.has(id));
    }),
    { numRuns: 15 },
  );
  const socket = await openWebSocket(api, EXEC, { protocols: ['v4.base64.channel.k8s.io'] });
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  socket.send('0not base64!');
  t.is(await closed, 1007);
  t.is((await api.http('GET', `${PODS}/web`)).code, 200);
});
