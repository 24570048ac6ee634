// Decides where bytes lie that go in the order in which they came: one after another in pages, and a page goes when all in it
// are gone. Never looks at them.

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
    // Mostly short: a view for each would cost more than the loop.
    for (let i = 0; i < length; i++) page[at + i] = data[from + i]!;
    this.used += length;
    return (this.gone + this.pages.length - 1) * PAGE_BYTES + at;
  }

  at(position: number, length: number): Uint8Array {
    const page = Math.floor(position / PAGE_BYTES);
    const offset = position - page * PAGE_BYTES;
    return this.pages[page - this.gone]!.subarray(offset, offset + length);
  }

  /** Nobody will ask for what was before `position` again. */
  drop(position: number): void {
    for (; (this.gone + 1) * PAGE_BYTES <= position && this.pages.length > 1; this.gone++) this.pages.shift();
  }
}
