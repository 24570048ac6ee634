// Decides every element that one Service needs on this node, from it, its EndpointSlices and the node. Never looks at
// another service: that keeps a change O(changed).
import type { EndpointSlice, Service } from '../../../lib/api/generated/types.ts';
import { addressNumber, blockOf, contains } from '../../../lib/base/ipv4.ts';
import { blockText } from './addresses.ts';
import { chainName, chainNeeds, type ChainShape } from './chains.ts';
import { fnv, mark, type Element, type MapName } from './elements.ts';
import { usableEndpoints, type Endpoint, type UsableEndpoints } from './endpoints.ts';
import { servicePorts, type ServicePort } from './service-ports.ts';

/** What the rules need to know of the node and the cluster. */
export interface NodeFacts {
  node: string;
  nodePodCidr: string;
  /** The cluster's. */
  podCidr: string;
  /** Further blocks that know the way back to pods (say, the nodes' own network): not masqueraded. */
  nonMasqueradeCidrs: readonly string[];
}

/** Where traffic comes in: a key of the verdict maps, and how it is to be treated. */
interface Entrance {
  target: ChainShape['target'];
  key: string;
  masquerade: boolean;
  policy: 'cluster' | 'local' | 'external-local';
}

const REJECT = 'goto reject-chain';
const DROP_EXTERNAL = 'goto drop-external';

/** Sorted by nothing in particular, without duplicates. */
export function serviceRules(service: Service, slices: readonly EndpointSlice[], facts: NodeFacts): Element[] {
  const elements = new Map<string, Element>();
  const add = (map: MapName, key: string, value = ''): void => {
    const id = `${map} ${key}`;
    if (!elements.has(id)) elements.set(id, { map, key, value });
  };
  for (const port of servicePorts(service)) {
    const usable = usableEndpoints(port, slices, facts.node);
    add('cluster-ips', port.clusterIP);
    for (const entrance of entrances(port)) enter(entrance, port, usable, add);
    for (const endpoint of hairpins(usable, facts)) add('hairpin-ips', `${endpoint.ip} . ${endpoint.ip}`);
    restrict(port, add);
  }
  return [...elements.values()];
}

type Add = (map: MapName, key: string, value?: string) => void;

/** Calls from outside to a cluster IP are marked in nat-prerouting, for all services at once. */
function entrances(port: ServicePort): Entrance[] {
  const at = (ip: string): string => `${ip} . ${port.protocol} . ${port.port}`;
  const external = {
    masquerade: !port.externalLocal,
    policy: port.externalLocal ? ('external-local' as const) : ('cluster' as const),
  };
  return [
    { target: 'service', key: at(port.clusterIP), masquerade: false, policy: port.internalLocal ? 'local' : 'cluster' },
    ...[...port.externalIPs, ...port.balancerIPs].map((ip) => ({
      target: 'service' as const,
      key: at(ip),
      ...external,
    })),
    ...(port.nodePort === undefined
      ? []
      : [{ target: 'nodeport' as const, key: `${port.protocol} . ${port.nodePort}`, ...external }]),
  ];
}

function enter(entrance: Entrance, port: ServicePort, usable: UsableEndpoints, add: Add): void {
  const { endpoints, locals } = orderFor(entrance, usable);
  const nobody = verdictForNobody(entrance, usable);
  if (nobody !== undefined)
    add(entrance.target === 'service' ? 'no-endpoint-services' : 'no-endpoint-nodeports', entrance.key, nobody);
  if (endpoints.length === 0) return;
  const shape: ChainShape = {
    target: entrance.target,
    count: endpoints.length,
    masquerade: entrance.masquerade,
    stickySeconds: port.stickySeconds,
    ...(entrance.policy === 'external-local' ? { local: locals } : {}),
  };
  for (const each of [shape, ...chainNeeds(shape)]) add('chains', chainName(each));
  add(entrance.target === 'service' ? 'service-ips' : 'service-nodeports', entrance.key, `goto ${chainName(shape)}`);
  if (port.stickySeconds > 0) addSticky(entrance, endpoints, add);
  else addEndpoints(entrance, endpoints, add);
}

/**
 * The order of the indexes. With Local policy for callers outside, those of this node come first, so that one chain can
 * draw from them and another from all.
 */
function orderFor(entrance: Entrance, usable: UsableEndpoints): { endpoints: Endpoint[]; locals: number } {
  if (entrance.policy === 'cluster') return { endpoints: usable.cluster, locals: 0 };
  if (entrance.policy === 'local') return { endpoints: usable.local, locals: usable.local.length };
  const others = usable.cluster.filter((endpoint) => !endpoint.local);
  return { endpoints: [...usable.local, ...others], locals: usable.local.length };
}

/** No endpoint at all: refused at once. None here under a Local policy: silence, as a balancer expects. */
function verdictForNobody(entrance: Entrance, usable: UsableEndpoints): string | undefined {
  if (usable.cluster.length === 0 && usable.local.length === 0) return REJECT;
  if (entrance.policy === 'cluster' || usable.local.length > 0) return undefined;
  return entrance.policy === 'local' ? 'drop' : DROP_EXTERNAL;
}

function addEndpoints(entrance: Entrance, endpoints: readonly Endpoint[], add: Add): void {
  const map = entrance.target === 'service' ? 'endpoints' : 'nodeport-endpoints';
  for (const [index, { ip, port }] of endpoints.entries())
    add(map, `${entrance.key} . ${mark(index)}`, `${ip} . ${port}`);
}

function addSticky(entrance: Entrance, endpoints: readonly Endpoint[], add: Add): void {
  const prefix = entrance.target === 'service' ? '' : 'nodeport-';
  const taken = new Set<number>();
  for (const [index, { ip, port }] of endpoints.entries()) {
    const id = stickyId(`${ip}:${port}`, taken);
    add(`${prefix}affinity-ids` as MapName, `${entrance.key} . ${mark(index)}`, mark(id));
    add(`${prefix}affinity-endpoints` as MapName, `${entrance.key} . ${mark(id)}`, `${ip} . ${port}`);
  }
}

/** Made of the endpoint alone, so that it stays the same while others come and go. 0 means no entry. */
function stickyId(text: string, taken: Set<number>): number {
  let id = fnv(text);
  while (id === 0 || taken.has(id)) id = (id + 1) >>> 0;
  taken.add(id);
  return id;
}

/** A pod of this node that reaches itself through its service must see another address than its own. */
function hairpins(usable: UsableEndpoints, facts: NodeFacts): Endpoint[] {
  const pods = blockOf(facts.nodePodCidr);
  return [...usable.cluster, ...usable.local].filter(
    (endpoint) => endpoint.local && pods !== undefined && contains(pods, addressNumber(endpoint.ip)!),
  );
}

function restrict(port: ServicePort, add: Add): void {
  if (port.sourceRanges.length === 0) return;
  for (const ip of port.balancerIPs) {
    const key = `${ip} . ${port.protocol} . ${port.port}`;
    add('lb-restricted', key);
    for (const range of port.sourceRanges) add('lb-sources', `${key} . ${blockText(range)}`);
  }
}
