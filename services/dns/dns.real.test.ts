// Shows the whole actor over real sockets: UDP and TCP, upstream, its own Service in the API, and garbage on the wire.
import dgram from 'node:dgram';
import dns from 'node:dns/promises';
import net from 'node:net';
import dnsPacket from 'dns-packet';
import test, { type ExecutionContext } from 'ava';
import type { DnsSettings } from '../../lib/actor/settings.ts';
import { systemChance, systemClock } from '../../lib/actor/system.ts';
import { createTracer } from '../../lib/actor/tracer.ts';
import type { EndpointSlice, Service } from '../../lib/api/generated/types.ts';
import { RESOURCES } from '../../lib/api/resource.ts';
import { silentLog } from '../../lib/base/log.ts';
import { MemoryNetwork } from '../../lib/bus/memory.ts';
import { systemExec } from '../../lib/exec/system-exec.ts';
import { eventually } from '../../test/kit/eventually.ts';
import { FakeApi } from '../../test/kit/fake-api.ts';
import { serverOf } from './edge/forwarder.ts';
import { startDnsServer } from './edge/dns-server.ts';
import { start } from './main.ts';

/** A port that is free for TCP may be somebody's for UDP: then another one. */
async function listenOnBoth(tcp: net.Server, udp: dgram.Socket): Promise<number> {
  for (;;) {
    await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
    const { port } = tcp.address() as net.AddressInfo;
    const isBound = await new Promise<boolean>((resolve) => {
      udp.once('error', () => resolve(false));
      udp.bind(port, '127.0.0.1', () => resolve(true));
    });
    if (isBound) return port;
    await new Promise((resolve) => tcp.close(resolve));
  }
}

/** A name server elsewhere: knows `www.example.com`, and 60 addresses of `big.example.com`. */
async function upstream(t: ExecutionContext): Promise<string> {
  const answer = (packet: Buffer, over: 'udp' | 'tcp'): Buffer | undefined => {
    const query = dnsPacket.decode(packet);
    const name = query.questions![0]!.name;
    if (name.startsWith('silent')) return undefined;
    const count = name.startsWith('big') ? 60 : 1;
    const answers = Array.from({ length: count }, (_, at) => ({
      type: 'A' as const,
      name,
      ttl: 60,
      data: `192.0.2.${at + 1}`,
    }));
    const cut = over === 'udp' && count > 20;
    return dnsPacket.encode({
      type: 'response',
      id: query.id,
      flags: cut ? dnsPacket.TRUNCATED_RESPONSE : 0,
      questions: query.questions,
      answers: cut ? [] : answers,
    });
  };
  const tcp = net.createServer((socket) =>
    socket.once('data', (part: Buffer) => {
      const reply = answer(part.subarray(2), 'tcp');
      if (reply !== undefined) socket.end(Buffer.concat([Buffer.from([reply.length >> 8, reply.length & 255]), reply]));
    }),
  );
  const udp = dgram.createSocket('udp4');
  udp.on('message', (packet, from) => {
    const reply = answer(packet, 'udp');
    if (reply !== undefined) udp.send(reply, from.port, from.address);
  });
  const port = await listenOnBoth(tcp, udp);
  t.teardown(() => {
    udp.close();
    tcp.close();
  });
  return `127.0.0.1:${port}`;
}

async function bench(t: ExecutionContext, options: { upstream?: string[] } = {}) {
  const cluster = 'c1';
  const network = new MemoryNetwork();
  const api = new FakeApi(network, cluster);
  const settings: DnsSettings = {
    cluster: {
      name: cluster,
      clusterId: 'x',
      domain: 'cluster.local',
      podCidr: '10.244.0.0/16',
      serviceCidr: '10.96.0.0/16',
      dnsIp: '10.96.0.10',
    },
    listen: '127.0.0.1',
    port: 0,
    upstream: options.upstream ?? [],
  };
  api.put(RESOURCES.services, {
    metadata: { namespace: 'default', name: 'web' },
    spec: { clusterIP: '10.96.0.20', ports: [{ port: 80 }] },
  });
  const bus = network.connect('dns-1');
  const running = await start({
    cluster,
    actor: 'dns',
    instance: 'dns-1',
    settings,
    bus,
    clock: systemClock,
    chance: systemChance,
    log: silentLog,
    exec: systemExec,
    tracer: createTracer({ cluster, actor: 'dns', instance: 'dns-1', boot: 'b', clock: systemClock, bus }),
  });
  t.teardown(() => running.stop());
  await eventually('ready', () => running.status()['ready'] === true);
  const port = Number(String(running.status()['listen']).split(':')[1]);
  // As a resolver of a machine does: a packet may be lost where many come at once.
  const resolver = new dns.Resolver({ timeout: 2000, tries: 3 });
  resolver.setServers([`127.0.0.1:${port}`]);
  return { api, running, port, resolver };
}

