// Decides where in the segments each entry of the log is, and which of them are in memory. Never reads the disk: the log
// does, when `take` says that something is missing.
import { invariant } from '../../lib/base/errors.ts';
import type { Entry, Index, Term } from '../core/types.ts';

export interface EntryPlace {
  term: Term;
  segment: number;
  offset: number;
  payloadBytes: number;
}

export class EntryTable {
  /** Index of `places[0]`. */
  firstIndex: Index;
  private places: EntryPlace[] = [];
  private readonly cache = new Map<Index, Entry>();
  private cachedBytes = 0;
  private readonly maxCachedBytes: number;

  constructor(firstIndex: Index, maxCachedBytes: number) {
    this.firstIndex = firstIndex;
    this.maxCachedBytes = maxCachedBytes;
  }

  get lastIndex(): Index {
    return this.firstIndex + this.places.length - 1;
  }

  at(index: Index): EntryPlace | undefined {
    return this.places[index - this.firstIndex];
  }

  push(index: Index, place: EntryPlace): void {
    invariant(index === this.lastIndex + 1, 'entry % follows entry % in the log', index, this.lastIndex);
    this.places.push(place);
  }

  truncateFrom(index: Index): void {
    if (index > this.lastIndex) return;
    for (let i = Math.max(index, this.firstIndex); i <= this.lastIndex; i++) this.forget(i);
    if (index <= this.firstIndex) this.reset(index);
    else this.places.length = index - this.firstIndex;
  }

  /** Empty, to go on at `firstIndex`. */
  reset(firstIndex: Index): void {
    this.places = [];
    this.firstIndex = firstIndex;
    this.cache.clear();
    this.cachedBytes = 0;
  }

  dropThrough(index: Index): void {
    const count = Math.min(index, this.lastIndex) - this.firstIndex + 1;
    if (count <= 0) return;
    for (let i = 0; i < count; i++) this.forget(this.firstIndex + i);
    this.places.splice(0, count);
    this.firstIndex += count;
  }

  keep(entry: Entry): void {
    this.forget(entry.index);
    this.cache.set(entry.index, entry);
    this.cachedBytes += entry.data.length;
    for (const oldest of this.cache.keys()) {
      if (this.cachedBytes <= this.maxCachedBytes || oldest === entry.index) break;
      this.forget(oldest);
    }
  }

  /** Entries in memory from `from` on, without a gap, cut after `maxBytes` but not before the first. */
  take(from: Index, to: Index, maxBytes: number): Entry[] {
    const found: Entry[] = [];
    let bytes = 0;
    for (let index = from; index <= to && (bytes < maxBytes || found.length === 0); index++) {
      const entry = this.cache.get(index);
      if (entry === undefined) break;
      found.push(entry);
      bytes += entry.data.length;
    }
    return found;
  }

  private forget(index: Index): void {
    const entry = this.cache.get(index);
    if (entry === undefined) return;
    this.cachedBytes -= entry.data.length;
    this.cache.delete(index);
  }
}
