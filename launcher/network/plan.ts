// Decides every name, address and block of one cluster's network on one machine, from the cluster's name, its index
// among the clusters of the machine and its nodes. Never looks at the machine (observe.ts does) and runs nothing.

/** Index 0 has Kubernetes' usual blocks: pods 10.244/16, services 10.96/16. Later ones count pods down, services up. */
export const MAX_INDEX = 43;
export const MAX_NODES = 240;

export interface PlanInput {
  /** Lower case letters, digits and `-`, at most 40 characters. */
  cluster: string;
  /** Which of the machine's blocks: see `chooseIndex`. */
  index: number;
  /** Names of nodes in order; a node keeps its place (and so its addresses) as long as it keeps its position. */
  nodes: readonly string[];
}

export interface NodePlan {
  name: string;
  /** Counts from 1. */
  number: number;
  /** `/run/netns/<netns>`. */
  netns: string;
  /** This node's port of the fabric bridge, inside the fabric's namespace; the other end is the node's `eth0`. */
  port: string;
  ip: string;
  podCidr: string;
}

export interface NetworkPlan {
  cluster: string;
  index: number;
  fabric: { netns: string; bridge: string; hostPort: string; cidr: string; bits: number };
  /** `netns` is the machine's own namespace, under a name that who is in a node's can call it by. */
  host: { netns: string; device: string; ip: string; nftTable: string };
  podCidr: string;
  serviceCidr: string;
  dnsIp: string;
  nodes: NodePlan[];
}

const NAME = /^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$/;
/** Namespaces beside the nodes'. */
const RESERVED = ['fabric', 'machine'];
const NODE_NAME = /^[a-z0-9]([-.a-z0-9]{0,61}[a-z0-9])?$/;

/** Throws on names or an index that cannot become addresses and interface names. */
export function planNetwork(input: PlanInput): NetworkPlan {
  check(input);
  const { cluster, index } = input;
  const fabric = `10.200.${index}`;
  const pods = `10.${244 - index}`;
  const services = `10.${96 + index}`;
  return {
    cluster,
    index,
    fabric: {
      netns: `${cluster}-fabric`,
      bridge: 'fabric',
      hostPort: 'host',
      cidr: `${fabric}.0/24`,
      bits: 24,
    },
    host: {
      netns: `${cluster}-machine`,
      device: hostDevice(cluster),
      ip: `${fabric}.1`,
      nftTable: `flotilla-${cluster}`,
    },
    podCidr: `${pods}.0.0/16`,
    serviceCidr: `${services}.0.0/16`,
    dnsIp: `${services}.0.10`,
    nodes: input.nodes.map((name, at) => ({
      name,
      number: at + 1,
      netns: `${cluster}-${name}`,
      port: `n${at + 1}`,
      ip: `${fabric}.${11 + at}`,
      podCidr: `${pods}.${at + 1}.0/24`,
    })),
  };
}

/** Interface names have 15 characters at most; a long cluster name keeps its head and gets a hash, to stay its own. */
export function hostDevice(cluster: string): string {
  return cluster.length <= 12 ? `fl-${cluster}` : `fl-${cluster.slice(0, 7)}-${hash(cluster).slice(0, 4)}`;
}

export function nodeOf(plan: NetworkPlan, name: string): NodePlan {
  const node = plan.nodes.find((candidate) => candidate.name === name);
  if (node === undefined)
    throw new Error(
      `cluster ${plan.cluster} has no node "${name}"; its nodes are ${plan.nodes.map((n) => n.name).join(', ')}`,
    );
  return node;
}

function check({ cluster, index, nodes }: PlanInput): void {
  if (!NAME.test(cluster))
    throw new Error(`cannot plan a network for cluster "${cluster}": use lower case letters, digits and -, at most 40`);
  if (!Number.isInteger(index) || index < 0 || index > MAX_INDEX)
    throw new Error(`cannot plan network ${index} for cluster ${cluster}: a machine has networks 0 to ${MAX_INDEX}`);
  if (nodes.length > MAX_NODES)
    throw new Error(`cannot plan ${nodes.length} nodes for cluster ${cluster}: ${MAX_NODES} fit into its blocks`);
  const bad = nodes.find((name, at) => !NODE_NAME.test(name) || RESERVED.includes(name) || nodes.indexOf(name) !== at);
  if (bad !== undefined)
    throw new Error(
      `cannot plan node "${bad}" of cluster ${cluster}: a DNS name, used once, and not ${RESERVED.map((each) => `"${each}"`).join(' or ')}`,
    );
}

/** FNV-1a, as eight hex digits: only to keep names apart. */
function hash(text: string): string {
  let value = 0x811c9dc5;
  for (const char of text) value = Math.imul(value ^ char.charCodeAt(0), 0x01000193);
  return (value >>> 0).toString(16).padStart(8, '0');
}