/** Asked again where something else is the matter: a packet that was lost three times is no answer. */
const isGone = (asked: Promise<unknown>): Promise<boolean> =>
  asked.then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === 'ENOTFOUND',
  );

test('a resolver finds services, sees them change, and knows what is not there', async (t) => {
  const { api, resolver } = await bench(t);
  t.deepEqual(await resolver.resolve4('web.default.svc.cluster.local'), ['10.96.0.20']);
  t.deepEqual(await resolver.reverse('10.96.0.20'), ['web.default.svc.cluster.local']);
  await t.throwsAsync(resolver.resolve4('nosuch.default.svc.cluster.local'), { code: 'ENOTFOUND' });
  await t.throwsAsync(resolver.resolve6('web.default.svc.cluster.local'), { code: 'ENODATA' });
  await t.throwsAsync(resolver.resolve4('www.example.com'), { code: 'EREFUSED' });
  api.put(RESOURCES.services, {
    metadata: { namespace: 'default', name: 'new' },
    spec: { clusterIP: '10.96.0.30', ports: [{ port: 80 }] },
  });
  t.deepEqual(await eventually('it is there', () => resolver.resolve4('new.default.svc.cluster.local')), [
    '10.96.0.30',
  ]);
  // In a range that is made later.
  const ip = '10.112.0.30';
  api.put(RESOURCES.services, {
    metadata: { namespace: 'default', name: 'far' },
    spec: { clusterIP: ip, ports: [{ port: 80 }] },
  });
  api.put(RESOURCES.serviceCidrs, { metadata: { name: 'more' }, spec: { cidrs: ['10.112.0.0/16'] } });
  t.deepEqual(await eventually('the range is known', () => resolver.reverse(ip)), ['far.default.svc.cluster.local']);
  api.delete(RESOURCES.services, 'default', 'new');
  await eventually('it is gone', () => isGone(resolver.resolve4('new.default.svc.cluster.local')));
});

