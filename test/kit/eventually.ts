// Does: waits for something to become so, the one way in which tests wait. Never waits for a time to pass: a machine may
// be slow, so the limit only tells a wait from a hang, and is longer than any machine needs.
import { setTimeout as sleep } from 'node:timers/promises';
import { patience } from './patience.ts';

const PAUSE_MS = 20;

/** Asks again until `look` gives something other than undefined or false; what it last threw is in the error. */
export async function eventually<T>(
  what: string | (() => string),
  look: () => Promise<T | undefined | false> | T | undefined | false,
  timeoutMs = 120_000,
): Promise<T> {
  const goesOn = patience(timeoutMs);
  let last: unknown = 'not so';
  do {
    try {
      const found = await look();
      if (found !== undefined && found !== false) return found;
      last = 'not so';
    } catch (error) {
      last = error;
    }
    await sleep(PAUSE_MS);
  } while (goesOn());
  const why = last instanceof Error ? last.message : String(last);
  throw new Error(`waited ${timeoutMs} ms in vain for: ${typeof what === 'string' ? what : what()} (${why})`);
}
