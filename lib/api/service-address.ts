// Decides how an IPAddress says that it is given to a Service, as upstream's allocator writes and reads it. Never picks an address.
import type { IPAddress } from './generated/types.ts';

const MANAGED_BY = 'ipaddress.kubernetes.io/managed-by';
const FAMILY = 'ipaddress.kubernetes.io/ip-family';
const ALLOCATOR = 'ipallocator.k8s.io';

interface Named {
  metadata: { namespace?: string | undefined; name: string };
}

/** Services have addresses of one family here. */
export function serviceAddress(service: Named, ip: string) {
  const { namespace, name } = service.metadata;
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IPAddress',
    metadata: { name: ip, labels: { [FAMILY]: 'IPv4', [MANAGED_BY]: ALLOCATOR } },
    spec: { parentRef: { resource: 'services', namespace, name } },
  };
}

/** Somebody made it by hand, or another allocator did: then it is theirs. */
export function isByAllocator({ metadata }: IPAddress): boolean {
  return metadata.labels?.[MANAGED_BY] === ALLOCATOR;
}

export function hasAllocatorLabels(address: IPAddress): boolean {
  return isByAllocator(address) && address.metadata.labels?.[FAMILY] === 'IPv4';
}

/** The Service that it is given to; undefined: something else has it. */
export function serviceOf({ spec }: IPAddress): { namespace: string; name: string } | undefined {
  const { group = '', resource, namespace = '', name } = spec?.parentRef ?? {};
  return group === '' && resource === 'services' && name !== undefined ? { namespace, name } : undefined;
}
