// Decides what a row of answers says about availability: the longest time without one, and a bar of cells. Never asks.

export interface Cell {
  ok: number;
  failed: number;
}

/** Answers of one kind of request from `startMs` on, in any order of clients, each noted when it came. */
export class Availability {
  readonly cells: Cell[] = [];
  readonly #startMs: number;
  readonly #cellMs: number;
  #lastOkMs: number;
  #longestMs = 0;
  ok = 0;
  failed = 0;

  constructor(startMs: number, cellMs: number) {
    this.#startMs = startMs;
    this.#cellMs = cellMs;
    this.#lastOkMs = startMs;
  }

  note(atMs: number, isOk: boolean): void {
    const cell = this.#cellAt(atMs);
    if (isOk) {
      cell.ok++;
      this.ok++;
      this.#longestMs = Math.max(this.#longestMs, atMs - this.#lastOkMs);
      this.#lastOkMs = Math.max(this.#lastOkMs, atMs);
    } else {
      cell.failed++;
      this.failed++;
    }
  }

  /** Of now: the present gap counts, or a cluster that never comes back would have none. */
  longestGapMs(nowMs: number): number {
    return Math.max(this.#longestMs, nowMs - this.#lastOkMs);
  }

  sinceOkMs(nowMs: number): number {
    return nowMs - this.#lastOkMs;
  }

  /** All cells up to now; one in which nobody answered at all is empty. */
  cellsUntil(nowMs: number): readonly Cell[] {
    this.#cellAt(nowMs);
    return this.cells;
  }

  #cellAt(atMs: number): Cell {
    const index = Math.max(0, Math.floor((atMs - this.#startMs) / this.#cellMs));
    while (this.cells.length <= index) this.cells.push({ ok: 0, failed: 0 });
    return this.cells[index]!;
  }
}
