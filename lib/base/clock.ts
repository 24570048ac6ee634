// Decides nothing: the shape of time as actors see it, so that a simulator can own it. Never reads the machine's clock
// (the real one is lib/actor/system.ts).

/** A pending timer; `cancel` after it fired does nothing. */
export interface Timer {
  cancel(): void;
}

/** Time from the context: `now` in milliseconds since 1970 (may jump), `monotonic` in milliseconds (never goes back). */
export interface Clock {
  now(): number;
  monotonic(): number;
  timer(delayMs: number, fire: () => void): Timer;
}

/** Resolves after `delayMs` of the given clock. */
export function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => clock.timer(delayMs, resolve));
}

let lastSecond = Number.NaN;
let lastTime = '';

/** RFC 3339 with seconds, as Kubernetes writes metav1.Time: `2026-11-22T08:05:32Z`. */
export function toTime(ms: number): string {
  // A server writes thousands of times in one second, each more than once.
  const second = Math.floor(ms / 1000);
  if (second !== lastSecond) {
    lastTime = new Date(second * 1000).toISOString().replace(/\.\d+Z$/, 'Z');
    lastSecond = second;
  }
  return lastTime;
}

/** The day of it, in UTC: `2026-11-22`. */
export function toDay(ms: number): string {
  return toTime(ms).slice(0, 'yyyy-mm-dd'.length);
}

/** RFC 3339 with six decimals, as Kubernetes writes metav1.MicroTime. */
export function toMicroTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
