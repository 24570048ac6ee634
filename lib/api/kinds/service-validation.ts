// Decides whether a Service may stand: ports, addresses, families, traffic policies, and what may not change once set.
// Never knows which addresses and node ports are free.
import {
  duplicate,
  forbidden,
  GoText,
  invalidValue,
  notSupported,
  oneOf,
  required,
  type FieldError,
} from '../field-error.ts';
import {
  cidr,
  dns1123Label,
  dns1123Subdomain,
  endpointIp,
  ipAddress,
  isIPv4,
  portNumber,
  qualifiedName,
} from '../formats.ts';
import type { Service, ServicePort, ServiceSpec } from '../generated/types.ts';
import { validateLabels } from '../metadata.ts';
import { portOrName } from '../pod/validate-probes.ts';
import { validateBalancer } from './status-rules.ts';

const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const ONLY_LOAD_BALANCER = "may only be used when `type` is 'LoadBalancer'";

export function validateService(object: Service): FieldError[] {
  const spec = object.spec ?? {};
  return [
    ...validatePorts(spec),
    ...oneOf('spec.sessionAffinity', spec.sessionAffinity, ['ClientIP', 'None'], true),
    ...validateAffinity(spec),
    ...validateType(spec),
    ...validateLabels(spec.selector, 'spec.selector'),
    ...validateClusterIPs(spec),
    ...(spec.externalIPs ?? []).flatMap((address, i) => externalAddress(address, `spec.externalIPs[${i}]`)),
    ...validateLoadBalancer(spec),
    ...validateTraffic(spec),
  ];
}

const isHeadless = (spec: ServiceSpec): boolean => spec.clusterIP === 'None' || spec.clusterIPs?.[0] === 'None';

function validatePorts(spec: ServiceSpec): FieldError[] {
  const ports = spec.ports ?? [];
  const errors: FieldError[] = [];
  if (ports.length === 0 && !isHeadless(spec) && spec.type !== 'ExternalName') errors.push(required('spec.ports'));
  const names = new Set<string>();
  const numbers = new Set<string>();
  const nodePorts = new Set<string>();
  ports.forEach((port, i) => {
    const path = `spec.ports[${i}]`;
    errors.push(...validatePort(port, path, ports.length > 1));
    if (port.name && names.has(port.name)) errors.push(duplicate(`${path}.name`, port.name));
    if (port.name) names.add(port.name);
    const number = `${port.protocol}/${port.port}`;
    if (numbers.has(number)) errors.push(duplicate(path, { protocol: port.protocol, port: port.port }));
    numbers.add(number);
    if (!port.nodePort) return;
    if (spec.type === 'ClusterIP')
      errors.push(forbidden(`${path}.nodePort`, "may not be used when `type` is 'ClusterIP'"));
    const nodePort = `${port.protocol}/${port.nodePort}`;
    if (nodePorts.has(nodePort)) errors.push(duplicate(`${path}.nodePort`, port.nodePort));
    nodePorts.add(nodePort);
  });
  return errors;
}

function validatePort(port: ServicePort, path: string, mustBeNamed: boolean): FieldError[] {
  const errors: FieldError[] = [];
  if (!port.name) {
    if (mustBeNamed) errors.push(required(`${path}.name`));
  } else errors.push(...dns1123Label(port.name).map((told) => invalidValue(`${path}.name`, port.name, told)));
  errors.push(...portNumber(port.port).map((told) => invalidValue(`${path}.port`, port.port, told)));
  errors.push(...oneOf(`${path}.protocol`, port.protocol, ['SCTP', 'TCP', 'UDP'], true));
  errors.push(...portOrName(port.targetPort ?? port.port, `${path}.targetPort`));
  if (port.appProtocol !== undefined)
    errors.push(
      ...qualifiedName(port.appProtocol).map((told) => invalidValue(`${path}.appProtocol`, port.appProtocol, told)),
    );
  return errors;
}

