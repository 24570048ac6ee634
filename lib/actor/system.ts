// Does: the machine's own clock and entropy behind the shapes of lib/base. Never used by a core.
import { randomBytes } from 'node:crypto';
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

export const systemChance: Chance = chanceFrom(() => randomBytes(6).readUIntBE(0, 6) / 2 ** 48);
