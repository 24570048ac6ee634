// Decides how a value of a custom resource reads in a column of a type, as Go prints it. Never finds the value.
import { ageOf } from '../age.ts';
import { isRecord } from '../../base/records.ts';

const SMALLEST_INTEGER = -(2 ** 63);
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:\d\d)$/;

/** Null: a value of another type is not shown. `now` in milliseconds. */
export function printedCell(type: string, value: unknown, now: number): unknown {
  switch (type) {
    case 'string':
      return textOf(value);
    case 'integer':
      return typeof value === 'number' ? integerOf(value) : null;
    case 'number':
      return typeof value === 'number' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date':
      return typeof value === 'string' ? sinceText(value, now) : null;
    default:
      return null;
  }
}

/** What does not fit into 64 bits is the smallest number there is. */
function integerOf(value: number): number {
  const whole = Math.trunc(value);
  return Math.abs(whole) >= -SMALLEST_INTEGER ? SMALLEST_INTEGER : whole;
}

function sinceText(text: string, now: number): string {
  if (text === '') return ageOf(undefined, now);
  return TIME.test(text) && !Number.isNaN(Date.parse(text)) ? ageOf(text, now) : '<invalid>';
}

function textOf(value: unknown): string {
  if (value === null) return '<no value>';
  if (typeof value === 'number') return numberText(value);
  return typeof value === 'object' ? goJson(value) : String(value);
}

/** Exponents begin at a ten-thousandth, and have two digits. */
function numberText(value: number): string {
  const isSmall = value !== 0 && Math.abs(value) < 1e-4;
  const text = isSmall ? value.toExponential() : String(value);
  return text.replace(/e([+-])(\d)$/, 'e$10$2');
}

/** Keys in order, and nothing that HTML would take for its own. */
function goJson(value: unknown): string {
  const text = JSON.stringify(value, (_key, inner: unknown) =>
    isRecord(inner) ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
  return text.replace(/[<>&\u2028\u2029]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
