// Decides how the processes of a cluster lie in docker-compose's containers: which run together, at which address, and
// which files each container may see. docker-compose.yml is held against it by a test. Never reads that file.
import type { Identity } from '../../lib/bus/subjects.ts';
import { actorsOf } from './actor-files.ts';
import { apiPortOf, natsNames, numbered, planCluster, type Cluster, type Found } from './cluster.ts';
import type { Home } from './home.ts';
import type { Places, ServerPlace } from './network-places.ts';

/** One container: its compose service, its volume and its host name are called the same. */
export interface Box {
  service: string;
  address: string;
  /** Names of its units: actors, `nats…`, `containerd-<node>`. */
  units: string[];
  actors: Identity[];
  /** Name of the node that it is. */
  node?: string;
}

/** The home of every container, which is its volume: it holds that container's secrets and state and no other's. */
export const COMPOSE_HOME = '/flotilla';
/** In the image: it is no secret. */
export const COMPOSE_WEB_IMAGE = '/opt/flotilla/images/web.oci.tar';
export const COMPOSE_CACHE = '/opt/flotilla/cache';
/** Each container has a loopback of its own. */
export const NATS_HEALTH_PORT = 8222;
export const DEFAULT_NETWORK = '172.30.64';

/** What `up` starts without a profile; profile `five` and `ha` go up to MOST. */
export const USUAL = { nats: 1, stores: 3 } as const;
export const MOST = { nats: 3, stores: 5 } as const;

/** Last part of the first one's address; the next ones follow. */
const ADDRESSES: Record<string, number> = {
  nats: 11,
  store: 21,
  apiserver: 31,
  scheduler: 41,
  'controller-manager': 51,
  dns: 61,
  node: 101,
};

export interface ComposeOptions {
  name: string;
  clusterId: string;
  network: string;
  /** The same inside and outside, so that one kubeconfig serves on both sides. */
  apiPort: number;
  nats?: number | undefined;
  stores?: number | undefined;
}

/** A new cluster. Its store begins with three members: those of the profile `five` join them. */
export function planComposeCluster(options: ComposeOptions): Cluster {
  const { name, clusterId, network, apiPort } = options;
  const found: Found = { clusterId, slot: 0, apiPorts: [apiPort, apiPort], natsPort: 4222, dnsPort: 53 };
  const cluster = planCluster({ name, apiservers: 2, schedulers: 2, controllerManagers: 2 }, found);
  return againComposeCluster({ ...cluster, composeNetwork: network }, options);
}

/** The same cluster, asked for again: a profile adds to it, its absence takes nothing away. */
export function againComposeCluster(
  cluster: Cluster,
  { nats, stores }: Pick<ComposeOptions, 'nats' | 'stores'>,
): Cluster {
  return {
    ...cluster,
    nats: natsNames(Math.max(nats ?? USUAL.nats, cluster.nats.length)),
    stores: numbered('store', Math.max(stores ?? USUAL.stores, cluster.stores.length)),
  };
}

/** With everything that any profile adds: the bus knows all of them from the beginning. */
export function largestCluster(cluster: Cluster): Cluster {
  return againComposeCluster(cluster, MOST);
}

export function boxesOf(cluster: Cluster): Box[] {
  const actors = actorsOf(cluster);
  const own = (name: string): Identity[] => actors.filter(({ instance }) => instance === name);
  const box = (kind: string, number: number, service: string, unit: string): Box => ({
    service,
    address: `${cluster.composeNetwork}.${ADDRESSES[kind]! + number}`,
    units: [unit],
    actors: own(unit),
  });
  const same = (kind: string, names: readonly string[]): Box[] => names.map((name, i) => box(kind, i, name, name));
  return [
    ...same('nats', cluster.nats),
    ...same('store', cluster.stores),
    // The first is the one whose name people type.
    ...cluster.apiservers.map((name, i) => box('apiserver', i, i === 0 ? 'apiserver' : name, name)),
    ...same('scheduler', cluster.schedulers),
    ...same('controller-manager', cluster.controllerManagers),
    box('dns', 0, 'dns', 'dns-1'),
    ...cluster.nodes.map((node, i): Box => {
      const there = actors.filter((who) => who.node === node);
      const units = [`containerd-${node}`, ...there.map(({ instance }) => instance)];
      return { ...box('node', i, node, node), units, actors: there, node };
    }),
  ];
}

export function composePlaces(cluster: Cluster): Places {
  const boxes = boxesOf(cluster);
  const server = (unit: string, port: number, listen?: string): ServerPlace => {
    const ip = boxes.find(({ units }) => units.includes(unit))!.address;
    return { instance: unit, ip, listen: [listen ?? ip], port };
  };
  const { nats, dns } = cluster.ports;
  const pods = cluster.facts.podCidr.replace(/\.0\.0\/16$/, '');
  return {
    nats: cluster.nats.map((unit) => server(unit, nats, '0.0.0.0')),
    apiservers: cluster.apiservers.map((unit) => server(unit, apiPortOf(cluster), '0.0.0.0')),
    dns: server('dns-1', dns),
    // No fabric here: containers of the control plane do not know the way back to pods, so that nodes masquerade.
    nodes: boxes.flatMap(({ node, address }) =>
      node === undefined
        ? []
        : [{ name: node, ip: address, podCidr: `${pods}.${cluster.nodes.indexOf(node) + 1}.0/24` }],
    ),
  };
}

/** Files of the whole home that a container sees: what its processes are told, and the secrets of exactly these. */
export function filesOf(box: Box, home: Home, { audit, oidc }: Pick<Cluster, 'audit' | 'oidc'> = {}): string[] {
  const pair = (name: string): string[] => [home.certFile(name), home.keyFile(name)];
  const actors = box.actors.flatMap(({ instance }) => [home.actorFile(instance), home.seedFile(instance)]);
  return [home.caFile, ...actors, ...box.units.flatMap(moreOf)];

  function moreOf(unit: string): string[] {
    if (unit.startsWith('nats')) return [home.natsConfig(unit), ...pair(unit)];
    // Its owner works from here: `docker-compose exec apiserver flotilla …`.
    if (unit.startsWith('apiserver'))
      return [
        ...pair('apiserver'),
        home.certFile('front-proxy-ca'),
        ...pair('front-proxy-client'),
        home.serviceAccountKey,
        home.tokens,
        home.cluster,
        home.kubeconfig,
        home.seedFile('operator'),
        home.seedFile('observer'),
        ...(audit === undefined ? [] : [audit.policyFile]),
        ...(oidc?.caFile === undefined ? [] : [oidc.caFile]),
      ];
    // It signs what is approved.
    if (unit.startsWith('controller-manager')) return [home.caKeyFile];
    if (unit.startsWith('containerd')) return [home.cluster, home.containerdConfig(box.node!)];
    return [];
  }
}
