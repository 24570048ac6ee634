// Decides whether code under simulation touches what the seed does not own: timers, clocks and chance of the machine.
// Never hides one: it throws in the caller and is kept for the report.

/** Our own code; the runner and Node itself may go on as they like. */
const OURS = /\/(raft|services|lib)\/[^\n]*\.ts/;

type Place = { name: string; holder: Record<string, unknown>; key: string };

const PLACES: Place[] = [
  ...['setTimeout', 'setInterval', 'setImmediate', 'fetch'].map((key) => ({
    name: key,
    holder: globalThis as never,
    key,
  })),
  { name: 'Date.now', holder: Date as never, key: 'now' },
  { name: 'performance.now', holder: performance as never, key: 'now' },
  { name: 'Math.random', holder: Math as never, key: 'random' },
  { name: 'crypto.randomUUID', holder: crypto as never, key: 'randomUUID' },
  { name: 'crypto.getRandomValues', holder: crypto as never, key: 'getRandomValues' },
  { name: 'process.hrtime', holder: process as never, key: 'hrtime' },
  { name: 'process.nextTick', holder: process as never, key: 'nextTick' },
];

/** Watches until the returned function is called, which tells what leaked. */
export function watchForLeaks(): () => string[] {
  const leaks: string[] = [];
  const originals = PLACES.map(({ holder, key }) => holder[key]);
  for (const [i, { name, holder, key }] of PLACES.entries()) {
    const original = originals[i] as (...args: unknown[]) => unknown;
    holder[key] = function guarded(this: unknown, ...args: unknown[]): unknown {
      const caller = new Error(name).stack!.split('\n')[2] ?? '';
      if (!OURS.test(caller)) return original.apply(this ?? holder, args);
      leaks.push(`${name}${caller.trim().replace(/^at /, ' at ')}`);
      throw new Error(`${name} is not the simulator's: ${caller.trim()}`);
    };
  }
  return () => {
    for (const [i, { holder, key }] of PLACES.entries()) holder[key] = originals[i];
    return leaks;
  };
}
