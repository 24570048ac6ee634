// Decides how columns of text line up, as kubectl prints them: three spaces between, no column narrower than six. Never
// knows what is in a cell.

const PADDING = 3;
const LEAST = 6;

/** Lays out rows; keeps the widths for later rows of the same stream, which only grow. */
export class TableText {
  readonly #padding: number;
  readonly #widths: number[] = [];

  constructor(padding = PADDING) {
    this.#padding = padding;
  }

  /** One line a row, no spaces at its end beyond what its cells hold. The last cell of a row has no width. */
  lines(rows: ReadonlyArray<readonly string[]>): string[] {
    for (const row of rows)
      for (const [i, cell] of row.slice(0, -1).entries())
        this.#widths[i] = Math.max(this.#widths[i] ?? LEAST, widthOf(cell) + this.#padding);
    return rows.map((row) =>
      row
        .map((cell, i) => (i === row.length - 1 ? cell : cell + ' '.repeat(this.#widths[i]! - widthOf(cell))))
        .join(''),
    );
  }
}

export function tableLines(rows: ReadonlyArray<readonly string[]>, padding = PADDING): string[] {
  return new TableText(padding).lines(rows);
}

/** Code points, as Go's tabwriter counts. */
function widthOf(text: string): number {
  return [...text].length;
}
