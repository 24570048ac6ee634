// Decides how much an expression may do before it is stopped: each round of a comprehension costs one and what it has made, so
// that nothing is looked at, or grows, without end. Never measures time: the same expression on the same values costs the same.
import { CelError } from './cel-error.ts';

export interface Meter {
  left: number;
}

/** Rounds of one evaluation; some tenths of a second. */
export const MOST_ROUNDS = 100_000;
/** Characters or elements that an expression may hand on. */
const MOST_LENGTH = 2_000_000;

/** Evaluation is not interrupted by another: one at a time. */
let current: Meter = { left: 0 };

/** One for all: it may be thrown very often before the last loop ends. */
const EXHAUSTED = new CelError('operation cancelled: actual cost limit exceeded');

/** What `run` does is paid from `meter`. Throws CelError when that did not suffice, whatever came of it. */
export function metered<T>(meter: Meter, run: () => T): T {
  const before = current;
  current = meter;
  try {
    const value = run();
    if (meter.left < 0) throw EXHAUSTED;
    return value;
  } finally {
    current = before;
  }
}

/** For a round of a comprehension. Throws CelError when there is nothing left to pay with. */
export function pay(): boolean {
  if (--current.left < 0) throw EXHAUSTED;
  return true;
}

/** For what a round has made. */
export function spend<T>(value: T): T {
  current.left -= sizeOf(value) >> 4;
  if (current.left < 0) throw EXHAUSTED;
  return value;
}

/** Throws CelError when a text of this length may not be made. */
export function checkGrowth(length: number): void {
  if (length > MOST_LENGTH) throw new CelError(`a text of ${length} characters is more than an expression may make`);
}

export function bounded(text: string): string {
  checkGrowth(text.length);
  return text;
}

export function checkLength(value: unknown): void {
  const size = sizeOf(value);
  if (size > MOST_LENGTH) throw new CelError(`a value of length ${size} is more than an expression may make`);
}

const sizeOf = (value: unknown): number => (typeof value === 'string' || Array.isArray(value) ? value.length : 0);
