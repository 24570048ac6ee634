// Does: asks launcher/network for the nodes' network where pods are containers, and loopback addresses elsewhere. Never
// knows how a network is built.
import { systemExec } from '../../lib/exec/system-exec.ts';
import type { RuntimeName } from '../../lib/actor/settings.ts';
import { hasContainers, OptionError, type Cluster } from '../core/cluster.ts';
import { composePlaces } from '../core/compose-layout.ts';
import { loopbackPlaces, machinePlaces, type Places } from '../core/network-places.ts';
import {
  bringUp,
  conflictsOf,
  leftovers,
  planNetwork,
  takenBlocks,
  tearDown,
  type NetworkPlan,
} from '../network/index.ts';

export function placesOf(cluster: Cluster): Places {
  if (cluster.composeNetwork !== undefined) return composePlaces(cluster);
  if (!hasContainers(cluster.runtime)) return loopbackPlaces(cluster);
  const plan = networkPlan(cluster);
  const nodes = plan.nodes.map(({ name, ip, podCidr, netns }) => ({ name, ip, podCidr, netns }));
  return machinePlaces(cluster, plan.host.ip, {
    fabricCidr: plan.fabric.cidr,
    nodes,
    machine: { netns: plan.host.netns, device: plan.host.device },
  });
}

/** Two homes with one name would take each other's namespaces and control groups for their own. */
export async function checkNameIsFree(name: string, runtime: RuntimeName): Promise<void> {
  if (!hasContainers(runtime)) return;
  const [found] = await leftovers(planNetwork({ cluster: name, index: 0, nodes: [] }), systemExec);
  if (found !== undefined)
    throw new OptionError(
      `a cluster named ${name} is on this machine already (${found}): choose another --name, or take that one down with its own --home`,
    );
}

/** Repeatable. The cluster as it must be remembered afterwards. */
export async function raiseNetwork(cluster: Cluster): Promise<Cluster> {
  if (!hasContainers(cluster.runtime)) return cluster;
  const [conflict] = conflictsOf(cluster.name, cluster.slot, await takenBlocks(systemExec));
  if (conflict !== undefined)
    throw new OptionError(
      `the addresses of cluster ${cluster.name} are in use: ${conflict.cidr} on ${conflict.device}; take that down first, or make another cluster with --home`,
    );
  const { turnedForwardingOn } = await bringUp(networkPlan(cluster), systemExec);
  return turnedForwardingOn ? { ...cluster, turnedForwardingOn } : cluster;
}

export async function razeNetwork(cluster: Cluster): Promise<void> {
  if (!hasContainers(cluster.runtime)) return;
  await tearDown(networkPlan(cluster), systemExec, { stopForwarding: cluster.turnedForwardingOn ?? false });
}

function networkPlan(cluster: Cluster): NetworkPlan {
  return planNetwork({ cluster: cluster.name, index: cluster.slot, nodes: cluster.nodes });
}
