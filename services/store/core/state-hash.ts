// Decides the hash of a whole state as the sum of the hashes of its living keys, so that a change costs only its own keys
// and two members can compare at any revision. Never cryptographic: it finds faults, not forgers.

/** Two lanes of 32 bits. */
export interface Hash64 {
  low: number;
  high: number;
}

export function addHash(sum: Hash64, item: Hash64): void {
  sum.low = (sum.low + item.low) | 0;
  sum.high = (sum.high + item.high) | 0;
}

export function subtractHash(sum: Hash64, item: Hash64): void {
  sum.low = (sum.low - item.low) | 0;
  sum.high = (sum.high - item.high) | 0;
}

export function hashText({ low, high }: Hash64): string {
  const hex = (lane: number): string => (lane >>> 0).toString(16).padStart(8, '0');
  return hex(high) + hex(low);
}

/** murmur3's mixing in two lanes with different constants, over key, revisions and value. */
export function hashItem(key: string, createRevision: number, modRevision: number, value: Uint8Array): Hash64 {
  const lanes = { low: 0x2f6b3c17, high: 0x51ed270b };
  for (let i = 0; i < key.length; i++) mix(lanes, key.charCodeAt(i));
  mix(lanes, key.length);
  for (const revision of [createRevision, modRevision]) {
    mix(lanes, revision | 0);
    mix(lanes, Math.floor(revision / 4294967296));
  }
  const words = value.length & ~3;
  for (let i = 0; i < words; i += 4)
    mix(lanes, value[i]! | (value[i + 1]! << 8) | (value[i + 2]! << 16) | (value[i + 3]! << 24));
  for (let i = words; i < value.length; i++) mix(lanes, value[i]!);
  mix(lanes, value.length);
  return { low: finish(lanes.low), high: finish(lanes.high) };
}

function mix(lanes: Hash64, word: number): void {
  let k = Math.imul(word, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  const low = lanes.low ^ k;
  lanes.low = (Math.imul((low << 13) | (low >>> 19), 5) + 0xe6546b64) | 0;
  const high = lanes.high ^ Math.imul(word, 0x9e3779b1);
  lanes.high = (Math.imul((high << 17) | (high >>> 15), 0x85ebca77) + 0x165667b1) | 0;
}

function finish(lane: number): number {
  let h = lane ^ (lane >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}
