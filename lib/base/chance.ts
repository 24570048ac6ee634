// Decides nothing: the shape of randomness as actors see it, and a seeded generator for cores, tests and the simulator.
// Never reads the machine's entropy (the real one is lib/actor/system.ts).

/** Chance from the context. `float` in [0,1), `int` in [0,below). */
export interface Chance {
  float(): number;
  int(below: number): number;
  /** A version 4 UUID. */
  uuid(): string;
  /** `length` characters of Kubernetes' name alphabet (no vowels, no look-alikes). */
  suffix(length: number): string;
}

export const SUFFIX_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

/** Builds a Chance over any source of floats in [0,1). */
export function chanceFrom(float: () => number): Chance {
  const int = (below: number): number => Math.floor(float() * below);
  const hex = (length: number): string => Array.from({ length }, () => int(16).toString(16)).join('');
  return {
    float,
    int,
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-${'89ab'[int(4)]}${hex(3)}-${hex(12)}`,
    suffix: (length) => Array.from({ length }, () => SUFFIX_ALPHABET[int(SUFFIX_ALPHABET.length)]).join(''),
  };
}

/** mulberry32: 32 bits of state, good enough for fault drawing; the same seed gives the same sequence on every machine. */
export function seededChance(seed: number): Chance {
  let state = seed >>> 0;
  return chanceFrom(() => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  });
}
