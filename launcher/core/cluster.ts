// Decides what a cluster is from what its owner asked for: names, members, address ranges, ports. Never looks at the
// machine: which slot and ports are free is an argument.
import type { ClusterFacts, RuntimeName } from '../../lib/actor/settings.ts';
import { oidcProblem, type OidcOptions } from '../../lib/api/oidc-options.ts';
import { planNetwork } from '../network/plan.ts';

/** What the owner may ask for; absent: the default, or what the cluster already is. */
export interface ClusterOptions {
  name?: string | undefined;
  runtime?: RuntimeName | undefined;
  nodes?: number | undefined;
  stores?: number | undefined;
  /** So many members of the store more than there are, whatever that makes. */
  moreStores?: number | undefined;
  apiservers?: number | undefined;
  /** One of each works at a time; the others wait for its lease to end. */
  schedulers?: number | undefined;
  controllerManagers?: number | undefined;
  /** Servers of the bus; more than one only where every process has an address of its own. */
  nats?: number | undefined;
  port?: number | undefined;
  /** Files: what is told of requests, and where. Absent: as it was; `off` as policy: no more. */
  auditPolicy?: string | undefined;
  auditLog?: string | undefined;
  /** Whose OpenID Connect tokens are believed. Absent: as it was. */
  oidc?: OidcOptions | undefined;
}

/** `<home>/cluster.json`: everything about a cluster that must not change between two starts. */
export interface Cluster {
  version: 1;
  name: string;
  clusterId: string;
  /** Which of the machine's address ranges it took: several clusters live side by side. */
  slot: number;
  runtime: RuntimeName;
  nodes: string[];
  nats: string[];
  stores: string[];
  /** Members of the store's first configuration; those of `stores` that are not in it joined later. */
  firstStores: string[];
  /** Members that left: a name is never given to a second, empty member. */
  formerStores?: string[];
  /** Of the store, when it was restored or recovered: no member from before can take part. Absent: `clusterId`. */
  storeClusterId?: string;
  apiservers: string[];
  schedulers: string[];
  controllerManagers: string[];
  /** In containers of docker-compose: the first three parts of their network's addresses. Absent: processes of this machine. */
  composeNetwork?: string;
  /** `api` is the first API actor's, `furtherApis` those of the others in their order. */
  ports: { api: number; furtherApis?: number[]; nats: number; dns: number };
  facts: ClusterFacts;
  /** Absolute paths. */
  audit?: { policyFile: string; file: string };
  oidc?: OidcOptions;
  /** Bringing its network up turned the machine's forwarding on: taking it down turns it off again. */
  turnedForwardingOn?: boolean;
}

/** What only the machine knows, found out before a cluster is made. */
export interface Found {
  clusterId: string;
  slot: number;
  /** As many as there are API actors. */
  apiPorts: number[];
  natsPort: number;
  dnsPort: number;
}

export class OptionError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'OptionError';
  }
}

export const SLOTS = 24;
export const DEFAULT_API_PORT = 6443;
const MAX_NODES = 200;
const MAX_CONTAINER_NODES = 60;

/** Pods are real containers in the nodes' own network namespaces; else they are processes of this machine, or nothing. */
export function hasContainers(runtime: RuntimeName): boolean {
  return runtime === 'ctr' || runtime === 'nerdctl';
}

/** Refuses what cannot be, with the value and the reason. */
export function checkOptions(options: ClusterOptions): void {
  const { name, runtime, nodes, stores, port } = options;
  if (name !== undefined && !/^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$/.test(name))
    throw new OptionError(
      `--name ${name}: a name is 1 to 20 lower-case letters, digits and '-', and begins with a letter`,
    );
  const most = hasContainers(runtime ?? 'ctr') ? MAX_CONTAINER_NODES : MAX_NODES;
  if (nodes !== undefined && !within(nodes, 1, most))
    throw new OptionError(`--nodes ${nodes}: must be 1 to ${most} with --runtime ${runtime ?? 'ctr'}`);
  if (stores !== undefined && ![1, 3, 5].includes(stores))
    throw new OptionError(
      `--stores ${stores}: must be 1, 3 or 5 (an even number survives no more failures than one less)`,
    );
  for (const { option, value } of [
    { option: '--apiservers', value: options.apiservers },
    { option: '--schedulers', value: options.schedulers },
    { option: '--controller-managers', value: options.controllerManagers },
  ])
    if (value !== undefined && !within(value, 1, 5)) throw new OptionError(`${option} ${value}: must be 1 to 5`);
  if (options.auditLog !== undefined && options.auditPolicy === undefined)
    throw new OptionError(`--audit-log ${options.auditLog}: --audit-policy must say what is told there`);
  const problem = options.oidc === undefined ? undefined : oidcProblem(options.oidc);
  if (problem !== undefined) throw new OptionError(problem);
  if (port !== undefined && !within(port, 1, 65_000)) throw new OptionError(`--port ${port}: must be 1 to 65000`);
}

/** A new cluster. */
export function planCluster(options: ClusterOptions & { name: string }, found: Found): Cluster {
  checkOptions(options);
  const runtime = options.runtime ?? 'ctr';
  return {
    version: 1,
    name: options.name,
    clusterId: found.clusterId,
    slot: found.slot,
    runtime,
    nodes: numbered('node', options.nodes ?? 3),
    nats: natsNames(options.nats ?? 1),
    stores: numbered('store', options.stores ?? 3),
    firstStores: numbered('store', options.stores ?? 3),
    apiservers: numbered('apiserver', options.apiservers ?? 1),
    schedulers: numbered('scheduler', options.schedulers ?? 1),
    controllerManagers: numbered('controller-manager', options.controllerManagers ?? 1),
    ports: { api: found.apiPorts[0]!, furtherApis: found.apiPorts.slice(1), nats: found.natsPort, dns: found.dnsPort },
    ...rangesOf(options.name, found, runtime),
  };
}

