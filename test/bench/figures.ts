// Decides how measured times become figures: percentiles, medians, few digits. Never measures.

export interface Measured {
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
}

export function measuredOf(took: readonly number[], seconds: number): Measured {
  const sorted = took.toSorted((a, b) => a - b);
  return { perSecond: took.length / seconds, p50Ms: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99) };
}

export function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

export const median = (values: readonly number[]): number =>
  quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );

/** Three digits are all that a shared machine can tell. */
export const short = (value: number): number => Number(value.toPrecision(3));

/** The median of each figure over several runs of the same. */
export function medians<T extends { [figure: string]: number }>(runs: readonly T[]): T {
  const names = Object.keys(runs[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, short(median(runs.map((run) => run[name]!)))])) as T;
}
