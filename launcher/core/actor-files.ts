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
import { hasContainers, type Cluster } from './cluster.ts';
import type { Home } from './home.ts';
import { PAUSE_IMAGE_REF } from './images.ts';
import { natsServers, type NodePlace, type Places } from './network-places.ts';

/** Actors in the order in which they start. */
export function actorsOf(cluster: Cluster): Identity[] {
  return [
    ...cluster.stores.map((instance): Identity => ({ actor: 'store', instance })),
    ...cluster.apiservers.map((instance): Identity => ({ actor: 'apiserver', instance })),
    ...cluster.controllerManagers.map((instance): Identity => ({ actor: 'controller-manager', instance })),
    ...cluster.schedulers.map((instance): Identity => ({ actor: 'scheduler', instance })),
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
        servers: natsServers(places),
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
        clusterId: cluster.storeClusterId ?? cluster.clusterId,
        members: cluster.firstStores.includes(who.instance) ? cluster.firstStores : [],
      } satisfies StoreSettings;
    case 'apiserver': {
      const { ip, listen, port } = places.apiservers.find(({ instance }) => instance === who.instance)!;
      return {
        cluster: cluster.facts,
        listen,
        port,
        certFile: home.certFile('apiserver'),
        keyFile: home.keyFile('apiserver'),
        clientCaFile: home.caFile,
        tokenFile: home.tokens,
        frontProxy: {
          caFile: home.certFile('front-proxy-ca'),
          certFile: home.certFile('front-proxy-client'),
          keyFile: home.keyFile('front-proxy-client'),
        },
        serviceAccountKeyFile: home.serviceAccountKey,
        advertiseAddress: ip,
        stores: cluster.stores,
        ...(cluster.audit === undefined ? {} : { audit: auditOf(cluster.audit, cluster.apiservers, who.instance) }),
        ...(cluster.oidc === undefined ? {} : { oidc: cluster.oidc }),
      } satisfies ApiserverSettings;
    }
    case 'scheduler':
      return { leaderElect: true } satisfies SchedulerSettings;
    case 'controller-manager':
      return {
        cluster: cluster.facts,
        leaderElect: true,
        rootCaFile: home.caFile,
        signer: { certFile: home.caFile, keyFile: home.caKeyFile },
        nodeMonitorGraceSeconds: 20,
        defaultTolerationSeconds: 30,
      } satisfies ControllerManagerSettings;
    case 'dns':
      return {
        cluster: cluster.facts,
        listen: places.dns.listen[0]!,
        port: places.dns.port,
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
        ...(places.fabricCidr === undefined ? {} : { nonMasqueradeCidrs: [places.fabricCidr] }),
        // The machine's Services go through the first node.
        ...(places.machine !== undefined && node === places.nodes[0] ? { machine: places.machine } : {}),
      } satisfies KubeProxySettings;
    case 'dashboard':
    case 'operator':
    case 'observer':
      return {};
  }
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
    ...(cluster.runtime === 'nerdctl' ? { pauseImage: PAUSE_IMAGE_REF } : {}),
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

const AUDIT_MEGABYTES = 100;
const AUDIT_BACKUPS = 10;

/** Several API actors cannot begin one file anew between them: the others' files have their names. */
function auditOf(
  { policyFile, file }: NonNullable<Cluster['audit']>,
  apiservers: readonly string[],
  instance: string,
): NonNullable<ApiserverSettings['audit']> {
  const own = instance === apiservers[0] ? file : file.replace(/(\.[^./]*)?$/, `-${instance}$1`);
  return { policyFile, file: own, maxSizeMegabytes: AUDIT_MEGABYTES, maxBackups: AUDIT_BACKUPS };
}
