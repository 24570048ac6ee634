// Decides how an object lies in the store as text, and how that text becomes an answer: the revision of the change is put where it
// belongs, so that what was encoded for the store is not encoded again for the client. Never decides what is stored.
import type { KubeObject } from '../../../../lib/api/object.ts';
import { copyBytes } from '../../../../lib/base/bytes.ts';

export interface StoredText {
  /** JSON without a resourceVersion: the store's revision of the change is that. */
  readonly bytes: Uint8Array;
  /** Where it goes: behind the last byte of what metadata holds. */
  readonly revisionAt: number;
}

/** `apiVersion`, `kind` and `metadata` come first, as people expect them. */
export function storedText(object: KubeObject): StoredText {
  const { apiVersion, kind, metadata } = object;
  const begin = JSON.stringify({ apiVersion, kind, metadata: withoutRevision(metadata) }).slice(0, -1);
  const end = JSON.stringify(restOf(object));
  const text = end === '{}' ? `${begin}}` : `${begin},${end.slice(1)}`;
  // Of memory that is there: a TextEncoder asks for its own each time, and takes three times as long.
  const bytes = Buffer.from(text);
  const isAscii = bytes.length === text.length;
  return { bytes, revisionAt: (isAscii ? begin.length : Buffer.byteLength(begin)) - 1 };
}

/** No copy of a new object's, which has none. */
function withoutRevision(metadata: KubeObject['metadata']): KubeObject['metadata'] {
  if (metadata.resourceVersion === undefined) return metadata;
  const { resourceVersion: _, ...own } = metadata;
  return own as KubeObject['metadata'];
}

/** Field by field: of an object without a type's shape, V8 takes a detour for `...rest`. */
function restOf(object: KubeObject): Record<string, unknown> {
  const rest: Record<string, unknown> = {};
  for (const field in object)
    if (field !== 'apiVersion' && field !== 'kind' && field !== 'metadata') rest[field] = object[field];
  return rest;
}

/** As clients see it at that revision. An object has at least a name, so that something stands before the revision. */
export function textAt({ bytes, revisionAt }: StoredText, revision: number): Uint8Array {
  const told = `,"resourceVersion":"${revision}"`;
  const text = new Uint8Array(bytes.length + told.length);
  copyBytes(bytes, 0, revisionAt, text, 0);
  for (let i = 0; i < told.length; i++) text[revisionAt + i] = told.charCodeAt(i);
  copyBytes(bytes, revisionAt, bytes.length, text, revisionAt + told.length);
  return text;
}