test('a long answer is cut over UDP and whole over TCP', async (t) => {
  const { api, resolver, port } = await bench(t);
  const endpoints = Array.from({ length: 100 }, (_, at) => ({ addresses: [`10.244.1.${at + 1}`] }));
  api.put(RESOURCES.services, { metadata: { namespace: 'default', name: 'many' }, spec: { clusterIP: 'None' } });
  api.put(RESOURCES.endpointSlices, {
    metadata: { namespace: 'default', name: 'many-a', labels: { 'kubernetes.io/service-name': 'many' } },
    addressType: 'IPv4',
    endpoints,
    ports: [],
  });
  // Node's resolver turns to TCP by itself when an answer is cut.
  const many = await eventually('it is there', () => resolver.resolve4('many.default.svc.cluster.local'));
  t.is(many.length, 100);
  const query = dnsPacket.streamEncode({
    type: 'query',
    id: 3,
    questions: [{ name: 'web.default.svc.cluster.local', type: 'A' }],
  });
  const socket = net.connect(port, '127.0.0.1');
  let got = Buffer.alloc(0);
  socket.on('data', (part: Buffer) => (got = Buffer.concat([got, part])));
  // Two questions in three pieces.
  for (const piece of [query.subarray(0, 1), query.subarray(1, 20), Buffer.concat([query.subarray(20), query])]) {
    socket.write(piece);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await eventually('two answers', () => got.length > 2 && got.length >= 2 * (2 + got.readUInt16BE(0)));
  socket.destroy();
  t.is(dnsPacket.streamDecode(got.subarray(0, 2 + got.readUInt16BE(0))).answers!.length, 1);
});

test('other names go upstream, over the same carrier, and an upstream that is silent is passed over', async (t) => {
  const silent = dgram.createSocket('udp4');
  await new Promise<void>((resolve) => silent.bind(0, '127.0.0.1', resolve));
  t.teardown(() => silent.close());
  const real = await upstream(t);
  const { resolver: patient } = await bench(t, { upstream: [`127.0.0.1:${silent.address().port}`, real] });
  t.deepEqual(await patient.resolve4('www.example.com'), ['192.0.2.1']);
  const { api, resolver } = await bench(t, { upstream: ['no-address', '[::1]:1', '127.0.0.1:1', real] });
  t.deepEqual(await resolver.resolve4('www.example.com'), ['192.0.2.1']);
  t.is((await resolver.resolve4('big.example.com')).length, 60);
  api.put(RESOURCES.services, {
    metadata: { namespace: 'default', name: 'out' },
    spec: { type: 'ExternalName', externalName: 'www.example.com' },
  });
  t.deepEqual(await eventually('it is there', () => resolver.resolve4('out.default.svc.cluster.local')), ['192.0.2.1']);
  t.deepEqual(await resolver.resolveCname('out.default.svc.cluster.local'), ['www.example.com']);
});

test('its own Service and EndpointSlice are in the API, and come back when they are changed or gone', async (t) => {
  const { api, running } = await bench(t);
  const service = (): Service | undefined => api.get(RESOURCES.services, 'kube-system', 'kube-dns');
  const slice = (): EndpointSlice | undefined => api.get(RESOURCES.endpointSlices, 'kube-system', 'kube-dns');
  await eventually('published', () => running.status()['published'] === true);
  t.is(service()!.spec.clusterIP, '10.96.0.10');
  t.deepEqual(slice()!.endpoints![0]!.addresses, ['127.0.0.1']);
  t.is(slice()!.metadata.labels!['kubernetes.io/service-name'], 'kube-dns');
  api.delete(RESOURCES.endpointSlices, 'kube-system', 'kube-dns');
  await eventually('slice back', () => slice() !== undefined);
  api.put(RESOURCES.endpointSlices, { ...slice()!, endpoints: [{ addresses: ['10.9.9.9'] }] });
  await eventually('slice mended', () => slice()!.endpoints![0]!.addresses[0] === '127.0.0.1');
  const writes = (): number => api.requests.filter(({ method }) => method !== 'GET').length;
  const before = writes();
  await new Promise((resolve) => setTimeout(resolve, 200));
  t.is(writes(), before, 'nothing is written without need');
});

test('garbage on the wire harms nobody, a taken port is named, and stop frees the port', async (t) => {
  const { resolver, port, running } = await bench(t);
  const udp = dgram.createSocket('udp4');
  t.teardown(() => udp.close());
  for (let i = 0; i < 500; i++) {
    const junk = Buffer.alloc(i % 90, systemChance.int(256)).map(() => systemChance.int(256));
    udp.send(junk, port, '127.0.0.1');
  }
  const tcp = net.connect(port, '127.0.0.1');
  tcp.on('error', () => {});
  tcp.write(Buffer.alloc(70_000, 255));
  t.teardown(() => tcp.destroy());
  t.deepEqual(await resolver.resolve4('web.default.svc.cluster.local'), ['10.96.0.20']);
  const taken = startDnsServer({ listen: '127.0.0.1', port, answer: () => Promise.resolve(undefined) });
  await t.throwsAsync(taken, { message: new RegExp(`cannot answer DNS on 127.0.0.1:${port}: .*EADDRINUSE`) });
  await running.stop();
  const free = net.createServer();
  await new Promise<void>((resolve) => free.listen(port, '127.0.0.1', resolve));
  free.close();
});

test('an upstream server is an address, with or without a port', (t) => {
  t.deepEqual(serverOf('192.0.2.1'), { host: '192.0.2.1', port: 53 });
  t.deepEqual(serverOf('192.0.2.1:5353'), { host: '192.0.2.1', port: 5353 });
  t.deepEqual(serverOf('2001:db8::1'), { host: '2001:db8::1', port: 53 });
  t.deepEqual(serverOf('[2001:db8::1]:5353'), { host: '2001:db8::1', port: 5353 });
  for (const bad of ['', 'dns.example.com', '192.0.2.1:0', '192.0.2.1:70000', '192.0.2.300'])
    t.throws(() => serverOf(bad), { message: /cannot ask/ });
});
