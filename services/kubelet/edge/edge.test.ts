// Asks the kubelet's edges alone: logs, volumes, probes, the view of the runtime, limits. Only this process runs.
import {
  appendFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { systemClock } from '../../../lib/actor/system.ts';
import type { StreamFrame, StreamOpen } from '../../../lib/bus/messages.ts';
import type { BusStream } from '../../../lib/bus/streams.ts';
import { eventually } from '../../../test/kit/eventually.ts';
import { silentLog } from '../../../lib/base/log.ts';
import { systemExec } from '../../../lib/exec/system-exec.ts';
import type { ContainerState, RuntimeEvent, RuntimeShim, RuntimeState } from '../../../runtime-shims/contract.ts';
import { containerNamed, podWith, runOf, sandboxOf } from '../core/test-pods.ts';
import type { PlannedVolume } from '../core/volumes.ts';
import { Limit } from './limit.ts';
import { readLog, type LogRequest } from './log-reader.ts';
import { timeAt } from './log-times.ts';
import { KubeletPaths } from './paths.ts';
import { Prober } from './prober.ts';
import { RuntimeView } from './runtime-view.ts';
import { attachTo } from './stream-attach.ts';
import { VolumeWriter } from './volume-writer.ts';

const directory = mkdtempSync(join(tmpdir(), 'flotilla-kubelet-edge-'));
test.after.always(() => rmSync(directory, { recursive: true, force: true }));

// ---- logs -----------------------------------------------------------------------------------------------------------

async function read(path: string, query: LogRequest['query'], more: Partial<LogRequest> = {}): Promise<string> {
  const parts: Buffer[] = [];
  const write = async (_: string, data: Uint8Array): Promise<void> => void parts.push(Buffer.from(data));
  await readLog(systemClock, {
    path,
    format: 'raw',
    query,
    mayGrow: () => false,
    isCancelled: () => false,
    write,
    ...more,
  });
  return Buffer.concat(parts).toString();
}

test('logs: whole, last lines, limited; without a last newline; longer than a chunk', async (t) => {
  const path = join(directory, 'a.log');
  writeFileSync(path, 'one\ntwo\nthree');
  t.is(await read(path, {}), 'one\ntwo\nthree');
  t.is(await read(path, { tailLines: 2 }), 'two\nthree');
  t.is(await read(path, { tailLines: 0 }), '');
  t.is(await read(path, { tailLines: 9 }), 'one\ntwo\nthree');
  t.is(await read(path, { limitBytes: 5 }), 'one\nt');
  t.is(await read(join(directory, 'none.log'), {}), '');
  const long = Array.from({ length: 20_000 }, (_, i) => `line ${i}`).join('\n') + '\n';
  writeFileSync(path, long);
  t.is(await read(path, {}), long);
  t.is(await read(path, { tailLines: 15_000 }), long.split('\n').slice(5000).join('\n'));
});

test('logs: times come from when the file was seen to grow', async (t) => {
  const path = join(directory, 'timed.log');
  writeFileSync(path, 'aaaa\nbbbb\ncccc\n');
  writeFileSync(`${path}.times`, '5 1767225600000\n10 1767225660000\n');
  const now = Date.parse('2026-01-01T00:05:00Z');
  const clock = { ...systemClock, now: () => now };
  const parts: string[] = [];
  const write = async (_: string, data: Uint8Array): Promise<void> => void parts.push(Buffer.from(data).toString());
  const request = { path, format: 'raw' as const, mayGrow: () => false, isCancelled: () => false, write };
  await readLog(clock, { ...request, query: { timestamps: true } });
  t.is(
    parts.join(''),
    '2026-01-01T00:00:00.000000000Z aaaa\n2026-01-01T00:01:00.000000000Z bbbb\n2026-01-01T00:05:00.000000000Z cccc\n',
  );
  parts.length = 0;
  await readLog(clock, { ...request, query: { sinceSeconds: 245 } });
  t.is(parts.join(''), 'bbbb\ncccc\n');
  t.is(timeAt([], 0, 7), 7);
});

test('logs: json-file lines carry their own times and streams', async (t) => {
  const path = join(directory, 'json.log');
  writeFileSync(
    path,
    '{"log":"out\\n","stream":"stdout","time":"2026-01-01T00:00:00.5Z"}\n{"log":"bad\\n","stream":"stderr","time":"2026-01-01T00:00:01Z"}\nbroken\n',
  );
  const seen: Array<[string, string]> = [];
  await readLog(systemClock, {
    path,
    format: 'json-file',
    query: {},
    mayGrow: () => false,
    isCancelled: () => false,
    write: async (channel, data) => void seen.push([channel, Buffer.from(data).toString()]),
  });
  t.deepEqual(seen, [
    ['stdout', 'out\nbroken\n'],
    ['stderr', 'bad\n'],
  ]);
});

test('logs: a follower gets what comes, also from a file that is not there yet, until the end', async (t) => {
  const path = join(directory, 'followed.log');
  let mayGrow = true;
  const all = read(path, { follow: true }, { mayGrow: () => mayGrow });
  await sleep(100);
  writeFileSync(path, 'first\n');
  await sleep(400);
  appendFileSync(path, 'sec');
  await sleep(300);
  appendFileSync(path, 'ond\nlast');
  mayGrow = false;
  t.is(await all, 'first\nsecond\nlast');
});

// ---- attach ---------------------------------------------------------------------------------------------------------

/** A session whose client types a line and ends; what it was told by then, and whether it is over. */
async function typedTo(name: string, container: { stdinOnce?: boolean; tty?: boolean }) {
  const logPath = join(directory, `${name}.log`);
  let isRunning = true;
  let over: number | undefined;
  let told = '';
  let take: (frame: StreamFrame) => unknown = () => {};
  const stdin = new PassThrough().on('data', (typed: Buffer) => appendFileSync(logPath, typed));
  const input = { stdin, resize: () => {}, close: async () => {} };
  const tools = {
    clock: systemClock,
    shim: { openInput: async () => input } as unknown as RuntimeShim,
    view: { container: () => ({ state: isRunning ? 'running' : 'exited' }) } as unknown as RuntimeView,
  };
  const stream = {
    peerGone: new Promise<void>(() => {}),
    onFrame: (handler: typeof take) => void (take = handler),
    write: async (_: string, data: Uint8Array) => void (told += Buffer.from(data).toString()),
    exit: (code: number) => void (over = code),
  } as unknown as BusStream;
  await attachTo(tools, runOf(name, { logPath }), container, { stdin: true } as StreamOpen, stream);
  await take({ seq: 1, type: 'data', channel: 'stdin', data: Buffer.from('typed\n') });
  await take({ seq: 2, type: 'end', channel: 'stdin' });
  return { told: () => told, over: () => over, stopContainer: () => void (isRunning = false) };
}

test('attach: what is typed ends the session, but not of a container that hears one alone', async (t) => {
  for (const container of [{}, { stdinOnce: true, tty: true }]) {
    const open = await typedTo(`open-${container.tty === true}`, container);
    await eventually('the session is over', () => open.over() === 0);
    t.is(open.told(), 'typed\n');
  }
  const once = await typedTo('once', { stdinOnce: true });
  await eventually('the answer is told', () => once.told() === 'typed\n');
  await sleep(500);
  t.is(once.over(), undefined, 'it goes on for as long as the container does');
  once.stopContainer();
  await eventually('the container has ended', () => once.over() === 0);
});

// ---- volumes --------------------------------------------------------------------------------------------------------

test('volumes: files change all at once, by one link', async (t) => {
  const paths = new KubeletPaths(join(directory, 'state'));
  let asked = 0;
  const tokens = { token: async () => ({ token: `t${++asked}`, expiresAtMs: Date.now() + 3_600_000 }) };
  const writer = new VolumeWriter({ exec: systemExec, clock: systemClock, paths, tokens });
  const pod = podWith();
  const volume = (files: Record<string, string>): PlannedVolume => ({
    name: 'v',
    type: 'files',
    files: Object.entries(files).map(([path, text]) => ({ path, mode: 0o640, data: Buffer.from(text) })),
    tokens: [{ path: 'token', mode: 0o600, owner: 1000, audience: undefined, expirationSeconds: 3600 }],
  });
  await writer.write(pod, [volume({ a: '1', 'sub/b': '2' }), { name: 'e', type: 'directory' }]);
  const at = join(paths.volumes('u1'), 'v');
  t.is(readFileSync(join(at, 'a'), 'utf8'), '1');
  t.is(readFileSync(join(at, 'sub/b'), 'utf8'), '2');
  t.is(readFileSync(join(at, 'token'), 'utf8'), 't1');
  t.is(statSync(join(at, 'a')).mode & 0o777, 0o640);
  t.true(lstatSync(join(at, 'a')).isSymbolicLink());
  if (process.getuid?.() === 0) t.is(statSync(join(at, 'token')).uid, 1000);
  t.is(statSync(join(paths.volumes('u1'), 'e')).mode & 0o777, 0o777);
  const first = readlinkSync(join(at, '..data'));
  await writer.write(pod, [volume({ a: '1', 'sub/b': '2' })]);
  t.is(readlinkSync(join(at, '..data')), first, 'the same content is not written again');
  t.is(asked, 1, 'a token that is fresh is not asked for again');
  await writer.write(pod, [volume({ a: 'new', c: '3' })]);
  t.is(readFileSync(join(at, 'a'), 'utf8'), 'new');
  t.false(existsSync(join(at, 'sub')));
  t.false(existsSync(join(at, first)), 'the old content is gone');
  await writer.remove('u1');
  t.false(existsSync(paths.volumes('u1')));
});

test('volumes: a token that cannot be renewed stays; a host path is checked', async (t) => {
  const paths = new KubeletPaths(join(directory, 'state2'));
  let isUp = true;
  const tokens = {
    token: async () =>
      isUp ? { token: 'good', expiresAtMs: Date.now() } : Promise.reject(new Error('the API is gone')),
  };
  const writer = new VolumeWriter({ exec: systemExec, clock: systemClock, paths, tokens });
  const volume: PlannedVolume = {
    name: 'v',
    type: 'files',
    files: [],
    tokens: [{ path: 'token', mode: 0o600, audience: undefined, expirationSeconds: 600 }],
  };
  await writer.write(podWith(), [volume]);
  isUp = false;
  await t.notThrowsAsync(writer.write(podWith(), [volume]));
  const restarted = new VolumeWriter({ exec: systemExec, clock: systemClock, paths, tokens });
  await t.notThrowsAsync(restarted.write(podWith(), [volume]), 'the file of before is what a new kubelet has');
  t.is(readFileSync(join(paths.volumes('u1'), 'v', 'token'), 'utf8'), 'good');
  await t.throwsAsync(restarted.write(podWith({}, { uid: 'u2' }), [volume]), { message: 'the API is gone' });
  mkdirSync(join(directory, 'host'));
  await t.notThrowsAsync(
    writer.write(podWith(), [{ name: 'h', type: 'hostPath', path: join(directory, 'host'), check: 'Directory' }]),
  );
  await t.throwsAsync(
    writer.write(podWith(), [{ name: 'h', type: 'hostPath', path: join(directory, 'host'), check: 'File' }]),
    { message: /is not a File/ },
  );
});

// ---- probes ---------------------------------------------------------------------------------------------------------

test('probes: http by code and header, tcp by connection, timeouts', async (t) => {
  const server = http.createServer((request, response) => {
    if (request.url === '/slow') return;
    response.statusCode = request.url === '/bad' ? 503 : request.headers['x-probe'] === 'yes' ? 302 : 200;
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  const prober = new Prober({} as RuntimeShim);
  const container = containerNamed('main', { ports: [{ name: 'web', containerPort: port }] });
  const ask = (probe: object) => prober.ask(container, { timeoutSeconds: 1, ...probe }, { id: 'x', ip: '127.0.0.1' });
  t.deepEqual(await ask({ httpGet: { port: 'web' } }), { ok: true, output: '' });
  t.true((await ask({ httpGet: { port, path: 'x', httpHeaders: [{ name: 'X-Probe', value: 'yes' }] } })).ok);
  t.deepEqual(await ask({ httpGet: { port, path: '/bad' } }), {
    ok: false,
    output: 'HTTP probe failed with statuscode: 503',
  });
  t.regex((await ask({ httpGet: { port, path: '/slow' } })).output, /context deadline exceeded/);
  t.true((await ask({ tcpSocket: { port } })).ok);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  t.regex((await ask({ tcpSocket: { port } })).output, /ECONNREFUSED/);
  t.regex((await ask({ httpGet: { port } })).output, /ECONNREFUSED/);
  t.regex((await ask({ grpc: { port } })).output, /failed to connect grpc service/);
});

// ---- the view of the runtime ----------------------------------------------------------------------------------------

function fakeRuntime() {
  let watcher: (event: RuntimeEvent) => void = () => {};
  let answers: Array<() => Promise<RuntimeState>> = [];
  const shim = {
    watch: (handler: typeof watcher) => ((watcher = handler), { stop() {} }),
    list: () => (answers.shift() ?? (() => Promise.resolve({ sandboxes: [], containers: [] })))(),
  } as unknown as RuntimeShim;
  const changed: string[] = [];
  const view = new RuntimeView(shim, { clock: systemClock, log: silentLog }, (uid) => changed.push(uid));
  return {
    view,
    changed,
    emit: (event: RuntimeEvent) => watcher(event),
    answer: (...next: typeof answers) => (answers = next),
  };
}

test('the view: nothing is known before the first listing; a change is told once', async (t) => {
  const { view, changed, answer } = fakeRuntime();
  t.false(view.isListed);
  const state = { sandboxes: [sandboxOf()], containers: [runOf('main')] };
  answer(
    async () => state,
    async () => structuredClone(state),
    async () => ({ sandboxes: [sandboxOf()], containers: [] }),
  );
  await view.relist();
  t.deepEqual(changed.splice(0), ['', 'u1']);
  t.deepEqual(view.of('u1'), state);
  await view.relist();
  t.deepEqual(changed.splice(0), []);
  await view.relist();
  t.deepEqual(changed, ['u1']);
  t.deepEqual(view.of('u1').containers, []);
  view.stop();
});

test('the view: what happened during a listing is newer than the listing', async (t) => {
  const { view, answer, emit } = fakeRuntime();
  const ended: ContainerState = { ...runOf('main'), state: 'exited', exitCode: 1 };
  const slow = Promise.withResolvers<RuntimeState>();
  answer(() => slow.promise);
  const listing = view.relist();
  view.putContainer(runOf('new', { attempt: 1 }));
  view.putSandbox(sandboxOf(3));
  emit({ type: 'changed', container: ended });
  view.putContainer(runOf('dropped'));
  view.dropContainer('dropped-0');
  slow.resolve({ sandboxes: [], containers: [runOf('main'), runOf('dropped')] });
  await listing;
  t.deepEqual(
    view
      .of('u1')
      .containers.map(({ id, state }) => `${id} ${state}`)
      .toSorted((a, b) => (a < b ? -1 : 1)),
    ['main-0 exited', 'new-1 running'],
  );
  t.deepEqual(
    view.of('u1').sandboxes.map(({ id }) => id),
    ['s3'],
  );
  view.putContainer(runOf('main'));
  t.is(view.container('main-0')?.state, 'exited', 'what has ended stays ended');
  view.stop();
});

test('the view: a runtime that does not answer takes nothing away', async (t) => {
  const { view, changed, answer } = fakeRuntime();
  answer(
    async () => ({ sandboxes: [], containers: [runOf('main')] }),
    () => Promise.reject(new Error('refused')),
  );
  await view.relist();
  let turns = 0;
  view.onTrouble = () => turns++;
  changed.length = 0;
  await view.relist();
  t.is(view.trouble, 'refused');
  t.is(turns, 1);
  t.deepEqual(changed, []);
  t.is(view.running().length, 1);
  view.stop();
});

test('a limit lets through only so many, and a failure gives its place back', async (t) => {
  const limit = new Limit(2);
  let running = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    most = Math.max(most, ++running);
    await sleep(5);
    running--;
  };
  await Promise.all([
    ...Array.from({ length: 10 }, () => limit.run(work)),
    limit.run(async () => Promise.reject(new Error('no'))).catch(() => {}),
  ]);
  t.is(most, 2);
  t.is(await limit.run(async () => 1), 1);
});
