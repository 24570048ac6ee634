// Decides how much an expression may do before it is stopped: what it costs by cel-go's reckoning, and the work that is not in that,
// as lists that are copied and compared, so that nothing is looked at, or grows, without end. Never measures time: the same
// expression on the same values costs the same.
import { CelError } from './cel-error.ts';

export interface Meter {
  /** Cost that is left. */
  left: number;
  /** Characters and elements that may still be looked at: what costs little there and is done here all the same. */
  work: number;
}

/** Of one evaluation, as upstream; some tenths of a second. */
export const MOST_COST = 1_000_000;
/** Of one evaluation; some tenths of a second. */
export const MOST_WORK = 20_000_000;
/** Characters or elements that an expression may hand on. */
const MOST_LENGTH = 2_000_000;

/** For one evaluation. */
export const newMeter = (work = MOST_WORK): Meter => ({ left: MOST_COST, work: Math.min(work, MOST_WORK) });

/** Evaluation is not interrupted by another: one at a time. */
let current: Meter = { left: 0, work: 0 };

/** One for all: it may be thrown very often before the last loop ends. */
const EXHAUSTED = new CelError('operation cancelled: actual cost limit exceeded');

/** What `run` does is paid from `meter`. Throws CelError when that did not suffice, whatever came of it. */
export function metered<T>(meter: Meter, run: () => T): T {
  const before = current;
  current = meter;
  try {
    const value = run();
    if (meter.left < 0 || meter.work < 0) throw EXHAUSTED;
    return value;
  } finally {
    current = before;
  }
}

/** Throws CelError when there is nothing left to pay with. */
export function payCost(cost: number): void {
  current.left -= cost;
  if (current.left < 0) throw EXHAUSTED;
}

/** As `payCost`, for what is not in the cost. */
export function payWork(amount: number): void {
  current.work -= amount;
  if (current.work < 0) throw EXHAUSTED;
}

const SIZES = new WeakMap<object, number>();

/** Of all that is in it; looked at once. */
export function deepSize(value: object): number {
  const known = SIZES.get(value);
  if (known !== undefined) return known;
  let size = 1;
  for (const one of value instanceof Map ? value.values() : Object.values(value))
    size +=
      typeof one === 'object' && one !== null ? deepSize(one) : typeof one === 'string' ? 1 + (one.length >> 4) : 1;
  SIZES.set(value, size);
  return size;
}

/** Throws CelError when a text of this length may not be made. */
export function checkGrowth(length: number): void {
  if (length > MOST_LENGTH) throw new CelError(`a text of ${length} characters is more than an expression may make`);
}

export function checkLength(value: unknown): void {
  const size = typeof value === 'string' || Array.isArray(value) ? value.length : 0;
  if (size > MOST_LENGTH) throw new CelError(`a value of length ${size} is more than an expression may make`);
}
