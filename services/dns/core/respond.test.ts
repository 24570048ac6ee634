// Shows what names mean, packet by packet, and that no bytes whatever break the server.
import dnsPacket from 'dns-packet';
import type { DecodedPacket, RecordType } from 'dns-packet';
import test from 'ava';
import fc from '../../../test/kit/fast-check.ts';
import type { EndpointSlice, Service } from '../../../lib/api/generated/types.ts';
import { DnsIndex } from './dns-index.ts';
import { respond, type World } from './respond.ts';

const service = (namespace: string, name: string, spec: Partial<Service['spec']>): Service => ({
  metadata: { namespace, name },
  spec: { ports: [{ name: 'http', port: 80, protocol: 'TCP' }], ...spec },
});

const slice = (name: string, endpoints: EndpointSlice['endpoints'], ports: EndpointSlice['ports']): EndpointSlice => ({
  metadata: { namespace: 'default', name: `${name}-a`, labels: { 'kubernetes.io/service-name': name } },
  addressType: 'IPv4',
  endpoints,
  ports,
});

function world(options: Partial<World> = {}): World {
  const index = new DnsIndex();
  index.setService(
    undefined,
    service('default', 'kubernetes', { clusterIP: '10.96.0.1', ports: [{ name: 'https', port: 443 }] }),
  );
  index.setService(undefined, service('default', 'web', { clusterIP: '10.96.0.20' }));
  index.setService(undefined, service('default', 'pets', { clusterIP: 'None' }));
  index.setService(undefined, service('default', 'empty', { clusterIP: 'None' }));
  index.setService(undefined, service('default', 'out', { type: 'ExternalName', externalName: 'www.example.com.' }));
  index.setService(
    undefined,
    service('default', 'in', { type: 'ExternalName', externalName: 'web.default.svc.cluster.local' }),
  );
  index.setService(undefined, service('default', 'evil', { type: 'ExternalName', externalName: 'a..b' }));
  const pets = [
    { addresses: ['10.244.1.2'], hostname: 'pet-0', conditions: { ready: true } },
    { addresses: ['10.244.2.2'] },
    { addresses: ['10.244.2.3'], hostname: 'pet-2', conditions: { ready: false } },
  ];
  index.setSlice(undefined, slice('pets', pets, [{ name: 'http', port: 8080, protocol: 'TCP' }]));
  index.setSlice(undefined, slice('web', [{ addresses: ['10.244.1.9'] }], [{ name: 'http', port: 8080 }]));
  const zone = { domain: 'cluster.local', dnsIp: '10.96.0.10', blocks: ['10.244.0.0/16', '10.96.0.0/16'] };
  return { index, zone, ready: true, hasUpstream: false, ...options };
}

const encodeQuery = (name: string, type: string, more: object = {}): Uint8Array =>
  dnsPacket.encode({
    type: 'query',
    id: 7,
    flags: dnsPacket.RECURSION_DESIRED,
    questions: [{ name, type: type as RecordType }],
    ...more,
  });

function ask(name: string, type = 'A', of = world(), over: 'udp' | 'tcp' = 'udp', more: object = {}, turn = 0) {
  const response = respond({ packet: encodeQuery(name, type, more), over, turn }, of);
  if (response.type !== 'reply') throw new Error(`${name} ${type}: ${response.type}`);
  const packet = dnsPacket.decode(Buffer.from(response.packet)) as DecodedPacket & { rcode: string };
  return { ...packet, bytes: response.packet.length };
}

const data = (packet: DecodedPacket): string[] =>
  (packet.answers ?? []).map((answer) => {
    const value = (answer as { data: unknown }).data;
    if (answer.type === 'TXT') return String((value as Buffer[])[0]);
    return answer.type === 'SRV' ? `${answer.data.port} ${answer.data.target}` : String(value);
  });
const told = (name: string, type = 'A'): string => {
  const { rcode, answers = [], authorities = [], ...rest } = ask(name, type);
  if (answers.length > 0)
    return data({ ...rest, answers })
      .toSorted()
      .join(', ');
  return `${rcode === 'NOERROR' ? 'NODATA' : rcode}${authorities[0]?.type === 'SOA' ? '' : ' without SOA'}`;
};

