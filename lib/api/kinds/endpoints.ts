// Decides what an Endpoints object is (the older form of EndpointSlice). Never finds endpoints.
import { ageOf } from '../age.ts';
import { equalObjects } from '../equality.ts';
import { invalidValue, oneOf, required, type FieldError } from '../field-error.ts';
import { dns1123Label, dns1123Subdomain, endpointIp, ipAddress, portNumber, qualifiedName } from '../formats.ts';
import type { EndpointAddress, EndpointPort, Endpoints } from '../generated/types.ts';
import { defineKind } from '../object.ts';
import { fill } from '../pod/defaults.ts';
import { fewOf } from './endpoint-slice.ts';

const hostPort = (ip: string, port: number): string => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`);

function addressTexts(object: Endpoints): string[] {
  return (object.subsets ?? []).flatMap((subset) =>
    (subset.ports ?? []).length === 0
      ? (subset.addresses ?? []).map(({ ip }) => ip)
      : subset.ports!.flatMap(({ port }) => (subset.addresses ?? []).map(({ ip }) => hostPort(ip, port))),
  );
}

function validateAddress(address: EndpointAddress, path: string): FieldError[] {
  const { ip = '', hostname, nodeName } = address;
  const problems = ipAddress(ip);
  return [
    ...problems.map((told) => invalidValue(`${path}.ip`, ip, told)),
    ...(hostname ? dns1123Label(hostname).map((told) => invalidValue(`${path}.hostname`, hostname, told)) : []),
    ...(nodeName === undefined
      ? []
      : dns1123Subdomain(nodeName).map((told) => invalidValue(`${path}.nodeName`, nodeName, told))),
    ...(problems.length > 0
      ? [invalidValue(`${path}.ip`, ip, 'must be a valid IP address')]
      : endpointIp(ip).map((told) => invalidValue(`${path}.ip`, ip, told))),
  ];
}

function validatePort(port: EndpointPort, path: string, mustBeNamed: boolean): FieldError[] {
  const { name = '', appProtocol } = port;
  return [
    ...(mustBeNamed && name === '' ? [required(`${path}.name`)] : []),
    ...(name === '' ? [] : dns1123Label(name).map((told) => invalidValue(`${path}.name`, name, told))),
    ...portNumber(port.port).map((told) => invalidValue(`${path}.port`, port.port, told)),
    ...oneOf(`${path}.protocol`, port.protocol, ['SCTP', 'TCP', 'UDP'], true),
    ...(appProtocol === undefined
      ? []
      : qualifiedName(appProtocol).map((told) => invalidValue(`${path}.appProtocol`, appProtocol, told))),
  ];
}

function validateSubsets({ subsets = [] }: Endpoints): FieldError[] {
  return subsets.flatMap(({ addresses = [], notReadyAddresses = [], ports = [] }, i) => {
    const path = `subsets[${i}]`;
    return [
      ...(addresses.length + notReadyAddresses.length === 0
        ? [required(path, 'must specify `addresses` or `notReadyAddresses`')]
        : []),
      ...addresses.flatMap((address, j) => validateAddress(address, `${path}.addresses[${j}]`)),
      ...notReadyAddresses.flatMap((address, j) => validateAddress(address, `${path}.notReadyAddresses[${j}]`)),
      ...ports.flatMap((port, j) => validatePort(port, `${path}.ports[${j}]`, ports.length > 1)),
    ];
  });
}

export const endpoints = defineKind<Endpoints>({
  group: '',
  version: 'v1',
  kind: 'Endpoints',
  deprecationWarning: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
  default(object) {
    for (const subset of object.subsets ?? []) for (const port of subset.ports ?? []) fill(port, 'protocol', 'TCP');
  },
  validateCreate: validateSubsets,
  // What an older server let pass may stay.
  validateUpdate: (object, old) => (equalObjects(object.subsets, old.subsets) ? [] : validateSubsets(object)),
  cells: (object, now) => [
    object.metadata.name,
    (object.subsets ?? []).length === 0 ? '<none>' : fewOf(addressTexts(object), ''),
    ageOf(object.metadata.creationTimestamp, now),
  ],
});
