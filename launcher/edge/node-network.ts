// Does: asks launcher/network for the nodes' network where pods are containers, and loopback addresses elsewhere. Never
// knows how a network is built.
import { hasContainers, type Cluster } from '../core/cluster.ts';
import { loopbackPlaces, type Places } from '../core/network-places.ts';

export function placesOf(cluster: Cluster): Places {
  return loopbackPlaces(cluster);
}

export async function raiseNetwork(cluster: Cluster, _say: (line: string) => void): Promise<void> {
  if (!hasContainers(cluster.runtime)) return;
}

export async function razeNetwork(cluster: Cluster): Promise<void> {
  if (!hasContainers(cluster.runtime)) return;
}
