// Decides where servers and nodes are on the network, as the rest of the launcher needs to know it. Never builds a network.
import { apiPortOf, hasContainers, type Cluster } from './cluster.ts';

export interface NodePlace {
  name: string;
  ip: string;
  podCidr: string;
  /** Network namespace (`/run/netns/<netns>`) that its processes run in; absent: the one that they start in. */
  netns?: string;
}

/** A process that others come to. */
export interface ServerPlace {
  instance: string;
  /** Where the others reach it. */
  ip: string;
  /** What it binds. */
  listen: string[];
  port: number;
}

export interface Places {
  nats: ServerPlace[];
  apiservers: ServerPlace[];
  dns: ServerPlace;
  /** The nodes' own network, where it knows the way back to pods. */
  fabricCidr?: string;
  nodes: NodePlace[];
  /** The machine's own namespace and its device to the nodes, where they have namespaces. */
  machine?: { netns: string; device: string };
}

/** Bus, API and DNS share the machine's one address that every node reaches. */
export function machinePlaces(
  cluster: Cluster,
  hostIp: string,
  network: Pick<Places, 'fabricCidr' | 'nodes' | 'machine'>,
  dnsIp = hostIp,
): Places {
  const { nats, dns } = cluster.ports;
  return {
    nats: [{ instance: cluster.nats[0]!, ip: hostIp, listen: [hostIp], port: nats }],
    apiservers: cluster.apiservers.map((instance) => ({
      instance,
      ip: hostIp,
      listen: [...new Set(['127.0.0.1', hostIp])],
      port: apiPortOf(cluster, instance),
    })),
    dns: { instance: 'dns-1', ip: dnsIp, listen: [dnsIp], port: dns },
    ...network,
  };
}

/**
 * Nodes of a cluster whose pods are not containers: all on loopback addresses of this machine. Nothing forwards the DNS
 * Service's address there: the actor listens on it itself (127/8 is local).
 */
export function loopbackPlaces(cluster: Cluster): Places {
  if (hasContainers(cluster.runtime)) throw new Error(`runtime ${cluster.runtime} needs node networks`);
  const [a, b] = cluster.facts.podCidr.split('.') as [string, string];
  const nodes = cluster.nodes.map((name, i) => ({
    name,
    ip: `${a}.${b}.0.${i + 1}`,
    podCidr: `${a}.${b}.${i + 1}.0/24`,
  }));
  return machinePlaces(cluster, '127.0.0.1', { nodes }, cluster.facts.dnsIp);
}

/** `host:port` of every server of the bus. */
export function natsServers(places: Places): string[] {
  return places.nats.map(({ ip, port }) => `${ip}:${port}`);
}
