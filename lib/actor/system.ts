// Does: the machine's own clock and entropy behind the shapes of lib/base. Never used by a core.
import { randomFillSync } from 'node:crypto';
import { chanceFrom, type Chance } from '../base/chance.ts';
import type { Clock } from '../base/clock.ts';

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  timer(delayMs, fire) {
    const handle = setTimeout(fire, delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
};

/** One call for many numbers: a UUID takes 32 of them, and asking the kernel for each was an eighth of a busy API actor. */
const pool = Buffer.alloc(6 * 1024);
let used = pool.length;

function randomFloat(): number {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += 6;
  return pool.readUIntBE(used - 6, 6) / 2 ** 48;
}

export const systemChance: Chance = chanceFrom(randomFloat);
