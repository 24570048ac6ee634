// Decides whether a hypothesis held, and how that is told: every figure with its limit. Never measures, never prints.
import type { HistoryVerdict } from './history.ts';
import {
  ALWAYS,
  FIGURES,
  figureText,
  holds,
  limitText,
  type Condition,
  type FigureName,
  type Figures,
} from './figures.ts';

/** What a run ended with. */
export interface Observed {
  figures: Figures;
  history: HistoryVerdict;
  checks: CheckResult[];
  /** Figures that this cluster cannot have, and why: hollow nodes run nothing that a Service could reach. */
  impossible: Partial<Record<FigureName, string>>;
  /** What went wrong with the run itself: a fault that could not be done, the limit of harm. */
  troubles: string[];
}

export interface CheckResult {
  what: string;
  saw: string;
  held: boolean;
}

export interface VerdictRow {
  what: string;
  value: string;
  limit: string;
  /** undefined: nobody asked. */
  held: boolean | undefined;
}

export interface Verdict {
  held: boolean;
  rows: VerdictRow[];
  /** What is behind a row that did not hold. */
  reasons: string[];
}

export function judge(mustHold: readonly Condition[], observed: Observed): Verdict {
  const conditions = [...ALWAYS, ...mustHold.filter(({ figure }) => !ALWAYS.some((one) => one.figure === figure))];
  const rows = [
    ...(Object.keys(FIGURES) as FigureName[]).flatMap((figure) => rowsOf(figure, conditions, observed)),
    ...observed.checks.map(({ what, saw, held }) => ({ what, value: saw, limit: 'so', held })),
    ...(observed.history.unverified.length === 0 ? [] : [unverifiedRow(observed.history)]),
    ...observed.troubles.map((value) => ({ what: 'the run itself', value, limit: 'none', held: false })),
  ];
  return { rows, held: rows.every(({ held }) => held !== false), reasons: reasonsOf(observed.history) };
}

function rowsOf(figure: FigureName, conditions: readonly Condition[], { figures, impossible }: Observed): VerdictRow[] {
  const own = conditions.filter((condition) => condition.figure === figure);
  const value = figures[figure];
  const why = impossible[figure];
  if (why !== undefined) return [{ what: figure, value: why, limit: '-', held: undefined }];
  const text = value === undefined ? 'not measured' : figureText(figure, value);
  if (own.length === 0) return [{ what: figure, value: text, limit: '-', held: undefined }];
  return own.map((condition) => ({
    what: figure,
    value: text,
    limit: limitText(condition),
    held: holds(condition, figures),
  }));
}

function unverifiedRow({ unverified }: HistoryVerdict): VerdictRow {
  const value = `${unverified.length} keys could not be read in the end`;
  return { what: 'the end of the history', value, limit: 'none', held: false };
}

const MOST_REASONS = 5;

function reasonsOf({ lost, stale, unexplained }: HistoryVerdict): string[] {
  const at = (ms: number): string => `${(ms / 1000).toFixed(3)} s`;
  return [
    ...lost.map(
      ({ client, key, value, revision, return: end }) =>
        `lost: ${client} wrote ${key} = ${value}, acknowledged as revision ${revision} at ${at(end)}`,
    ),
    ...stale.map(
      ({ client, key, value, revision, call }) =>
        `stale: ${client} asked at ${at(call)} for ${key} and read ${value ?? 'nothing'} of revision ${revision}`,
    ),
    ...unexplained.map(({ key, why }) => `no order of ${key} explains: ${why}`),
  ].flatMap((line, i) => (i < MOST_REASONS ? [line] : i === MOST_REASONS ? ['… and more'] : []));
}

/** The table, and the one line that counts. */
export function verdictLines(name: string, { rows, held, reasons }: Verdict): string[] {
  const cells = rows.map(({ what, value, limit, held: is }) => [
    what,
    value,
    limit,
    is === undefined ? '' : is ? 'held' : 'NOT HELD',
  ]);
  const table = aligned([['FIGURE', 'VALUE', 'LIMIT', ''], ...cells]);
  return [
    ...table,
    ...reasons.map((reason) => `  ${reason}`),
    `${name}: the hypothesis ${held ? 'held' : 'DID NOT HOLD'}`,
  ];
}

function aligned(rows: ReadonlyArray<readonly string[]>): string[] {
  const widths = [0, 1, 2].map((column) => Math.min(60, Math.max(...rows.map((row) => row[column]!.length))));
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('   ')
      .trimEnd(),
  );
}
