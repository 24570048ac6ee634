// Decides which text of a query is a number, and how other text is refused: in Go's words, which clients print. Never knows what it
// is for.
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
