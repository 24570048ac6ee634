// Shows that a chain of small programs leaves the kernel where one whole load of the last state would, on a model of
// nft that refuses what the kernel refuses.
import test from 'ava';
import fc from '../../../test/kit/fast-check.ts';
import type { EndpointSlice, Service, ServiceCIDR } from '../../../lib/api/generated/types.ts';
import { blockOf } from '../../../lib/base/ipv4.ts';
import { withoutNested } from './addresses.ts';
import { staleFlows } from './conntrack.ts';
import { ProxyState } from './proxy-state.ts';
import { ServiceIndex } from './service-index.ts';
import { ServedRanges } from './served-ranges.ts';
import type { NodeFacts } from './service-rules.ts';

const facts: NodeFacts = {
  node: 'n1',
  nodePodCidr: '10.244.1.0/24',
  podCidr: '10.244.0.0/16',
  nonMasqueradeCidrs: [],
};

const freshState = (): ProxyState =>
  new ProxyState(new ServiceIndex(), new ServedRanges('10.96.0.0/16', ['10.244.0.0/16']), facts);

/** The table as the kernel keeps it; every statement of ours is one line. */
class KernelModel {
  #maps = new Map<string, Map<string, string>>();
  #chains = new Map<string, string[]>();

  run(program: string): void {
    const lines = program.split('\n');
    const next = new KernelModel();
    next.#maps = new Map([...this.#maps].map(([name, map]) => [name, new Map(map)]));
    next.#chains = new Map([...this.#chains].map(([name, rules]) => [name, [...rules]]));
    let open: string | undefined;
    for (const line of lines) {
      const block = /^ (?:(map|set)|chain) (\S+) \{$/.exec(line);
      if (line === 'delete table ip kube-proxy') {
        next.#maps.clear();
        next.#chains.clear();
      } else if (block !== null) {
        open = block[2]!;
        if (block[1] === undefined) next.#chains.set(open, []);
        else next.#maps.set(open, new Map());
      } else if (line.startsWith('  ')) next.#chains.get(open!)?.push(line.trim());
      else next.#statement(line);
    }
    next.#check();
    this.#maps = next.#maps;
    this.#chains = next.#chains;
  }

  dump(): string {
    const maps = [...this.#maps].map(
      ([name, map]) =>
        `${name}: ${[...map]
          .map((e) => e.join('='))
          .toSorted()
          .join(' ')}`,
    );
    const chains = [...this.#chains].map(([name, rules]) => `${name}: ${rules.join('; ')}`);
    return [...maps, ...chains].toSorted().join('\n');
  }

  #statement(line: string): void {
    const [, verb, what, rest = ''] = /^(add|delete|flush) (element|chain|rule) ip kube-proxy (.*)$/.exec(line) ?? [];
    const [name = '', ...words] = rest.split(' ');
    if (what === 'element') {
      const map = this.#maps.get(name);
      if (map === undefined) throw new Error(`no map ${name}`);
      for (const part of rest.slice(rest.indexOf('{') + 1, rest.lastIndexOf('}')).split(',')) {
        const [key = '', value = ''] = part.split(' : ').map((each) => each.trim());
        if (verb === 'add' && map.has(key) && map.get(key) !== value) throw new Error(`${name} ${key} exists`);
        if (verb === 'add') map.set(key, value);
        else if (!map.delete(key)) throw new Error(`${name} ${key} does not exist`);
      }
    } else if (what === 'chain') {
      if (verb === 'add') this.#chains.set(name, this.#chains.get(name) ?? []);
      else if (!this.#chains.has(name)) throw new Error(`no chain ${name}`);
      else if (verb === 'flush') this.#chains.set(name, []);
      else {
        this.#chains.delete(name);
        if (this.#goals().has(name)) throw new Error(`chain ${name} is busy`);
      }
    } else if (what === 'rule') this.#chains.get(name)!.push(words.join(' '));
  }

  #goals(): Set<string> {
    const texts = [
      ...[...this.#maps.values()].flatMap((map) => [...map.values()]),
      ...[...this.#chains.values()].flat(),
    ];
    return new Set(texts.flatMap((text) => /(?:goto|jump) (\S+)$/.exec(text)?.[1] ?? []));
  }

  #check(): void {
    for (const goal of this.#goals()) if (!this.#chains.has(goal)) throw new Error(`goto ${goal}: no such chain`);
    const blocks = [...(this.#maps.get('service-cidrs')?.keys() ?? [])].map((text) => blockOf(text)!);
    if (withoutNested(blocks).length < blocks.length) throw new Error('conflicting intervals in service-cidrs');
  }
}

const NAMES = ['a', 'b', 'c', 'd'];
const name = fc.constantFrom(...NAMES);
const service = fc.record({
  metadata: fc.record({ namespace: fc.constant('default'), name }),
  spec: fc.record({
    clusterIP: fc.constantFrom('10.96.0.1', '10.96.0.2', '10.96.0.3', 'None'),
    ports: fc.uniqueArray(
      fc.record({
        name: fc.constantFrom('x', 'y'),
        port: fc.constantFrom(80, 53),
        protocol: fc.constantFrom('TCP', 'UDP'),
        nodePort: fc.constantFrom(undefined, 30001, 30002),
      }),
      { selector: (port) => port.name, maxLength: 2 },
    ),
    externalIPs: fc.constantFrom([], ['203.0.113.9']),
    sessionAffinity: fc.constantFrom('None', 'None', 'ClientIP'),
    externalTrafficPolicy: fc.constantFrom('Cluster', 'Local'),
    internalTrafficPolicy: fc.constantFrom('Cluster', 'Cluster', 'Local'),
  }),
}) as fc.Arbitrary<Service>;
const conditions = fc.record({ ready: fc.boolean(), serving: fc.boolean(), terminating: fc.boolean() });
const slice = fc.tuple(name, fc.constantFrom('1', '2')).chain(([owner, number]) =>
  fc.record({
    metadata: fc.record({
      namespace: fc.constant('default'),
      name: fc.constant(`${owner}-${number}`),
      labels: fc.constantFrom({ 'kubernetes.io/service-name': owner }, { 'kubernetes.io/service-name': 'd' }),
    }),
    addressType: fc.constant('IPv4'),
    endpoints: fc.array(
      fc.record({
        addresses: fc.integer({ min: 1, max: 5 }).map((n) => [`10.244.${(n % 2) + 1}.${n}`]),
        nodeName: fc.constantFrom('n1', 'n2'),
        conditions,
      }),
      { maxLength: 4 },
    ),
    ports: fc.constantFrom(
      [{ name: 'x', port: 8080 }],
      [
        { name: 'x', port: 8080 },
        { name: 'y', port: 53, protocol: 'UDP' },
      ],
    ),
  }),
) as fc.Arbitrary<EndpointSlice>;

const range = fc.record({
  metadata: fc.record({ name }),
  spec: fc.record({
    cidrs: fc.constantFrom(
      ['10.112.0.0/16'],
      ['10.112.7.0/24'],
      ['10.96.0.0/12'],
      ['10.96.0.0/16', 'fd00::/112'],
      ['nonsense'],
    ),
  }),
}) as fc.Arbitrary<ServiceCIDR>;

interface Step {
  put?: Service;
  slice?: EndpointSlice;
  range?: ServiceCIDR;
  drop?: string;
  dropSlice?: string;
  dropRange?: string;
  sync?: boolean;
}
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ put: service }),
  fc.record({ slice }),
  fc.record({ range }),
  fc.record({ drop: name }),
  fc.record({ dropRange: name }),
  fc.record({ dropSlice: fc.tuple(name, fc.constantFrom('1', '2')).map((both) => both.join('-')) }),
  fc.constant({ sync: true }),
  fc.constant({ sync: true }),
);

test('small programs lead where a whole load leads', (t) => {
  let applied = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: 'max' }), (steps) => {
      const services = new Map<string, Service>();
      const slices = new Map<string, EndpointSlice>();
      const ranges = new Map<string, ServiceCIDR>();
      const state = freshState();
      const kernel = new KernelModel();
      kernel.run(state.full().program);
      for (const each of [...steps, { sync: true } as Step]) {
        change(each, state.index, services, slices);
        changeRange(each, state.ranges, ranges);
        if (each.sync !== true) continue;
        const next = state.next();
        if (next.program !== '') applied++;
        kernel.run(next.program);
        const fresh = freshState();
        for (const one of services.values()) fresh.index.setService(undefined, one);
        for (const one of slices.values()) fresh.index.setSlice(undefined, one);
        for (const one of ranges.values()) fresh.ranges.setRange(undefined, one);
        const whole = new KernelModel();
        whole.run(fresh.full().program);
        if (whole.dump() !== kernel.dump())
          throw new Error(`${kernel.dump()}\n--- but a whole load gives\n${whole.dump()}`);
        if (fresh.hash.join() !== state.hash.join()) throw new Error('the hashes differ');
      }
    }),
    { numRuns: 400 },
  );
  t.true(applied > 400, `only ${applied} programs were tried`);
});

