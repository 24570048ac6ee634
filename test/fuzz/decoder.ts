// Decides what must hold of every decoder whatever it is given: it answers, or refuses with an error that clients are told; and
// it leaves everything else as it was. Never knows a decoder.
import fc from '../kit/fast-check.ts';
import { ApiError } from '../../lib/base/errors.ts';

export interface Decoder<T = any> {
  name: string;
  input: fc.Arbitrary<T>;
  /** Throws when something does not hold; a refusal is fine when `mayRefuse` says so. */
  decode(input: T): void;
  mayRefuse?(error: unknown): boolean;
}

/** For a table of decoders of all kinds of inputs. */
export const decoder = <T>(made: Decoder<T>): Decoder => made as Decoder;

/** A refusal that is told to the client as its own fault. */
export const isRefusal = (error: unknown): boolean =>
  error instanceof ApiError &&
  error.code >= 400 &&
  // A few the real server calls its own fault, and gives no reason.
  (error.code < 500 || error.reason === '') &&
  error.message.length < 100_000;

export interface FuzzResult {
  decoder: string;
  inputs: number;
  seed: number;
  accepted: number;
  refused: number;
  slowestMs: number;
}

const WATCHED = [Object.prototype, Array.prototype, String.prototype, Function.prototype, Map.prototype];
const ownKeys = (): string => WATCHED.map((one) => Reflect.ownKeys(one).length).join();

/** Throws with the smallest input that breaks something, its seed and path. */
export function fuzz(
  { name, input, decode, mayRefuse = isRefusal }: Decoder,
  inputs: number,
  seed: number,
): FuzzResult {
  const result: FuzzResult = { decoder: name, inputs, seed, accepted: 0, refused: 0, slowestMs: 0 };
  const before = ownKeys();
  fc.assert(
    fc.property(input, (given) => {
      const began = performance.now();
      try {
        decode(given);
        result.accepted++;
      } catch (error) {
        if (!mayRefuse(error)) throw error;
        result.refused++;
      } finally {
        result.slowestMs = Math.max(result.slowestMs, Math.round(performance.now() - began));
      }
      if (ownKeys() !== before || ({} as Record<string, unknown>)['polluted'] !== undefined)
        throw new Error('what all objects share was changed');
    }),
    { numRuns: inputs, seed, verbose: false },
  );
  return result;
}
