// Decides what the API knows of one resource: its objects in order, indexes over them, and the recent events. Never asks
// the store, and never says whether what it knows is fresh.
import type { Cause } from '../../../../lib/bus/messages.ts';
import type { CacheEvent } from './cache-event.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { atRevision, type CachedObject } from './cached-object.ts';
import { OrderedMap } from './ordered-map.ts';

/** Which index entries an object has: `node=n1`, `owner=<uid>`, `label=app=web` (and `labelled=app`). */
function indexTerms(object: KubeObject): string[] {
  const terms: string[] = [];
  const { labels } = object.metadata;
  for (const key in labels) terms.push(`label=${key}=${labels[key]}`, `labelled=${key}`);
  for (const owner of object.metadata.ownerReferences ?? []) terms.push(`owner=${owner.uid}`);
  const node = object.kind === 'Pod' ? object.spec?.nodeName : undefined;
  if (typeof node === 'string' && node !== '') terms.push(`node=${node}`);
  return terms;
}

const REMEMBERED_SNAPSHOTS = 32;

export class ResourceCache {
  readonly stream: string;
  #objects = OrderedMap.empty<CachedObject>();
  readonly #index = new Map<string, Set<string>>();
  #events: CacheEvent[] = [];
  /** Every event after this revision is in #events. */
  #floor: number;
  #last: number;
  /** States that a reader is in the middle of, by revision. */
  readonly #snapshots = new Map<number, OrderedMap<CachedObject>>();

  /** `floor`: nothing is known of changes up to this revision. */
  constructor(stream: string, floor: number) {
    this.stream = stream;
    this.#floor = floor;
    this.#last = floor;
  }

  get objects(): OrderedMap<CachedObject> {
    return this.#objects;
  }

  /** Revision of the last event of this stream, or the revision that was loaded. */
  get lastRevision(): number {
    return this.#last;
  }

  get eventCount(): number {
    return this.#events.length;
  }

  get floor(): number {
    return this.#floor;
  }

  get(key: string): CachedObject | undefined {
    return this.#objects.get(key);
  }

  /** Loaded state: no event. */
  load(object: CachedObject): void {
    this.#replace(this.#objects.get(object.key), object);
  }

  put(object: CachedObject, cause: Cause): CacheEvent {
    const before = this.#objects.get(object.key);
    this.#replace(before, object);
    return this.#remember(object.revision, before, object, cause);
  }

  /** Undefined when there was no such object. */
  remove(key: string, revision: number, cause: Cause): CacheEvent | undefined {
    const before = this.#objects.get(key);
    if (before === undefined) return undefined;
    this.#unindex(before);
    this.#objects = this.#objects.delete(key);
    return this.#remember(revision, before, undefined, cause);
  }

  /** Objects with all of these terms (see indexTerms), smallest index first. O(smallest index). */
  indexed(terms: readonly string[]): CachedObject[] {
    const sets = terms.map((term) => this.#index.get(term));
    if (sets.length === 0 || sets.some((set) => set === undefined)) return [];
    const [smallest, ...others] = (sets as Array<Set<string>>).toSorted((a, b) => a.size - b.size);
    const keys = [...smallest!].filter((key) => others.every((set) => set.has(key))).toSorted();
    return keys.map((key) => this.#objects.get(key)!);
  }

  /** How many objects have any of these terms: what it costs to look at them. */
  indexedCount(terms: readonly string[]): number {
    return terms.reduce((sum, term) => sum + (this.#index.get(term)?.size ?? 0), 0);
  }

  /** Objects with any of these terms, in order. An object has at most one of the values of a label. */
  indexedAny(terms: readonly string[]): CachedObject[] {
    const keys = new Set<string>();
    for (const term of terms) for (const key of this.#index.get(term) ?? []) keys.add(key);
    return [...keys].toSorted().map((key) => this.#objects.get(key)!);
  }

  /** Events after `revision`, at most `limit`, or undefined when some of them are forgotten. */
  eventsAfter(revision: number, limit = Infinity): readonly CacheEvent[] | undefined {
    if (revision < this.#floor) return undefined;
    const from = this.#indexAfter(revision);
    return this.#events.slice(from, from + limit);
  }

  /** The objects as they were at `revision`, or undefined when that is forgotten. O(events since) unless remembered. */
  at(revision: number): OrderedMap<CachedObject> | undefined {
    if (revision >= this.#last) return this.#objects;
    const remembered = this.#snapshots.get(revision);
    if (remembered !== undefined || revision < this.#floor) return remembered;
    let objects = this.#objects;
    for (const event of this.#events.slice(this.#indexAfter(revision)).toReversed()) {
      const { key } = (event.after ?? event.before)!;
      objects = event.before === undefined ? objects.delete(key) : objects.set(key, event.before);
    }
    this.remember(revision, objects);
    return objects;
  }

  /** A reader will come back for this state (the next page of a list). Costs a pointer. */
  remember(revision: number, objects: OrderedMap<CachedObject>): void {
    this.#snapshots.delete(revision);
    this.#snapshots.set(revision, objects);
    if (this.#snapshots.size > REMEMBERED_SNAPSHOTS) this.#snapshots.delete(this.#snapshots.keys().next().value!);
  }

  /** Nobody may come back any more for states of before `revision`. */
  forgetStates(revision: number): void {
    for (const known of this.#snapshots.keys()) if (known < revision) this.#snapshots.delete(known);
  }

  /** Forgets the oldest `count` events. */
  forget(count: number): void {
    const forgotten = this.#events[Math.min(count, this.#events.length) - 1];
    if (forgotten === undefined) return;
    this.#floor = forgotten.revision;
    this.#events = this.#events.slice(count);
  }

  #remember(
    revision: number,
    before: CachedObject | undefined,
    after: CachedObject | undefined,
    cause: Cause,
  ): CacheEvent {
    const gone = after === undefined && before !== undefined ? atRevision(before, revision) : undefined;
    const event: CacheEvent = { stream: this.stream, revision, previous: this.#last, before, after, gone, cause };
    this.#events.push(event);
    this.#last = revision;
    return event;
  }

  #indexAfter(revision: number): number {
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#events[middle]!.revision <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #replace(before: CachedObject | undefined, after: CachedObject): void {
    const terms = indexTerms(after.object);
    const had = before === undefined ? [] : indexTerms(before.object);
    this.#objects = this.#objects.set(after.key, after);
    // Most writes leave labels, owners and node as they are.
    if (terms.length === had.length && terms.every((term, i) => term === had[i])) return;
    if (before !== undefined) this.#unindex(before);
    for (const term of terms) {
      const keys = this.#index.get(term);
      if (keys === undefined) this.#index.set(term, new Set([after.key]));
      else keys.add(after.key);
    }
  }

  #unindex(object: CachedObject): void {
    for (const term of indexTerms(object.object)) {
      const keys = this.#index.get(term);
      keys?.delete(object.key);
      if (keys?.size === 0) this.#index.delete(term);
    }
  }
}
