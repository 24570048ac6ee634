// Decides where the bytes of values lie: many in one chunk of memory, because a buffer for each costs more than most values do,
// in bytes and in garbage collection. Never keeps a chunk of which less than half is in use: what lives in it moves on.

const CHUNK_BYTES = 262_144;
/** A longer value has a chunk of its own. */
const SHARED_BYTES = 32_768;
/** Values in one chunk, so that moving them on takes no noticeable time however short they are. */
const CHUNK_VALUES = 2_048;

export interface Chunk {
  bytes: Uint8Array;
  used: number;
  live: number;
  /** Nothing is added any more. */
  sealed: boolean;
  /** Whoever has ever had a place in it. */
  holders: Holder[];
}

/** Where one value lies. */
export interface Holder {
  /** undefined: there is no value. */
  chunk: Chunk | undefined;
  offset: number;
  length: number;
  /** Nobody will ask for it again. */
  released: boolean;
}

export function valueOf({ chunk, offset, length }: Holder): Uint8Array | undefined {
  return chunk?.bytes.subarray(offset, offset + length);
}

export class Values {
  private open = newChunk(CHUNK_BYTES);

  /** Copies `value` to a place of its own. */
  place(holder: Holder, value: Uint8Array): void {
    const chunk = this.chunkFor(value.length);
    chunk.bytes.set(value, chunk.used);
    holder.chunk = chunk;
    holder.offset = chunk.used;
    holder.length = value.length;
    chunk.used += value.length;
    chunk.live += value.length;
    chunk.holders.push(holder);
  }

  /** Its bytes stay what they are as long as somebody looks at them. */
  release(holder: Holder): void {
    const { chunk, length, released } = holder;
    if (chunk === undefined || released) return;
    holder.released = true;
    chunk.live -= length;
    if (chunk.sealed && chunk.live > 0 && chunk.live * 2 < chunk.used) this.vacate(chunk);
  }

  private chunkFor(length: number): Chunk {
    if (length > SHARED_BYTES) return { ...newChunk(length), sealed: true };
    if (this.open.used + length > CHUNK_BYTES || this.open.holders.length >= CHUNK_VALUES) {
      const full = this.open;
      this.open = newChunk(CHUNK_BYTES);
      full.sealed = true;
      if (full.live * 2 < full.used) this.vacate(full);
    }
    return this.open;
  }

  private vacate(chunk: Chunk): void {
    for (const holder of chunk.holders)
      if (!holder.released && holder.chunk === chunk) this.place(holder, valueOf(holder)!);
    chunk.holders = [];
  }
}

function newChunk(bytes: number): Chunk {
  return { bytes: new Uint8Array(bytes), used: 0, live: 0, sealed: false, holders: [] };
}
