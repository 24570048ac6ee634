// Decides where the bytes of values lie: many in one chunk of memory, because a buffer for each costs more than most values do,
// in bytes and in garbage collection. Never keeps a chunk of which less than half is in use: what lies in it moves on.
import { copyBytes, type ByteWriter } from '../../../lib/base/bytes.ts';
import { finishItem, type Hash64 } from './state-hash.ts';
import { Table } from './table.ts';

const CHUNK_BYTES = 262_144;
/** A longer value has a chunk of its own. */
const SHARED_BYTES = 32_768;
/** Values in one chunk, so that moving them on takes no noticeable time however short they are. */
const CHUNK_VALUES = 2_048;

// Columns of a place: the number of its chunk, and where it is there.
const CHUNK = 0;
const OFFSET = 1;
const LENGTH = 2;

interface Chunk {
  readonly bytes: Uint8Array;
  /** The same bytes, four at a time. */
  readonly words: DataView;
  used: number;
  live: number;
  /** Nothing is added any more. */
  sealed: boolean;
  /** Whoever has ever had a place in it; their count. */
  readonly holders: Int32Array;
  count: number;
}

/** Where a value lies: these bytes are never written again, wherever its holder goes. */
export interface Place {
  bytes: Uint8Array;
  offset: number;
  length: number;
}

export class Values {
  /** By number; 0 is none. */
  private readonly chunks: (Chunk | undefined)[] = [undefined];
  private readonly freeNumbers: number[] = [];
  private open = 0;
  /** Of each holder. */
  private readonly places = new Table(0, 3);

  /** Copies a part of `data` to a place of its own. */
  place(holder: number, data: Uint8Array, from = 0, to = data.length): void {
    const length = to - from;
    const number = this.chunkFor(length);
    const chunk = this.chunks[number]!;
    copyBytes(data, from, to, chunk.bytes, chunk.used);
    this.places.reach(holder);
    this.places.setInt(holder, CHUNK, number);
    this.places.setInt(holder, OFFSET, chunk.used);
    this.places.setInt(holder, LENGTH, length);
    chunk.used += length;
    chunk.live += length;
    chunk.holders[chunk.count++] = holder;
  }

  /** The holder has no value: its row is there all the same. */
  placeNothing(holder: number): void {
    this.places.reach(holder);
    this.places.setInt(holder, CHUNK, 0);
    this.places.setInt(holder, LENGTH, 0);
  }

  has(holder: number): boolean {
    return this.places.int(holder, CHUNK) !== 0;
  }

  /** 0 without a value. */
  lengthOf(holder: number): number {
    return this.places.int(holder, LENGTH);
  }

  at(holder: number): Place | undefined {
    const chunk = this.chunks[this.places.int(holder, CHUNK)];
    if (chunk === undefined) return undefined;
    return { bytes: chunk.bytes, offset: this.places.int(holder, OFFSET), length: this.places.int(holder, LENGTH) };
  }

  /** The value of `holder`, with its length in front. */
  write(holder: number, out: ByteWriter): void {
    const offset = this.places.int(holder, OFFSET);
    const length = this.places.int(holder, LENGTH);
    out.number(length).raw(this.chunks[this.places.int(holder, CHUNK)]!.bytes, offset, offset + length);
  }

  /** `finishItem` over the value of `holder`, where it lies. */
  finishHash(holder: number, lanes: Hash64, createRevision: number, revision: number): void {
    const { words } = this.chunks[this.places.int(holder, CHUNK)]!;
    finishItem(
      lanes,
      createRevision,
      revision,
      words,
      this.places.int(holder, OFFSET),
      this.places.int(holder, LENGTH),
    );
  }

  /** Its bytes stay what they are as long as somebody looks at them. */
  release(holder: number): void {
    const number = this.places.int(holder, CHUNK);
    if (number === 0) return;
    const chunk = this.chunks[number]!;
    chunk.live -= this.places.int(holder, LENGTH);
    this.placeNothing(holder);
    if (chunk.sealed && chunk.live * 2 < chunk.used) this.vacate(number);
  }

  /** Of all chunks. */
  get bytes(): number {
    return this.chunks.reduce((sum, chunk) => sum + (chunk?.bytes.length ?? 0), 0);
  }

  private chunkFor(length: number): number {
    if (length > SHARED_BYTES) return this.newChunk(length, 1, true);
    const open = this.chunks[this.open];
    if (open !== undefined && open.used + length <= CHUNK_BYTES && open.count < CHUNK_VALUES) return this.open;
    const full = this.open;
    this.open = this.newChunk(CHUNK_BYTES, CHUNK_VALUES, false);
    if (open !== undefined) open.sealed = true;
    if (open !== undefined && open.live * 2 < open.used) this.vacate(full);
    // What moved on may have filled the new one.
    return open === undefined ? this.open : this.chunkFor(length);
  }

  private newChunk(length: number, values: number, sealed: boolean): number {
    const bytes = new Uint8Array(length);
    const words = new DataView(bytes.buffer);
    const number = this.freeNumbers.pop() ?? this.chunks.length;
    this.chunks[number] = { bytes, words, used: 0, live: 0, sealed, holders: new Int32Array(values), count: 0 };
    return number;
  }

  private vacate(number: number): void {
    const { bytes, holders, count } = this.chunks[number]!;
    for (let i = 0; i < count; i++) {
      const holder = holders[i]!;
      if (this.places.int(holder, CHUNK) !== number) continue;
      const offset = this.places.int(holder, OFFSET);
      this.place(holder, bytes, offset, offset + this.places.int(holder, LENGTH));
    }
    this.chunks[number] = undefined;
    this.freeNumbers.push(number);
  }
}
