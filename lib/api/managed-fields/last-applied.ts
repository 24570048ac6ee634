// Decides what kubectl's annotation of client-side apply means for server-side apply: which conflicts are kubectl's with
// itself, and what the annotation reads after an apply. Never decides about other managers than kubectl.
import { isRecord } from '../../base/records.ts';
import type { TypeName } from '../custom/custom-type.ts';
import { TypeMismatchError, canonical } from '../canonical.ts';
import type { KubeObject } from '../object.ts';
import { compare } from './compare.ts';
import { difference, type Fields } from './fields.ts';
import { fieldsOfValue } from './fields-of.ts';
import { mergeRuleOf } from './merge-rule.ts';

export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
/** The one manager that the annotation speaks for. */
export const KUBECTL = 'kubectl';
const ANNOTATIONS_BYTES = 256 * 1024;

/** The fields that client-side apply set and nobody changed since; undefined without a readable annotation. */
export function lastAppliedFields(typeName: TypeName, apiVersion: string, live: KubeObject): Fields | undefined {
  const text = live.metadata.annotations?.[LAST_APPLIED] ?? '';
  const applied = text === '' ? undefined : parsed(typeName, text);
  if (applied === undefined || applied.given['apiVersion'] !== apiVersion) return undefined;
  const rule = mergeRuleOf(typeName);
  const { changed, removed } = compare(rule, applied.whole, live);
  return difference(difference(fieldsOfValue(rule, applied.given), changed), removed);
}

/** Anyone may write an annotation: what does not read explains nothing. */
function parsed(typeName: TypeName, text: string): { given: Record<string, unknown>; whole: unknown } | undefined {
  try {
    const given: unknown = JSON.parse(text);
    return isRecord(given) ? { given, whole: canonical(typeName, given).value } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeMismatchError) return undefined;
    throw error;
  }
}

/** The annotation stays true for who goes back to client-side apply. `object` is changed. */
export function refreshLastApplied(object: KubeObject, applied: Record<string, unknown>): void {
  const { annotations } = object.metadata;
  if (annotations === undefined || (annotations[LAST_APPLIED] ?? '') === '') return;
  const text = `${JSON.stringify(withSortedKeys(withoutAnnotation(applied)))}\n`;
  const size = new TextEncoder().encode(JSON.stringify({ ...annotations, [LAST_APPLIED]: text })).length;
  if (size > ANNOTATIONS_BYTES) delete annotations[LAST_APPLIED];
  else annotations[LAST_APPLIED] = text;
}

function withoutAnnotation(applied: Record<string, unknown>): Record<string, unknown> {
  const metadata = applied['metadata'];
  const annotations = isRecord(metadata) ? metadata['annotations'] : undefined;
  if (!isRecord(metadata) || !isRecord(annotations)) return applied;
  const { [LAST_APPLIED]: _, ...others } = annotations;
  return { ...applied, metadata: { ...metadata, annotations: others } };
}

/** Keys in order, as Go writes maps. */
export function withSortedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withSortedKeys);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .toSorted()
      .map((key) => [key, withSortedKeys(value[key])]),
  );
}
