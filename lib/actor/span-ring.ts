// Decides which spans an actor still remembers, bounded in number and in bytes, and which of them one answer holds.
// Never publishes one.
import type { Span, TraceQuery } from '../bus/messages.ts';

export interface RingBounds {
  spans: number;
  /** Of all that is kept together. */
  bytes: number;
  /** Of one answer. */
  pageBytes: number;
}

/** msgpack writes each of the fixed fields by its name. */
const FIXED_BYTES = 260;
const BYTES_PER_WRITE = 64;

export class SpanRing {
  readonly #bounds: RingBounds;
  readonly #spans: Array<Span | undefined> = [];
  readonly #sizes: number[] = [];
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

  push(span: Span): void {
    const size = sizeOf(span);
    while (this.#count > 0 && (this.#count === this.#bounds.spans || this.#bytes + size > this.#bounds.bytes))
      this.#dropOldest();
    const slot = (this.#first + this.#count) % this.#bounds.spans;
    this.#spans[slot] = span;
    this.#sizes[slot] = size;
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
    let bytes = 0;
    // Without a cursor `limit` means the newest; with one, the next.
    for (const i of query.after === undefined ? wanted.slice(-limit || wanted.length) : wanted.slice(0, limit)) {
      bytes += this.#sizes[(this.#first + i) % this.#bounds.spans]!;
      if (page.length > 0 && bytes > this.#bounds.pageBytes) break;
      page.push(this.#at(i));
    }
    return page;
  }

  #at(position: number): Span {
    return this.#spans[(this.#first + position) % this.#bounds.spans]!;
  }

  /** From the newest: a cursor is usually young. -1: not here. */
  #positionOf(id: string): number {
    for (let i = this.#count - 1; i >= 0; i--) if (this.#at(i).id === id) return i;
    return -1;
  }

  #dropOldest(): void {
    this.#bytes -= this.#sizes[this.#first]!;
    this.#spans[this.#first] = undefined;
    this.#first = (this.#first + 1) % this.#bounds.spans;
    this.#count--;
  }
}

/** About what it takes on the bus and in memory: never less than its texts. UTF-8 takes at most three bytes a unit. */
function sizeOf(span: Span): number {
  let bytes = FIXED_BYTES + span.id.length + 3 * (span.saw.length + (span.why?.length ?? 0));
  for (const line of span.did) bytes += 3 * line.length + 5;
  for (const write of span.wrote)
    bytes += BYTES_PER_WRITE + write.kind.length + write.namespace.length + write.name.length;
  for (const by of span.causes.by ?? []) bytes += 2 * BYTES_PER_WRITE + by.span.length + by.name.length;
  return bytes + 5 * span.causes.revisions.length;
}
