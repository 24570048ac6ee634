// Decides which spans an actor still remembers, bounded in number and in bytes, and which of them one answer holds.
// Never publishes one.
import { decode } from '../bus/codec.ts';
import type { Span, TraceQuery } from '../bus/messages.ts';

export interface RingBounds {
  spans: number;
  /** Of all that is kept together. */
  bytes: number;
  /** Of one answer. */
  pageBytes: number;
}

interface Kept {
  id: string;
  startedAt: number;
  bytes: Uint8Array;
}

/** Of the list of spans. */
const PAGE_HEAD_BYTES = 5;
const NOTHING: Kept = { id: '', startedAt: 0, bytes: new Uint8Array() };

export class SpanRing {
  readonly #bounds: RingBounds;
  /** As they were published: what lives this long would be copied and marked by the garbage collector as an object. */
  readonly #spans: Kept[] = [];
  /** Slot of the oldest. */
  #first = 0;
  #count = 0;
  #bytes = 0;

  constructor(bounds: RingBounds) {
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  push({ id, startedAt }: Span, bytes: Uint8Array): void {
    const size = bytes.length;
    while (this.#count > 0 && (this.#count === this.#bounds.spans || this.#bytes + size > this.#bounds.bytes))
      this.#dropOldest();
    const slot = (this.#first + this.#count) % this.#bounds.spans;
    // A copy: what was encoded for the bus shares its memory with all other messages of its time.
    this.#spans[slot] = { id, startedAt, bytes: Buffer.from(bytes) };
    this.#count++;
    this.#bytes += size;
  }

  /**
   * Oldest first. One page: what follows `after`, up to what a message may carry; a reader asks again with the last id
   * that it was given until nothing comes. An `after` that is not remembered has been forgotten with all before it.
   */
  page(query: TraceQuery): Span[] {
    const { sinceMs = 0, limit = this.#count } = query;
    const from = query.after === undefined ? 0 : this.#positionOf(query.after) + 1;
    const wanted: number[] = [];
    for (let i = from; i < this.#count; i++) if (this.#at(i).startedAt >= sinceMs) wanted.push(i);
    const page: Span[] = [];
    let bytes = PAGE_HEAD_BYTES;
    // Without a cursor `limit` means the newest; with one, the next.
    for (const i of query.after === undefined ? wanted.slice(-limit || wanted.length) : wanted.slice(0, limit)) {
      const kept = this.#at(i);
      bytes += kept.bytes.length;
      if (page.length > 0 && bytes > this.#bounds.pageBytes) break;
      page.push(decode(kept.bytes) as Span);
    }
    return page;
  }

  #at(position: number): Kept {
    return this.#spans[(this.#first + position) % this.#bounds.spans]!;
  }

  /** From the newest: a cursor is usually young. -1: not here. */
  #positionOf(id: string): number {
    for (let i = this.#count - 1; i >= 0; i--) if (this.#at(i).id === id) return i;
    return -1;
  }

  #dropOldest(): void {
    this.#bytes -= this.#spans[this.#first]!.bytes.length;
    this.#spans[this.#first] = NOTHING;
    this.#first = (this.#first + 1) % this.#bounds.spans;
    this.#count--;
  }
}
