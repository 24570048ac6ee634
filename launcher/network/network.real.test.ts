// Holds the network with real namespaces: three nodes up, twice, half-way, partitioned and gone. Needs root.
import test, { type ExecutionContext } from 'ava';
import { systemExec as exec } from '../../lib/exec/system-exec.ts';
import { eventually } from '../../test/kit/eventually.ts';
import {
  blockPair,
  bringUp,
  chooseIndex,
  cutNode,
  forwardsIpv4,
  healNode,
  leftovers,
  planNetwork,
  takenBlocks,
  tearDown,
  tearDownNode,
  unblockAll,
  type NetworkPlan,
} from './index.ts';

const NODES = ['node-1', 'node-2', 'node-3'];

async function planFor(t: ExecutionContext, name: string): Promise<NetworkPlan> {
  const cluster = `${name}-${process.pid}`;
  const plan = planNetwork({ cluster, index: chooseIndex(cluster, await takenBlocks(exec), 30), nodes: NODES });
  const stopForwarding = !(await forwardsIpv4());
  t.teardown(() => tearDown(plan, exec, { stopForwarding }));
  return plan;
}

/** A port of a bridge may take a second to forward (the kernel's link watch), and a neighbour that did not answer is asked again. */
const pings = (netns: string | undefined, address: string): Promise<boolean> =>
  eventually(`${netns ?? 'the host'} reaches ${address}`, () => pingsOnce(netns, address, 5000)).catch(() => false);

/** Only a `false` may be waited for shortly. */
const isCutOff = async (netns: string | undefined, address: string): Promise<boolean> =>
  !(await pingsOnce(netns, address, 700));

async function pingsOnce(netns: string | undefined, address: string, timeoutMs: number): Promise<boolean> {
  const enter = netns === undefined ? [] : ['/usr/bin/nsenter', `--net=/run/netns/${netns}`];
  // A TCP connect that is refused proves the way there and back, without needing ping.
  const script = `const s=require('net').connect({host:'${address}',port:1,timeout:${timeoutMs}});s.on('error',e=>process.exit(e.code==='ECONNREFUSED'?0:1));s.on('timeout',()=>process.exit(1))`;
  return (await exec.run([...enter, process.execPath, '-e', script])).exitCode === 0;
}

const snapshot = async (): Promise<string> => {
  const parts = await Promise.all([
    exec.run(['/usr/sbin/ip', 'netns', 'list']),
    exec.run(['/usr/sbin/ip', '-br', 'link']),
    exec.run(['/usr/sbin/ip', 'route', 'show', 'table', 'all']),
    exec.run(['/usr/sbin/nft', 'list', 'tables']),
    exec.run(['/usr/sbin/iptables', '-S', 'FORWARD']),
  ]);
  // Other clusters of the machine may come and go meanwhile: only what bears this process' name counts.
  return parts
    .flatMap((part) => part.stdout.split('\n'))
    .filter((line) => new RegExp(`-${process.pid}(?!\\d)`).test(line))
    .join('\n');
};

test.serial('three nodes reach each other, the host and back; up twice is up; down leaves nothing', async (t) => {
  const plan = await planFor(t, 'net');
  t.is(await snapshot(), '');
  const { turnedForwardingOn } = await bringUp(plan, exec);
  await bringUp(plan, exec);
  const [one, two] = plan.nodes as [NetworkPlan['nodes'][0], NetworkPlan['nodes'][0]];
  t.true(await pings(one.netns, two.ip), 'node to node');
  t.true(await pings(two.netns, plan.host.ip), 'node to host');
  t.true(await pings(undefined, two.ip), 'host to node');
  await exec.run([
    '/usr/sbin/ip',
    '-n',
    two.netns,
    'addr',
    'add',
    '10.' + two.podCidr.split('.')[1] + '.2.9/32',
    'dev',
    'lo',
  ]);
  t.true(await pings(one.netns, `10.${two.podCidr.split('.')[1]}.2.9`), 'node to a pod address of another node');
  t.true(await pings(undefined, `10.${two.podCidr.split('.')[1]}.2.9`), 'host to a pod address');
  const forward = await exec.run([
    '/usr/bin/nsenter',
    `--net=/run/netns/${one.netns}`,
    '/usr/bin/cat',
    '/proc/sys/net/ipv4/ip_forward',
  ]);
  t.is(forward.stdout.trim(), '1');
  const tables = await exec.run(['/usr/sbin/nft', 'list', 'table', 'ip', plan.host.nftTable]);
  t.regex(tables.stdout, /masquerade/);
  await tearDown(plan, exec, { stopForwarding: turnedForwardingOn });
  t.is(await snapshot(), '');
  t.deepEqual(await leftovers(plan, exec), []);
  await tearDown(plan, exec);
});

