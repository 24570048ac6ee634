// Shows that the NATS carrier does with a real nats-server what actors rely on: answers, refusals, reconnects.
import test from 'ava';
import { startNats } from '../../test/kit/nats-server.ts';
import { BusError } from './bus.ts';

test('requests are answered, find nobody, or time out', async (t) => {
  const nats = await startNats();
  t.teardown(() => nats.stop());
  const [a, b] = [await nats.connect('a'), await nats.connect('b')];
  b.subscribe('q', (m) => m.respond?.({ got: m.data, bytes: new Uint8Array([1, 2]) }));
  b.subscribe('silent', () => {});
  await b.flush();
  t.deepEqual(await a.request('q', { x: 1 }, { timeoutMs: 1000 }), { got: { x: 1 }, bytes: Buffer.from([1, 2]) });
  t.is((await t.throwsAsync<BusError>(a.request('nobody', 1, { timeoutMs: 1000 })))?.kind, 'no-responders');
  t.is((await t.throwsAsync<BusError>(a.request('silent', 1, { timeoutMs: 50 })))?.kind, 'timeout');
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
  let answer: unknown;
  for (let i = 0; i < 50 && answer === undefined; i++)
    answer = await a
      .request('q', 1, { timeoutMs: 200 })
      .catch(() => new Promise<void>((resolve) => setTimeout(() => resolve(), 50)));
  t.is(answer, 'yes');
  t.deepEqual(states, ['disconnected', 'connected']);
});