function change(
  each: Step,
  index: ServiceIndex,
  services: Map<string, Service>,
  slices: Map<string, EndpointSlice>,
): void {
  const { put, slice: one, drop, dropSlice } = each;
  if (put !== undefined) {
    index.setService(services.get(put.metadata.name), put);
    services.set(put.metadata.name, put);
  }
  if (one !== undefined) {
    index.setSlice(slices.get(one.metadata.name), one);
    slices.set(one.metadata.name, one);
  }
  if (drop !== undefined && services.has(drop)) {
    index.setService(services.get(drop), undefined);
    services.delete(drop);
  }
  if (dropSlice !== undefined && slices.has(dropSlice)) {
    index.setSlice(slices.get(dropSlice), undefined);
    slices.delete(dropSlice);
  }
}

function changeRange({ range: one, dropRange }: Step, state: ServedRanges, ranges: Map<string, ServiceCIDR>): void {
  if (one !== undefined) {
    state.setRange(ranges.get(one.metadata.name), one);
    ranges.set(one.metadata.name, one);
  }
  if (dropRange !== undefined && ranges.has(dropRange)) {
    state.setRange(ranges.get(dropRange), undefined);
    ranges.delete(dropRange);
  }
}

test('what is refused for want of a Service follows the ranges that come and go', (t) => {
  const state = freshState();
  const cidr = (name: string, ...cidrs: string[]): ServiceCIDR => ({ metadata: { name }, spec: { cidrs } });
  const changed = (): string[] =>
    state
      .next()
      .program.split('\n')
      .filter((line) => line.includes(' service-cidrs '));
  t.regex(state.full().program, /add element ip kube-proxy service-cidrs \{ 10\.96\.0\.0\/16 \}/);
  state.ranges.setRange(undefined, cidr('kubernetes', '10.96.0.0/16'));
  t.deepEqual(changed(), []);
  const more = cidr('more', '10.112.0.0/16', '10.200.0.0/24');
  state.ranges.setRange(undefined, more);
  t.deepEqual(changed(), ['add element ip kube-proxy service-cidrs { 10.112.0.0/16, 10.200.0.0/24 }']);
  state.ranges.setRange(undefined, cidr('inner', '10.112.7.0/24'));
  t.deepEqual(changed(), []);
  state.ranges.setRange(more, undefined);
  t.deepEqual(changed(), [
    'delete element ip kube-proxy service-cidrs { 10.112.0.0/16, 10.200.0.0/24 }',
    'add element ip kube-proxy service-cidrs { 10.112.7.0/24 }',
  ]);
  // What holds pods is no range of services.
  state.ranges.setRange(undefined, cidr('slip', '10.0.0.0/8', '10.244.3.0/24'));
  t.deepEqual(changed(), []);
  // The cluster's own block needs no object.
  state.ranges.setRange(cidr('kubernetes', '10.96.0.0/16'), undefined);
  t.deepEqual(changed(), []);
});

