// Decides what the JSONPaths of CRDs (`.spec.size`, `.status.conditions[?(@.type=="Ready")].status`) find, as client-go's
// jsonpath does, odd ones too. Never prints what is found.
import { isRecord } from '../../base/records.ts';
import { PathReader, type Step } from './json-path-reader.ts';

export type JsonPath = readonly Step[];

/** What cannot be followed in an object, such as an index of a text: nothing is found, not even elsewhere. */
class NoWay extends Error {}

/** Undefined: it is no path that is understood. */
export function parseJsonPath(text: string): JsonPath | undefined {
  return new PathReader(text.replace(/^\{(.*)\}$/s, '$1')).read();
}

/** All values at the path, in order; none where the path cannot be followed. */
export function valuesAt(path: JsonPath, value: unknown): unknown[] {
  try {
    return follow(path, [value]);
  } catch (error) {
    if (error instanceof NoWay) return [];
    throw error;
  }
}

export const valueAt = (path: JsonPath, value: unknown): unknown => valuesAt(path, value)[0];

function follow(path: JsonPath, values: readonly unknown[]): unknown[] {
  return path.reduce<unknown[]>((found, step) => taken(step, found), [...values]);
}

function taken(step: Step, values: unknown[]): unknown[] {
  switch (step.type) {
    case 'literal':
      return values.map(() => step.value);
    case 'union':
      return step.paths.flatMap((path) => follow(path, values));
    case 'unknown':
      throw new NoWay();
    case 'filter':
      return values.flatMap((value) => filtered(step, value));
    default:
      return values.filter((value) => value !== null && value !== undefined).flatMap((value) => within(step, value));
  }
}

type Within = Extract<Step, { type: 'field' | 'all' | 'slice' | 'anywhere' }>;

function within(step: Within, value: unknown): unknown[] {
  switch (step.type) {
    case 'field':
      return isRecord(value) && Object.hasOwn(value, step.name) ? [value[step.name]] : [];
    case 'all':
      return childrenOf(value);
    case 'slice':
      return sliced(step, value);
    case 'anywhere':
      return branches(value);
  }
}

const childrenOf = (value: unknown): unknown[] =>
  Array.isArray(value) ? value : isRecord(value) ? Object.values(value) : [];

/** Everything that has something in it, from the outermost to the innermost. */
function branches(value: unknown): unknown[] {
  const children = childrenOf(value);
  return children.length === 0 ? [] : [value, ...children.flatMap(branches)];
}

/** `[1]`, `[-1]`, `[0:2]`, `[::2]`; what is beyond the ends is an error, not less. */
function sliced({ start, end, step }: Extract<Step, { type: 'slice' }>, value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new NoWay();
  const { length } = value;
  const from = start === undefined ? 0 : start < 0 ? start + length : start;
  const isLast = start !== undefined && end === 'next' && start + 1 === 0;
  const until = end === undefined || isLast ? length : end === 'next' ? (start ?? 0) + 1 : end;
  const to = until < 0 ? until + length : until;
  if (from === to) return [];
  if (from < 0 || from >= length || to < 0 || to > length || from > to) throw new NoWay();
  if (step !== undefined && step <= 0) throw new NoWay();
  return value.slice(from, to).filter((_, i) => i % (step ?? 1) === 0);
}

function filtered({ left, operator, right }: Extract<Step, { type: 'filter' }>, value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new NoWay();
  return value.filter((item) => {
    const lefts = follow(left, [item]);
    if (operator === 'exists') return lefts.length > 0;
    if (lefts.length === 0) return false;
    const rights = follow(right, [item]);
    if (rights.length === 0) return false;
    if (lefts.length > 1 || rights.length > 1) throw new NoWay();
    return compared(lefts[0], operator, rights[0]);
  });
}

type Scalar = boolean | number | string;

function compared(left: unknown, operator: string, right: unknown): boolean {
  if (sortOf(left) === undefined || sortOf(left) !== sortOf(right)) throw new NoWay();
  if (operator === '==') return left === right;
  if (operator === '!=') return left !== right;
  if (typeof left === 'boolean') throw new NoWay();
  const [a, b] = [left, right] as [Scalar, Scalar];
  switch (operator) {
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    case '>=':
      return a >= b;
    default:
      throw new NoWay();
  }
}

/** Whole numbers and others are not compared with one another. */
function sortOf(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value === 'string' || typeof value === 'boolean' ? typeof value : undefined;
}

/** The names of a path of fields alone (`.spec.size`); undefined: it has other steps. */
export function fieldNames(path: JsonPath): string[] | undefined {
  const names = path.map((step) => (step.type === 'field' ? step.name : undefined));
  return names.includes(undefined) ? undefined : (names as string[]);
}