function validateAffinity(spec: ServiceSpec): FieldError[] {
  if (spec.sessionAffinity !== 'ClientIP')
    return spec.sessionAffinityConfig === undefined
      ? []
      : [forbidden('spec.sessionAffinityConfig', 'must not be set when session affinity is None')];
  const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 0;
  return seconds > 0 && seconds <= 86_400
    ? []
    : [
        invalidValue(
          'spec.sessionAffinityConfig.clientIP.timeoutSeconds',
          seconds,
          'must be greater than 0 and less than 86400',
        ),
      ];
}

function validateType(spec: ServiceSpec): FieldError[] {
  if (!spec.type) return [required('spec.type')];
  if (!TYPES.includes(spec.type)) return [notSupported('spec.type', spec.type, TYPES)];
  const errors: FieldError[] = [];
  if ((spec.type === 'NodePort' || spec.type === 'LoadBalancer') && isHeadless(spec))
    errors.push(invalidValue('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${spec.type} services`));
  if (spec.type !== 'ExternalName') return errors;
  for (const field of ['clusterIPs', 'ipFamilies', 'ipFamilyPolicy'] as const)
    if (spec[field] !== undefined && spec[field].length > 0)
      errors.push(forbidden(`spec.${field}`, 'may not be set for ExternalName services'));
  const name = (spec.externalName ?? '').replace(/\.$/, '');
  if (name === '') errors.push(required('spec.externalName'));
  else errors.push(...dns1123Subdomain(name).map((told) => invalidValue('spec.externalName', spec.externalName, told)));
  return errors;
}

function validateClusterIPs(spec: ServiceSpec): FieldError[] {
  if (spec.type === 'ExternalName') return [];
  const path = 'spec.clusterIPs';
  const addresses = spec.clusterIPs ?? [];
  const errors: FieldError[] = [];
  if (!spec.clusterIP && addresses.length > 0)
    errors.push(invalidValue(path, GoText.strings(addresses), 'must be empty when `clusterIP` is not specified'));
  if (spec.clusterIP && addresses.length > 0 && addresses[0] !== spec.clusterIP)
    errors.push(invalidValue(path, GoText.strings(addresses), 'first value must match `clusterIP`'));
  if (addresses.length > 2) errors.push(invalidValue(path, GoText.strings(addresses), 'may only hold up to 2 values'));
  if (addresses.includes('None')) {
    if (addresses.length > 1)
      errors.push(invalidValue(path, GoText.strings(addresses), "'None' must be the first and only value"));
  } else {
    addresses.forEach((address, i) =>
      errors.push(...ipAddress(address).map((told) => invalidValue(`${path}[${i}]`, address, told))),
    );
    if (addresses.length === 2 && isIPv4(addresses[0]!) === isIPv4(addresses[1]!))
      errors.push(invalidValue(path, GoText.strings(addresses), 'may specify no more than one IP for each IP family'));
  }
  return [...errors, ...validateFamilies(spec)];
}

function validateFamilies(spec: ServiceSpec): FieldError[] {
  const seen = new Set<string>();
  const errors = (spec.ipFamilies ?? []).flatMap((family, i) => {
    const path = `spec.ipFamilies[${i}]`;
    const problems = oneOf(path, family, ['IPv4', 'IPv6'], true);
    if (seen.has(family)) problems.push(duplicate(path, family));
    seen.add(family);
    return problems;
  });
  return [
    ...errors,
    ...oneOf('spec.ipFamilyPolicy', spec.ipFamilyPolicy, ['PreferDualStack', 'RequireDualStack', 'SingleStack']),
  ];
}

function externalAddress(address: string, path: string): FieldError[] {
  const problems = ipAddress(address);
  return (problems.length > 0 ? problems : endpointIp(address)).map((told) => invalidValue(path, address, told));
}

function validateLoadBalancer(spec: ServiceSpec): FieldError[] {
  const errors = (spec.loadBalancerSourceRanges ?? []).flatMap((range, i) =>
    cidr(range).map((told) => invalidValue(`spec.LoadBalancerSourceRanges[${i}]`, range, told)),
  );
  if (spec.type === 'LoadBalancer') {
    if (spec.allocateLoadBalancerNodePorts === undefined) errors.push(required('spec.allocateLoadBalancerNodePorts'));
    return errors;
  }
  if ((spec.loadBalancerSourceRanges ?? []).length > 0)
    errors.push(forbidden('spec.LoadBalancerSourceRanges', ONLY_LOAD_BALANCER));
  for (const field of ['allocateLoadBalancerNodePorts', 'loadBalancerClass'] as const)
    if (spec[field] !== undefined) errors.push(forbidden(`spec.${field}`, ONLY_LOAD_BALANCER));
  return errors;
}

function validateTraffic(spec: ServiceSpec): FieldError[] {
  const errors: FieldError[] = [];
  const isExternal = spec.type === 'NodePort' || spec.type === 'LoadBalancer' || (spec.externalIPs ?? []).length > 0;
  if (spec.externalTrafficPolicy && !isExternal)
    errors.push(
      invalidValue(
        'spec.externalTrafficPolicy',
        spec.externalTrafficPolicy,
        'may only be set for externally-accessible services',
      ),
    );
  else errors.push(...oneOf('spec.externalTrafficPolicy', spec.externalTrafficPolicy, ['Cluster', 'Local']));
  if (spec.healthCheckNodePort && !(spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local'))
    errors.push(
      invalidValue(
        'spec.healthCheckNodePort',
        spec.healthCheckNodePort,
        "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
      ),
    );
  errors.push(...oneOf('spec.internalTrafficPolicy', spec.internalTrafficPolicy, ['Cluster', 'Local']));
  errors.push(
    ...oneOf('spec.trafficDistribution', spec.trafficDistribution, ['PreferClose', 'PreferSameNode', 'PreferSameZone']),
  );
  return errors;
}

export function validateServiceUpdate(object: Service, old: Service): FieldError[] {
  const { spec } = object;
  const was = old.spec;
  const errors: FieldError[] = [];
  // Becoming or ceasing to be ExternalName gives the address up or asks for one: only between two others is it fixed.
  if (spec.type !== 'ExternalName' && was.type !== 'ExternalName') {
    if (was.clusterIP && !spec.clusterIP)
      errors.push(invalidValue('spec.clusterIPs[0]', spec.clusterIPs ?? null, 'primary clusterIP can not be unset'));
    else if (was.clusterIP && spec.clusterIP !== was.clusterIP)
      errors.push(invalidValue('spec.clusterIPs[0]', spec.clusterIPs, 'may not change once set'));
    if (
      was.ipFamilies?.[0] !== undefined &&
      spec.ipFamilies?.[0] !== undefined &&
      spec.ipFamilies[0] !== was.ipFamilies[0]
    )
      errors.push(invalidValue('spec.ipFamilies[0]', spec.ipFamilies, 'may not change once set'));
  }
  if (was.type === 'LoadBalancer' && spec.type === 'LoadBalancer' && was.loadBalancerClass !== spec.loadBalancerClass)
    errors.push(invalidValue('spec.loadBalancerClass', spec.loadBalancerClass, 'may not change once set'));
  if (was.healthCheckNodePort && spec.healthCheckNodePort && was.healthCheckNodePort !== spec.healthCheckNodePort)
    errors.push(forbidden('spec.healthCheckNodePort', 'field is immutable'));
  return errors;
}

export function validateServiceStatus(object: Service, old: Service): FieldError[] {
  const ingress = object.status?.loadBalancer?.ingress ?? [];
  return ingress.length > 0 && object.spec.type !== 'LoadBalancer'
    ? [forbidden('status.loadBalancer.ingress', "may only be used when `spec.type` is 'LoadBalancer'")]
    : validateBalancer(ingress, old.status?.loadBalancer?.ingress, true);
}
