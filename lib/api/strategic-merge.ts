// Decides what a strategic merge patch makes of an object: lists merge by their keys, directives ($patch, $retainKeys,
// $deleteFromPrimitiveList, $setElementOrder) say the rest. Never makes patches (strategic-diff.ts does).
import { isRecord, ownValue } from '../base/records.ts';
import { ApiError } from '../base/errors.ts';
import { equalJson } from './equality.ts';
import { goText, goTextAsString } from './go-text.ts';
import { typeSchema, type FieldSchema, type TypeSchema } from './schema.ts';

export type Json = Record<string, any>;

export const PATCH = '$patch';
export const RETAIN_KEYS = '$retainKeys';
export const DELETE_FROM = '$deleteFromPrimitiveList/';
export const ELEMENT_ORDER = '$setElementOrder/';

/** The patched object; neither argument is changed, parts may be shared. Throws ApiError on a patch that is none, in upstream's words. */
export function applyStrategicMerge(typeName: string, object: Json, patch: unknown): Json {
  if (!isRecord(patch)) throw new ApiError('BadRequest', 'invalid JSON document');
  return mergeMap(object, patch, typeSchema(typeName));
}

/** What upstream has no code of its own for. */
const unforeseen = (message: string): ApiError => new ApiError('', message);

const badFormat = (what: string): ApiError => new ApiError('BadRequest', `invalid patch format of ${what}`);

const unknownDirective = (directive: unknown, patch: Json): ApiError =>
  unforeseen(`unknown patch type: ${goTextAsString(directive)} in map: ${goText(patch)}`);

const noMergeKey = (item: Json, key: string): ApiError =>
  unforeseen(`map: ${goText(item)} does not contain declared merge key: ${key}`);

function mergeMap(original: Json, patch: Json, schema: TypeSchema | undefined): Json {
  if (PATCH in patch) return replacedOrDeleted(patch);
  const out = retainKeys({ ...original }, patch);
  const ordered = new Set<string>();
  for (const [key, order] of Object.entries(patch)) {
    if (key === ELEMENT_ORDER.slice(0, -1)) throw badFormat('setElementOrder list');
    if (!key.startsWith(ELEMENT_ORDER)) continue;
    const name = key.slice(ELEMENT_ORDER.length);
    ordered.add(name);
    mergeOrdered(out, patch, name, order, schema);
  }
  for (const [key, change] of Object.entries(patch)) {
    if (key === '__proto__' || key === RETAIN_KEYS || key.startsWith(ELEMENT_ORDER) || ordered.has(key)) continue;
    if (key === DELETE_FROM.slice(0, -1)) throw badFormat('primitive list');
    if (key.startsWith(DELETE_FROM)) deletePrimitives(out, key.slice(DELETE_FROM.length), change, schema);
    else mergeField(out, key, change, schema?.fields.get(key));
  }
  return out;
}

function replacedOrDeleted(patch: Json): Json {
  const { [PATCH]: directive, ...rest } = patch;
  if (directive === 'replace') return withoutNulls(rest) as Json;
  if (directive === 'delete') return {};
  throw unknownDirective(directive, patch);
}

/** Keys of a union that the client no longer knows go away: `$retainKeys: [type]` drops `rollingUpdate`. */
function retainKeys(out: Json, patch: Json): Json {
  const keep: unknown = patch[RETAIN_KEYS];
  if (keep === undefined) return out;
  if (!Array.isArray(keep)) throw badFormat('retainKeys');
  for (const [key, change] of Object.entries(patch)) {
    const isDirective = key === RETAIN_KEYS || key.startsWith(DELETE_FROM) || key.startsWith(ELEMENT_ORDER);
    if (!isDirective && change !== null && !keep.includes(key)) throw badFormat('retainKeys');
  }
  for (const key of Object.keys(out)) if (!keep.includes(key)) delete out[key];
  return out;
}

/** A null takes the whole list away; what is no list takes nothing. */
function deletePrimitives(out: Json, name: string, values: unknown, schema: TypeSchema | undefined): void {
  if (values === null) delete out[name];
  const list: unknown = ownValue(out, name);
  if (!Array.isArray(list) || !Array.isArray(values) || (list.length === 0 && values.length === 0)) return;
  if (elementKind(list, values) !== 'map')
    out[name] = list.filter((item) => !values.some((value) => equalJson(value, item)));
  else if (schema?.fields.get(name) !== undefined) out[name] = mergeList(list, values, schema.fields.get(name)!);
}

