// Does: the machine's own clock and entropy behind the shapes of lib/base. Never used by a core.
import { randomFillSync, randomUUID } from 'node:crypto';
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

/** One call for many numbers: asking the kernel for each would be much of a busy actor's time. */
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

/** Each request takes two UUIDs: made of 32 numbers each they were a twentieth of a busy API actor. */
export const systemChance: Chance = { ...chanceFrom(randomFloat), uuid: () => randomUUID() };
