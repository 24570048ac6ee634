// Decides which endpoints of a service port may get traffic on this node: the ready ones, else those that still serve
// while they end (upstream's rule). Never decides which of them a connection goes to.
import type { Endpoint as ApiEndpoint, EndpointSlice } from '../../../lib/api/generated/types.ts';
import { addressNumber, isAddress } from '../../../lib/base/ipv4.ts';
import { isPort } from './addresses.ts';
import type { ServicePort } from './service-ports.ts';

export interface Endpoint {
  ip: string;
  port: number;
  /** Runs on this node. */
  local: boolean;
}

export interface UsableEndpoints {
  /** For everybody. */
  cluster: Endpoint[];
  /** On this node, for Local policies. */
  local: Endpoint[];
}

type State = 'ready' | 'draining';

export function usableEndpoints(port: ServicePort, slices: readonly EndpointSlice[], node: string): UsableEndpoints {
  const found = [...candidates(port, slices, node).values()];
  return {
    cluster: readyElseDraining(found),
    local: readyElseDraining(found.filter(({ endpoint }) => endpoint.local)),
  };
}

interface Candidate {
  endpoint: Endpoint;
  state: State;
}

/** By address: while slices are rebalanced an endpoint may stand in two of them. */
function candidates(port: ServicePort, slices: readonly EndpointSlice[], node: string): Map<string, Candidate> {
  const found = new Map<string, Candidate>();
  for (const slice of slices) {
    if (slice.addressType !== 'IPv4') continue;
    const number = slicePort(port, slice);
    if (number === undefined) continue;
    for (const each of slice.endpoints ?? []) {
      const state = stateOf(each);
      const ip = each.addresses[0];
      if (state === undefined || !isAddress(ip)) continue;
      const key = `${ip}:${number}`;
      if (found.get(key)?.state !== 'ready')
        found.set(key, { state, endpoint: { ip, port: number, local: each.nodeName === node } });
    }
  }
  return found;
}

function slicePort(port: ServicePort, slice: EndpointSlice): number | undefined {
  const match = (slice.ports ?? []).find(
    (each) => (each.name ?? '') === port.name && (each.protocol ?? 'TCP').toLowerCase() === port.protocol,
  );
  return isPort(match?.port) ? match.port : undefined;
}

/** Absent means ready: the API says so. */
function stateOf(endpoint: ApiEndpoint): State | undefined {
  const { ready = true, serving = ready, terminating = false } = endpoint.conditions ?? {};
  if (ready) return 'ready';
  return serving && terminating ? 'draining' : undefined;
}

function readyElseDraining(found: readonly Candidate[]): Endpoint[] {
  const ready = found.filter(({ state }) => state === 'ready');
  return (ready.length > 0 ? ready : found).map(({ endpoint }) => endpoint).toSorted(byAddress);
}

function byAddress(a: Endpoint, b: Endpoint): number {
  return addressNumber(a.ip)! - addressNumber(b.ip)! || a.port - b.port;
}
