// Decides how many rows of numbers lie in memory: one row after another in pages of typed arrays, so that a table grows without
// being copied, the garbage collector never looks into it, and what is asked of one row lies in one place. Never checks a row:
// whoever asks for one has written it.

const PAGE_BITS = 10;
const PAGE_ROWS = 1 << PAGE_BITS;

/** The same bytes as both. */
interface Page {
  longs: Float64Array;
  ints: Int32Array;
}

export class Table {
  private readonly pages: Page[] = [];
  /** The first row of the first page: what was before it is dropped. */
  private base = 0;
  /** What a row takes, in longs. */
  private readonly width: number;
  /** Where the first int is in it, in ints. */
  private readonly firstInt: number;

  /** `longs`: columns of revisions and whatever else may be longer than 32 bits; `ints`: columns of 32 bits. */
  constructor(longs: number, ints: number) {
    this.width = longs + ((ints + 1) >> 1);
    this.firstInt = longs * 2;
  }

  long(row: number, column: number): number {
    const at = row - this.base;
    return this.pages[at >>> PAGE_BITS]!.longs[(at & (PAGE_ROWS - 1)) * this.width + column]!;
  }

  int(row: number, column: number): number {
    const at = row - this.base;
    return this.pages[at >>> PAGE_BITS]!.ints[(at & (PAGE_ROWS - 1)) * this.width * 2 + this.firstInt + column]!;
  }

  setLong(row: number, column: number, value: number): void {
    const at = row - this.base;
    this.pages[at >>> PAGE_BITS]!.longs[(at & (PAGE_ROWS - 1)) * this.width + column] = value;
  }

  setInt(row: number, column: number, value: number): void {
    const at = row - this.base;
    this.pages[at >>> PAGE_BITS]!.ints[(at & (PAGE_ROWS - 1)) * this.width * 2 + this.firstInt + column] = value;
  }

  /** From now on there is this row: before anything is written into it. */
  reach(row: number): void {
    while (row - this.base >= this.pages.length * PAGE_ROWS) {
      const longs = new Float64Array(PAGE_ROWS * this.width);
      this.pages.push({ longs, ints: new Int32Array(longs.buffer) });
    }
  }

  /** Nobody will ask for a row before this one again. */
  drop(before: number): void {
    while (before - this.base >= PAGE_ROWS && this.pages.length > 0) {
      this.pages.shift();
      this.base += PAGE_ROWS;
    }
  }
}