test.serial('what a crash left half-way is mended by the next bring-up', async (t) => {
  const plan = await planFor(t, 'half');
  await bringUp(plan, exec);
  const [one, two, three] = plan.nodes.map((node) => node.netns) as [string, string, string];
  // A node's namespace deleted while a process holds it; a host device gone; a plain file instead of a namespace.
  const holder = exec.spawn(['/usr/bin/nsenter', `--net=/run/netns/${one}`, '/usr/bin/sleep', '60']);
  t.teardown(() => holder.kill('SIGKILL'));
  await eventually('it is inside', async () => {
    const inside = await exec.run(['/usr/sbin/ip', 'netns', 'pids', one]);
    return inside.stdout.trim() !== '';
  });
  await exec.run(['/usr/sbin/ip', 'netns', 'del', one]);
  await exec.run(['/usr/sbin/ip', 'link', 'del', plan.host.device]);
  await exec.run(['/usr/sbin/ip', 'netns', 'del', three]);
  await exec.run(['/usr/bin/touch', `/run/netns/${three}`]);
  await bringUp(plan, exec);
  for (const node of plan.nodes) t.true(await pings(undefined, node.ip), node.name);
  t.true(await pings(one, plan.nodes[2]!.ip));
  t.true(await pings(two, plan.nodes[0]!.ip));
  holder.kill('SIGKILL');
  await holder.ended;
});

test.serial('two clusters stand side by side, and one node can leave', async (t) => {
  const a = await planFor(t, 'siba');
  await bringUp(a, exec);
  const b = await planFor(t, 'sibb');
  t.not(a.index, b.index);
  await bringUp(b, exec);
  t.true(await pings(undefined, a.nodes[0]!.ip));
  t.true(await pings(undefined, b.nodes[0]!.ip));
  await tearDownNode(a, 'node-2', exec);
  t.true(await isCutOff(undefined, a.nodes[1]!.ip));
  t.true(await pings(undefined, a.nodes[2]!.ip));
  await tearDown(a, exec);
  t.true(await pings(undefined, b.nodes[2]!.ip));
});

test.serial('a node is cut and healed; a pair is blocked both ways or one way', async (t) => {
  const plan = await planFor(t, 'part');
  await bringUp(plan, exec);
  const [one, two, three] = plan.nodes as [NetworkPlan['nodes'][0], NetworkPlan['nodes'][0], NetworkPlan['nodes'][0]];
  await cutNode(plan, 'node-1', exec);
  t.true(await isCutOff(two.netns, one.ip));
  t.true(await pings(two.netns, three.ip));
  await healNode(plan, 'node-1', exec);
  t.true(await pings(two.netns, one.ip));
  await blockPair(plan, 'node-2', 'node-3', exec);
  await blockPair(plan, 'node-2', 'node-3', exec);
  await blockPair(plan, 'host', 'node-1', exec, { oneWay: true });
  t.true(await isCutOff(two.netns, three.ip));
  t.true(await pings(two.netns, one.ip));
  t.true(await isCutOff(undefined, one.ip));
  await unblockAll(plan, exec);
  await unblockAll(plan, exec);
  t.true(await pings(two.netns, three.ip));
  t.true(await pings(undefined, one.ip));
  await t.throwsAsync(cutNode(plan, 'node-9', exec), { message: /no node "node-9".*node-1, node-2, node-3/ });
});
