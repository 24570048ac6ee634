// Decides how the object of a ResourceEvent becomes bytes and an object again: the API actor passes on what the store gave it,
// and only who needs the object reads it. Never decides what an event says of it.
import type { ResourceEvent } from './messages.ts';

interface Versioned {
  metadata: { resourceVersion?: string | undefined };
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** For whoever has no bytes at hand. */
export function packObject(object: object): Uint8Array {
  return encoder.encode(JSON.stringify(object));
}

/** A new object for each call, of the event's revision. Throws SyntaxError on bytes that are not JSON. */
export function unpackObject<T extends Versioned = Versioned>({ json, revision }: ResourceEvent): T {
  const object = JSON.parse(decoder.decode(json)) as T;
  object.metadata.resourceVersion = String(revision);
  return object;
}
