// Decides the patch of `apply`: what the file adds and changes against the live object, and what it no longer says
// against what was last applied (Kubernetes' three-way strategic merge). Never sends it.
import { LAST_APPLIED } from '../../lib/api/managed-fields/last-applied.ts';
import { isRecord } from '../../lib/base/records.ts';
import types from '../../lib/api/generated/kubernetes-types.json' with { type: 'json' };
import { threeWayJsonMerge } from '../../lib/api/json-merge.ts';
import { threeWayMergePatch } from '../../lib/api/strategic-diff.ts';

type Json = Record<string, unknown>;

/** The type of a built-in kind, whose lists merge by key; others merge as plain JSON. */
export function typeOfKind(group: string, version: string, kind: string): string | undefined {
  return (types.kinds as Array<{ group: string; version: string; kind: string; type: string }>).find(
    (each) => each.group === group && each.version === version && each.kind === kind,
  )?.type;
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

/** Empty when there is nothing to do. `type` undefined: a JSON merge patch. */
export function threeWayPatch(
  original: Json | undefined,
  modified: Json,
  current: Json,
  type: string | undefined,
): Json {
  const patch =
    type === undefined
      ? threeWayJsonMerge(original ?? {}, current, modified)
      : threeWayMergePatch(type, original ?? {}, current, modified);
  return (patch ?? {}) as Json;
}

/** Go prints maps with sorted keys: the same file gives the same annotation from kubectl and from here. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key])]),
  );
}
