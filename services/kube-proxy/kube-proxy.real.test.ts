// Shows the rules with real packets: three node namespaces with pods, a kube-proxy for each node, calls from pods, nodes
// and the machine. Needs root and nft.
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import {
  bringUp,
  chooseIndex,
  planNetwork,
  takenBlocks,
  tearDown,
  type NetworkPlan,
} from '../../launcher/network/index.ts';
import type { RunningActor } from '../../lib/actor/context.ts';
import { systemChance, systemClock } from '../../lib/actor/system.ts';
import { createTracer } from '../../lib/actor/tracer.ts';
import { RESOURCES } from '../../lib/api/resource.ts';
import type { EndpointConditions, Service } from '../../lib/api/generated/types.ts';
import { silentLog } from '../../lib/base/log.ts';
import { MemoryNetwork } from '../../lib/bus/memory.ts';
import type { Span } from '../../lib/bus/messages.ts';
import { patternOf } from '../../lib/bus/subjects.ts';
import type { Exec, ExecChild } from '../../lib/exec/exec.ts';
import { systemExec } from '../../lib/exec/system-exec.ts';
import { eventually } from '../../test/kit/eventually.ts';
import { FakeApi } from '../../test/kit/fake-api.ts';
import { freePorts } from '../../test/kit/free-ports.ts';
import { ProxyState } from './core/proxy-state.ts';
import { ServiceIndex } from './core/service-index.ts';
import { ServedRanges } from './core/served-ranges.ts';
import { NftablesApplier } from './edge/nftables.ts';
import { start } from './main.ts';

const CLUSTER = `kp-${process.pid}`;
const REFUSAL_MS = 20_000;
const PODS = ['p1a', 'p1b', 'p2a', 'p3a'] as const;
type Pod = (typeof PODS)[number];

let plan: NetworkPlan;
let api: FakeApi;
const network = new MemoryNetwork();
const spans: Span[] = [];
const proxies: RunningActor[] = [];
const children: ExecChild[] = [];
let prefix = '';
let stopForwarding = false;

const nodeNumber = (pod: Pod): number => Number(pod[1]);
const ipOf = (pod: Pod): string => `${prefix}.${nodeNumber(pod)}.${pod.endsWith('a') ? 2 : 3}`;
const netnsOf = (pod: Pod): string => `${CLUSTER}-${pod}`;
/** In no range of services until somebody makes it one. */
const LATER = '198.18.77.0/24';
const later = (n: number): string => LATER.replace('0/24', String(n));
const vip = (n: number): string => plan.serviceCidr.replace(/0\.0\/16$/, `1.${n}`);

function inside(netns: string): Exec {
  const enter = (argv: readonly string[]): string[] => ['/usr/bin/nsenter', `--net=/run/netns/${netns}`, ...argv];
  return {
    run: (argv, options) => systemExec.run(enter(argv), options),
    spawn: (argv, options) => systemExec.spawn(enter(argv), options),
  };
}

async function must(argv: string[], stdin?: string): Promise<void> {
  const result = await systemExec.run(argv, stdin === undefined ? {} : { stdin });
  if (result.exitCode !== 0) throw new Error(`${argv.join(' ')}: ${result.stderr}`);
}

const SERVER = `
const name = process.argv[1];
require('net').createServer((s) => { s.on('error', () => {}); s.end(name + ' ' + s.remoteAddress.replace('::ffff:', '')); }).listen(8080, '0.0.0.0', 4096);
const udp = require('dgram').createSocket('udp4');
udp.on('message', (m, c) => udp.send(name, c.port, c.address)).bind(5300, '0.0.0.0', () => console.log('up'));`;

