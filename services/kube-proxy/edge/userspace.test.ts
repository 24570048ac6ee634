// Shows the proxy in user space with real sockets on loopback addresses: spreading, fail-over, refusal, affinity, and
// what it says of addresses that it cannot have.
import net from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { silentLog } from '../../../lib/base/log.ts';
import { systemClock } from '../../../lib/actor/system.ts';
import type { EndpointSlice, Service } from '../../../lib/api/generated/types.ts';
import { ListenerState } from '../core/listeners.ts';
import { ServiceIndex } from '../core/service-index.ts';
import { UserspaceApplier } from './userspace.ts';

const PORT = 20_000 + (process.pid % 20_000);

async function backend(t: ExecutionContext, name: string): Promise<number> {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    let text = '';
    socket.on('data', (part) => (text += String(part)));
    socket.on('end', () => socket.end(`${name}:${text.length}`));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return (server.address() as net.AddressInfo).port;
}

function ask(address: string, port: number, text = 'hello'): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect({ host: address, port, allowHalfOpen: true });
    let answer = '';
    socket.on('data', (part) => (answer += String(part)));
    socket.on('error', (error) => resolve((error as NodeJS.ErrnoException).code ?? 'error'));
    socket.on('end', () => {
      socket.end();
      resolve(answer);
    });
    socket.end(text);
  });
}

function bench(t: ExecutionContext, address: string) {
  const index = new ServiceIndex();
  const state = new ListenerState(index, { name: 'n1', ip: '127.0.0.1' });
  const applier = new UserspaceApplier({ clock: systemClock, log: silentLog, state });
  t.teardown(() => applier.stop());
  const service = (spec: Partial<Service['spec']> = {}): Service => ({
    metadata: { namespace: 'default', name: 'web' },
    spec: { clusterIP: address, ports: [{ port: PORT }], ...spec },
  });
  const lead = async (ports: number[]): Promise<void> => {
    const after: EndpointSlice = {
      metadata: { namespace: 'default', name: 'web-a', labels: { 'kubernetes.io/service-name': 'web' } },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['127.0.0.1'] }],
      ports: ports.map((port) => ({ port })),
    };
    // One port a slice: the API has the same ports for all endpoints of a slice.
    const all = ports.map((port, at) => ({
      ...after,
      metadata: { ...after.metadata, name: `web-${at}` },
      ports: [{ port }],
    }));
    for (const old of previous) index.setSlice(old, undefined);
    for (const one of all) index.setSlice(undefined, one);
    previous = all;
    await applier.apply();
  };
  let previous: EndpointSlice[] = [];
  return { index, applier, service, lead };
}

test('connections are spread, and half-closed ones are answered whole', async (t) => {
  const { index, service, lead } = bench(t, '127.77.0.1');
  const [a, b] = [await backend(t, 'a'), await backend(t, 'b')];
  index.setService(undefined, service());
  await lead([a, b]);
  const answers = await Promise.all(Array.from({ length: 10 }, () => ask('127.77.0.1', PORT, 'x'.repeat(300_000))));
  t.deepEqual([...new Set(answers)].toSorted(), ['a:300000', 'b:300000']);
  await lead([b]);
  t.deepEqual([await ask('127.77.0.1', PORT), await ask('127.77.0.1', PORT)], ['b:5', 'b:5']);
});

test('an endpoint that refuses is passed over; nobody there is a reset at once', async (t) => {
  const { index, service, lead } = bench(t, '127.77.0.2');
  const a = await backend(t, 'a');
  index.setService(undefined, service());
  await lead([1, a]);
  for (let i = 0; i < 4; i++) t.is(await ask('127.77.0.2', PORT), 'a:5');
  await lead([]);
  t.is(await ask('127.77.0.2', PORT), 'ECONNRESET');
});

test('a client sticks to its endpoint, and finds another when that is gone', async (t) => {
  const { index, service, lead } = bench(t, '127.77.0.3');
  const [a, b] = [await backend(t, 'a'), await backend(t, 'b')];
  index.setService(undefined, service({ sessionAffinity: 'ClientIP' }));
  await lead([a, b]);
  const first = await ask('127.77.0.3', PORT);
  for (let i = 0; i < 5; i++) t.is(await ask('127.77.0.3', PORT), first);
  await lead(first === 'a:5' ? [b] : [a]);
  t.is(await ask('127.77.0.3', PORT), first === 'a:5' ? 'b:5' : 'a:5');
});

test('an address that is not ours to bind is reported, and taken when it is free', async (t) => {
  const { index, applier, service, lead } = bench(t, '127.77.0.4');
  const squatter = net.createServer();
  await new Promise<void>((resolve) => squatter.listen(PORT, '127.77.0.4', resolve));
  const a = await backend(t, 'a');
  index.setService(undefined, service());
  await lead([a]);
  t.like(applier.status(), { listeners: 0, notBound: 1 });
  t.regex(String(applier.status()['firstNotBound']), /^127\.77\.0\.4:\d+: .*EADDRINUSE/);
  await new Promise((resolve) => squatter.close(resolve));
  await applier.verify();
  t.like(applier.status(), { listeners: 1, notBound: 0 });
  t.is(await ask('127.77.0.4', PORT), 'a:5');
  index.setService(service(), undefined);
  await applier.apply();
  t.is(await ask('127.77.0.4', PORT), 'ECONNREFUSED');
});
