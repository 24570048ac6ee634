// Decides which strategic merge patch brings an object to what its author now says, without touching what others have set:
// the three-way merge of client-side apply. Never applies one.
import { isRecord, ownValue } from '../base/records.ts';
import { equalJson } from './equality.ts';
import { typeSchema, type FieldSchema, type TypeSchema } from './schema.ts';
import { DELETE_FROM, ELEMENT_ORDER, PATCH, RETAIN_KEYS, matchElements, type Json } from './strategic-merge.ts';

/** Deletions come from last applied → modified; additions and changes from current → modified. */
interface Wanted {
  deletions: boolean;
  changes: boolean;
}

/**
 * The patch for client-side apply; undefined when there is nothing to do. `lastApplied` is what the author said the time
 * before (the annotation), `current` the live object, `modified` what the author says now.
 */
export function threeWayMergePatch(
  typeName: string,
  lastApplied: Json,
  current: Json,
  modified: Json,
): Json | undefined {
  const schema = typeSchema(typeName);
  const changes = diffMaps(current, modified, schema, { deletions: false, changes: true });
  const deletions = diffMaps(lastApplied, modified, schema, { deletions: true, changes: false });
  const patch = combine(deletions, changes, schema);
  return Object.keys(patch).length === 0 ? undefined : patch;
}

/** The patch from one object to another, deletions included; undefined when they are equal. */
export function twoWayMergePatch(typeName: string, from: Json, to: Json): Json | undefined {
  const patch = diffMaps(from, to, typeSchema(typeName), { deletions: true, changes: true });
  return Object.keys(patch).length === 0 ? undefined : patch;
}

function diffMaps(from: Json, to: Json, schema: TypeSchema | undefined, wanted: Wanted): Json {
  const patch: Json = {};
  for (const [key, was] of Object.entries(from)) {
    const now = ownValue(to, key);
    if (now === undefined || now === null) {
      // Null, said by the author, takes the field away, as kubectl has it.
      const isWanted = wanted.deletions || (wanted.changes && now === null);
      if (isWanted && was !== undefined && was !== null) patch[key] = null;
    } else diffField(patch, key, was, now, schema?.fields.get(key), wanted);
  }
  if (wanted.changes)
    for (const [key, now] of Object.entries(to))
      if (ownValue(from, key) === undefined && now !== undefined && now !== null) patch[key] = now;
  return patch;
}

function diffField(
  patch: Json,
  key: string,
  was: unknown,
  now: unknown,
  field: FieldSchema | undefined,
  wanted: Wanted,
): void {
  const strategies = field?.patchStrategies ?? [];
  if (isRecord(was) && isRecord(now) && !strategies.includes('replace')) {
    const inner = diffMaps(was, now, field?.shape === 'one' ? typeSchema(field.type) : undefined, wanted);
    if (Object.keys(inner).length === 0) return;
    if (strategies.includes('retainKeys')) inner[RETAIN_KEYS] = Object.keys(now).toSorted();
    patch[key] = inner;
  } else if (Array.isArray(was) && Array.isArray(now) && field !== undefined && strategies.includes('merge'))
    diffLists(patch, key, was, now, field, wanted);
  else if (wanted.changes && !equalJson(was, now)) patch[key] = now;
}

function diffLists(
  patch: Json,
  name: string,
  was: unknown[],
  now: unknown[],
  field: FieldSchema,
  wanted: Wanted,
): void {
  const key = field.patchKey;
  if (key === undefined) {
    const has = (list: unknown[], item: unknown): boolean => list.some((other) => equalJson(other, item));
    const added = wanted.changes ? now.filter((item) => !has(was, item)) : [];
    const removed = wanted.deletions ? was.filter((item) => !has(now, item)) : [];
    if (added.length > 0) patch[name] = added;
    if (removed.length > 0) patch[DELETE_FROM + name] = removed;
    const isMoved =
      wanted.changes &&
      !equalJson(
        was.filter((item) => has(now, item)),
        now.filter((item) => has(was, item)),
      );
    if (added.length + removed.length > 0 || isMoved) patch[ELEMENT_ORDER + name] = now;
    return;
  }
  const elements = diffElements(was.filter(isRecord), now.filter(isRecord), key, field, wanted);
  if (elements.length > 0) patch[name] = elements;
  if (elements.length > 0 || (wanted.changes && !sameOrder(was, now, key)))
    patch[ELEMENT_ORDER + name] = now.filter(isRecord).map((item) => ({ [key]: item[key] }));
}

