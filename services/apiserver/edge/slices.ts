// Does: carries out long work in slices, so that nobody else's request waits longer than one. Never decides what the work is.
import type { Clock } from '../../../lib/base/clock.ts';

/** A third of what nobody may exceed: a step is not cut, and young garbage may be collected in it. */
export const SLICE_MS = 3;

export const turnOfTheLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Runs to the end, and lets others in between each time that a slice is over. */
export async function inSlices<T>(clock: Clock, steps: Iterator<unknown, T>): Promise<T> {
  let until = clock.monotonic() + SLICE_MS;
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    if (clock.monotonic() < until) continue;
    await turnOfTheLoop();
    until = clock.monotonic() + SLICE_MS;
  }
}
