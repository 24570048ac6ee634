// Decides what the API knows of the whole cluster: the state of every resource at one revision, moved forward by the
// store's committed transactions in order. Never skips a revision: a gap is refused, and its reader must fetch it.
import { invariant } from '../../../../lib/base/errors.ts';
import { LIMITS } from '../../../../lib/base/limits.ts';
import type { CommittedTxn, KeyValue } from '../../../../lib/bus/messages.ts';
import { localKey, parseKey, type ObjectKey } from '../storage-key.ts';
import type { AppliedChange } from './cache-event.ts';
import { decodeStored, type CachedObject } from './cached-object.ts';
import { ResourceCache } from './resource-cache.ts';
import { SharedParts } from './shared-parts.ts';

export class ClusterCache {
  readonly #resources = new Map<string, ResourceCache>();
  #revision: number;
  /** What was known when this cache began. */
  readonly #begin: number;
  #eventCount = 0;
  readonly #shared = new SharedParts();
  readonly #capacity: number;
  #oldestState = 0;

  /** The whole state at `revision`; changes after it arrive by `apply`. */
  constructor(items: Iterable<KeyValue>, revision: number, capacity: number = LIMITS.watchHistoryEvents) {
    this.#revision = revision;
    this.#begin = revision;
    this.#capacity = capacity;
    for (const item of items) {
      const at = parseKey(item.key);
      if (at === undefined) continue;
      const place = { key: localKey(at.namespace, at.name), namespace: at.namespace, name: at.name };
      this.resource(at.stream).load(
        decodeStored(place, item.value, item.modRevision, item.createRevision, this.#shared),
      );
    }
  }

  /** Everything up to this revision is in here. */
  get revision(): number {
    return this.#revision;
  }

  /** Lists are not given states of before this revision, even where they are known. */
  get oldestState(): number {
    return this.#oldestState;
  }

  /** Nobody is given a state of before `revision` any more. */
  forgetStates(revision: number): void {
    this.#oldestState = Math.max(this.#oldestState, revision);
    for (const resource of this.#resources.values()) resource.forgetStates(this.#oldestState);
  }

  get streams(): IterableIterator<ResourceCache> {
    return this.#resources.values();
  }

  resource(stream: string): ResourceCache {
    let found = this.#resources.get(stream);
    if (found === undefined) {
      found = new ResourceCache(stream, this.#begin);
      this.#resources.set(stream, found);
    }
    return found;
  }

  get(at: ObjectKey): CachedObject | undefined {
    return this.#resources.get(at.stream)?.get(localKey(at.namespace, at.name));
  }

  /** Objects of one resource, all or of one namespace, in order. */
  *list(stream: string, namespace = ''): Generator<CachedObject> {
    const prefix = namespace === '' ? '' : `${namespace}/`;
    for (const [, object] of this.resource(stream).objects.range(prefix)) yield object;
  }

  /** Applies what follows the present revision; older transactions are passed over, so that a repeat is harmless. */
  apply(txns: readonly CommittedTxn[]): AppliedChange[] {
    const applied: AppliedChange[] = [];
    for (const txn of txns) {
      if (txn.revision <= this.#revision) continue;
      this.#applyOne(txn, applied);
      this.#revision = txn.revision;
    }
    this.#eventCount += applied.length;
    this.#forgetOld();
    return applied;
  }

  /** The store says that nothing happened up to `revision`. */
  advance(revision: number): void {
    if (revision > this.#revision) this.#revision = revision;
  }

  #applyOne(txn: CommittedTxn, applied: AppliedChange[]): void {
    for (const change of txn.changes) {
      const at = parseKey(change.key);
      if (at === undefined) continue;
      const key = localKey(at.namespace, at.name);
      const resource = this.resource(at.stream);
      const place = { key, namespace: at.namespace, name: at.name };
      const event =
        change.type === 'put'
          ? resource.put(
              decodeStored(place, change.value, txn.revision, change.createRevision, this.#shared),
              txn.cause,
            )
          : resource.remove(key, txn.revision, txn.cause);
      if (event !== undefined) applied.push({ event, stored: change.value });
    }
  }

  /** The busiest resource forgets first, so that a quiet one can be resumed after hours. */
  #forgetOld(): void {
    while (this.#eventCount > this.#capacity) {
      let busiest: ResourceCache | undefined;
      for (const resource of this.#resources.values())
        if (busiest === undefined || resource.eventCount > busiest.eventCount) busiest = resource;
      invariant(busiest !== undefined && busiest.eventCount > 0, 'events are counted that no resource holds');
      const count = Math.min(busiest.eventCount, Math.ceil(this.#capacity / 10));
      busiest.forget(count);
      this.#eventCount -= count;
    }
  }
}