async function addPod(pod: Pod): Promise<void> {
  const node = plan.nodes[nodeNumber(pod) - 1]!;
  const gateway = `${prefix}.${nodeNumber(pod)}.1`;
  await must(['/usr/sbin/ip', 'netns', 'add', netnsOf(pod)]);
  await must([
    '/usr/sbin/ip',
    '-n',
    node.netns,
    'link',
    'add',
    pod,
    'type',
    'veth',
    'peer',
    'name',
    'eth0',
    'netns',
    netnsOf(pod),
  ]);
  await must(
    ['/usr/sbin/ip', '-n', node.netns, '-batch', '-'],
    `addr add ${gateway}/32 dev ${pod}\nlink set ${pod} up\nroute add ${ipOf(pod)}/32 dev ${pod}\n`,
  );
  await must(
    ['/usr/sbin/ip', '-n', netnsOf(pod), '-batch', '-'],
    `link set lo up\naddr add ${ipOf(pod)}/32 dev eth0\nlink set eth0 up\nroute add ${gateway} dev eth0\nroute add default via ${gateway}\n`,
  );
  const child = inside(netnsOf(pod)).spawn([process.execPath, '-e', SERVER, pod]);
  children.push(child);
  await new Promise((resolve) => child.stdout.once('data', resolve));
}

/** Calls `times` times, one after the other; how often each answer came. */
const CLIENT = `
const [host, port, times, gapMs, patienceMs] = process.argv.slice(1);
const seen = {};
const call = (left) => {
  if (left <= 0) return console.log(JSON.stringify(seen));
  const began = Date.now();
  let text = '';
  const s = require('net').connect({ host, port: Number(port), timeout: Number(patienceMs) });
  const end = (what) => { if (s.done) return; s.done = true; s.destroy(); seen[what] = (seen[what] ?? 0) + 1; setTimeout(call, Number(gapMs), left - 1); };
  s.on('data', (d) => (text += d));
  s.on('end', () => end(text));
  s.on('error', (e) => end(Date.now() - began < 500 ? e.code : e.code + ' late'));
  s.on('timeout', () => end('timeout'));
};
call(Number(times));`;

async function call(
  netns: string | undefined,
  host: string,
  port: number,
  times = 1,
  { gapMs = 0, patienceMs = 15_000 }: { gapMs?: number; patienceMs?: number } = {},
): Promise<Record<string, number>> {
  const exec = netns === undefined ? systemExec : inside(netns);
  const result = await exec.run([
    process.execPath,
    '-e',
    CLIENT,
    host,
    String(port),
    String(times),
    String(gapMs),
    String(patienceMs),
  ]);
  return JSON.parse(result.stdout) as Record<string, number>;
}

/** A packet that is dropped is sent again after a second, and refused late then: every time. A busy machine is late once. */
const isRefusedAtOnce = (netns: string | undefined, host: string, port: number): Promise<boolean> =>
  eventually(
    `${netns ?? 'the machine'} is refused by ${host}:${port} at once`,
    async () => {
      const answer = Object.keys(await call(netns, host, port)).join();
      if (!answer.startsWith('ECONNREFUSED')) throw new Error(answer);
      return answer === 'ECONNREFUSED';
    },
    REFUSAL_MS,
  );

/** Only who answered. */
async function who(netns: string | undefined, host: string, port: number, times = 1): Promise<string[]> {
  return [
    ...new Set(Object.keys(await call(netns, host, port, times)).map((answer) => answer.split(' ')[0]!)),
  ].toSorted();
}

async function startProxy(number: number): Promise<RunningActor> {
  const node = plan.nodes[number - 1]!;
  const instance = `kube-proxy-${node.name}`;
  const bus = network.connect(instance);
  const cluster = {
    name: CLUSTER,
    clusterId: 'x',
    domain: 'cluster.local',
    podCidr: plan.podCidr,
    serviceCidr: plan.serviceCidr,
    dnsIp: plan.dnsIp,
  };
  return start({
    cluster: CLUSTER,
    actor: 'kube-proxy',
    instance,
    settings: {
      cluster,
      node: node.name,
      nodeIp: node.ip,
      nodePodCidr: node.podCidr,
      mode: 'nftables',
      nonMasqueradeCidrs: [plan.fabric.cidr],
      ...(number === 1 ? { machine: plan.host } : {}),
    },
    bus,
    clock: systemClock,
    chance: systemChance,
    log: silentLog,
    exec: inside(node.netns),
    tracer: createTracer({ cluster: CLUSTER, actor: 'kube-proxy', instance, boot: 'b', clock: systemClock, bus }),
  });
}

