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

/** Of the list of spans. */
const PAGE_HEAD_BYTES = 5;
const FIRST_ARENA_BYTES = 65_536;

/**
 * Every write leaves a span, and thousands of them stay: as objects of their own they would be copied and marked by the garbage
 * collector again and again, a tenth of all that an API server under load does. So they lie in one piece of memory, written round
 * and round, and in columns of numbers.
 */
export class SpanRing {
  readonly #prefix: string;
  readonly #bounds: RingBounds;
  #arena = new Uint8Array();
  /** Where the next span goes in the arena, if there is room. */
  #head = 0;
  readonly #sequences: Float64Array;
  readonly #startedAt: Float64Array;
  readonly #offsets: Float64Array;
  readonly #lengths: Float64Array;
  /** Slot of the oldest. */
  #first = 0;
  #count = 0;
  #bytes = 0;

  /** The id of a span is `prefix` and its number. */
  constructor(prefix: string, bounds: RingBounds) {
    this.#prefix = prefix;
    this.#bounds = bounds;
    this.#sequences = new Float64Array(bounds.spans);
    this.#startedAt = new Float64Array(bounds.spans);
    this.#offsets = new Float64Array(bounds.spans);
    this.#lengths = new Float64Array(bounds.spans);
  }

  get size(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** `bytes`: the span as it was published; they are copied. One that is larger than the ring takes the place of all, and is not kept. */
  push(sequence: number, startedAt: number, bytes: Uint8Array): void {
    if (this.#count === this.#bounds.spans) this.#dropOldest();
    const offset = this.#makeRoom(bytes.length);
    if (offset === undefined) return;
    this.#arena.set(bytes, offset);
    this.#head = offset + bytes.length;
    const slot = this.#slot(this.#count);
    this.#sequences[slot] = sequence;
    this.#startedAt[slot] = startedAt;
    this.#offsets[slot] = offset;
    this.#lengths[slot] = bytes.length;
    this.#count++;
    this.#bytes += bytes.length;
  }

  /**
   * Oldest first. One page: what follows `after`, up to what a message may carry; a reader asks again with the last id
   * that it was given until nothing comes. An `after` that is not remembered has been forgotten with all before it.
   */
  page(query: TraceQuery): Span[] {
    const { sinceMs = 0, limit = this.#count } = query;
    const from = query.after === undefined ? 0 : this.#positionOf(query.after) + 1;
    const wanted: number[] = [];
    for (let i = from; i < this.#count; i++) if (this.#startedAt[this.#slot(i)]! >= sinceMs) wanted.push(i);
    const page: Span[] = [];
    let bytes = PAGE_HEAD_BYTES;
    // Without a cursor `limit` means the newest; with one, the next.
    for (const i of query.after === undefined ? wanted.slice(-limit || wanted.length) : wanted.slice(0, limit)) {
      const kept = this.#at(i);
      bytes += kept.length;
      if (page.length > 0 && bytes > this.#bounds.pageBytes) break;
      page.push(decode(kept) as Span);
    }
    return page;
  }

  #slot(position: number): number {
    return (this.#first + position) % this.#bounds.spans;
  }

  #at(position: number): Uint8Array {
    const slot = this.#slot(position);
    const offset = this.#offsets[slot]!;
    return this.#arena.subarray(offset, offset + this.#lengths[slot]!);
  }

  /** From the newest: a cursor is usually young. -1: not here. */
  #positionOf(id: string): number {
    if (!id.startsWith(this.#prefix)) return -1;
    const sequence = Number(id.slice(this.#prefix.length));
    for (let i = this.#count - 1; i >= 0; i--) if (this.#sequences[this.#slot(i)] === sequence) return i;
    return -1;
  }

  #makeRoom(bytes: number): number | undefined {
    for (;;) {
      const offset = this.#roomFor(bytes);
      if (offset !== undefined) return offset;
      if (this.#arena.length < this.#bounds.bytes) this.#grow();
      else if (this.#count === 0) return undefined;
      else this.#dropOldest();
    }
  }

  /** Behind the newest, or, where the arena ends there, at its beginning: never over the oldest. */
  #roomFor(bytes: number): number | undefined {
    const end = this.#arena.length;
    if (this.#count === 0) return bytes <= end ? 0 : undefined;
    const oldest = this.#offsets[this.#first]!;
    if (this.#head <= oldest) return this.#head + bytes <= oldest ? this.#head : undefined;
    if (this.#head + bytes <= end) return this.#head;
    return bytes <= oldest ? 0 : undefined;
  }

  #grow(): void {
    const larger = Math.max(FIRST_ARENA_BYTES, this.#arena.length * 2);
    const arena = new Uint8Array(Math.min(larger, this.#bounds.bytes));
    let head = 0;
    for (let i = 0; i < this.#count; i++) {
      const kept = this.#at(i);
      arena.set(kept, head);
      this.#offsets[this.#slot(i)] = head;
      head += kept.length;
    }
    this.#arena = arena;
    this.#head = head;
  }

  #dropOldest(): void {
    this.#bytes -= this.#lengths[this.#first]!;
    this.#first = this.#slot(1);
    this.#count--;
  }
}
