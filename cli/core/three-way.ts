// Decides the patch of `apply`: what the file adds and changes against the live object, and what it no longer says
// against what was last applied (Kubernetes' three-way strategic merge). Never sends it.
import { typeSchema, type FieldSchema, type TypeSchema } from '../../lib/api/schema.ts';
import types from '../../lib/api/generated/kubernetes-types.json' with { type: 'json' };
import { equalJson } from '../../lib/api/equality.ts';

type Json = Record<string, unknown>;

export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** The schema of a built-in kind, whose lists merge by key; others merge as plain JSON. */
export function schemaOfKind(group: string, version: string, kind: string): TypeSchema | undefined {
  const row = (types.kinds as Array<{ group: string; version: string; kind: string; type: string }>).find(
    (each) => each.group === group && each.version === version && each.kind === kind,
  );
  return row === undefined ? undefined : typeSchema(row.type);
}

/** The object with its own text in the annotation that the next apply compares with. */
export function withLastApplied(object: Json): Json {
  const metadata = (object['metadata'] ?? {}) as Json;
  const annotations = { ...(metadata['annotations'] as Json | undefined) };
  delete annotations[LAST_APPLIED];
  const bare = { ...object, metadata: { ...metadata, annotations } };
  return {
    ...bare,
    metadata: { ...metadata, annotations: { ...annotations, [LAST_APPLIED]: `${JSON.stringify(sorted(bare))}\n` } },
  };
}

export function lastAppliedOf(live: Json): Json | undefined {
  const metadata = (live['metadata'] ?? {}) as { annotations?: Record<string, string> };
  const text = metadata.annotations?.[LAST_APPLIED];
  return text === undefined ? undefined : (JSON.parse(text) as Json);
}

/** Empty when there is nothing to do. `schema` undefined: a JSON merge patch. */
export function threeWayPatch(
  original: Json | undefined,
  modified: Json,
  current: Json,
  schema: TypeSchema | undefined,
): Json {
  return patchMap(original ?? {}, modified, current, schema);
}

function patchMap(original: Json, modified: Json, current: Json, schema: TypeSchema | undefined): Json {
  const patch: Json = {};
  for (const [key, value] of Object.entries(modified)) {
    const had = current[key];
    // `creationTimestamp: null` in a file means nothing.
    if (value === null && (had === null || had === undefined)) continue;
    const field = schema?.fields.get(key);
    if (isMap(value) && isMap(had) && field?.mapType !== 'atomic') {
      const inner = patchMap(mapOr(original[key]), value, had, elementSchema(field));
      if (Object.keys(inner).length > 0) patch[key] = inner;
    } else if (Array.isArray(value) && Array.isArray(had) && mergesByKey(field)) {
      const list = patchList(
        listOr(original[key]) as Json[],
        value as Json[],
        had as Json[],
        field.patchKey!,
        elementSchema(field),
      );
      if (list.length > 0) {
        patch[key] = list;
        patch[`$setElementOrder/${key}`] = (value as Json[]).map((item) => ({
          [field.patchKey!]: item[field.patchKey!],
        }));
      }
    } else if (Array.isArray(value) && Array.isArray(had) && mergesAsSet(field))
      patchSet(patch, key, listOr(original[key]), value, had);
    else if (!equalJson(value, had)) patch[key] = value;
  }
  for (const key of Object.keys(original)) if (!(key in modified) && current[key] !== undefined) patch[key] = null;
  return patch;
}

function patchList(
  original: Json[],
  modified: Json[],
  current: Json[],
  key: string,
  schema: TypeSchema | undefined,
): Json[] {
  const find = (list: Json[], item: Json): Json | undefined => list.find((other) => equalJson(other[key], item[key]));
  const changed = modified.flatMap((item) => {
    const had = find(current, item);
    if (had === undefined) return [item];
    const inner = patchMap(find(original, item) ?? {}, item, had, schema);
    return Object.keys(inner).length === 0 ? [] : [{ ...inner, [key]: item[key] }];
  });
  const removed = original
    .filter((item) => find(modified, item) === undefined && find(current, item) !== undefined)
    .map((item) => ({ $patch: 'delete', [key]: item[key] }));
  return [...changed, ...removed];
}

function patchSet(patch: Json, key: string, original: unknown[], modified: unknown[], current: unknown[]): void {
  const added = modified.filter((item) => !current.some((other) => equalJson(item, other)));
  const removed = original.filter(
    (item) => !modified.some((other) => equalJson(item, other)) && current.some((other) => equalJson(item, other)),
  );
  if (added.length > 0) patch[key] = added;
  if (removed.length > 0) patch[`$deleteFromPrimitiveList/${key}`] = removed;
}

function mergesByKey(field: FieldSchema | undefined): field is FieldSchema {
  return field?.patchStrategies.includes('merge') === true && field.patchKey !== undefined;
}

function mergesAsSet(field: FieldSchema | undefined): boolean {
  return field?.patchStrategies.includes('merge') === true && field.patchKey === undefined;
}

function elementSchema(field: FieldSchema | undefined): TypeSchema | undefined {
  return field === undefined || field.shape === 'map' ? undefined : typeSchema(field.type);
}

function isMap(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function mapOr(value: unknown): Json {
  return isMap(value) ? value : {};
}

function listOr(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Go prints maps with sorted keys: the same file gives the same annotation from kubectl and from here. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isMap(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key])]),
  );
}
