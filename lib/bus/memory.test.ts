// Shows that the memory carrier behaves as NATS does where actors rely on it.
import test from 'ava';
import { MemoryNetwork } from './memory.ts';
import { permissionsOf } from './subjects.ts';

/** Messages need a turn of the event loop each; a timer of a process that stood still would fire before them. */
async function turn(): Promise<void> {
  for (let left = 20; left > 0; left--) await new Promise((resolve) => setImmediate(resolve));
}

test('subscribers get messages in order, a queue group gets each once', async (t) => {
  const network = new MemoryNetwork();
  const [a, b] = [network.connect('a'), network.connect('b')];
  const all: unknown[] = [];
  const shared: unknown[] = [];
  a.subscribe('x.*', (m) => void all.push(m.data));
  for (const bus of [a, b]) bus.subscribe('x.>', (m) => void shared.push(m.data), { queue: 'q' });
  for (let i = 0; i < 4; i++) b.publish('x.y', { i });
  await turn();
  t.deepEqual(all, [{ i: 0 }, { i: 1 }, { i: 2 }, { i: 3 }]);
  t.is(shared.length, 4);
});

test('a request is answered, finds nobody, or times out', async (t) => {
  const network = new MemoryNetwork();
  const [a, b] = [network.connect('a'), network.connect('b')];
  b.subscribe('q', (m) => m.respond?.({ got: m.data }));
  b.subscribe('silent', () => {});
  t.deepEqual(await a.request('q', 1, { timeoutMs: 60_000 }), { got: 1 });
  t.is(
    (await t.throwsAsync(a.request('nobody', 1, { timeoutMs: 60_000 })))?.message,
    'request to nobody: nobody answers there',
  );
  await t.throwsAsync(a.request('silent', 1, { timeoutMs: 20 }), { message: /no answer in 20 ms/ });
});

test('who is cut off neither hears nor is heard', async (t) => {
  const network = new MemoryNetwork();
  const [a, b] = [network.connect('a'), network.connect('b')];
  const heard: unknown[] = [];
  b.subscribe('x', (m) => void heard.push(m.data));
  network.cut('b');
  a.publish('x', 1);
  await turn();
  network.join('b');
  a.publish('x', 2);
  await turn();
  t.deepEqual(heard, [2]);
});

test('with permissions, what is not allowed is refused', (t) => {
  const bus = new MemoryNetwork().connect(
    'kubelet-node-1',
    permissionsOf('c1', { actor: 'kubelet', instance: 'kubelet-node-1', node: 'node-1' }),
  );
  t.throws(() => bus.publish('c1.store.cmd.store-1.write.kubelet-node-1', {}), { message: /may not publish/ });
});
