// Decides the vocabulary of the rules: which maps and sets the table has, and that a rule is an element in one of them.
// Never knows which service an element serves.

/** The table's maps and sets that hold our elements; `chains` is no map of nft's, but chains come and go like elements. */
export const MAPS = {
  'service-ips': { kind: 'map', type: 'ipv4_addr . inet_proto . inet_service : verdict' },
  'service-nodeports': { kind: 'map', type: 'inet_proto . inet_service : verdict' },
  'no-endpoint-services': { kind: 'map', type: 'ipv4_addr . inet_proto . inet_service : verdict' },
  'no-endpoint-nodeports': { kind: 'map', type: 'inet_proto . inet_service : verdict' },
  'cluster-ips': { kind: 'set', type: 'ipv4_addr' },
  'service-cidrs': { kind: 'set', type: 'ipv4_addr', flags: 'interval' },
  'hairpin-ips': { kind: 'set', type: 'ipv4_addr . ipv4_addr' },
  endpoints: { kind: 'map', type: 'ipv4_addr . inet_proto . inet_service . mark : ipv4_addr . inet_service' },
  'nodeport-endpoints': { kind: 'map', type: 'inet_proto . inet_service . mark : ipv4_addr . inet_service' },
  'affinity-ids': { kind: 'map', type: 'ipv4_addr . inet_proto . inet_service . mark : mark' },
  'affinity-endpoints': {
    kind: 'map',
    type: 'ipv4_addr . inet_proto . inet_service . mark : ipv4_addr . inet_service',
  },
  'nodeport-affinity-ids': { kind: 'map', type: 'inet_proto . inet_service . mark : mark' },
  'nodeport-affinity-endpoints': { kind: 'map', type: 'inet_proto . inet_service . mark : ipv4_addr . inet_service' },
  'lb-restricted': { kind: 'set', type: 'ipv4_addr . inet_proto . inet_service' },
  'lb-sources': { kind: 'set', type: 'ipv4_addr . inet_proto . inet_service . ipv4_addr', flags: 'interval' },
  chains: { kind: 'chains', type: '' },
} as const;

export type MapName = keyof typeof MAPS;
export const MAP_NAMES = Object.keys(MAPS) as MapName[];

/** Texts are in the very form that `nft list` prints, so that the kernel's state can be compared with ours. */
export interface Element {
  map: MapName;
  key: string;
  /** Empty in sets and for chains. */
  value: string;
}

/** What one element was and is; undefined: absent. */
export interface Change {
  map: MapName;
  key: string;
  before: string | undefined;
  after: string | undefined;
}

/** A number as nft prints marks. */
export function mark(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}

/** FNV-1a over the text, continued from `seed`; never cryptographic. */
export function fnv(text: string, seed = 0x811c9dc5): number {
  let value = seed;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}
