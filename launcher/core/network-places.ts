// Decides where nodes are on the network, as the rest of the launcher needs to know it. Never builds a network.
import type { Cluster } from './cluster.ts';
import { hasContainers } from './cluster.ts';

export interface NodePlace {
  name: string;
  ip: string;
  podCidr: string;
  /** Network namespace (`/run/netns/<netns>`) that its processes run in; absent: the machine's own. */
  netns?: string;
}

export interface Places {
  /** Address of this machine that every node reaches: the bus, the API and the DNS listen here. */
  hostIp: string;
  /** The nodes' own network, where there is one. */
  fabricCidr?: string;
  nodes: NodePlace[];
}

/** Nodes of a cluster whose pods are not containers: all on loopback addresses of this machine. */
export function loopbackPlaces(cluster: Cluster): Places {
  if (hasContainers(cluster.runtime)) throw new Error(`runtime ${cluster.runtime} needs node networks`);
  const [a, b] = cluster.facts.podCidr.split('.') as [string, string];
  const nodes = cluster.nodes.map((name, i) => ({
    name,
    ip: `${a}.${b}.0.${i + 1}`,
    podCidr: `${a}.${b}.${i + 1}.0/24`,
  }));
  return { hostIp: '127.0.0.1', nodes };
}
