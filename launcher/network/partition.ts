// Does: breaks and mends the fabric between nodes, for tests of what happens then. Never touches a node's own namespace:
// the node cannot tell a partition from the others' death.
import { describeFailure, type Exec } from '../../lib/exec/exec.ts';
import { nodeOf, type NetworkPlan } from './plan.ts';
import { IP, NFT } from './steps.ts';

/** A node by name, or `host`: the machine itself, where the control plane lives. */
export type Place = string;

/** Pulls the node's cable. */
export async function cutNode(plan: NetworkPlan, node: string, exec: Exec): Promise<void> {
  await must(exec, [IP, '-n', plan.fabric.netns, 'link', 'set', nodeOf(plan, node).port, 'down']);
}

export async function healNode(plan: NetworkPlan, node: string, exec: Exec): Promise<void> {
  await must(exec, [IP, '-n', plan.fabric.netns, 'link', 'set', nodeOf(plan, node).port, 'up']);
}

/** Nothing goes from `from` to `to` any more, nor back unless `oneWay`. Blocking a blocked pair again is harmless. */
export async function blockPair(
  plan: NetworkPlan,
  from: Place,
  to: Place,
  exec: Exec,
  options: { oneWay?: boolean } = {},
): Promise<void> {
  const add = pairs(plan, from, to, options.oneWay).map((pair) => `add element bridge partition blocked { ${pair} }`);
  await inFabric(plan, exec, `${TABLE}${add.join('\n')}\n`);
}

/** Mends every pair that was blocked. */
export async function unblockAll(plan: NetworkPlan, exec: Exec): Promise<void> {
  await inFabric(plan, exec, 'table bridge partition\ndelete table bridge partition\n');
}

/** Declaring a table again changes nothing, except that a rule would be there twice: hence the flush. */
const TABLE = `table bridge partition {
 set blocked {
  type ifname . ifname
 }
 chain forward {
  type filter hook forward priority 0;
 }
}
flush chain bridge partition forward
add rule bridge partition forward iifname . oifname @blocked drop
`;

function pairs(plan: NetworkPlan, from: Place, to: Place, oneWay = false): string[] {
  const [a, b] = [portOf(plan, from), portOf(plan, to)];
  return oneWay ? [`"${a}" . "${b}"`] : [`"${a}" . "${b}"`, `"${b}" . "${a}"`];
}

function portOf(plan: NetworkPlan, place: Place): string {
  return place === 'host' ? plan.fabric.hostPort : nodeOf(plan, place).port;
}

async function inFabric(plan: NetworkPlan, exec: Exec, text: string): Promise<void> {
  await must(exec, ['/usr/bin/nsenter', `--net=/run/netns/${plan.fabric.netns}`, NFT, '-f', '-'], text);
}

async function must(exec: Exec, argv: readonly string[], stdin?: string): Promise<void> {
  const result = await exec.run(argv, stdin === undefined ? {} : { stdin });
  if (result.exitCode !== 0) throw new Error(`cannot change the fabric: ${describeFailure(result)}`);
}
