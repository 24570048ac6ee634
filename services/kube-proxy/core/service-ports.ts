// Decides what a Service asks of a proxy: one record a port, with its addresses and policies. Never looks at endpoints;
// leaves out what a proxy must not serve (headless, ExternalName, another proxy's) and every value that is malformed.
import type { Service, ServicePort as ApiPort } from '../../../lib/api/generated/types.ts';
import { blockOf, isAddress, type Block } from '../../../lib/base/ipv4.ts';
import { isPort, withoutNested } from './addresses.ts';

export type Protocol = 'tcp' | 'udp' | 'sctp';

export interface ServicePort {
  /** Name by which EndpointSlices refer to it; empty for the only port. */
  name: string;
  protocol: Protocol;
  port: number;
  nodePort: number | undefined;
  clusterIP: string;
  /** externalIPs of the spec. */
  externalIPs: string[];
  /** Addresses of load balancers, from the status. */
  balancerIPs: string[];
  /** Who may call the load balancer's addresses; empty: everybody. */
  sourceRanges: Block[];
  stickySeconds: number;
  internalLocal: boolean;
  externalLocal: boolean;
}

const PROTOCOLS: Record<string, Protocol> = { TCP: 'tcp', UDP: 'udp', SCTP: 'sctp' };
const DEFAULT_STICKY_SECONDS = 10_800;
const MAX_STICKY_SECONDS = 86_400;
const PROXY_NAME_LABEL = 'service.kubernetes.io/service-proxy-name';

export function servicePorts(service: Service): ServicePort[] {
  const spec = service.spec;
  if (spec === undefined || spec.type === 'ExternalName' || !isAddress(spec.clusterIP)) return [];
  if (service.metadata.labels?.[PROXY_NAME_LABEL] !== undefined) return [];
  const clusterIP = spec.clusterIP;
  const shared = {
    clusterIP,
    externalIPs: (spec.externalIPs ?? []).filter(isAddress),
    balancerIPs: balancerIPs(service),
    sourceRanges: sourceRanges(service),
    stickySeconds: stickySeconds(service),
    internalLocal: spec.internalTrafficPolicy === 'Local',
    externalLocal: spec.externalTrafficPolicy === 'Local',
  };
  return (spec.ports ?? []).flatMap((port) => onePort(port, shared));
}

function onePort(port: ApiPort, shared: Omit<ServicePort, 'name' | 'protocol' | 'port' | 'nodePort'>): ServicePort[] {
  const protocol = PROTOCOLS[port.protocol ?? 'TCP'];
  if (protocol === undefined || !isPort(port.port)) return [];
  const nodePort = isPort(port.nodePort) ? port.nodePort : undefined;
  return [{ ...shared, name: port.name ?? '', protocol, port: port.port, nodePort }];
}

/** `ipMode: Proxy` means that the balancer wants to see the packets itself. */
function balancerIPs(service: Service): string[] {
  if (service.spec.type !== 'LoadBalancer') return [];
  return (service.status?.loadBalancer?.ingress ?? [])
    .filter((ingress) => ingress.ipMode !== 'Proxy')
    .map((ingress) => ingress.ip)
    .filter(isAddress);
}

/** A range that holds everything is no restriction. */
function sourceRanges(service: Service): Block[] {
  const blocks = (service.spec.loadBalancerSourceRanges ?? []).flatMap((range) => blockOf(range.trim()) ?? []);
  return blocks.some((block) => block.bits === 0) ? [] : withoutNested(blocks);
}

function stickySeconds(service: Service): number {
  if (service.spec.sessionAffinity !== 'ClientIP') return 0;
  const asked = service.spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? DEFAULT_STICKY_SECONDS;
  return Number.isInteger(asked) && asked > 0 ? Math.min(asked, MAX_STICKY_SECONDS) : DEFAULT_STICKY_SECONDS;
}
