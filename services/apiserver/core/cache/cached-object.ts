// Decides what is kept of one version of one object. Never changes one: a new version is a new CachedObject.
import type { KubeObject } from '../../../../lib/api/object.ts';
import type { Representations } from './representations.ts';
import type { SharedParts } from './shared-parts.ts';
import { storedText } from './stored-text.ts';

export interface CachedObject {
  /** `namespace/name` */
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  /** Revision of this version; also in metadata.resourceVersion. */
  readonly revision: number;
  readonly createRevision: number;
  /** Shared by everyone: nobody may change it. */
  readonly object: KubeObject;
  /** Bytes by representation, written by whoever needs one first and shared by all who follow. */
  encoded: Representations | undefined;
}

export interface Place {
  key: string;
  namespace: string;
  name: string;
}

const decoder = new TextDecoder();

/** The stored bytes are JSON without a resourceVersion: the store's revision of the change is that. */
export function decodeStored(
  at: Place,
  value: Uint8Array,
  revision: number,
  createRevision: number,
  shared?: SharedParts,
): CachedObject {
  const object = JSON.parse(decoder.decode(value)) as KubeObject;
  shared?.share(object);
  // It is nobody else's yet: no copy is needed to put it in.
  object.metadata.resourceVersion = String(revision);
  const { key, namespace, name } = at;
  return { key, namespace, name, revision, createRevision, object, encoded: undefined };
}

export function cachedObject(at: Place, object: KubeObject, revision: number, createRevision: number): CachedObject {
  const { key, namespace, name } = at;
  return { key, namespace, name, revision, createRevision, object: withRevision(object, revision), encoded: undefined };
}

/** The same object as of another revision: a delete carries the last state with the delete's revision. */
export function atRevision(object: CachedObject, revision: number): CachedObject {
  return { ...object, revision, object: withRevision(object.object, revision), encoded: undefined };
}

export function withRevision(object: KubeObject, revision: number): KubeObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}

/** What goes to the store. */
export const encodeStored = (object: KubeObject): Uint8Array => storedText(object).bytes;
