// Decides which text of a query is a number, a truth or a duration, and how other text is refused: in Go's words, which clients
// print. Never knows what it is for.
import { ApiError } from '../../../lib/base/errors.ts';

const LARGEST = 2n ** 63n - 1n;

/** Numbers beyond what is exact here are as good as the largest that is. */
export function parseInt64(text: string): number {
  const refuse = (why: string): ApiError =>
    new ApiError('BadRequest', `strconv.ParseInt: parsing ${JSON.stringify(text)}: ${why}`);
  if (!/^[+-]?\d+$/.test(text)) throw refuse('invalid syntax');
  const number = BigInt(text.replace(/^\+/, ''));
  if (number > LARGEST || number < -LARGEST - 1n) throw refuse('value out of range');
  return Math.min(Math.max(Number(number), Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
}

/** Everything but `0` and `false` is true, an empty text too. */
export const isTrue = (value: string | null): boolean => value !== null && !/^(?:0|false)$/i.test(value);

const UNITS = ['ns', 'us', 'µs', 'μs', 'ms', 's', 'm', 'h'];

/** What is wrong with a text as a duration (`1h30m`, `-2.5s`), in Go's words; undefined: nothing. */
export function durationProblem(text: string): string | undefined {
  let rest = text.replace(/^[+-]/, '');
  if (rest === '0') return undefined;
  const told = JSON.stringify(text);
  if (rest === '') return `time: invalid duration ${told}`;
  while (rest !== '') {
    const number = /^(?:\d+\.?\d*|\.\d+)/.exec(rest)?.[0];
    if (number === undefined) return `time: invalid duration ${told}`;
    rest = rest.slice(number.length);
    const unit = /^[^.\d]*/.exec(rest)![0];
    if (unit === '') return `time: missing unit in duration ${told}`;
    if (!UNITS.includes(unit)) return `time: unknown unit ${JSON.stringify(unit)} in duration ${told}`;
    rest = rest.slice(unit.length);
  }
  return undefined;
}
