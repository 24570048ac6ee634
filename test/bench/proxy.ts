// Measures kube-proxy's rules against the number of services: time of a whole load, of one change,
// of comparing the kernel's table. Prints JSON; judges nothing. Needs root and nft: `node test/bench/proxy.ts [max]`.
import { execFileSync, spawnSync } from 'node:child_process';
import type { EndpointSlice, Service } from '../../lib/api/generated/types.ts';
import { foreignChange, readListing } from '../../services/kube-proxy/core/listing.ts';
import { ProxyState } from '../../services/kube-proxy/core/proxy-state.ts';
import { ServiceIndex } from '../../services/kube-proxy/core/service-index.ts';
import { ServedRanges } from '../../services/kube-proxy/core/served-ranges.ts';
import type { NodeFacts } from '../../services/kube-proxy/core/service-rules.ts';
import { median } from './figures.ts';

const NETNS = `bench-proxy-${process.pid}`;
const REPEATS = 15;
const facts: NodeFacts = {
  node: 'n1',
  nodePodCidr: '10.244.1.0/24',
  podCidr: '10.244.0.0/16',
  nonMasqueradeCidrs: [],
};

const service = (n: number): Service => ({
  metadata: { namespace: 'default', name: `s${n}` },
  spec: { clusterIP: `10.96.${n >> 8}.${n & 255}`, ports: [{ port: 80 }] },
});

const slice = (n: number, ends: number): EndpointSlice => ({
  metadata: { namespace: 'default', name: `s${n}-a`, labels: { 'kubernetes.io/service-name': `s${n}` } },
  addressType: 'IPv4',
  endpoints: Array.from({ length: ends }, (_, at) => ({
    addresses: [`10.245.${(n * 3 + at) >> 8}.${(n * 3 + at) & 255}`],
  })),
  ports: [{ port: 8080 }],
});

function nft(args: string[], stdin: string): { wallMs: number; stdout: string } {
  const began = performance.now();
  const done = spawnSync('/usr/bin/nsenter', [`--net=/run/netns/${NETNS}`, '/usr/sbin/nft', ...args], {
    input: stdin,
    maxBuffer: 2 ** 28,
    encoding: 'utf8',
  });
  if (done.status !== 0) throw new Error(done.stderr.slice(0, 500));
  return { wallMs: performance.now() - began, stdout: done.stdout };
}

const round = (value: number): number => Math.round(value * 10) / 10;
const middle = (values: number[]): number => round(median(values));

function measure(count: number) {
  const state = new ProxyState(new ServiceIndex(), new ServedRanges('10.96.0.0/12'), facts);
  for (let n = 16; n < count + 16; n++) {
    state.index.setService(undefined, service(n));
    state.index.setSlice(undefined, slice(n, 2));
  }
  const began = performance.now();
  const whole = state.full();
  const computeMs = performance.now() - began;
  const load = nft(['-f', '-'], whole.program);
  const again = nft(['-f', '-'], state.full().program);
  const steps = Array.from({ length: REPEATS }, (_, at) => {
    const from = at % 2 === 0 ? 2 : 3;
    state.index.setSlice(slice(20, from), slice(20, 5 - from));
    const start = performance.now();
    const next = state.next();
    const coreMs = performance.now() - start;
    return { coreMs, ...nft(['-f', '-'], next.program) };
  });
  const listed = nft(['list', 'table', 'ip', 'kube-proxy'], '');
  const parseBegan = performance.now();
  const why = foreignChange(readListing(listed.stdout, facts), state.hash, state.chains(), facts);
  const compareMs = performance.now() - parseBegan;
  if (why !== undefined) throw new Error(`the kernel's table is not ours: ${why}`);
  return {
    services: count,
    elements: state.size,
    whole: {
      computeMs: round(computeMs),
      loadMs: round(load.wallMs),
      reloadMs: round(again.wallMs),
    },
    change: {
      coreMs: middle(steps.map((step) => step.coreMs)),
      nftMs: middle(steps.map((step) => step.wallMs)),
    },
    verify: {
      listMs: round(listed.wallMs),
      compareMs: round(compareMs),
      bytes: listed.stdout.length,
    },
  };
}

execFileSync('/usr/sbin/ip', ['netns', 'add', NETNS]);
try {
  const max = Number(process.argv[2] ?? 10_000);
  const curve = [10, 100, 1000, 3000, 10_000].filter((count) => count <= max).map(measure);
  console.log(JSON.stringify({ bench: 'proxy', load: 'two endpoints a service', curve }, undefined, 1));
} finally {
  execFileSync('/usr/sbin/ip', ['netns', 'del', NETNS]);
}
