// Decides how a duration on the command line reads, and what is said of one that is none. Never reads the clock.
import { durationOf } from '../../lib/base/duration.ts';
import { UsageError } from './resources.ts';

/** Milliseconds; a bare number is seconds. */
export function parseDuration(text: string): number {
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const ms = durationOf(text);
  if (ms === undefined) throw new UsageError(`invalid duration "${text}": write it as 10s, 5m or 1h30m`);
  return ms;
}