function mergeField(out: Json, key: string, change: unknown, field: FieldSchema | undefined): void {
  if (change === null) {
    delete out[key];
    return;
  }
  const was: unknown = ownValue(out, key);
  const isMerged = field?.patchStrategies.includes('merge') === true;
  if (isRecord(was) && isRecord(change))
    out[key] =
      field?.patchStrategies.includes('replace') === true
        ? withoutNulls(change)
        : mergeMap(was, change, schemaWithin(field));
  else if (Array.isArray(was) && Array.isArray(change))
    out[key] = isMerged ? mergeList(was, change, field) : withoutNulls(change);
  else if (isDirective(change)) delete out[key];
  else out[key] = dropDirectives(change);
}

/** For a map of structs the values' type is that of the field: its keys are no fields. */
function schemaWithin(field: FieldSchema | undefined): TypeSchema | undefined {
  if (field === undefined || field.shape !== 'one') return undefined;
  return typeSchema(field.type);
}

const isDirective = (value: unknown): boolean => isRecord(value) && PATCH in value;

/** What is new is taken as it is, without the parts that only say what to do with what is there. */
function dropDirectives(value: unknown): unknown {
  return copied(value, (inner) => !isDirective(inner));
}

const withoutNulls = (value: unknown): unknown => copied(value, () => true);

function copied(value: unknown, isKept: (value: unknown) => boolean): unknown {
  if (Array.isArray(value)) return value.filter(isKept).map((item) => copied(item, isKept));
  if (!isRecord(value)) return value;
  const out: Json = {};
  for (const [key, item] of Object.entries(value))
    if (item !== null && key !== '__proto__' && isKept(item) && !isNote(key)) out[key] = copied(item, isKept);
  return out;
}

/** Of no use where there is nothing yet. */
const isNote = (key: string): boolean =>
  key === RETAIN_KEYS || key.startsWith(DELETE_FROM) || key.startsWith(ELEMENT_ORDER);

const goKind = (value: unknown): string =>
  Array.isArray(value) ? 'list' : isRecord(value) ? 'map' : value === null ? 'nil' : typeof value;

/** Of all elements: they are of one. */
function elementKind(...lists: ReadonlyArray<readonly unknown[]>): string {
  const kinds = new Set(lists.flat().map(goKind));
  if ([...kinds][0] === 'list')
    throw new ApiError('', 'lists of lists are not supported', undefined, { code: LISTS_OF_LISTS });
  if (kinds.size > 1) throw unforeseen(`list element types are not identical: ${goText(lists)}`);
  const [kind] = kinds;
  if (kind === undefined) throw unforeseen('no elements in any of the given slices');
  return kind;
}

const LISTS_OF_LISTS = 422;

function mergeList(original: readonly unknown[], patch: readonly unknown[], field: FieldSchema): unknown[] {
  if (original.length === 0 && patch.length === 0) return [];
  if (elementKind(original, patch) !== 'map') return mergePrimitives(original, patch);
  const key = field.patchKey;
  if (key === undefined) throw unforeseen(`cannot merge lists without merge key for ${field.type.split('.').at(-1)}`);
  const { doomed, changes, replaces } = sorted(patch as Json[], key);
  if (replaces) return withoutNulls(changes) as unknown[];
  const merged = (original as Json[]).filter((item) => !doomed.some((gone) => equalJson(item[key], gone)));
  for (const change of changes) if (!(key in change)) throw noMergeKey(change, key);
  const places = matchElements(merged, changes, field);
  const changed = changes.map((change, i) => {
    const at = places[i]!;
    if (at < 0) return merged[merged.push(dropDirectives(change) as Json) - 1];
    return (merged[at] = mergeMap(merged[at]!, change, typeSchema(field.type)));
  });
  return inOrder(merged, changed, original, key);
}

