// Decides which actors a cluster has and what each is told at its start. Never writes a file.
import type {
  ActorFile,
  ApiserverSettings,
  ControllerManagerSettings,
  DnsSettings,
  KubeletSettings,
  KubeProxySettings,
  SchedulerSettings,
  StoreSettings,
} from '../../lib/actor/settings.ts';
import type { Identity } from '../../lib/bus/subjects.ts';
import { apiPortOf, hasContainers, type Cluster } from './cluster.ts';
import type { Home } from './home.ts';
import type { NodePlace, Places } from './network-places.ts';

/** Actors in the order in which they start. */
export function actorsOf(cluster: Cluster): Identity[] {
  return [
    ...cluster.stores.map((instance): Identity => ({ actor: 'store', instance })),
    ...cluster.apiservers.map((instance): Identity => ({ actor: 'apiserver', instance })),
    { actor: 'controller-manager', instance: 'controller-manager-1' },
    { actor: 'scheduler', instance: 'scheduler-1' },
    { actor: 'dns', instance: 'dns-1' },
    ...cluster.nodes.flatMap((node): Identity[] => [
      { actor: 'kubelet', instance: `kubelet-${node}`, node },
      { actor: 'kube-proxy', instance: `kube-proxy-${node}`, node },
    ]),
  ];
}

/** The two people's credentials besides the actors': the owner at the CLI, and who may only look. */
export const PEOPLE: readonly Identity[] = [
  { actor: 'operator', instance: 'operator' },
  { actor: 'observer', instance: 'observer' },
];

export interface Extras {
  /** Where the machine asks for names of the world outside. */
  upstreamDns: string[];
  imageArchives: string[];
  logLevel: string;
  /** Whether actors tell what they do; absent: they do. */
  trace?: boolean;
}

export function planActorFiles(cluster: Cluster, places: Places, home: Home, extras: Extras): ActorFile[] {
  return actorsOf(cluster).map((who): ActorFile => {
    const node = places.nodes.find((place) => place.name === who.node);
    return {
      cluster: cluster.name,
      actor: who.actor,
      instance: who.instance,
      ...(who.node === undefined ? {} : { node: who.node }),
      nats: {
        servers: [`${places.hostIp}:${cluster.ports.nats}`],
        seedFile: home.seedFile(who.instance),
        caFile: home.caFile,
      },
      logLevel: extras.logLevel,
      ...(extras.trace === false ? { trace: false } : {}),
      settings: settingsFor(cluster, places, home, extras, who, node),
    };
  });
}

function settingsFor(
  cluster: Cluster,
  places: Places,
  home: Home,
  extras: Extras,
  who: Identity,
  node: NodePlace | undefined,
): unknown {
  switch (who.actor) {
    case 'store':
      return {
        dataDir: home.store(who.instance),
        clusterId: cluster.clusterId,
        members: cluster.stores,
      } satisfies StoreSettings;
    case 'apiserver':
      return {
        cluster: cluster.facts,
        listen: [...new Set(['127.0.0.1', places.hostIp])],
        port: apiPortOf(cluster, who.instance),
        certFile: home.certFile('apiserver'),
        keyFile: home.keyFile('apiserver'),
        clientCaFile: home.caFile,
        tokenFile: home.tokens,
        serviceAccountKeyFile: home.serviceAccountKey,
        advertiseAddress: places.hostIp,
        stores: cluster.stores,
      } satisfies ApiserverSettings;
    case 'scheduler':
      return { leaderElect: true } satisfies SchedulerSettings;
    case 'controller-manager':
      return {
        cluster: cluster.facts,
        leaderElect: true,
        rootCaFile: home.caFile,
        nodeMonitorGraceSeconds: 20,
        defaultTolerationSeconds: 30,
      } satisfies ControllerManagerSettings;
    case 'dns':
      return {
        cluster: cluster.facts,
        listen: dnsListen(cluster, places),
        port: cluster.ports.dns,
        upstream: extras.upstreamDns,
      } satisfies DnsSettings;
    case 'kubelet':
      return kubeletSettings(cluster, home, extras, node!);
    case 'kube-proxy':
      return {
        cluster: cluster.facts,
        node: node!.name,
        nodeIp: node!.ip,
        nodePodCidr: node!.podCidr,
        mode: hasContainers(cluster.runtime) ? 'nftables' : cluster.runtime === 'process' ? 'userspace' : 'none',
        ...(hasContainers(cluster.runtime) ? { nonMasqueradeCidrs: [places.fabricCidr!] } : {}),
      } satisfies KubeProxySettings;
    case 'dashboard':
    case 'operator':
    case 'observer':
      return {};
  }
}

/** Without node networks nothing forwards the DNS Service's address: the actor listens on it itself (127/8 is local). */
export function dnsListen(cluster: Cluster, places: Places): string {
  return hasContainers(cluster.runtime) ? places.hostIp : cluster.facts.dnsIp;
}

function kubeletSettings(cluster: Cluster, home: Home, extras: Extras, node: NodePlace): KubeletSettings {
  const containers = hasContainers(cluster.runtime);
  return {
    cluster: cluster.facts,
    node: node.name,
    nodeIp: node.ip,
    nodePodCidr: node.podCidr,
    runtime: cluster.runtime,
    ...(containers
      ? {
          containerdAddress: home.containerdSocket(node.name),
          containerdNamespace: containerdNamespace(cluster, node.name),
        }
      : {}),
    stateDir: home.kubelet(node.name),
    cgroupRoot: cgroupRoot(cluster, node.name),
    maxPods: 110,
    labels: {},
    imageArchives: extras.imageArchives,
    leaseSeconds: 10,
  };
}

/** runc keeps its state by this name below one directory of the machine: unique across clusters and nodes. */
export function containerdNamespace(cluster: Cluster, node: string): string {
  return `${cluster.name}-${node}`;
}

export function cgroupRoot(cluster: Cluster, node: string): string {
  return `flotilla-${cluster.name}-${node}`;
}
