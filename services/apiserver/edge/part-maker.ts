// Does: lays the pieces of a long answer side by side in parts, each in the memory of the one before: a part of its own for each
// would be as much garbage outside of V8's heap as the answer is long, and every list of 64 MiB a full collection. Never sends.
import type { Clock } from '../../../lib/base/clock.ts';
import { SLICE_MS } from './slices.ts';

/** A text is told in UTF-8. */
export type Piece = Uint8Array | string;

export interface Part {
  /** Until the next one is made. */
  bytes: Uint8Array;
  isLast: boolean;
}

/** What is longer goes out in parts of about this size. */
const PART_BYTES = 262_144;
/** With the piece that went past it, as long as most are. */
const BUFFER_BYTES = PART_BYTES + 65_536;

export class PartMaker {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #pieces: Iterator<Piece>;
  #buffer: Buffer | undefined;
  #isFirst = true;

  constructor(clock: Pick<Clock, 'monotonic'>, pieces: Iterator<Piece>) {
    this.#clock = clock;
    this.#pieces = pieces;
  }

  /** As many pieces as fit into a part or a slice of time. */
  next(): Part {
    const until = this.#clock.monotonic() + SLICE_MS;
    const part: Piece[] = [];
    let bytes = 0;
    let isLast = false;
    while (bytes < PART_BYTES && !isLast && this.#clock.monotonic() < until) {
      const piece = this.#pieces.next();
      if (piece.done === true) isLast = true;
      else {
        part.push(piece.value);
        bytes += Buffer.byteLength(piece.value);
      }
    }
    return { bytes: lay(part, this.#memory(bytes)), isLast };
  }

  /** Nearly all answers are one part: it has no more than it needs. */
  #memory(bytes: number): Buffer {
    const isShort = this.#isFirst || bytes > BUFFER_BYTES;
    this.#isFirst = false;
    if (isShort) return Buffer.allocUnsafe(bytes);
    this.#buffer ??= Buffer.allocUnsafeSlow(BUFFER_BYTES);
    return this.#buffer.subarray(0, bytes);
  }
}

function lay(pieces: readonly Piece[], memory: Buffer): Buffer {
  let at = 0;
  for (const piece of pieces) {
    if (typeof piece === 'string') at += memory.write(piece, at);
    else {
      memory.set(piece, at);
      at += piece.length;
    }
  }
  return memory;
}
