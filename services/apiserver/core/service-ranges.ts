// Decides from which ranges Services get their addresses, and which keys hold one: its IPAddress, and what earlier versions wrote.
// Never picks an address.
import { canonical } from '../../../lib/api/canonical.ts';
import type { ServiceCIDR } from '../../../lib/api/generated/types.ts';
import { isIPv4 } from '../../../lib/api/formats.ts';
import type { KubeObject } from '../../../lib/api/object.ts';
import { serviceAddress } from '../../../lib/api/service-address.ts';
import type { KeyValue } from '../../../lib/bus/messages.ts';
import type { ClusterCache } from './cache/cluster-cache.ts';
import { containsAddress, parseCidr, type Cidr } from './address-range.ts';
import type { Companions } from './pipeline/plan.ts';
import { ALLOCATIONS, keyOf } from './storage-key.ts';

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

/** Addresses that somebody has: Services, or whoever an IPAddress names. */
export function* givenAddresses(view: ClusterCache): Generator<string> {
  for (const { name } of view.list(IP_ADDRESSES)) yield name;
}

/** How much of each range is given. */
export function usedRanges(view: ClusterCache, own: string): Array<{ cidr: string; given: number; free: number }> {
  const addresses = [...givenAddresses(view)];
  return serviceRanges(view, own).map((range) => {
    const given = addresses.filter((ip) => containsAddress(range, ip)).length;
    return { cidr: range.text, given, free: range.size - NEVER_GIVEN - given };
  });
}

/** The network's own address and the one for all. */
const NEVER_GIVEN = 2;

export const addressKey = (ip: string): string => keyOf({ stream: IP_ADDRESSES, namespace: '', name: ip });

export function addressOf(service: KubeObject, ip: string, made: { uid: string; time: string }): KubeObject {
  const { metadata, ...rest } = serviceAddress(service, ip);
  const { name, labels } = metadata;
  return canonical('networking.v1.IPAddress', {
    ...rest,
    metadata: { name, uid: made.uid, creationTimestamp: made.time, labels },
  }).value as unknown as KubeObject;
}

/** How earlier versions held an address besides: a key without an object. */
export const OLD_ADDRESSES = `${ALLOCATIONS}clusterips/`;
export const oldAddressKey = (ip: string): string => OLD_ADDRESSES + ip;

/** Which of the old keys may go: those whose address is held by its IPAddress now, or by no Service any more. */
export function* spentAddressKeys(
  view: ClusterCache,
  items: readonly KeyValue[],
  services: string,
): Generator<Companions> {
  const used = new Set([...view.list(services)].map(({ object }) => object['spec']?.clusterIP));
  for (const { key, modRevision } of items) {
    const ip = key.slice(OLD_ADDRESSES.length);
    const address = view.get({ stream: IP_ADDRESSES, namespace: '', name: ip });
    // Whose it is may only not be known yet.
    if (modRevision > view.revision || (address === undefined && used.has(ip))) continue;
    const holds = address === undefined ? [] : [{ key: addressKey(ip), revision: address.revision }];
    yield { compares: [{ key, revision: modRevision }, ...holds], operations: [{ type: 'delete', key }] };
  }
}
