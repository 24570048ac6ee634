// Decides how a span's time is drawn: where it waited in a queue and where it worked, on one scale for all. Never colours.

/** Two shades that are told apart without colours. */
export const WAITED = '░';
export const WORKED = '█';

export interface BarScale {
  /** Characters. */
  width: number;
  /** Milliseconds that the whole width stands for. */
  totalMs: number;
}

/** Times in milliseconds since the beginning; whatever lies outside the scale is drawn at its edge. */
export function bar(scale: BarScale, times: { queuedMs: number; startMs: number; endMs: number }): string {
  const { width } = scale;
  const from = cell(scale, times.startMs - times.queuedMs);
  // What took any time at all is seen: at least one character of work.
  const start = Math.min(cell(scale, times.startMs), width - 1);
  const end = Math.max(Math.min(cellAbove(scale, times.endMs), width), start + 1);
  const first = Math.min(from, start);
  return ' '.repeat(first) + WAITED.repeat(start - first) + WORKED.repeat(end - start) + ' '.repeat(width - end);
}

function cell({ width, totalMs }: BarScale, ms: number): number {
  return clamp(Math.floor((ms / Math.max(totalMs, 0.001)) * width), width);
}

function cellAbove({ width, totalMs }: BarScale, ms: number): number {
  return clamp(Math.ceil((ms / Math.max(totalMs, 0.001)) * width), width);
}

function clamp(value: number, width: number): number {
  return Math.min(Math.max(Number.isFinite(value) ? value : 0, 0), width);
}
