// Shows that the NATS carrier does with a real nats-server what actors rely on: answers, refusals, reconnects.
import { createServer, type AddressInfo } from 'node:net';
import test from 'ava';
import { eventually } from '../../test/kit/eventually.ts';
import { startNats } from '../../test/kit/nats-server.ts';
import { silentLog } from '../base/log.ts';
import { BusError } from './bus.ts';
import { connectNats } from './nats.ts';

const PATIENCE_MS = 60_000;

test('requests are answered, find nobody, or time out', async (t) => {
  const nats = await startNats();
  t.teardown(() => nats.stop());
  const [a, b] = [await nats.connect('a'), await nats.connect('b')];
  b.subscribe('q', (m) => m.respond?.({ got: m.data, bytes: new Uint8Array([1, 2]) }));
  b.subscribe('silent', () => {});
  await b.flush();
  t.deepEqual(await a.request('q', { x: 1 }, { timeoutMs: PATIENCE_MS }), {
    got: { x: 1 },
    bytes: Buffer.from([1, 2]),
  });
  t.is((await t.throwsAsync<BusError>(a.request('nobody', 1, { timeoutMs: PATIENCE_MS })))?.kind, 'no-responders');
  t.is((await t.throwsAsync<BusError>(a.request('silent', 1, { timeoutMs: 50 })))?.kind, 'timeout');
});

test('messages longer and shorter than one read of the socket come whole, and are answered late to who asked', async (t) => {
  const nats = await startNats();
  t.teardown(() => nats.stop());
  const [asking, answering] = [await nats.connect('asking'), await nats.connect('answering')];
  const waiting: Array<() => void> = [];
  answering.subscribe('c1.echo.*', ({ subject, data, respond }) => waiting.push(() => respond!({ subject, data })));
  await answering.flush();
  const sizes = Array.from({ length: 200 }, (_, i) => (i % 10 === 0 ? 60_000 + i * 100 : (i * 37) % 900));
  const answers = sizes.map((size, i) => {
    const data = { bytes: new Uint8Array(size).fill(i), text: `é${i}` };
    return asking.request(`c1.echo.n${i}`, data, { timeoutMs: 20_000 });
  });
  await eventually('all are heard', () => waiting.length === sizes.length);
  for (const answer of waiting.toReversed()) answer();
  for (const [i, answer] of (await Promise.all(answers)).entries()) {
    const { subject, data } = answer as { subject: string; data: { bytes: Uint8Array; text: string } };
    t.is(subject, `c1.echo.n${i}`);
    t.is(data.text, `é${i}`);
    t.true(data.bytes.length === sizes[i] && data.bytes.every((byte) => byte === i), `message ${i}`);
  }
});

test('a subject that could smuggle a command never leaves', async (t) => {
  const nats = await startNats();
  t.teardown(() => nats.stop());
  const bus = await nats.connect('a');
  for (const subject of ['x 0\r\n\r\nPUB evil 5\r\npwned\r\nPUB y', 'a b', 'ä', ''])
    t.throws(() => bus.publish(subject, 1), { message: /characters/ }, subject);
});

test('a message over the limit is refused with its size', async (t) => {
  const nats = await startNats();
  t.teardown(() => nats.stop());
  const bus = await nats.connect('a');
  t.throws(() => bus.publish('x', new Uint8Array(5_000_000)), { message: /the bus carries at most/ });
});

test('after a crash of the server subscriptions live on and the change of state is told', async (t) => {
  const nats = await startNats();
  t.teardown(() => nats.stop());
  const [a, b] = [await nats.connect('a'), await nats.connect('b')];
  const states: string[] = [];
  const back = new Promise<void>((resolve) => {
    a.onStatus((status) => {
      states.push(status);
      if (status === 'connected') resolve();
    });
  });
  b.subscribe('q', (m) => m.respond?.('yes'));
  await b.flush();
  await nats.restart();
  await back;
  // The other end may be back a moment later.
  t.is(await eventually('an answer', () => a.request('q', 1, { timeoutMs: 1000 })), 'yes');
  t.deepEqual(states, ['disconnected', 'connected']);
});

test('a server that says what is no message is left, and found again', async (t) => {
  let connections = 0;
  const server = createServer((socket) => {
    const isFirst = ++connections === 1;
    socket.on('error', () => {});
    socket.write('INFO {"server_id":"x","version":"2.9.0","max_payload":1000000,"headers":true}\r\n');
    socket.on('data', (data) => {
      if (data.includes('PING')) socket.write('PONG\r\n');
      if (isFirst && data.includes('PUB')) socket.write('NONSENSE\r\n');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const bus = await connectNats('a', { servers: [`127.0.0.1:${port}`], seedFile: '' }, silentLog);
  t.teardown(() => bus.close());
  const states: string[] = [];
  bus.onStatus((status) => states.push(status));
  bus.publish('x', 1);
  await eventually('the bus is connected again', () => states.includes('connected'));
  t.deepEqual(states, ['disconnected', 'connected']);
  t.is(connections, 2);
});
