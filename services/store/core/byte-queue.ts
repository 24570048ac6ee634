// Decides where bytes lie that go in the order in which they came: one after another in pages, and a page goes when all in it
// are gone. Never looks at them.

import { copyBytes, type ByteWriter } from '../../../lib/base/bytes.ts';

const PAGE_BYTES = 65_536;

export class ByteQueue {
  private readonly pages: Uint8Array[] = [];
  /** How many pages are gone. */
  private gone = 0;
  private used = PAGE_BYTES;

  /** Copies a part of `data`; says where it is from now on. */
  push(data: Uint8Array, from: number, to: number): number {
    const length = to - from;
    if (this.used + length > PAGE_BYTES) {
      // A long one has a page of its own size, and the next one begins another.
      this.pages.push(new Uint8Array(Math.max(PAGE_BYTES, length)));
      this.used = 0;
    }
    const page = this.pages.at(-1)!;
    const at = this.used;
    copyBytes(data, from, to, page, at);
    this.used += length;
    return (this.gone + this.pages.length - 1) * PAGE_BYTES + at;
  }

  at(position: number, length: number): Uint8Array {
    const offset = position % PAGE_BYTES;
    return this.pageOf(position).subarray(offset, offset + length);
  }

  /** As they are, without a length. */
  write(position: number, length: number, out: ByteWriter): void {
    const offset = position % PAGE_BYTES;
    out.raw(this.pageOf(position), offset, offset + length);
  }

  private pageOf(position: number): Uint8Array {
    return this.pages[Math.floor(position / PAGE_BYTES) - this.gone]!;
  }

  /** Nobody will ask for what was before `position` again. */
  drop(position: number): void {
    for (; (this.gone + 1) * PAGE_BYTES <= position && this.pages.length > 1; this.gone++) this.pages.shift();
  }
}
