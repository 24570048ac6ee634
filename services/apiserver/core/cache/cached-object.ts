// Decides what is kept of one version of one object. Never changes one: a new version is a new CachedObject.
import type { KubeObject } from '../../../../lib/api/object.ts';

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
  readonly encoded: Map<string, Uint8Array>;
}

export interface Place {
  key: string;
  namespace: string;
  name: string;
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** The stored bytes are JSON without a resourceVersion: the store's revision of the change is that. */
export function decodeStored(at: Place, value: Uint8Array, revision: number, createRevision: number): CachedObject {
  return cachedObject(at, JSON.parse(decoder.decode(value)) as KubeObject, revision, createRevision);
}

export function cachedObject(at: Place, object: KubeObject, revision: number, createRevision: number): CachedObject {
  const { key, namespace, name } = at;
  return { key, namespace, name, revision, createRevision, object: withRevision(object, revision), encoded: new Map() };
}

/** The same object as of another revision: a delete carries the last state with the delete's revision. */
export function atRevision(object: CachedObject, revision: number): CachedObject {
  return { ...object, revision, object: withRevision(object.object, revision), encoded: new Map() };
}

export function withRevision(object: KubeObject, revision: number): KubeObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}

/** What goes to the store. */
export function encodeStored(object: KubeObject): Uint8Array {
  const { resourceVersion: _, ...metadata } = object.metadata;
  return encoder.encode(JSON.stringify({ ...object, metadata }));
}
