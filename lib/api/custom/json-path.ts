// Decides what the simple JSONPaths of CRDs (`.spec.size`, `.status.conditions[?(@.type=="Ready")].status`) find. Never does
// more of JSONPath than printer columns, scales and selectable fields are written with.
import { isRecord } from '../../base/records.ts';

type Step =
  | { type: 'field'; name: string }
  | { type: 'index'; index: number }
  | { type: 'all' }
  | { type: 'filter'; path: Step[]; operator: '==' | '!='; value: unknown };

export type JsonPath = readonly Step[];

const STEP =
  /^(?:\.?\[\s*(?:'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)"|(-?\d+)|(\*)|\?\(\s*@((?:\.[\w-]+)+)\s*(==|!=)\s*("[^"]*"|'[^']*'|[\w.-]+)\s*\))\s*\]|\.((?:[\w-]|\\.)+)|\.(\*))/;

/** Undefined: it is no path that is understood. */
export function parseJsonPath(text: string): JsonPath | undefined {
  let rest = text
    .trim()
    .replace(/^\{(.*)\}$/s, '$1')
    .replace(/^\$/, '');
  if (rest !== '' && !/^[.[]/.test(rest)) rest = `.${rest}`;
  const steps: Step[] = [];
  while (rest !== '' && rest !== '.') {
    const match = STEP.exec(rest);
    if (match === null) return undefined;
    steps.push(stepOf(match));
    rest = rest.slice(match[0].length);
  }
  return steps;
}

function stepOf(match: RegExpExecArray): Step {
  const [, single, double, index, all, left, operator, right, name] = match;
  const quoted = single ?? double;
  if (quoted !== undefined) return { type: 'field', name: quoted.replace(/\\(.)/g, '$1') };
  if (index !== undefined) return { type: 'index', index: Number(index) };
  if (left !== undefined)
    return {
      type: 'filter',
      path: [...(parseJsonPath(left) ?? [])],
      operator: operator as '==',
      value: literal(right!),
    };
  if (all !== undefined || name === undefined) return { type: 'all' };
  return { type: 'field', name: name.replace(/\\(.)/g, '$1') };
}

function literal(text: string): unknown {
  if (/^["']/.test(text)) return text.slice(1, -1);
  if (text === 'true' || text === 'false') return text === 'true';
  return Number.isNaN(Number(text)) ? text : Number(text);
}

/** All values at the path, in order. */
export function valuesAt(path: JsonPath, value: unknown): unknown[] {
  let found: unknown[] = [value];
  for (const step of path) found = found.flatMap((one) => taken(step, one));
  return found;
}

export const valueAt = (path: JsonPath, value: unknown): unknown => valuesAt(path, value)[0];

function taken(step: Step, value: unknown): unknown[] {
  switch (step.type) {
    case 'field':
      return isRecord(value) && Object.hasOwn(value, step.name) ? [value[step.name]] : [];
    case 'index':
      return Array.isArray(value) && value.at(step.index) !== undefined ? [value.at(step.index)] : [];
    case 'all':
      return Array.isArray(value) ? value : isRecord(value) ? Object.values(value) : [];
    case 'filter':
      return Array.isArray(value)
        ? value.filter((item) => (valueAt(step.path, item) === step.value) === (step.operator === '=='))
        : [];
  }
}

/** The names of a path of fields alone (`.spec.size`); undefined: it has other steps. */
export function fieldNames(path: JsonPath): string[] | undefined {
  const names = path.map((step) => (step.type === 'field' ? step.name : undefined));
  return names.includes(undefined) ? undefined : (names as string[]);
}