test('names, as a conversation', (t) => {
  const conversation: Array<[question: string, answer: string]> = [
    ['kubernetes.default.svc.cluster.local A', '10.96.0.1'],
    ['web.default.svc.cluster.local A', '10.96.0.20'],
    ['web.default.svc.cluster.local AAAA', 'NODATA'],
    ['web.default.svc.cluster.local MX', 'NODATA'],
    ['web.default.svc.cluster.local HTTPS', 'NODATA'],
    ['_http._tcp.web.default.svc.cluster.local SRV', '80 web.default.svc.cluster.local'],
    ['web.default.svc.cluster.local SRV', '80 web.default.svc.cluster.local'],
    ['_http._udp.web.default.svc.cluster.local SRV', 'NXDOMAIN'],
    ['_https._tcp.web.default.svc.cluster.local SRV', 'NXDOMAIN'],
    ['_http._tcp.web.default.svc.cluster.local A', 'NODATA'],
    ['_tcp.web.default.svc.cluster.local A', 'NODATA'],
    ['x.web.default.svc.cluster.local A', 'NXDOMAIN'],
    ['pets.default.svc.cluster.local A', '10.244.1.2, 10.244.2.2'],
    ['pet-0.pets.default.svc.cluster.local A', '10.244.1.2'],
    ['10-244-2-2.pets.default.svc.cluster.local A', '10.244.2.2'],
    ['pet-2.pets.default.svc.cluster.local A', 'NXDOMAIN'],
    [
      '_http._tcp.pets.default.svc.cluster.local SRV',
      '8080 10-244-2-2.pets.default.svc.cluster.local, 8080 pet-0.pets.default.svc.cluster.local',
    ],
    ['empty.default.svc.cluster.local A', 'NXDOMAIN'],
    ['nosuch.default.svc.cluster.local A', 'NXDOMAIN'],
    ['web.nosuch.svc.cluster.local A', 'NXDOMAIN'],
    ['default.svc.cluster.local A', 'NODATA'],
    ['nosuch.svc.cluster.local A', 'NXDOMAIN'],
    ['svc.cluster.local A', 'NODATA'],
    ['cluster.local A', 'NODATA'],
    ['cluster.local NS', 'ns.dns.cluster.local'],
    ['ns.dns.cluster.local A', '10.96.0.10'],
    ['web.cluster.local A', 'NXDOMAIN'],
    ['10-244-1-2.default.pod.cluster.local A', '10.244.1.2'],
    ['10-244-1-999.default.pod.cluster.local A', 'NXDOMAIN'],
    ['dns-version.cluster.local TXT', '1.1.0'],
    ['20.0.96.10.in-addr.arpa PTR', 'web.default.svc.cluster.local'],
    ['2.1.244.10.in-addr.arpa PTR', 'pet-0.pets.default.svc.cluster.local'],
    ['9.1.244.10.in-addr.arpa PTR', 'NXDOMAIN'],
    ['20.0.96.10.in-addr.arpa A', 'NODATA'],
    ['out.default.svc.cluster.local A', 'www.example.com'],
    ['in.default.svc.cluster.local A', '10.96.0.20, web.default.svc.cluster.local'],
    ['evil.default.svc.cluster.local A', 'NODATA'],
    ['www.example.com A', 'REFUSED without SOA'],
    ['1.0.0.127.in-addr.arpa PTR', 'REFUSED without SOA'],
  ];
  for (const [question, answer] of conversation) {
    const [name = '', type = ''] = question.split(' ');
    t.is(told(name, type === 'HTTPS' ? 'UNKNOWN_65' : type), answer, question);
  }
});

test('case does not matter, and is kept in the answer', (t) => {
  const answer = ask('WeB.dEfault.svc.cluster.LOCAL');
  t.deepEqual(data(answer), ['10.96.0.20']);
  t.is(answer.questions![0]!.name, 'WeB.dEfault.svc.cluster.LOCAL');
  t.is(answer.answers![0]!.name, 'WeB.dEfault.svc.cluster.LOCAL');
  t.is(answer.id, 7);
  t.true(answer.flag_qr && answer.flag_aa && answer.flag_rd && answer.flag_ra);
});

