// Decides which watchers hear of a change, and where a slow one goes on: a watcher whose sink is full is parked and later
// reads on from the history, so that it never delays another. Never encodes or writes anything.
import { seenBy, type CacheEvent, type Matches, type SeenEvent } from './cache-event.ts';
import type { ClusterCache } from './cluster-cache.ts';
import { localKey } from '../storage-key.ts';

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

type Table = Map<string, Set<Watcher>>;

/** Who watches what of one resource: an event finds them by the texts that its object has anyway. */
interface Watched {
  /** Under ''. */
  all: Table;
  namespaces: Table;
  /** By key: of one namespace. */
  objects: Table;
  /** Of cluster scope, or of any namespace. */
  names: Table;
  nodes: Table;
}

export class WatchHub {
  readonly #cache: ClusterCache;
  readonly #streams = new Map<string, Watched>();
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
    const [table, key] = placeOf(this.#watched(scope.stream), scope);
    const set = table.get(key) ?? new Set();
    table.set(key, set.add(watcher));
    this.#size++;
    this.replay(watcher);
    return watcher;
  }

  /** O(watchers that may match): they are found by where they look, not by asking each. */
  dispatch(event: CacheEvent): void {
    const watched = this.#streams.get(event.stream);
    if (watched === undefined) return;
    const { key, namespace, name } = (event.after ?? event.before)!;
    this.#offerAll(watched.all.get(''), event);
    this.#offerAll(watched.names.get(name), event);
    if (namespace !== '') {
      this.#offerAll(watched.namespaces.get(namespace), event);
      this.#offerAll(watched.objects.get(key), event);
    }
    for (const node of nodesOf(event)) this.#offerAll(watched.nodes.get(node), event);
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
    const [table, key] = placeOf(this.#watched(watcher.scope.stream), watcher.scope);
    const set = table.get(key);
    if (set?.delete(watcher) === true) this.#size--;
    if (set?.size === 0) table.delete(key);
  }

  #watched(stream: string): Watched {
    let watched = this.#streams.get(stream);
    if (watched === undefined) {
      watched = { all: new Map(), namespaces: new Map(), objects: new Map(), names: new Map(), nodes: new Map() };
      this.#streams.set(stream, watched);
    }
    return watched;
  }

  #offerAll(watchers: Iterable<Watcher> | undefined, event: CacheEvent): void {
    if (watchers === undefined) return;
    for (const watcher of watchers) {
      if (watcher.parked || event.revision <= watcher.seen || !inScope(watcher.scope, event)) continue;
      this.#offer(watcher, event);
    }
  }

  #offer(watcher: Watcher, event: CacheEvent): void {
    watcher.seen = event.revision;
    const seen = seenBy(event, watcher.matches);
    if (seen !== undefined && !watcher.sink.send(seen)) watcher.parked = true;
  }
}

function placeOf(watched: Watched, { namespace, name, node }: WatchScope): [Table, string] {
  if (node !== '') return [watched.nodes, node];
  if (name === '') return namespace === '' ? [watched.all, ''] : [watched.namespaces, namespace];
  return namespace === '' ? [watched.names, name] : [watched.objects, localKey(namespace, name)];
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
