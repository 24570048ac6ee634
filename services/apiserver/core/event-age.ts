// Decides which Events are old: an hour after they last happened, as upstream's time to live. Never removes one.
import type { CachedObject } from './cache/cached-object.ts';

const LIFE_MS = 3_600_000;

export function expiredEvents(events: Iterable<CachedObject>, now: number): CachedObject[] {
  return [...events].filter((event) => now - lastHappened(event) > LIFE_MS);
}

function lastHappened({ object }: CachedObject): number {
  const times = [
    object.metadata.creationTimestamp,
    object['lastTimestamp'],
    object['eventTime'],
    object['series']?.lastObservedTime,
  ];
  return Math.max(...times.map((time) => Date.parse(time ?? '')).filter((time) => !Number.isNaN(time)), 0);
}
