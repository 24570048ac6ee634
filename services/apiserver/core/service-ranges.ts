// Decides from which ranges Services get their addresses, and how an IPAddress says whose one is. Never picks an address.
import { canonical } from '../../../lib/api/canonical.ts';
import type { IPAddress, ServiceCIDR } from '../../../lib/api/generated/types.ts';
import { isIPv4 } from '../../../lib/api/formats.ts';
import type { KubeObject } from '../../../lib/api/object.ts';
import type { ClusterCache } from './cache/cluster-cache.ts';
import { parseCidr, type Cidr } from './ipv4.ts';
import { keyOf } from './storage-key.ts';

const IP_ADDRESSES = 'networking.k8s.io/ipaddresses';
const SERVICE_CIDRS = 'networking.k8s.io/servicecidrs';
const SMALLEST_BITS = 30;

export interface Range extends Cidr {
  text: string;
}

/** The cluster's own first; then those of ServiceCIDRs that stay. */
export function serviceRanges(view: ClusterCache, own: string): Range[] {
  const more = [...view.list(SERVICE_CIDRS)]
    .filter(({ object }) => object.metadata.deletionTimestamp === undefined)
    .flatMap(({ object }) => (object as unknown as ServiceCIDR).spec?.cidrs ?? [])
    .filter(isUsable);
  return [...new Set([own, ...more])].map((text) => ({ ...parseCidr(text), text }));
}

/** Services have addresses of one family here. */
function isUsable(text: string): boolean {
  const [ip = '', bits = ''] = text.split('/');
  return isIPv4(ip) && Number(bits) <= SMALLEST_BITS;
}

/** Addresses that belong to somebody else than this Service. */
export function* foreignAddresses(view: ClusterCache, service: KubeObject): Generator<string> {
  for (const { object, name } of view.list(IP_ADDRESSES))
    if (!isOf(object as unknown as IPAddress, service)) yield name;
}

function isOf({ spec }: IPAddress, service: KubeObject): boolean {
  const { group = '', resource, namespace, name } = spec?.parentRef ?? {};
  const { metadata } = service;
  return group === '' && resource === 'services' && namespace === metadata.namespace && name === metadata.name;
}

export const addressKey = (ip: string): string => keyOf({ stream: IP_ADDRESSES, namespace: '', name: ip });

/** As upstream's allocator writes it. */
export function addressOf(service: KubeObject, ip: string, made: { uid: string; time: string }): KubeObject {
  return canonical('networking.v1.IPAddress', {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IPAddress',
    metadata: {
      name: ip,
      uid: made.uid,
      creationTimestamp: made.time,
      labels: {
        'ipaddress.kubernetes.io/ip-family': 'IPv4',
        'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
      },
    },
    spec: { parentRef: { resource: 'services', namespace: service.metadata.namespace, name: service.metadata.name } },
  }).value as unknown as KubeObject;
}

/** Services that an earlier version gave an address, or whose IPAddress somebody deleted. */
export function* unannouncedAddresses(
  view: ClusterCache,
  services: string,
): Generator<[service: KubeObject, ip: string]> {
  for (const { object } of view.list(services)) {
    const ip: string = object['spec']?.clusterIP ?? '';
    if (isIPv4(ip) && view.get({ stream: IP_ADDRESSES, namespace: '', name: ip }) === undefined) yield [object, ip];
  }
}