test('SRV brings the addresses of its targets', (t) => {
  const { additionals = [] } = ask('_http._tcp.pets.default.svc.cluster.local', 'SRV');
  t.deepEqual(
    additionals.map((each) => `${each.name} ${(each as { data: string }).data}`),
    ['pet-0.pets.default.svc.cluster.local 10.244.1.2', '10-244-2-2.pets.default.svc.cluster.local 10.244.2.2'],
  );
});

test('endpoints that are not ready have names when the service says so', (t) => {
  const of = world();
  const before = of.index.service('default', 'pets')!;
  of.index.setService(before, { ...before, spec: { ...before.spec, publishNotReadyAddresses: true } });
  t.deepEqual(data(ask('pet-2.pets.default.svc.cluster.local', 'A', of)), ['10.244.2.3']);
});

test('the first address takes turns', (t) => {
  const first = (turn: number): string | undefined =>
    data(ask('pets.default.svc.cluster.local', 'A', world(), 'udp', {}, turn))[0];
  t.deepEqual([first(0), first(1), first(2)], ['10.244.1.2', '10.244.2.2', '10.244.1.2']);
});

test('what goes, goes: its names and addresses are forgotten', (t) => {
  const of = world();
  const web = of.index.service('default', 'web')!;
  of.index.setService(web, { ...web, spec: { ...web.spec, clusterIP: '10.96.0.21' } });
  t.deepEqual(data(ask('web.default.svc.cluster.local', 'A', of)), ['10.96.0.21']);
  t.is(ask('20.0.96.10.in-addr.arpa', 'PTR', of).rcode, 'NXDOMAIN');
  for (const name of ['kubernetes', 'web', 'pets', 'empty', 'out', 'in', 'evil'])
    of.index.setService(of.index.service('default', name), undefined);
  t.is(ask('default.svc.cluster.local', 'A', of).rcode, 'NXDOMAIN');
  t.is(ask('2.1.244.10.in-addr.arpa', 'PTR', of).rcode, 'NXDOMAIN');
  t.is(of.index.services, 0);
});

test('reverse names of a further range are ours as long as it is there', (t) => {
  const of = world();
  of.index.setService(undefined, service('default', 'far', { clusterIP: '10.112.0.7' }));
  const rcode = (name: string): string => ask(`${name}.in-addr.arpa`, 'PTR', of).rcode;
  t.is(rcode('7.0.112.10'), 'REFUSED');
  const range = { metadata: { name: 'more' }, spec: { cidrs: ['10.112.0.0/16', 'fd00:1::/112'] } };
  const before = of.index.serial;
  of.index.setRange(undefined, range);
  t.true(of.index.serial > before);
  t.deepEqual(data(ask('7.0.112.10.in-addr.arpa', 'PTR', of)), ['far.default.svc.cluster.local']);
  t.is(rcode('8.0.112.10'), 'NXDOMAIN');
  t.is(rcode('8.0.113.10'), 'REFUSED');
  of.index.setRange(range, { ...range, spec: { cidrs: ['10.113.0.0/16'] } });
  t.is(rcode('8.0.112.10'), 'REFUSED');
  t.is(rcode('8.0.113.10'), 'NXDOMAIN');
  of.index.setRange(range, undefined);
  t.is(rcode('8.0.113.10'), 'REFUSED');
});

test('an answer that does not fit is cut and says so; TCP and EDNS have more room', (t) => {
  const of = world();
  const many = Array.from({ length: 40 }, (_, at) => ({ addresses: [`10.244.3.${at + 1}`] }));
  of.index.setService(undefined, service('default', 'many', { clusterIP: 'None' }));
  of.index.setSlice(undefined, slice('many', many, []));
  const name = 'many.default.svc.cluster.local';
  const udp = ask(name, 'A', of);
  t.true(udp.flag_tc && udp.bytes <= 512 && udp.answers!.length > 3, `${udp.bytes} bytes`);
  const opt = { additionals: [{ type: 'OPT', name: '.', udpPayloadSize: 4096, flags: 0, options: [] }] };
  const edns = ask(name, 'A', of, 'udp', opt);
  t.true(edns.bytes > 512 && edns.bytes <= 1232);
  t.is(edns.additionals!.at(-1)!.type, 'OPT');
  const tcp = ask(name, 'A', of, 'tcp');
  t.is(tcp.answers!.length, 40);
  t.false(tcp.flag_tc);
});

