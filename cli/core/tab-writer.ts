// Decides how tab-separated text lines up: a column is a run of neighbouring lines that have a cell there (Go's
// text/tabwriter, which kubectl's describe is written for). Never knows what is in a cell.

/** Lines with `\t` between cells; the last cell of a line has no width. */
export function alignTabs(text: string, padding = 2): string {
  const lines = text.split('\n').map((line) => line.split('\t'));
  const out: string[] = [];
  format(lines, 0, lines.length, [], padding, out);
  return out.join('\n');
}

function format(lines: string[][], from: number, to: number, widths: number[], padding: number, out: string[]): void {
  const column = widths.length;
  let begin = from;
  for (let i = from; i < to; i++) {
    if (column >= lines[i]!.length - 1) continue;
    write(lines, begin, i, widths, out);
    begin = i;
    let width = 0;
    for (; i < to && column < lines[i]!.length - 1; i++)
      width = Math.max(width, [...lines[i]![column]!].length + padding);
    format(lines, begin, i, [...widths, width], padding, out);
    begin = i;
  }
  write(lines, begin, to, widths, out);
}

function write(lines: string[][], from: number, to: number, widths: readonly number[], out: string[]): void {
  for (const cells of lines.slice(from, to))
    out.push(
      cells
        .map((cell, i) =>
          i < widths.length && i < cells.length - 1 ? cell + ' '.repeat(widths[i]! - [...cell].length) : cell,
        )
        .join(''),
    );
}