test('rules do not depend on the order in which slices came', (t) => {
  const owner = { 'kubernetes.io/service-name': 'd' };
  const one = (name: string, nodeName: string): EndpointSlice => ({
    metadata: { namespace: 'default', name, labels: owner },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.244.2.3'], nodeName }],
    ports: [{ port: 80 }],
  });
  const hashOf = (...slices: EndpointSlice[]): string => {
    const state = freshState();
    state.index.setService(undefined, {
      metadata: { namespace: 'default', name: 'd' },
      spec: { clusterIP: '10.96.0.1', ports: [{ port: 80 }], internalTrafficPolicy: 'Local' },
    });
    for (const slice of slices) state.index.setSlice(undefined, slice);
    state.full();
    return state.hash.join();
  };
  t.is(hashOf(one('d-1', 'n1'), one('d-2', 'n2')), hashOf(one('d-2', 'n2'), one('d-1', 'n1')));
});

test('the model refuses what the kernel refuses', (t) => {
  const kernel = new KernelModel();
  kernel.run(freshState().full().program);
  t.throws(() => kernel.run('delete element ip kube-proxy endpoints { 10.96.0.1 . tcp . 80 . 0x00000000 }'), {
    message: /does not exist/,
  });
  t.throws(() => kernel.run('add element ip kube-proxy service-ips { 10.96.0.1 . tcp . 80 : goto service-9 }'), {
    message: /no such chain/,
  });
  t.throws(() =>
    kernel.run(
      'delete chain ip kube-proxy reject-chain\nadd element ip kube-proxy no-endpoint-services { 1.1.1.1 . tcp . 1 : goto reject-chain }',
    ),
  );
});

