// Decides what a strategic merge patch makes of an object: lists merge by their keys, directives ($patch, $retainKeys,
// $deleteFromPrimitiveList, $setElementOrder) say the rest. Never makes patches (strategic-diff.ts does).
import { isRecord } from '../base/records.ts';
import { ApiError } from '../base/errors.ts';
import { equalJson } from './equality.ts';
import { typeSchema, type FieldSchema, type TypeSchema } from './schema.ts';

export type Json = Record<string, any>;

export const PATCH = '$patch';
export const RETAIN_KEYS = '$retainKeys';
export const DELETE_FROM = '$deleteFromPrimitiveList/';
export const ELEMENT_ORDER = '$setElementOrder/';

/** The patched object; neither argument is changed, parts may be shared. Throws ApiError 400 on a patch that is none. */
export function applyStrategicMerge(typeName: string, object: Json, patch: unknown): Json {
  if (!isRecord(patch)) throw refused('a patch is a JSON object');
  return mergeMap(object, patch, typeSchema(typeName));
}

function refused(why: string): ApiError {
  return new ApiError('BadRequest', `invalid strategic merge patch: ${why}`);
}

function mergeMap(original: Json, patch: Json, schema: TypeSchema | undefined): Json {
  const directive = patch[PATCH];
  if (directive === 'replace') return dropDirectives(patch) as Json;
  if (directive === 'delete') return {};
  if (directive !== undefined && directive !== 'merge')
    throw refused(`unknown ${PATCH} type ${JSON.stringify(directive)}`);
  const out = retainKeys({ ...original }, patch);
  for (const [key, change] of Object.entries(patch)) {
    if (key === '__proto__' || key === PATCH || key === RETAIN_KEYS) continue;
    if (key.startsWith(DELETE_FROM)) deletePrimitives(out, key, change);
    else if (!key.startsWith(ELEMENT_ORDER)) mergeField(out, key, change, schema?.fields.get(key));
  }
  for (const [key, order] of Object.entries(patch))
    if (key.startsWith(ELEMENT_ORDER)) reorder(out, original, key.slice(ELEMENT_ORDER.length), order, schema);
  return out;
}

/** Keys of a union that the client no longer knows go away: `$retainKeys: [type]` drops `rollingUpdate`. */
function retainKeys(out: Json, patch: Json): Json {
  const keep: unknown = patch[RETAIN_KEYS];
  if (keep === undefined) return out;
  if (!Array.isArray(keep)) throw refused(`${RETAIN_KEYS} is a list of keys`);
  for (const key of Object.keys(out)) if (!keep.includes(key)) delete out[key];
  return out;
}

function deletePrimitives(out: Json, key: string, values: unknown): void {
  const name = key.slice(DELETE_FROM.length);
  if (!Array.isArray(values)) throw refused(`${key} is a list`);
  const list: unknown = out[name];
  if (Array.isArray(list)) out[name] = list.filter((item) => !values.some((value) => equalJson(value, item)));
}

function mergeField(out: Json, key: string, change: unknown, field: FieldSchema | undefined): void {
  if (change === null) {
    delete out[key];
    return;
  }
  const was: unknown = out[key];
  const replaces = field?.patchStrategies.includes('replace') === true;
  if (isRecord(was) && isRecord(change) && !replaces) out[key] = mergeMap(was, change, schemaWithin(field));
  else if (Array.isArray(change) && field?.patchStrategies.includes('merge') === true)
    out[key] = mergeList(Array.isArray(was) ? was : [], change, field);
  else out[key] = dropDirectives(change);
}

/** For a map of structs the values' type is that of the field: its keys are no fields. */
function schemaWithin(field: FieldSchema | undefined): TypeSchema | undefined {
  if (field === undefined || field.shape !== 'one') return undefined;
  return typeSchema(field.type);
}

function dropDirectives(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value
      .filter((item) => !(isRecord(item) && item[PATCH] !== undefined && item[PATCH] !== 'merge'))
      .map(dropDirectives);
  }
  if (!isRecord(value)) return value;
  const out: Json = {};
  for (const [key, item] of Object.entries(value))
    if (
      item !== null &&
      key !== '__proto__' &&
      key !== PATCH &&
      key !== RETAIN_KEYS &&
      !key.startsWith(DELETE_FROM) &&
      !key.startsWith(ELEMENT_ORDER)
    )
      out[key] = dropDirectives(item);
  return out;
}

