// Decides what a Service is: defaults by type, what an update keeps or wipes, its line in a table. Never allocates an
// address or a node port (the API actor does, where defaults.md says so).
import { ageOf } from '../age.ts';
import { formatRequirements } from '../selectors.ts';
import type { Service, ServicePort, ServiceSpec } from '../generated/types.ts';
import { defineKind } from '../object.ts';
import { fill } from '../pod/defaults.ts';
import { balancerAddresses } from './load-balancer.ts';
import { validateService, validateServiceStatus, validateServiceUpdate } from './service-validation.ts';

export const hasNodePorts = (spec: ServiceSpec): boolean =>
  spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false);
const needsHealthPort = (spec: ServiceSpec): boolean =>
  spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';

function defaultService(object: Service): void {
  const spec: ServiceSpec = (object.spec ??= {});
  fill(spec, 'sessionAffinity', 'None');
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig;
  else {
    const clientIP = ((spec.sessionAffinityConfig ??= {}).clientIP ??= {});
    fill(clientIP, 'timeoutSeconds', 10_800);
  }
  fill(spec, 'type', 'ClusterIP');
  for (const port of spec.ports ?? []) {
    fill(port, 'protocol', 'TCP');
    if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '') port.targetPort = port.port;
  }
  const isExternal = spec.type === 'NodePort' || spec.type === 'LoadBalancer';
  if (isExternal || (spec.type === 'ClusterIP' && (spec.externalIPs ?? []).length > 0))
    fill(spec, 'externalTrafficPolicy', 'Cluster');
  if (isExternal || spec.type === 'ClusterIP') fill(spec, 'internalTrafficPolicy', 'Cluster');
  if (spec.type === 'LoadBalancer') {
    fill(spec, 'allocateLoadBalancerNodePorts', true);
    for (const ingress of object.status?.loadBalancer?.ingress ?? []) if (ingress.ip) fill(ingress, 'ipMode', 'VIP');
  }
  syncClusterIPs(spec);
  object.status ??= {};
  object.status.loadBalancer ??= {};
}

/** The older field and the newer list say the same; the older wins where only it was given. */
function syncClusterIPs(spec: ServiceSpec): void {
  if (spec.clusterIP && (spec.clusterIPs ?? []).length === 0) spec.clusterIPs = [spec.clusterIP];
  else if (!spec.clusterIP && spec.clusterIPs?.[0] !== undefined) spec.clusterIP = spec.clusterIPs[0];
}

const portKey = (port: ServicePort): string => `${port.protocol ?? 'TCP'}/${port.port}`;

/** A PUT that leaves out what was allocated keeps it. */
function keepAllocated(spec: ServiceSpec, was: ServiceSpec): void {
  if (
    spec.type !== 'ExternalName' &&
    was.type !== 'ExternalName' &&
    !spec.clusterIP &&
    (spec.clusterIPs ?? []).length === 0
  ) {
    if (was.clusterIP !== undefined) spec.clusterIP = was.clusterIP;
    if (was.clusterIPs !== undefined) spec.clusterIPs = [...was.clusterIPs];
  }
  if (spec.type !== 'ExternalName') {
    spec.ipFamilies ??= was.ipFamilies === undefined ? undefined : [...was.ipFamilies];
    spec.ipFamilyPolicy ??= was.ipFamilyPolicy;
    if (spec.ipFamilies === undefined) delete spec.ipFamilies;
    if (spec.ipFamilyPolicy === undefined) delete spec.ipFamilyPolicy;
  }
  if (hasNodePorts(spec) && hasNodePorts(was)) keepNodePorts(spec, was);
  if (needsHealthPort(spec) && needsHealthPort(was) && !spec.healthCheckNodePort && was.healthCheckNodePort)
    spec.healthCheckNodePort = was.healthCheckNodePort;
}

