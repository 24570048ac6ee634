// Decides which watchers hear of a change, and where a slow one goes on: a watcher whose sink is full is parked and later
// reads on from the history, so that it never delays another. Never encodes or writes anything.
import { seenBy, type CacheEvent, type Matches, type SeenEvent } from './cache-event.ts';
import type { ClusterCache } from './cluster-cache.ts';

export interface WatchScope {
  stream: string;
  /** '' : all */
  namespace: string;
  /** '' : all */
  name: string;
  /** Pods of one node; '' : all. */
  node: string;
}

export interface WatchSink {
  /** Takes the event in any case; false: call `resume` when there is room for more. */
  send(seen: SeenEvent): boolean;
  /** The history that this watcher needs is forgotten; it is no longer registered. */
  expired(lastRevision: number): void;
}

export interface WatchHandle {
  /** Everything up to this revision has been offered. */
  readonly revision: number;
  readonly parked: boolean;
  /** The sink has room again. */
  resume(): void;
  close(): void;
}

/** One that takes little at a time must not have all the rest looked up for it each time. */
const REPLAYED_AT_ONCE = 256;

class Watcher implements WatchHandle {
  readonly scope: WatchScope;
  readonly matches: Matches;
  readonly sink: WatchSink;
  readonly #hub: WatchHub;
  parked = false;
  seen: number;

  constructor(hub: WatchHub, scope: WatchScope, matches: Matches, sink: WatchSink, from: number) {
    this.#hub = hub;
    this.scope = scope;
    this.matches = matches;
    this.sink = sink;
    this.seen = from;
  }

  get revision(): number {
    return this.parked ? this.seen : this.#hub.revision;
  }

  resume(): void {
    this.#hub.replay(this);
  }

  close(): void {
    this.#hub.drop(this);
  }
}

export class WatchHub {
  readonly #cache: ClusterCache;
  readonly #watchers = new Map<string, Set<Watcher>>();
  #size = 0;

  constructor(cache: ClusterCache) {
    this.#cache = cache;
  }

  get size(): number {
    return this.#size;
  }

  get revision(): number {
    return this.#cache.revision;
  }

  /** Watches what comes after `from`; what is already in the history is sent before this returns. */
  watch(scope: WatchScope, matches: Matches, from: number, sink: WatchSink): WatchHandle {
    const watcher = new Watcher(this, scope, matches, sink, from);
    const key = scopeKey(scope);
    const set = this.#watchers.get(key) ?? new Set();
    this.#watchers.set(key, set.add(watcher));
    this.#size++;
    this.replay(watcher);
    return watcher;
  }

  /** O(watchers that may match): they are found by where they look, not by asking each. */
  dispatch(event: CacheEvent): void {
    for (const key of keysOf(event)) {
      for (const watcher of this.#watchers.get(key) ?? []) {
        if (watcher.parked || event.revision <= watcher.seen || !inScope(watcher.scope, event)) continue;
        this.#offer(watcher, event);
      }
    }
  }

  replay(watcher: Watcher): void {
    const resource = this.#cache.resource(watcher.scope.stream);
    for (;;) {
      const events = resource.eventsAfter(watcher.seen, REPLAYED_AT_ONCE);
      if (events === undefined) {
        this.drop(watcher);
        watcher.sink.expired(watcher.seen);
        return;
      }
      watcher.parked = false;
      for (const event of events) {
        if (inScope(watcher.scope, event)) this.#offer(watcher, event);
        else watcher.seen = event.revision;
        if (watcher.parked) return;
      }
      if (events.length < REPLAYED_AT_ONCE) return;
    }
  }

  drop(watcher: Watcher): void {
    const key = scopeKey(watcher.scope);
    const set = this.#watchers.get(key);
    if (set?.delete(watcher) === true) this.#size--;
    if (set?.size === 0) this.#watchers.delete(key);
  }

  #offer(watcher: Watcher, event: CacheEvent): void {
    watcher.seen = event.revision;
    const seen = seenBy(event, watcher.matches);
    if (seen !== undefined && !watcher.sink.send(seen)) watcher.parked = true;
  }
}

function scopeKey(scope: WatchScope): string {
  if (scope.node !== '') return `${scope.stream} node ${scope.node}`;
  if (scope.name !== '') return `${scope.stream} name ${scope.namespace}/${scope.name}`;
  return scope.namespace === '' ? `${scope.stream} all` : `${scope.stream} namespace ${scope.namespace}`;
}

function keysOf(event: CacheEvent): string[] {
  const { namespace, name } = (event.after ?? event.before)!;
  const keys = [`${event.stream} all`, `${event.stream} name ${namespace}/${name}`];
  if (namespace !== '') keys.push(`${event.stream} namespace ${namespace}`, `${event.stream} name /${name}`);
  for (const node of nodesOf(event)) keys.push(`${event.stream} node ${node}`);
  return keys;
}

function inScope(scope: WatchScope, event: CacheEvent): boolean {
  const { namespace, name } = (event.after ?? event.before)!;
  if (scope.namespace !== '' && scope.namespace !== namespace) return false;
  if (scope.name !== '' && scope.name !== name) return false;
  return scope.node === '' || nodesOf(event).includes(scope.node);
}

/** The nodes of the object before and after the change: one that leaves a node concerns it too. */
export function nodesOf(event: CacheEvent): string[] {
  if (event.stream !== 'core/pods') return [];
  const nodes = [event.before?.object.spec?.nodeName, event.after?.object.spec?.nodeName];
  return [...new Set(nodes.filter((node): node is string => typeof node === 'string' && node !== ''))];
}