function diffElements(was: Json[], now: Json[], key: string, field: FieldSchema, wanted: Wanted): Json[] {
  const out: Json[] = [];
  const schema = typeSchema(field.type);
  const places = matchElements(was, now, field);
  // Where the merge key names several elements, all are said, so that the patch can be read without guessing.
  const isAmbiguous = (item: Json): boolean => now.filter((other) => equalJson(other[key], item[key])).length > 1;
  now.forEach((item, i) => {
    const before = was[places[i]!];
    if (before === undefined) {
      if (wanted.changes) out.push(item);
      return;
    }
    const inner = diffMaps(before, item, schema, wanted);
    const isSame = Object.keys(inner).length === 0;
    if (isSame && !(wanted.changes && isAmbiguous(item) && places.includes(-1))) return;
    if (!isSame && field.patchStrategies.includes('retainKeys')) inner[RETAIN_KEYS] = Object.keys(item).toSorted();
    const names = isAmbiguous(item) ? field.listKeys : [];
    out.push({
      ...inner,
      ...Object.fromEntries(names.flatMap((name) => (name in item ? [[name, item[name]]] : []))),
      [key]: item[key],
    });
  });
  if (wanted.deletions)
    for (const item of was)
      if (!now.some((other) => equalJson(other[key], item[key]))) out.push({ [PATCH]: 'delete', [key]: item[key] });
  return out;
}

/** Whether the author's items stand in the author's order; others between them (sidecars, token volumes) do not count. */
function sameOrder(was: unknown[], now: unknown[], key: string): boolean {
  const ids = (list: unknown[]): string[] => list.filter(isRecord).map((item) => JSON.stringify(item[key]));
  const wanted = new Set(ids(now));
  const standing = ids(was).filter((id) => wanted.has(id));
  const present = new Set(standing);
  return equalJson(
    standing,
    ids(now).filter((id) => present.has(id)),
  );
}

/** One patch out of the deletions and the changes, which never speak of the same leaf. */
function combine(deletions: Json, changes: Json, schema: TypeSchema | undefined): Json {
  const out: Json = { ...deletions };
  for (const [key, change] of Object.entries(changes)) {
    const deletion: unknown = out[key];
    const field = schema?.fields.get(key);
    if (isRecord(deletion) && isRecord(change))
      out[key] = combine(deletion, change, field?.shape === 'one' ? typeSchema(field.type) : undefined);
    else if (Array.isArray(deletion) && Array.isArray(change) && field?.patchKey !== undefined)
      out[key] = combineLists(deletion, change, field.patchKey, typeSchema(field.type));
    else out[key] = change;
  }
  for (const [key, order] of Object.entries(out))
    if (key.startsWith(ELEMENT_ORDER)) keepOrder(out, key.slice(ELEMENT_ORDER.length), order as unknown[], schema);
  return out;
}

/** Elements are changed in the order that the patch gives them: a real server refuses any other. */
function keepOrder(out: Json, name: string, order: readonly unknown[], schema: TypeSchema | undefined): void {
  const key = schema?.fields.get(name)?.patchKey;
  const list: unknown = out[name];
  if (key === undefined || !Array.isArray(list)) return;
  const idOf = (item: unknown): string => JSON.stringify((item as Json)[key]);
  const places = new Map(order.map((item, i) => [idOf(item), i] as const).toReversed());
  const placeOf = (item: Json): number => (PATCH in item ? order.length : (places.get(idOf(item)) ?? order.length));
  out[name] = (list as Json[]).toSorted((a, b) => placeOf(a) - placeOf(b));
}

function combineLists(deletions: Json[], changes: Json[], key: string, schema: TypeSchema | undefined): Json[] {
  const rest = [...deletions];
  const merged = changes.map((change) => {
    const at = rest.findIndex((item) => item[PATCH] === undefined && equalJson(item[key], change[key]));
    return at < 0 ? change : combine(rest.splice(at, 1)[0]!, change, schema);
  });
  return [...merged, ...rest];
}
