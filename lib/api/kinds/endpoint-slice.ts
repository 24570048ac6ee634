// Decides what an EndpointSlice is: addresses of one family, named ports. Never finds endpoints.
import { ageOf } from '../age.ts';
import { duplicate, invalidValue, notSupported, oneOf, required, tooMany, type FieldError } from '../field-error.ts';
import { dns1123Label, isIPv4, isIPv6, isSubdomain } from '../formats.ts';
import type { DiscoveryV1EndpointPort, EndpointSlice } from '../generated/types.ts';
import { defineKind } from '../object.ts';
import { fill } from '../pod/defaults.ts';

const TYPES = ['FQDN', 'IPv4', 'IPv6'];
const FITS: Record<string, [fits: (text: string) => boolean, told: string]> = {
  IPv4: [isIPv4, 'must be a valid IPv4 address'],
  IPv6: [isIPv6, 'must be a valid IPv6 address'],
  FQDN: [
    (text) => isSubdomain(text) && text.includes('.'),
    'should be a domain with at least two segments separated by dots',
  ],
};

function validateEndpoints(slice: EndpointSlice): FieldError[] {
  const endpoints = slice.endpoints ?? [];
  if (endpoints.length > 1000) return [tooMany('endpoints', endpoints.length, 1000)];
  // Whatever a client calls it: also what every object has (`toString`).
  const fits = TYPES.includes(slice.addressType) ? FITS[slice.addressType] : undefined;
  return endpoints.flatMap((endpoint, i) => {
    const path = `endpoints[${i}].addresses`;
    const addresses = endpoint.addresses ?? [];
    if (addresses.length === 0) return [required(path, 'must contain at least 1 address')];
    if (addresses.length > 100) return [tooMany(path, addresses.length, 100)];
    return addresses.flatMap((address, j) =>
      fits === undefined || fits[0](address) ? [] : [invalidValue(`${path}[${j}]`, address, fits[1])],
    );
  });
}

function validatePorts(slice: EndpointSlice): FieldError[] {
  const ports: DiscoveryV1EndpointPort[] = slice.ports ?? [];
  if (ports.length > 20_000) return [tooMany('ports', ports.length, 20_000)];
  const names = new Set<string>();
  return ports.flatMap((port, i) => {
    const path = `ports[${i}]`;
    const name = port.name ?? '';
    const errors = name === '' ? [] : dns1123Label(name).map((told) => invalidValue(`${path}.name`, name, told));
    if (names.has(name)) errors.push(duplicate(`${path}.name`, name));
    names.add(name);
    return [...errors, ...oneOf(`${path}.protocol`, port.protocol, ['SCTP', 'TCP', 'UDP'], true)];
  });
}

/** At most three of a list, then how many more. */
export function fewOf(items: readonly string[], none: string): string {
  if (items.length <= 3) return items.join(',') || none;
  return `${items.slice(0, 3).join(',')} + ${items.length - 3} more...`;
}

export const endpointSlice = defineKind<EndpointSlice>({
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  default(object) {
    for (const port of object.ports ?? []) {
      port.name ??= '';
      fill(port, 'protocol', 'TCP');
    }
  },
  validate(object) {
    const errors = !object.addressType
      ? [required('addressType')]
      : TYPES.includes(object.addressType)
        ? []
        : [notSupported('addressType', object.addressType, TYPES)];
    return [...errors, ...validateEndpoints(object), ...validatePorts(object)];
  },
  validateUpdate: (object, old) =>
    object.addressType === old.addressType
      ? []
      : [invalidValue('addressType', object.addressType, 'field is immutable')],
  cells: (object, now) => [
    object.metadata.name,
    object.addressType,
    fewOf(
      (object.ports ?? []).map((port) => String(port.port ?? port.name ?? '*')),
      '<unset>',
    ),
    fewOf(
      (object.endpoints ?? []).flatMap((endpoint) => endpoint.addresses ?? []),
      '<unset>',
    ),
    ageOf(object.metadata.creationTimestamp, now),
  ],
});