/**
 * The same cluster, asked for again. Everything may be added; what the stored state hangs on may not change.
 * `morePorts`: for the added API actors.
 */
export function againCluster(cluster: Cluster, options: ClusterOptions, morePorts: readonly number[] = []): Cluster {
  checkOptions({ ...options, runtime: options.runtime ?? cluster.runtime });
  const refuse = (option: string, is: string | number): never => {
    throw new OptionError(
      `${option}: this cluster was made with ${is}; keep it, use another --home, or remove it with \`flotilla down --purge\``,
    );
  };
  if (options.name !== undefined && options.name !== cluster.name) refuse(`--name ${options.name}`, cluster.name);
  if (options.runtime !== undefined && options.runtime !== cluster.runtime)
    refuse(`--runtime ${options.runtime}`, cluster.runtime);
  if (options.port !== undefined && options.port !== cluster.ports.api)
    refuse(`--port ${options.port}`, cluster.ports.api);
  if (options.stores !== undefined && options.stores < cluster.stores.length)
    throw new OptionError(
      `--stores ${options.stores}: the store has ${cluster.stores.length} members; take one away with \`flotilla store member remove\``,
    );
  const atLeast = (option: string, wanted: number | undefined, { length }: readonly string[]): number => {
    if (wanted !== undefined && wanted < length) refuse(`${option} ${wanted}`, length);
    return wanted ?? length;
  };
  return {
    ...cluster,
    stores: grownStores(cluster, (options.stores ?? cluster.stores.length) + (options.moreStores ?? 0)),
    nodes: numbered('node', atLeast('--nodes', options.nodes, cluster.nodes)),
    apiservers: numbered('apiserver', atLeast('--apiservers', options.apiservers, cluster.apiservers)),
    schedulers: numbered('scheduler', atLeast('--schedulers', options.schedulers, cluster.schedulers)),
    controllerManagers: numbered(
      'controller-manager',
      atLeast('--controller-managers', options.controllerManagers, cluster.controllerManagers),
    ),
    ports: { ...cluster.ports, furtherApis: [...(cluster.ports.furtherApis ?? []), ...morePorts] },
  };
}

/** New members get numbers that no member ever had. */
function grownStores({ stores, firstStores, formerStores = [] }: Cluster, count: number): string[] {
  const numbers = [...stores, ...firstStores, ...formerStores].map((name) => Number(name.replace(/^.*-/, '')));
  const next = Math.max(0, ...numbers) + 1;
  return [...stores, ...Array.from({ length: count - stores.length }, (_, i) => `store-${next + i}`)];
}

/** The same cluster after a member has left. */
export function withoutStore(cluster: Cluster, member: string): Cluster {
  return {
    ...cluster,
    stores: cluster.stores.filter((name) => name !== member),
    formerStores: [...(cluster.formerStores ?? []), member],
  };
}

/** The same cluster with a store that begins anew, from a saved state or a survivor's: all its members are first ones. */
export function withNewStore(cluster: Cluster, stores: readonly string[], storeClusterId: string): Cluster {
  const left = cluster.stores.filter((name) => !stores.includes(name));
  return {
    ...cluster,
    storeClusterId,
    stores: [...stores],
    firstStores: [...stores],
    formerStores: [...(cluster.formerStores ?? []), ...left],
  };
}

/** A cluster as an earlier version wrote it, which knew one of each and no other layout. */
export function completeCluster(stored: Cluster): Cluster {
  const defaults = {
    nats: natsNames(1),
    firstStores: stored.stores,
    schedulers: numbered('scheduler', 1),
    controllerManagers: numbered('controller-manager', 1),
  };
  return { ...defaults, ...stored };
}

/** Port of each API actor: the first has the cluster's. */
export function apiPortOf(cluster: Cluster, instance = cluster.apiservers[0]!): number {
  const { api, furtherApis = [] } = cluster.ports;
  return [api, ...furtherApis][cluster.apiservers.indexOf(instance)]!;
}

/** Address ranges by slot. Without containers everything lives in 127/8, which Linux answers without any set-up. */
function rangesOf(name: string, found: Found, runtime: RuntimeName): { facts: ClusterFacts } {
  const { slot, clusterId } = found;
  const common = { name, clusterId, domain: 'cluster.local' };
  if (hasContainers(runtime)) {
    const { podCidr, serviceCidr, dnsIp } = planNetwork({ cluster: name, index: slot, nodes: [] });
    return { facts: { ...common, podCidr, serviceCidr, dnsIp } };
  }
  const service = `127.${96 + slot}`;
  return {
    facts: {
      ...common,
      podCidr: `127.${32 + slot}.0.0/16`,
      serviceCidr: `${service}.0.0/16`,
      dnsIp: `${service}.0.10`,
    },
  };
}

/** First address of the service range: the Service `kubernetes`. */
export function kubernetesServiceIp(facts: ClusterFacts): string {
  return facts.serviceCidr.replace(/\.0\/\d+$/, '.1');
}

/** The first keeps the bare name: most clusters have one. */
export function natsNames(count: number): string[] {
  return numbered('nats', count).with(0, 'nats');
}

export function numbered(word: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${word}-${i + 1}`);
}

function within(value: number, low: number, high: number): boolean {
  return Number.isInteger(value) && value >= low && value <= high;
}