function keepNodePorts(spec: ServiceSpec, was: ServiceSpec): void {
  const taken = new Set((spec.ports ?? []).map((port) => port.nodePort).filter((nodePort) => nodePort));
  const before = new Map((was.ports ?? []).map((port) => [portKey(port), port.nodePort]));
  for (const port of spec.ports ?? []) {
    const nodePort = before.get(portKey(port));
    if (port.nodePort || nodePort === undefined || taken.has(nodePort)) continue;
    port.nodePort = nodePort;
    taken.add(nodePort);
  }
}

/** A change of type wipes what the new type cannot have, unless the client changed it in the same request. */
function wipeUnfit(spec: ServiceSpec, was: ServiceSpec): void {
  if (spec.type === 'ExternalName' && was.type !== 'ExternalName' && spec.clusterIP === was.clusterIP) {
    delete spec.clusterIP;
    delete spec.clusterIPs;
    delete spec.ipFamilies;
    delete spec.ipFamilyPolicy;
  }
  if (hasNodePorts(was) && !hasNodePorts(spec)) {
    const before = new Map((was.ports ?? []).map((port) => [portKey(port), port.nodePort]));
    for (const port of spec.ports ?? []) if (port.nodePort === before.get(portKey(port))) delete port.nodePort;
  }
  if (needsHealthPort(was) && !needsHealthPort(spec) && spec.healthCheckNodePort === was.healthCheckNodePort)
    delete spec.healthCheckNodePort;
  if (was.type === 'LoadBalancer' && spec.type !== 'LoadBalancer') {
    if (spec.allocateLoadBalancerNodePorts === was.allocateLoadBalancerNodePorts)
      delete spec.allocateLoadBalancerNodePorts;
    if (spec.loadBalancerClass === was.loadBalancerClass) delete spec.loadBalancerClass;
  }
  const isExternal = spec.type === 'NodePort' || spec.type === 'LoadBalancer' || (spec.externalIPs ?? []).length > 0;
  if (!isExternal && spec.externalTrafficPolicy === was.externalTrafficPolicy) delete spec.externalTrafficPolicy;
}

function externalIPs(object: Service): string {
  const { spec, status } = object;
  const given = spec.externalIPs ?? [];
  if (spec.type === 'ExternalName') return spec.externalName ?? '';
  if (spec.type !== 'LoadBalancer') return given.length > 0 ? given.join(',') : '<none>';
  const all = [...balancerAddresses(status), ...given];
  return all.length > 0 ? all.join(',') : '<pending>';
}

function portsText(ports: ServicePort[] | undefined): string {
  if ((ports ?? []).length === 0) return '<none>';
  return ports!
    .map((port) => `${port.port}${port.nodePort ? `:${port.nodePort}` : ''}/${port.protocol ?? 'TCP'}`)
    .join(',');
}

function selectorText(selector: Record<string, string> | undefined): string {
  const requirements = Object.entries(selector ?? {}).map(([key, value]) => ({
    key,
    operator: '=' as const,
    values: [value],
  }));
  return requirements.length === 0 ? '<none>' : formatRequirements(requirements);
}

export const service = defineKind<Service>({
  group: '',
  version: 'v1',
  kind: 'Service',
  nameRule: 'label1035',
  returnsDeletedObject: true,
  default: defaultService,
  validate: validateService,
  validateUpdate: validateServiceUpdate,
  validateStatusUpdate: validateServiceStatus,
  prepareForUpdate(object, old) {
    keepAllocated(object.spec, old.spec);
    wipeUnfit(object.spec, old.spec);
  },
  cells: (object, now) => [
    object.metadata.name,
    object.spec.type ?? 'ClusterIP',
    object.spec.clusterIP || '<none>',
    externalIPs(object),
    portsText(object.spec.ports),
    ageOf(object.metadata.creationTimestamp, now),
    selectorText(object.spec.selector),
  ],
  fields: {
    'spec.clusterIP': (object) => object.spec.clusterIP ?? '',
    'spec.type': (object) => object.spec.type ?? '',
  },
});