function mergeList(original: unknown[], patch: unknown[], field: FieldSchema): unknown[] {
  const key = field.patchKey;
  if (key === undefined) return mergePrimitives(original, patch);
  const elements = patch.map((item) => {
    if (!isRecord(item)) throw refused(`elements of ${field.name} are objects`);
    return item;
  });
  if (elements.some((item) => item[PATCH] === 'replace'))
    return dropDirectives(elements.filter((item) => item[PATCH] !== 'replace')) as unknown[];
  const doomed = elements.filter((item) => item[PATCH] === 'delete');
  for (const item of doomed) keyOf(item, key, field);
  const merged = original.filter((item) => !doomed.some((gone) => isRecord(item) && equalJson(item[key], gone[key])));
  const changes = elements.filter((item) => item[PATCH] !== 'delete');
  for (const change of changes) keyOf(change, key, field);
  const places = matchElements(merged, changes, field);
  const changed = changes.map((change, i) => {
    const at = places[i]!;
    if (at < 0) return merged[merged.push(dropDirectives(change)) - 1];
    return (merged[at] = mergeMap(merged[at] as Json, change, typeSchema(field.type)));
  });
  return inOrder(merged, changed, original, key);
}

/**
 * Where each change belongs in a list; -1: it is new. Elements that share the merge key (a Service's port 53 for TCP and for
 * UDP) are told apart by the list's full keys; the merge key alone decides only among elements that nobody names in full.
 */
export function matchElements(list: readonly unknown[], changes: readonly Json[], field: FieldSchema): number[] {
  const fullKey = (item: unknown): string | undefined => {
    const values = field.listKeys.map((name) => (isRecord(item) ? (item[name] ?? defaultOf(field, name)) : undefined));
    return values.length === 0 || values.includes(undefined) ? undefined : JSON.stringify(values);
  };
  const claimed = new Set<number>();
  const claim = (fits: (item: unknown) => boolean): number => {
    const at = list.findIndex((item, i) => !claimed.has(i) && fits(item));
    if (at >= 0) claimed.add(at);
    return at;
  };
  const places = changes.map((change) => {
    const wanted = fullKey(change);
    return wanted === undefined ? -1 : claim((item) => fullKey(item) === wanted);
  });
  return places.map((at, i) => {
    const key = field.patchKey!;
    return at >= 0 ? at : claim((item) => isRecord(item) && equalJson(item[key], changes[i]![key]));
  });
}

const defaultOf = (field: FieldSchema, name: string): unknown =>
  typeSchema(field.type)?.fields.get(name)?.declaredDefault;

function keyOf(item: Json, key: string, field: FieldSchema): unknown {
  if (item[key] === undefined)
    throw refused(`map: ${JSON.stringify(item)} does not contain declared merge key: ${key} (in ${field.name})`);
  return item[key];
}

function mergePrimitives(original: unknown[], patch: unknown[]): unknown[] {
  const added = patch.filter((item, i) => patch.indexOf(item) === i);
  const merged = [...original, ...added.filter((item) => !original.includes(item))];
  return inOrder(merged, added, original, undefined);
}

const idOf = (item: unknown, key: string | undefined): string =>
  JSON.stringify(key === undefined ? item : isRecord(item) ? item[key] : item);

/**
 * The named items in their own order, the others where they stood relative to them (merge of two sorted lists by the
 * original's order). An item that the original lacks comes before the others, as clients of the real server know it.
 */
function inOrder(
  merged: readonly unknown[],
  named: readonly unknown[],
  original: readonly unknown[],
  key: string | undefined,
): unknown[] {
  const rank = new Map(named.map((item, i) => [idOf(item, key), i] as const).toReversed());
  const place = new Map(original.map((item, i) => [idOf(item, key), i] as const).toReversed());
  const placeOf = (item: unknown): number => place.get(idOf(item, key)) ?? Number.MAX_SAFE_INTEGER;
  const isNamed = (item: unknown): boolean => rank.has(idOf(item, key));
  const ordered = merged.filter(isNamed).toSorted((a, b) => rank.get(idOf(a, key))! - rank.get(idOf(b, key))!);
  const others = merged.filter((item) => !isNamed(item)).toSorted((a, b) => placeOf(a) - placeOf(b));
  const out: unknown[] = [];
  let i = 0;
  for (const item of ordered) {
    const mine = place.get(idOf(item, key));
    while (i < others.length && mine !== undefined && placeOf(others[i]) < mine) out.push(others[i++]);
    out.push(item);
  }
  return [...out, ...others.slice(i)];
}

function reorder(out: Json, original: Json, name: string, order: unknown, schema: TypeSchema | undefined): void {
  if (!Array.isArray(order)) throw refused(`${ELEMENT_ORDER}${name} is a list`);
  const list: unknown = out[name];
  if (!Array.isArray(list)) return;
  const was: unknown = original[name];
  out[name] = inOrder(list, order, Array.isArray(was) ? was : [], schema?.fields.get(name)?.patchKey);
}