function putService(name: string, n: number, spec: Partial<Service['spec']> = {}): void {
  api.put(RESOURCES.services, {
    metadata: { namespace: 'default', name },
    spec: { clusterIP: vip(n), ports: [{ port: 80 }], ...spec },
  });
}

function putSlice(name: string, pods: Array<Pod | [Pod, EndpointConditions]>, port = 8080, protocol = 'TCP'): number {
  return api.put(RESOURCES.endpointSlices, {
    metadata: { namespace: 'default', name: `${name}-a`, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    endpoints: pods.map((each) => {
      const [pod, conditions] = typeof each === 'string' ? [each, { ready: true }] : each;
      return { addresses: [ipOf(pod)], nodeName: plan.nodes[nodeNumber(pod) - 1]!.name, conditions };
    }),
    ports: [{ port, protocol }],
  });
}

/** Until each proxy has put the last change into force. */
async function inForce(revision: number): Promise<void> {
  const done = (): number =>
    new Set(spans.filter((s) => s.outcome !== 'failed' && s.causes.revisions.includes(revision)).map((s) => s.instance))
      .size;
  await eventually(
    () => `revision ${revision} is in force; the last span is ${JSON.stringify(spans.at(-1))}`,
    () => done() === 3,
  );
}

test.before(async () => {
  plan = planNetwork({
    cluster: CLUSTER,
    index: chooseIndex(CLUSTER, await takenBlocks(systemExec), 20),
    nodes: ['n1', 'n2', 'n3'],
  });
  prefix = plan.podCidr.split('.').slice(0, 2).join('.');
  stopForwarding = (await bringUp(plan, systemExec)).turnedForwardingOn;
  await Promise.all(PODS.map(addPod));
  api = new FakeApi(network, CLUSTER);
  network.connect('observer').subscribe(patternOf(CLUSTER, 'trace'), ({ data }) => void spans.push(data as Span));
  for (const number of [1, 2, 3]) proxies.push(await startProxy(number));
  putService('web', 1, { ports: [{ port: 80, nodePort: 30080 }], externalIPs: ['203.0.113.9'] });
  await inForce(putSlice('web', ['p2a', 'p3a']));
});

test.after.always(async () => {
  for (const proxy of proxies) await proxy.stop();
  for (const child of children) child.kill('SIGKILL');
  for (const pod of PODS) await systemExec.run(['/usr/sbin/ip', 'netns', 'del', netnsOf(pod)]);
  await tearDown(plan, systemExec, { stopForwarding });
});

test.serial('a cluster IP is answered by every endpoint: from a pod, a node and the machine', async (t) => {
  const [n1] = plan.nodes;
  t.deepEqual(await who(netnsOf('p1a'), vip(1), 80, 40), ['p2a', 'p3a']);
  t.deepEqual(await who(n1!.netns, vip(1), 80, 40), ['p2a', 'p3a']);
  t.deepEqual(await who(undefined, vip(1), 80, 40), ['p2a', 'p3a']);
  // A pod is seen by its own address.
  t.true(Object.keys(await call(netnsOf('p1a'), vip(1), 80, 10)).every((answer) => answer.endsWith(` ${ipOf('p1a')}`)));
});

test.serial('a node port and an external IP answer on every node, also its own pods', async (t) => {
  for (const node of plan.nodes) t.deepEqual(await who(undefined, node.ip, 30080, 30), ['p2a', 'p3a'], node.name);
  t.deepEqual(await who(netnsOf('p1a'), plan.nodes[0]!.ip, 30080, 30), ['p2a', 'p3a']);
  t.deepEqual(await who(plan.nodes[0]!.netns, plan.nodes[0]!.ip, 30080, 30), ['p2a', 'p3a']);
  t.deepEqual(await who(netnsOf('p1a'), '203.0.113.9', 80, 30), ['p2a', 'p3a']);
});

test.serial('a pod reaches itself through its service', async (t) => {
  putService('own', 2);
  await inForce(putSlice('own', ['p1a']));
  t.deepEqual(await call(netnsOf('p1a'), vip(2), 80, 5), { [`p1a ${plan.nodes[0]!.podCidr.replace('0/24', '1')}`]: 5 });
  t.deepEqual(await who(netnsOf('p1b'), vip(2), 80, 5), ['p1a']);
});

test.serial('no endpoints, no such port, no such address: refused at once, from pod, node and machine', async (t) => {
  putService('none', 3, { ports: [{ port: 80, nodePort: 30083 }] });
  await inForce(putSlice('none', [['p2a', { ready: false }]]));
  for (const from of [netnsOf('p1a'), plan.nodes[0]!.netns, undefined]) {
    t.true(await isRefusedAtOnce(from, vip(3), 80));
    t.true(await isRefusedAtOnce(from, vip(1), 81));
    t.true(await isRefusedAtOnce(from, vip(99), 80));
  }
  t.true(await isRefusedAtOnce(undefined, plan.nodes[1]!.ip, 30083));
});

test.serial('a range that is added is refused where it holds no Service, until it is gone', async (t) => {
  const asked = { metadata: { name: 'later' }, spec: { cidrs: [LATER] } };
  await inForce(api.put(RESOURCES.serviceCidrs, asked));
  putService('later', 9, { clusterIP: later(1) });
  await inForce(putSlice('later', ['p2a']));
  t.deepEqual(await who(netnsOf('p1a'), later(1), 80, 5), ['p2a']);
  t.true(await isRefusedAtOnce(netnsOf('p1a'), later(9), 80));
  t.true(await isRefusedAtOnce(plan.nodes[0]!.netns, later(9), 80));
  await eventually('the machine finds it', async () => (await machineRoutes()).includes(LATER));
  t.deepEqual(await who(undefined, later(1), 80, 5), ['p2a']);
  t.true(await isRefusedAtOnce(undefined, later(9), 80));
  const listed = async (): Promise<string> =>
    (await inside(plan.nodes[0]!.netns).run(['/usr/sbin/nft', 'list', 'set', 'ip', 'kube-proxy', 'service-cidrs']))
      .stdout;
  t.true((await listed()).includes(LATER));
  // Wider and narrower ones in one change: the kernel takes no overlaps.
  await inForce(api.put(RESOURCES.serviceCidrs, { ...asked, spec: { cidrs: ['198.18.0.0/16', LATER] } }));
  t.true((await listed()).includes('198.18.0.0/16'));
  await inForce(api.put(RESOURCES.serviceCidrs, { ...asked, spec: { cidrs: [LATER, '198.18.78.0/24'] } }));
  t.true((await listed()).includes('198.18.78.0/24'));
  api.delete(RESOURCES.serviceCidrs, '', 'later');
  await eventually('the range is gone', async () => !(await listed()).includes('198.18'));
  t.true((await listed()).includes(plan.serviceCidr));
  await eventually('its route is gone', async () => !(await machineRoutes()).includes('198.18'));
  t.true((await machineRoutes()).includes(`${plan.serviceCidr} via ${plan.nodes[0]!.ip}`));
});

async function machineRoutes(): Promise<string> {
  return (await systemExec.run(['/usr/sbin/ip', 'route', 'show', 'dev', plan.host.device])).stdout;
}

test.serial('a client sticks to one endpoint, and to another when that is gone', async (t) => {
  putService('sticky', 4, { sessionAffinity: 'ClientIP', ports: [{ port: 80, nodePort: 30084 }] });
  await inForce(putSlice('sticky', ['p1b', 'p2a', 'p3a']));
  const first = await who(netnsOf('p1a'), vip(4), 80, 15);
  t.is(first.length, 1);
  t.is((await who(undefined, plan.nodes[0]!.ip, 30084, 15)).length, 1);
  const left = (['p1b', 'p2a', 'p3a'] as Pod[]).filter((pod) => pod !== first[0]);
  await inForce(putSlice('sticky', left));
  const second = await who(netnsOf('p1a'), vip(4), 80, 15);
  t.is(second.length, 1);
  t.not(second[0], first[0]);
  await inForce(putSlice('sticky', ['p1b', 'p2a', 'p3a']));
  t.deepEqual(await who(netnsOf('p1a'), vip(4), 80, 15), second);
});

test.serial('Local policy keeps the client address, drops where nobody is, and spares the node itself', async (t) => {
  putService('local', 5, { externalTrafficPolicy: 'Local', ports: [{ port: 80, nodePort: 30085 }] });
  await inForce(putSlice('local', ['p1a', 'p2a']));
  t.deepEqual(await call(undefined, plan.nodes[0]!.ip, 30085, 5), { [`p1a ${plan.host.ip}`]: 5 });
  t.deepEqual(await call(undefined, plan.nodes[2]!.ip, 30085, 1, { patienceMs: 1500 }), { timeout: 1 });
  t.deepEqual(await who(plan.nodes[2]!.netns, plan.nodes[2]!.ip, 30085, 20), ['p1a', 'p2a']);
  putService('inner', 6, { internalTrafficPolicy: 'Local' });
  await inForce(putSlice('inner', ['p1a', 'p2a']));
  t.deepEqual(await who(netnsOf('p1b'), vip(6), 80, 10), ['p1a']);
});

test.serial('a pod meets the machine with its own address, the outside with its node', async (t) => {
  const [port] = (await freePorts(1)) as [number];
  const listener = systemExec.spawn([
    process.execPath,
    '-e',
    SERVER.replace('8080', String(port)).replace('5300', '0'),
    'host',
  ]);
  children.push(listener);
  await new Promise((resolve) => listener.stdout.once('data', resolve));
  t.deepEqual(await call(netnsOf('p2a'), plan.host.ip, port), { [`host ${ipOf('p2a')}`]: 1 });
  const own = (await systemExec.run(['/usr/sbin/ip', '-4', '-o', 'addr', 'show', 'scope', 'global'])).stdout;
  const outside = own
    .split('\n')
    .filter((line) => !line.includes('fl-'))
    .map((line) => /inet ([\d.]+)/.exec(line)?.[1])[0];
  if (outside !== undefined)
    t.deepEqual(await call(netnsOf('p2a'), outside, port), { [`host ${plan.nodes[1]!.ip}`]: 1 });
  listener.kill('SIGKILL');
});

test.serial('a UDP client follows when its endpoint is gone', async (t) => {
  putService('udp', 7, { ports: [{ port: 53, protocol: 'UDP' }] });
  await inForce(putSlice('udp', ['p2a'], 5300, 'UDP'));
  // From one port, again and again: whoever answers is told of.
  const ask = `const s=require('dgram').createSocket('udp4');s.on('message',(m)=>console.log(String(m)));
    s.bind(0,()=>setInterval(()=>s.send('x',53,'${vip(7)}'),50))`;
  const client = inside(netnsOf('p1a')).spawn([process.execPath, '-e', ask]);
  children.push(client);
  let said = '';
  client.stdout.on('data', (part) => (said += String(part)));
  await eventually('the first answers', () => said.includes('p2a'));
  t.false(said.includes('p3a'));
  await inForce(putSlice('udp', ['p3a'], 5300, 'UDP'));
  await eventually('the second answers', () => said.endsWith('p3a\n'));
  client.kill('SIGKILL');
});

test.serial('not one connection fails while endpoints and services change and a proxy is started anew', async (t) => {
  const isOver = (): boolean => changes > 20;
  /** Some at a time, until there were changes enough. */
  const callOn = async (netns: string | undefined, host: string, port: number): Promise<Record<string, number>> => {
    const sum: Record<string, number> = {};
    for (let round = 0; round < 3 || !isOver(); round++) {
      const seen = await call(netns, host, port, 500, { gapMs: 1 });
      for (const [answer, count] of Object.entries(seen)) sum[answer] = (sum[answer] ?? 0) + count;
    }
    return sum;
  };
  let [changes, running] = [0, true];
  const ends = Promise.all([callOn(netnsOf('p1a'), vip(1), 80), callOn(undefined, plan.nodes[0]!.ip, 30080)]).finally(
    () => (running = false),
  );
  const sets: Pod[][] = [['p2a', 'p3a'], ['p2a'], ['p1b', 'p2a', 'p3a'], ['p3a'], ['p1b', 'p3a']];
  for (; running; changes++) {
    putSlice('web', sets[changes % sets.length]!);
    if (changes % 3 === 0) putService(`extra-${changes % 9}`, 100 + (changes % 9));
    else if (changes % 3 === 1) api.delete(RESOURCES.services, 'default', `extra-${(changes - 1) % 9}`);
    if (changes % 10 === 5) {
      await proxies[0]!.stop();
      proxies[0] = await startProxy(1);
    }
    await sleep(60);
  }
  const answers = await ends;
  for (const seen of answers) {
    const failures = Object.entries(seen).filter(([answer]) => !/^p\d[ab] /.test(answer));
    t.deepEqual(failures, []);
  }
  await inForce(putSlice('web', ['p2a', 'p3a']));
  const connections = answers.flatMap((seen) => Object.values(seen)).reduce((sum, count) => sum + count, 0);
  t.log(`${changes} changes, ${connections} connections`);
});

test.serial('rules stay when the proxy goes; a table that somebody flushed is put right', async (t) => {
  const node = plan.nodes[0]!;
  await proxies[0]!.stop();
  t.deepEqual(await who(netnsOf('p1a'), vip(1), 80, 20), ['p2a', 'p3a']);
  const facts = {
    node: node.name,
    nodePodCidr: node.podCidr,
    podCidr: plan.podCidr,
    nonMasqueradeCidrs: [],
  };
  const index = new ServiceIndex();
  const ranges = new ServedRanges(plan.serviceCidr);
  index.setService(undefined, api.get<Service>(RESOURCES.services, 'default', 'web')!);
  index.setSlice(undefined, api.get(RESOURCES.endpointSlices, 'default', 'web-a')!);
  const exec = inside(node.netns);
  const applier = new NftablesApplier({ exec, log: silentLog, state: new ProxyState(index, ranges, facts), facts });
  await applier.apply();
  t.is(await applier.verify(), undefined);
  const harm = [
    'flush ruleset',
    'flush table ip kube-proxy',
    'flush map ip kube-proxy endpoints',
    'delete table ip kube-proxy-masquerade',
    `add element ip kube-proxy cluster-ips { 10.9.9.9 }`,
  ];
  for (const each of harm) {
    await exec.run(['/usr/sbin/nft', '-f', '-'], { stdin: `${each}\n` });
    t.truthy(await applier.verify(), each);
    applier.distrust();
    await applier.apply();
    t.is(await applier.verify(), undefined, each);
    t.deepEqual(await who(netnsOf('p1a'), vip(1), 80, 20), ['p2a', 'p3a'], each);
  }
  // A foreign change between two changes of ours makes the small program fail: the next is a whole load.
  await exec.run(['/usr/sbin/nft', '-f', '-'], { stdin: 'flush map ip kube-proxy endpoints\n' });
  index.setSlice(api.get(RESOURCES.endpointSlices, 'default', 'web-a')!, undefined);
  await t.throwsAsync(applier.apply(), { message: /the kernel did not take the rules/ });
  await applier.apply();
  t.is(await applier.verify(), undefined);
  proxies[0] = await startProxy(1);
});

test.serial('every sync is a span that names its causes', (t: ExecutionContext) => {
  const changed = spans.filter((span) => span.outcome === 'changed');
  t.true(changed.length > 20);
  t.true(changed.every((span) => span.verb === 'rules' && span.kind === 'Node' && span.did.length > 0));
  t.true(changed.some((span) => span.saw.includes('default/web')));
  t.deepEqual(
    spans.filter((span) => span.outcome === 'failed'),
    [],
  );
});
