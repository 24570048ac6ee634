// Decides which records a name has, after the specification "Kubernetes DNS-Based Service Discovery" 1.1.0. Never sees a
// packet; says of a name outside the cluster only that it is not ours.
import type { Answer, SrvAnswer } from 'dns-packet';
import type { Service } from '../../../lib/api/generated/types.ts';
import { containsIp } from '../../../lib/api/ip-range.ts';
import { clusterIps, isHeadless, type DnsIndex, type NamedEndpoint } from './dns-index.ts';

export interface Zone {
  /** `cluster.local` */
  domain: string;
  dnsIp: string;
  /** Reverse names of these blocks are ours, besides those of the ServiceCIDRs. */
  blocks: readonly string[];
}

export type Found =
  | { type: 'records'; records: Answer[]; additionals?: Answer[] }
  /** The name exists, but has nothing of this type. */
  | { type: 'nodata' }
  | { type: 'nxdomain' }
  /** ExternalName: a name elsewhere, and ours no more. */
  | { type: 'alias'; record: Answer; target: string }
  | { type: 'foreign' };

export interface Question {
  /** As asked; compared without regard to case. */
  name: string;
  /** `A`, `SRV`, `UNKNOWN_65` … */
  type: string;
}

const TTL_SECONDS = 5;
const SCHEMA_VERSION = '1.1.0';
const NXDOMAIN: Found = { type: 'nxdomain' };
const NODATA: Found = { type: 'nodata' };
const EXTERNAL_NAME =
  /^(?=.{1,253}\.?$)([a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?)(\.[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?)*\.?$/i;

export function lookup(question: Question, index: DnsIndex, zone: Zone): Found {
  const name = question.name.toLowerCase().replace(/\.$/, '');
  if (name === zone.domain) return apex(question, index, zone);
  if (name.endsWith(`.${zone.domain}`)) {
    const labels = name.slice(0, -zone.domain.length - 1).split('.');
    return inZone(labels, question, index, zone);
  }
  const ip = reverseAddress(name);
  if (ip !== undefined && [...zone.blocks, ...index.ranges].some((block) => containsIp(block, ip)))
    return reverse(ip, question, index, zone);
  return { type: 'foreign' };
}

/** Who answers for the zone, for answers that have no records. */
export function soa(index: DnsIndex, zone: Zone): Answer {
  return {
    type: 'SOA',
    name: zone.domain,
    ttl: TTL_SECONDS,
    data: {
      mname: `ns.dns.${zone.domain}`,
      rname: `hostmaster.${zone.domain}`,
      serial: index.serial % 2 ** 32,
      refresh: 7200,
      retry: 1800,
      expire: 86_400,
      minimum: TTL_SECONDS,
    },
  };
}

function apex(question: Question, index: DnsIndex, zone: Zone): Found {
  if (question.type === 'SOA') return { type: 'records', records: [soa(index, zone)] };
  if (question.type !== 'NS') return NODATA;
  const server = `ns.dns.${zone.domain}`;
  return {
    type: 'records',
    records: [{ type: 'NS', name: question.name, ttl: TTL_SECONDS, data: server }],
    additionals: [address(server, zone.dnsIp)],
  };
}

function inZone(labels: readonly string[], question: Question, index: DnsIndex, zone: Zone): Found {
  const rest = labels.slice(0, -1);
  switch (labels.at(-1) ?? '') {
    case 'svc':
      return underServices(rest, question, index, zone);
    case 'pod':
      return underPods(rest, question);
    case 'dns':
      if (rest.length === 0) return NODATA;
      return rest.join('.') === 'ns' ? addresses(question, [zone.dnsIp]) : NXDOMAIN;
    case 'dns-version':
      if (rest.length > 0) return NXDOMAIN;
      return question.type === 'TXT' || question.type === 'ANY'
        ? { type: 'records', records: [{ type: 'TXT', name: question.name, ttl: 28_800, data: SCHEMA_VERSION }] }
        : NODATA;
    default:
      return NXDOMAIN;
  }
}

/** `10-244-1-2.default.pod`: the address that the name spells. */
function underPods(labels: readonly string[], question: Question): Found {
  if (labels.length < 2) return NODATA;
  const match = /^(\d{1,3})-(\d{1,3})-(\d{1,3})-(\d{1,3})$/.exec(labels[0]!);
  if (labels.length > 2 || match === null || match.slice(1).some((byte) => Number(byte) > 255)) return NXDOMAIN;
  return addresses(question, [match.slice(1).map(Number).join('.')]);
}

function underServices(labels: readonly string[], question: Question, index: DnsIndex, zone: Zone): Found {
  const namespace = labels.at(-1);
  if (namespace === undefined) return NODATA;
  const serviceName = labels.at(-2);
  if (serviceName === undefined) return index.hasNamespace(namespace) ? NODATA : NXDOMAIN;
  const service = index.service(namespace, serviceName);
  if (service === undefined) return NXDOMAIN;
  const fullName = `${serviceName}.${namespace}.svc.${zone.domain}`;
  if (labels.length === 2) return ofService(service, fullName, question, index);
  if (service.spec.type === 'ExternalName') return NXDOMAIN;
  if (labels.length === 3) return belowService(labels[0]!, service, question, index);
  if (labels.length === 4) return ofPort(labels[0]!, labels[1]!, service, fullName, question, index);
  return NXDOMAIN;
}

function ofService(service: Service, fullName: string, question: Question, index: DnsIndex): Found {
  if (service.spec.type === 'ExternalName') return alias(service, question);
  if (!isHeadless(service)) {
    const ips = clusterIps(service);
    if (ips.length === 0) return NODATA;
    return question.type === 'SRV' ? servicePorts(service, fullName, question) : addresses(question, ips);
  }
  const endpoints = index.endpoints(service);
  // The specification wants this; a client waits for a peer's name to appear.
  if (endpoints.length === 0) return NXDOMAIN;
  if (question.type === 'SRV') return endpointPorts(endpoints, () => true, fullName, question);
  return addresses(
    question,
    endpoints.map(({ ip }) => ip),
  );
}

function alias(service: Service, question: Question): Found {
  const target = service.spec.externalName ?? '';
  // The name would have to be put into a packet: nothing else may reach it.
  if (!EXTERNAL_NAME.test(target)) return NODATA;
  const clean = target.replace(/\.$/, '');
  return {
    type: 'alias',
    target: clean,
    record: { type: 'CNAME', name: question.name, ttl: TTL_SECONDS, data: clean },
  };
}

/** `_tcp.web`: exists on the way to a port. `pet-0.web`: an endpoint of a headless service. */
function belowService(label: string, service: Service, question: Question, index: DnsIndex): Found {
  if (label.startsWith('_'))
    return (service.spec.ports ?? []).some((port) => protocolLabel(port.protocol) === label) ? NODATA : NXDOMAIN;
  if (!isHeadless(service)) return NXDOMAIN;
  const ips = index.endpoints(service).filter(({ hostname }) => hostname.toLowerCase() === label);
  return ips.length === 0
    ? NXDOMAIN
    : addresses(
        question,
        ips.map(({ ip }) => ip),
      );
}

function ofPort(
  port: string,
  protocol: string,
  service: Service,
  fullName: string,
  question: Question,
  index: DnsIndex,
): Found {
  const matches = (each: { name?: string | undefined; protocol?: string | undefined }): boolean =>
    `_${each.name ?? ''}` === port && port !== '_' && protocolLabel(each.protocol) === protocol;
  if (isHeadless(service)) return endpointPorts(index.endpoints(service), matches, fullName, question);
  const ports = (service.spec.ports ?? []).filter(matches);
  return ports.length === 0
    ? NXDOMAIN
    : servicePorts({ ...service, spec: { ...service.spec, ports } }, fullName, question);
}

function servicePorts(service: Service, fullName: string, question: Question): Found {
  if (question.type !== 'SRV' && question.type !== 'ANY') return NODATA;
  const records = (service.spec.ports ?? []).map((port) => srv(question.name, port.port, fullName));
  const additionals = clusterIps(service)
    .filter(isV4)
    .map((ip) => address(fullName, ip));
  return { type: 'records', records, additionals };
}

function endpointPorts(
  endpoints: readonly NamedEndpoint[],
  matches: (port: { name: string; protocol: string }) => boolean,
  fullName: string,
  question: Question,
): Found {
  const found = endpoints.flatMap((endpoint) =>
    endpoint.ports.filter(matches).map(({ port }) => ({ endpoint, port, target: `${endpoint.hostname}.${fullName}` })),
  );
  if (found.length === 0) return NXDOMAIN;
  if (question.type !== 'SRV' && question.type !== 'ANY') return NODATA;
  const records = found.map(({ port, target }) => srv(question.name, port, target));
  const additionals = new Map(found.map(({ endpoint, target }) => [target, address(target, endpoint.ip)]));
  return { type: 'records', records, additionals: [...additionals.values()] };
}

function reverse(ip: string, question: Question, index: DnsIndex, zone: Zone): Found {
  const nameOf = (service: Service): string =>
    `${service.metadata.name}.${service.metadata.namespace ?? ''}.svc.${zone.domain}`;
  const names = [
    ...index.servicesAt(ip).map(nameOf),
    ...index
      .servicesBehind(ip)
      .filter(isHeadless)
      .flatMap((service) =>
        index
          .endpoints(service)
          .filter((endpoint) => endpoint.ip === ip)
          .map(({ hostname }) => `${hostname}.${nameOf(service)}`),
      ),
  ];
  if (names.length === 0) return NXDOMAIN;
  if (question.type !== 'PTR' && question.type !== 'ANY') return NODATA;
  return {
    type: 'records',
    records: names.map((data) => ({ type: 'PTR', name: question.name, ttl: TTL_SECONDS, data })),
  };
}

/** A records; AAAA is NODATA, not NXDOMAIN, or resolvers would give the name up. */
function addresses(question: Question, ips: readonly string[]): Found {
  const v6 = ips.filter((ip) => ip.includes(':'));
  const wanted =
    question.type === 'AAAA' ? v6 : question.type === 'A' || question.type === 'ANY' ? ips.filter(isV4) : [];
  if (wanted.length === 0) return NODATA;
  const type = question.type === 'AAAA' ? 'AAAA' : 'A';
  return { type: 'records', records: wanted.map((data) => ({ type, name: question.name, ttl: TTL_SECONDS, data })) };
}

function address(name: string, data: string): Answer {
  return { type: 'A', name, ttl: TTL_SECONDS, data };
}

function srv(name: string, port: number, target: string): SrvAnswer {
  return { type: 'SRV', name, ttl: TTL_SECONDS, data: { priority: 0, weight: 100, port, target } };
}

function protocolLabel(protocol = 'TCP'): string {
  return `_${protocol.toLowerCase()}`;
}

function isV4(ip: string): boolean {
  return !ip.includes(':');
}

/** `10.0.96.10.in-addr.arpa` → `10.96.0.10`. */
function reverseAddress(name: string): string | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa$/.exec(name);
  return match === null ? undefined : match.slice(1).toReversed().map(Number).join('.');
}