test('before the lists are complete nothing is denied', (t) => {
  t.is(ask('web.default.svc.cluster.local', 'A', world({ ready: false })).rcode, 'SERVFAIL');
});

test('other names are forwarded as they are, aliases by their target', (t) => {
  const of = world({ hasUpstream: true });
  const packet = encodeQuery('www.example.com', 'A');
  const forward = respond({ packet, over: 'udp', turn: 0 }, of);
  if (forward.type !== 'forward') return t.fail();
  t.is(forward.packet, packet);
  t.is((dnsPacket.decode(Buffer.from(forward.failed)) as { rcode?: string }).rcode, 'SERVFAIL');
  const chase = respond({ packet: encodeQuery('out.default.svc.cluster.local', 'A'), over: 'udp', turn: 0 }, of);
  if (chase.type !== 'chase') return t.fail();
  const asked = dnsPacket.decode(Buffer.from(chase.packet));
  t.is(asked.questions![0]!.name, 'www.example.com');
  const upstream = dnsPacket.encode({
    type: 'response',
    id: 7,
    questions: asked.questions,
    answers: [{ type: 'A', name: 'www.example.com', data: '192.0.2.1' }],
  });
  t.deepEqual(data(dnsPacket.decode(Buffer.from(chase.finish(upstream)))), ['www.example.com', '192.0.2.1']);
  const alone = dnsPacket.decode(Buffer.from(chase.finish(undefined))) as DecodedPacket & { rcode: string };
  t.is(alone.rcode, 'SERVFAIL');
  t.is(respond({ packet: encodeQuery('web.default.svc.cluster.local', 'A'), over: 'udp', turn: 0 }, of).type, 'reply');
});

test('what is no question gets a short answer or none', (t) => {
  const rcode = (packet: Uint8Array): number | string => {
    const response = respond({ packet, over: 'udp', turn: 0 }, world());
    return response.type === 'reply' ? response.packet[3]! & 15 : response.type;
  };
  t.is(rcode(new Uint8Array(5)), 'silence');
  t.is(rcode(dnsPacket.encode({ type: 'response', id: 1, questions: [{ name: 'a', type: 'A' }] })), 'silence');
  t.is(rcode(dnsPacket.encode({ type: 'query', id: 1, questions: [] })), 1);
  t.is(rcode(dnsPacket.encode({ type: 'query', id: 1, flags: 4 << 11, questions: [{ name: 'a', type: 'A' }] })), 4);
  t.is(rcode(dnsPacket.encode({ type: 'query', id: 1, questions: [{ name: 'a', type: 'A', class: 'CH' }] })), 5);
  const dotted = Buffer.from(encodeQuery('web-default.svc.cluster.local', 'A'));
  dotted[dotted.indexOf('-default')] = 0x2e;
  t.is(rcode(dotted), 1, 'a dot inside a label is another name');
});

test('no bytes break it, and every reply can be read and is for its question', (t) => {
  const of = world({ hasUpstream: true });
  const names = [
    'web.default.svc.cluster.local',
    'pets.default.svc.cluster.local',
    'x.y',
    'out.default.svc.cluster.local',
  ];
  const mutated = fc
    .tuple(
      fc.constantFrom(...names),
      fc.constantFrom('A', 'SRV', 'ANY', 'PTR', 'OPT', 'TXT'),
      fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { maxLength: 6 }),
      fc.nat(80),
    )
    .map(([name, type, changes, cut]) => {
      const bytes = Buffer.from(encodeQuery(name, type));
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
      return new Uint8Array(cut < 12 ? bytes.subarray(0, bytes.length - cut) : bytes);
    });
  let replies = 0;
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 120 })), fc.constantFrom('udp', 'tcp'), (packet, over) => {
      const response = respond({ packet, over: over as 'udp' | 'tcp', turn: packet.length }, of);
      const bytes =
        response.type === 'reply' ? response.packet : response.type === 'forward' ? response.failed : undefined;
      if (bytes === undefined) return response.type === 'silence' || response.type === 'chase';
      replies++;
      const read = dnsPacket.decode(Buffer.from(bytes));
      return read.flag_qr && read.id === ((packet[0]! << 8) | packet[1]!) && (over === 'tcp' || bytes.length <= 1232);
    }),
    { numRuns: 5000 },
  );
  t.true(replies > 1000, `${replies} replies`);
});
