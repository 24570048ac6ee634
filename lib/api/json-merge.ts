// Decides what a JSON merge patch (RFC 7386) makes of a value, and which patch leads from one value to another. Never knows
// types: lists are replaced as a whole.
import { isRecord, ownValue } from '../base/records.ts';
import { equalJson } from './equality.ts';

/** The patched value; neither argument is changed, parts may be shared. */
export function applyJsonMerge(value: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const out: Record<string, unknown> = isRecord(value) ? { ...value } : {};
  for (const [key, change] of Object.entries(patch)) {
    if (key === '__proto__') continue;
    if (change === null) delete out[key];
    else out[key] = applyJsonMerge(ownValue(out, key), change);
  }
  return out;
}

/** The smallest merge patch from `from` to `to`; undefined when they are equal. */
export function createJsonMerge(from: unknown, to: unknown): unknown {
  if (!isRecord(from) || !isRecord(to)) return equalJson(from, to) ? undefined : to;
  const patch: Record<string, unknown> = {};
  for (const key of Object.keys(from)) if (!Object.hasOwn(to, key)) patch[key] = null;
  for (const [key, value] of Object.entries(to)) {
    const change = Object.hasOwn(from, key) ? createJsonMerge(from[key], value) : value;
    if (change !== undefined) patch[key] = change;
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

/** For kinds without strategic merge (custom resources): deletions from last applied, additions and changes from current. */
export function threeWayJsonMerge(lastApplied: unknown, current: unknown, modified: unknown): unknown {
  const changes = keepSets(createJsonMerge(current, modified));
  const deletions = keepNulls(createJsonMerge(lastApplied, modified));
  const patch = mergePatches(deletions, changes);
  return patch === undefined || (isRecord(patch) && Object.keys(patch).length === 0) ? undefined : patch;
}

function keepSets(patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  return Object.fromEntries(
    Object.entries(patch)
      .filter(([, value]) => value !== null)
      .map(([key, value]) => [key, keepSets(value)]),
  );
}

function keepNulls(patch: unknown): Record<string, unknown> {
  if (!isRecord(patch)) return {};
  const out: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) out[key] = null;
    else if (isRecord(value)) {
      const inner = keepNulls(value);
      if (Object.keys(inner).length > 0) out[key] = inner;
    }
  }
  return out;
}

function mergePatches(a: unknown, b: unknown): unknown {
  if (!isRecord(a) || !isRecord(b)) return b === undefined ? a : b;
  const out = { ...a };
  for (const [key, value] of Object.entries(b))
    out[key] = Object.hasOwn(out, key) ? mergePatches(out[key], value) : value;
  return Object.fromEntries(
    Object.entries(out).filter(([, value]) => !(isRecord(value) && Object.keys(value).length === 0)),
  );
}