test('a change of one service among many touches only its own elements', (t) => {
  const state = freshState();
  const web = (n: number): Service => ({
    metadata: { namespace: 'default', name: `s${n}` },
    spec: { clusterIP: `10.96.${n >> 8}.${n & 255}`, ports: [{ port: 80 }] },
  });
  const of = (n: number, ips: string[]): EndpointSlice => ({
    metadata: { namespace: 'default', name: `s${n}-a`, labels: { 'kubernetes.io/service-name': `s${n}` } },
    addressType: 'IPv4',
    endpoints: ips.map((ip) => ({ addresses: [ip] })),
    ports: [{ port: 80 }],
  });
  const pair = ['10.244.2.1', '10.244.2.2'];
  for (let n = 1; n <= 500; n++) {
    state.index.setService(undefined, web(n));
    state.index.setSlice(undefined, of(n, pair));
  }
  state.full();
  state.index.setSlice(of(7, pair), of(7, [...pair, '10.244.2.3']));
  const next = state.next();
  t.deepEqual(next.services, ['default/s7']);
  t.is(next.changed, 3);
  t.is(next.program.trim().split('\n').length, 10, next.program);
  state.index.setSlice(of(7, [...pair, '10.244.2.3']), of(7, [...pair, '10.244.2.3']));
  t.is(state.next().program, '');
});

test('UDP flows of removed endpoints are forgotten, not those that moved to another index', (t) => {
  const udp = (index: number, before?: string, after?: string) => ({
    map: 'endpoints' as const,
    key: `10.96.0.10 . udp . 53 . 0x0000000${index}`,
    before,
    after,
  });
  const flows = staleFlows([
    udp(0, '10.244.1.2 . 53', '10.244.2.2 . 53'),
    udp(1, '10.244.2.2 . 53'),
    { map: 'endpoints', key: '10.96.0.10 . tcp . 53 . 0x00000000', before: '10.244.1.2 . 53', after: undefined },
    { map: 'nodeport-endpoints', key: 'udp . 30053 . 0x00000000', before: '10.244.1.2 . 53', after: undefined },
  ]);
  t.deepEqual(flows, [
    { ip: '10.96.0.10', port: 53, endpoint: '10.244.1.2' },
    { ip: undefined, port: 30053, endpoint: '10.244.1.2' },
  ]);
});
