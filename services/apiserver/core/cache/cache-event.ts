// Decides how one change looks to one watcher: an object that enters a selector is ADDED, one that leaves it DELETED.
// Never delivers anything.
import type { Cause } from '../../../../lib/bus/messages.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { atRevision, type CachedObject } from './cached-object.ts';

export interface CacheEvent {
  /** `apps/deployments` */
  readonly stream: string;
  readonly revision: number;
  /** Revision of the event before this one in the same stream. */
  readonly previous: number;
  readonly before: CachedObject | undefined;
  /** Undefined: deleted. */
  readonly after: CachedObject | undefined;
  /** Of a delete: the last state, with the delete's revision. */
  readonly gone: CachedObject | undefined;
  readonly cause: Cause;
}

/** What came of one change in the store. */
export interface AppliedChange {
  readonly event: CacheEvent;
  /** The object's bytes as they came: for those who pass them on now. An event lives long and is kept without them. */
  readonly stored: Uint8Array;
}

export type EventType = 'ADDED' | 'MODIFIED' | 'DELETED';
export type Matches = (object: KubeObject) => boolean;

export interface SeenEvent {
  type: EventType;
  object: CachedObject;
}

/** What a watcher with this selector sees of a change; undefined: nothing. */
export function seenBy(event: CacheEvent, matches: Matches): SeenEvent | undefined {
  const { before, after } = event;
  const was = before !== undefined && matches(before.object);
  if (after === undefined) return was ? { type: 'DELETED', object: event.gone! } : undefined;
  const is = matches(after.object);
  if (is) return { type: was ? 'MODIFIED' : 'ADDED', object: after };
  return was ? { type: 'DELETED', object: leftBy(event, before) } : undefined;
}

/** One for all watchers that it leaves, or each would have it encoded anew. */
const LEFT = new WeakMap<CacheEvent, CachedObject>();

function leftBy(event: CacheEvent, before: CachedObject): CachedObject {
  let left = LEFT.get(event);
  if (left === undefined) LEFT.set(event, (left = atRevision(before, event.revision)));
  return left;
}