/** Which elements go, by their keys, and which are changed; `replaces`: those stand for the whole list. */
function sorted(elements: readonly Json[], key: string): { doomed: unknown[]; changes: Json[]; replaces: boolean } {
  const doomed: unknown[] = [];
  const changes: Json[] = [];
  let replaces = false;
  for (const item of elements) {
    const directive: unknown = item[PATCH];
    if (!(PATCH in item)) changes.push(item);
    else if (directive === 'replace') replaces = true;
    else if (directive === 'merge') throw unforeseen('merging lists cannot yet be specified in the patch');
    else if (directive !== 'delete') throw unknownDirective(directive, item);
    else if (!(key in item)) throw noMergeKey(item, key);
    else doomed.push(item[key]);
  }
  return { doomed, changes, replaces };
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
  const claim = (fits: (item: unknown, isClaimed: boolean) => boolean): number => {
    const at = list.findIndex((item, i) => fits(item, claimed.has(i)));
    if (at >= 0) claimed.add(at);
    return at;
  };
  const places = changes.map((change) => {
    const wanted = fullKey(change);
    // Whoever names one twice means the same one.
    return wanted === undefined ? -1 : claim((item) => fullKey(item) === wanted);
  });
  return places.map((at, i) => {
    const key = field.patchKey!;
    return at >= 0
      ? at
      : claim((item, isClaimed) => !isClaimed && isRecord(item) && equalJson(item[key], changes[i]![key]));
  });
}

const defaultOf = (field: FieldSchema, name: string): unknown =>
  typeSchema(field.type)?.fields.get(name)?.declaredDefault;

function mergePrimitives(original: readonly unknown[], patch: readonly unknown[]): unknown[] {
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

/** A list and in which order its elements are to be; the patch need not say both. */
function mergeOrdered(out: Json, patch: Json, name: string, order: unknown, schema: TypeSchema | undefined): void {
  if (!Array.isArray(order)) throw noList(order);
  const was: unknown = ownValue(out, name);
  const change: unknown = ownValue(patch, name);
  for (const list of [was, change]) if (list !== undefined && !Array.isArray(list)) throw noList(list);
  const [original, changes] = [was, change] as [unknown[] | undefined, unknown[] | undefined];
  const field = schema?.fields.get(name);
  if (field === undefined && schema !== undefined)
    throw unforeseen(
      `unable to find api field in struct ${schema.name.split('.').at(-1)} for the json field ${JSON.stringify(name)}`,
    );
  const key = field?.patchKey;
  checkOrder(changes ?? [], order, key);
  if (original === undefined && changes === undefined) return;
  const list =
    changes === undefined
      ? original!
      : original === undefined
        ? (dropDirectives(changes) as unknown[])
        : field?.patchStrategies.includes('merge') === true
          ? mergeList(original, changes, field)
          : (withoutNulls(changes) as unknown[]);
  if (key !== undefined && list.length > 0) checkPlaces(order, key);
  out[name] = inOrder(list, order, original ?? [], key);
}

function checkPlaces(order: readonly unknown[], key: string): void {
  for (const [i, place] of order.entries()) {
    if (!isRecord(place)) throw unforeseen(`value for key ${i} is not a map`);
    if (!(key in place)) throw noMergeKey(place, key);
  }
}

const GO_TYPES: Readonly<Record<string, string>> = {
  string: 'string',
  boolean: 'bool',
  map: 'map[string]interface {}',
  list: '[]interface {}',
};

function goType(value: unknown): string {
  if (value === null) return '%!s(<nil>)';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64';
  return GO_TYPES[goKind(value)]!;
}

const noList = (value: unknown): ApiError => unforeseen(`expected a []interface {}, but received a ${goType(value)}`);

/** Each element of the patch is named by the order, one after the other. */
function checkOrder(changes: readonly unknown[], order: readonly unknown[], key: string | undefined): void {
  if (order.length === 0 || changes.length === 0) return;
  const named = (item: unknown): unknown => {
    if (key === undefined) return item;
    if (!isRecord(item)) throw unforeseen(`expected a map[string]interface {}, but received a ${goType(item)}`);
    if (!(key in item)) throw noMergeKey(item, key);
    return item[key];
  };
  const staying = changes.filter((item) => !isDirective(item));
  let at = 0;
  for (const place of order) {
    if (at >= staying.length) return;
    if (equalJson(named(staying[at]), named(place))) at++;
  }
  if (at < staying.length)
    throw unforeseen(
      `The order in patch list:\n${goText(changes)}\n doesn't match $setElementOrder list:\n${goText(order)}\n`,
    );
}
