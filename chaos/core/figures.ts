// Decides which figures a run has, how a condition on one is written, and whether it holds. Never measures.
import { durationOf } from '../../lib/base/duration.ts';
import { durationText } from './duration.ts';

/** Every figure a scenario may speak of, with its unit. */
export const FIGURES = {
  'acknowledged writes lost': 'count',
  'stale reads': 'count',
  'histories no order explains': 'count',
  'longest write gap': 'duration',
  'longest read gap': 'duration',
  'longest Service gap': 'duration',
  'pods disturbed': 'count',
  'containers restarted': 'count',
  'Service requests failed': 'count',
  'writes acknowledged': 'count',
  'reads answered': 'count',
  'reads from a cache': 'count',
} as const;

export type FigureName = keyof typeof FIGURES;
/** Absent: not measured. */
export type Figures = Partial<Record<FigureName, number>>;

export interface Condition {
  figure: FigureName;
  is: 'at most' | 'at least';
  value: number;
}

/** What holds in every run, whatever its scenario says: nobody may give these away. */
export const ALWAYS: readonly Condition[] = [
  { figure: 'acknowledged writes lost', is: 'at most', value: 0 },
  { figure: 'stale reads', is: 'at most', value: 0 },
  { figure: 'histories no order explains', is: 'at most', value: 0 },
];

/** `5`, `10s`, `at least 4s`; a plain value is the most that there may be. A string: why it is none. */
export function conditionOf(name: string, value: unknown): Condition | string {
  if (!(name in FIGURES)) return `there is no such figure; known: ${Object.keys(FIGURES).join(', ')}`;
  const figure = name as FigureName;
  const [, is = 'at most', amount = ''] = /^(?:(at most|at least) )?(.*)$/.exec(String(value).trim()) ?? [];
  const isDuration = FIGURES[figure] === 'duration';
  const number = isDuration ? durationOf(amount) : /^\d+$/.test(amount) ? Number(amount) : undefined;
  const shape = isDuration ? 'a duration (500ms, 10s, 2m)' : 'a whole number';
  if (number === undefined)
    return `"${String(value)}" must be ${shape}, or "at least"/"at most" with one: a plain value is the most that there may be`;
  return { figure, is: is as Condition['is'], value: number };
}

export function figureText(figure: FigureName, value: number): string {
  return FIGURES[figure] === 'duration' ? durationText(value) : String(value);
}

export function limitText({ figure, is, value }: Condition): string {
  return is === 'at most' && value === 0 ? 'none' : `${is} ${figureText(figure, value)}`;
}

/** A figure that was not measured holds nothing. */
export function holds(condition: Condition, figures: Figures): boolean {
  const value = figures[condition.figure];
  if (value === undefined) return false;
  return condition.is === 'at most' ? value <= condition.value : value >= condition.value;
}
