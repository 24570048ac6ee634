// Decides when two objects mean the same: key order, absent fields and empty containers do not count. Never changes them.
import { ownValue } from '../base/records.ts';

const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  (typeof value === 'object' && (Array.isArray(value) ? value.length === 0 : Object.keys(value).length === 0));

/** Deep equality as JSON means it: order of keys does not matter, `undefined` equals absent. */
export function equalJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, i) => equalJson(item, b[i]));
  }
  return sameFields(a as Record<string, unknown>, b as Record<string, unknown>, equalJson, (v) => v === undefined);
}

/** The same, but nil and empty are equal: Kubernetes' semantic equality, on which generation and no-op writes rest. */
export function equalObjects(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (isEmpty(a) && isEmpty(b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, i) => equalObjects(item, b[i]));
  }
  return sameFields(a as Record<string, unknown>, b as Record<string, unknown>, equalObjects, isEmpty);
}

function sameFields(
  a: Record<string, unknown>,
  b: Record<string, unknown>,
  equal: (a: unknown, b: unknown) => boolean,
  isAbsent: (value: unknown) => boolean,
): boolean {
  for (const key in a) if (!equal(a[key], ownValue(b, key))) return false;
  for (const key in b) if (!Object.hasOwn(a, key) && !isAbsent(b[key])) return false;
  return true;
}
