// Decides the hash of a whole state as sums of the hashes of what is in it, so that a change costs only what it changes and two
// members can compare after any entry. Never cryptographic: it finds faults, not forgers.
//
// One sum is of the living keys; what else there is, is in rest-hash.ts.
//
// murmur3's mixing in two lanes with different constants, over key, revisions and value. What a key's own characters make of
// the lanes is the same each time: who keeps many versions of a key keeps that too, and only finishes it (`finishItem`).
import { decodeText } from '../../../lib/base/bytes.ts';

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

/** Characters of `hashText`. */
export const HASH_TEXT = 16;

export function hashText({ low, high }: Hash64): string {
  const hex = (lane: number): string => (lane >>> 0).toString(16).padStart(8, '0');
  return hex(high) + hex(low);
}

const LOW_SEED = 0x2f6b3c17;
const HIGH_SEED = 0x51ed270b;

/** The low lane of a key: good for a table of keys, too. */
export function lowOfKey(key: string): number {
  let low = LOW_SEED;
  for (let i = 0; i < key.length; i++) low = mixLow(low, key.charCodeAt(i));
  return mixLow(low, key.length);
}

export function highOfKey(key: string): number {
  let high = HIGH_SEED;
  for (let i = 0; i < key.length; i++) high = mixHigh(high, key.charCodeAt(i));
  return mixHigh(high, key.length);
}

/** `lowOfKey` of a key as it lies in UTF-8; undefined when it holds more than ASCII. */
export function lowOfAscii(data: Uint8Array, from: number, to: number): number | undefined {
  let low = LOW_SEED;
  let seen = 0;
  for (let i = from; i < to; i++) {
    const code = data[i]!;
    seen |= code;
    low = mixLow(low, code);
  }
  return seen < 0x80 ? mixLow(low, to - from) : undefined;
}

/** What a key as it lies in UTF-8 makes of the lanes. */
export function keyLanes(data: Uint8Array, from: number, to: number, lanes: Hash64): void {
  let low = LOW_SEED;
  let high = HIGH_SEED;
  let seen = 0;
  for (let i = from; i < to; i++) {
    const code = data[i]!;
    seen |= code;
    low = mixLow(low, code);
    high = mixHigh(high, code);
  }
  if (seen >= 0x80) {
    const text = decodeText(data, from, to);
    lanes.low = lowOfKey(text);
    lanes.high = highOfKey(text);
  } else {
    lanes.low = mixLow(low, to - from);
    lanes.high = mixHigh(high, to - from);
  }
}

/** `lanes` as the key made them become the hash of this version of it. */
export function finishItem(
  lanes: Hash64,
  createRevision: number,
  modRevision: number,
  words: DataView,
  offset: number,
  length: number,
): void {
  let { low, high } = lanes;
  low = mixLow(mixLow(low, createRevision | 0), (createRevision / 4294967296) | 0);
  high = mixHigh(mixHigh(high, createRevision | 0), (createRevision / 4294967296) | 0);
  low = mixLow(mixLow(low, modRevision | 0), (modRevision / 4294967296) | 0);
  high = mixHigh(mixHigh(high, modRevision | 0), (modRevision / 4294967296) | 0);
  const end = offset + length;
  let at = offset;
  for (; at + 4 <= end; at += 4) {
    const word = words.getInt32(at, true);
    low = mixLow(low, word);
    high = mixHigh(high, word);
  }
  for (; at < end; at++) {
    low = mixLow(low, words.getUint8(at));
    high = mixHigh(high, words.getUint8(at));
  }
  lanes.low = finish(mixLow(low, length));
  lanes.high = finish(mixHigh(high, length));
}

/** `lanes` begin an item that is no version of a key: `kind` keeps items of other kinds apart. */
export function beginItem(lanes: Hash64, kind: number): void {
  lanes.low = mixLow(LOW_SEED, kind);
  lanes.high = mixHigh(HIGH_SEED, kind);
}

/** Two lanes that are known already. */
export function mixLanes(lanes: Hash64, { low, high }: Hash64): void {
  lanes.low = mixLow(lanes.low, low);
  lanes.high = mixHigh(lanes.high, high);
}

/** A whole number, of more than 32 bits too. */
export function mixNumber(lanes: Hash64, value: number): void {
  const upper = (value / 4294967296) | 0;
  lanes.low = mixLow(mixLow(lanes.low, value | 0), upper);
  lanes.high = mixHigh(mixHigh(lanes.high, value | 0), upper);
}

export function mixText(lanes: Hash64, text: string): void {
  lanes.low = mixLow(lanes.low, lowOfKey(text));
  lanes.high = mixHigh(lanes.high, highOfKey(text));
}

/** Now the item may be added to a sum. */
export function endItem(lanes: Hash64): void {
  lanes.low = finish(lanes.low);
  lanes.high = finish(lanes.high);
}

function mixLow(lane: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  const mixed = lane ^ k;
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

function mixHigh(lane: number, word: number): number {
  const mixed = lane ^ Math.imul(word, 0x9e3779b1);
  return (Math.imul((mixed << 17) | (mixed >>> 15), 0x85ebca77) + 0x165667b1) | 0;
}

function finish(lane: number): number {
  let h = lane ^ (lane >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}
