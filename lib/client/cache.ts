// Does: keeps a copy of one resource up to date from list and watch events over the bus. Never trusts that an event
// arrived: each carries the revision before it, progress tells the last, and a gap means listing again.
import type { ResourceRef } from '../api/resource.ts';
import { isReason, messageOf } from '../base/errors.ts';
import type { Clock, Timer } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Bus, Subscription } from '../bus/bus.ts';
import { unpackObject } from '../bus/event-object.ts';
import type { Cause, Progress, ResourceEvent, WokenBy } from '../bus/messages.ts';
import { groupToken, patternOf, subjectOf } from '../bus/subjects.ts';
import type { KubeObject } from '../reconcile/controller.ts';
import type { Client } from './client.ts';

export interface Change<T extends KubeObject = KubeObject> {
  before: T | undefined;
  after: T | undefined;
  revision: number;
  /** Absent when the change was found by listing. */
  cause: Cause | undefined;
}

export interface CacheContext {
  cluster: string;
  bus: Bus;
  clock: Clock;
  log: Log;
  client: Client;
}

export interface CacheOptions {
  ref: ResourceRef;
  /** Only the pods bound to this node, from the node's own subject. */
  node?: string;
  namespace?: string;
}

/** Of pods of the usual size a page is a third of what the bus carries. */
const PAGE_OBJECTS = 500;
const CAUSE_REVISIONS = 3;
const RELIST_PAUSE_MS = [50, 100, 300, 1000, 3000, 5000];

/** Start with `start()`; `ready` resolves after the first complete list. Objects must not be changed. */
export class ResourceCache<T extends KubeObject = KubeObject> {
  readonly ref: ResourceRef;
  readonly #ctx: CacheContext;
  readonly #options: CacheOptions;
  readonly #objects = new Map<string, T>();
  readonly #byOwner = new Map<string, Set<string>>();
  readonly #seenAt = new Map<string, number>();
  readonly #causes = new Map<string, Cause>();
  readonly #handlers = new Set<(change: Change<T>) => void>();
  readonly #subscriptions: Subscription[] = [];
  readonly #firstList = Promise.withResolvers<void>();
  #waiters: Array<{ revision: number; resolve: () => void }> = [];
  #buffer: ResourceEvent[] | undefined = [];
  #revision = 0;
  #attempt = 0;
  #listing = false;
  #again = false;
  #synced = false;
  #stopped = false;
  #timer: Timer | undefined;

  constructor(ctx: CacheContext, options: CacheOptions) {
    this.#ctx = ctx;
    this.#options = options;
    this.ref = options.ref;
  }

  /** Resolves after the first complete list. */
  get ready(): Promise<void> {
    return this.#firstList.promise;
  }

  /** false while a gap is being repaired. */
  get synced(): boolean {
    return this.#synced;
  }

  /** Everything up to this store revision (of this resource) is in here. */
  get revision(): number {
    return this.#revision;
  }

  get size(): number {
    return this.#objects.size;
  }

  start(): this {
    const { cluster, bus } = this.#ctx;
    const { ref, node } = this.#options;
    const subject =
      node === undefined
        ? patternOf(cluster, 'watch', { group: groupToken(ref.group), resource: ref.resource })
        : subjectOf(cluster, 'nodePods', { node });
    this.#subscriptions.push(
      bus.subscribe(subject, (message) => this.#receive(message.data as ResourceEvent)),
      bus.subscribe(subjectOf(cluster, 'progress', {}), (message) => this.#checkProgress(message.data as Progress)),
      bus.onStatus((status) => {
        if (status === 'connected') this.#relist('the bus was gone');
      }),
    );
    this.#relist('start');
    return this;
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    for (const subscription of this.#subscriptions.splice(0)) subscription.unsubscribe();
    this.#releaseWaiters(Number.POSITIVE_INFINITY);
  }

  get(namespace: string, name: string): T | undefined {
    return this.#objects.get(`${namespace}/${name}`);
  }

  list(namespace?: string): T[] {
    const all = [...this.#objects.values()];
    return namespace === undefined ? all : all.filter((object) => (object.metadata.namespace ?? '') === namespace);
  }

  /** Those whose controller owner has this uid. O(result). */
  ownedBy(uid: string): T[] {
    return this.dependentsOf(uid).filter((object) => controllerUid(object) === uid);
  }

  /** Those with any owner reference to this uid. O(result). */
  dependentsOf(uid: string): T[] {
    return [...(this.#byOwner.get(uid) ?? [])].map((key) => this.#objects.get(key)!);
  }

  /** When this version of the object arrived, in ms by our own clock. */
  seenAt(namespace: string, name: string): number | undefined {
    return this.#seenAt.get(`${namespace}/${name}`);
  }

  /** Who wrote this version of the object, for the trace; empty where it was found by listing. */
  wokenBy(namespace: string, name: string): WokenBy[] {
    const key = `${namespace}/${name}`;
    const [object, cause] = [this.#objects.get(key), this.#causes.get(key)];
    if (object === undefined || cause === undefined) return [];
    return [wokenByOf(this.ref.kind, object.metadata, Number(object.metadata.resourceVersion), cause)];
  }

  onChange(handler: (change: Change<T>) => void): Subscription {
    this.#handlers.add(handler);
    return { unsubscribe: () => void this.#handlers.delete(handler) };
  }

  /** Resolves when the cache holds the write of this revision, or at the latest after `timeoutMs`. */
  waitFor(revision: number, timeoutMs: number): Promise<void> {
    if (this.#revision >= revision) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#ctx.clock.timer(timeoutMs, resolve);
      this.#waiters.push({
        revision,
        resolve: () => {
          timer.cancel();
          resolve();
        },
      });
    });
  }

  #receive(event: ResourceEvent): void {
    if (this.#options.namespace !== undefined && event.namespace !== this.#options.namespace) return this.#skip(event);
    if (this.#buffer !== undefined) {
      this.#buffer.push(event);
      return;
    }
    if (event.revision <= this.#revision) return;
    if (event.previous > this.#revision)
      return this.#relist(`missed events between ${this.#revision} and ${event.previous}`);
    this.#apply(event);
  }

  /** An event of another namespace still moves the stream on. */
  #skip(event: ResourceEvent): void {
    if (this.#buffer === undefined && event.previous <= this.#revision) this.#advance(event.revision);
  }

  #apply(event: ResourceEvent): void {
    const after = event.type === 'DELETED' ? undefined : unpackObject<T>(event);
    this.#put(`${event.namespace}/${event.name}`, after, event.revision, event.cause);
    this.#advance(event.revision);
  }

  #put(key: string, after: T | undefined, revision: number, cause: Cause | undefined): void {
    const before = this.#objects.get(key);
    if (before === undefined && after === undefined) return;
    if (before !== undefined) this.#unindex(key, before);
    if (after === undefined) {
      this.#objects.delete(key);
      this.#seenAt.delete(key);
      this.#causes.delete(key);
    } else {
      if (cause === undefined) this.#causes.delete(key);
      else this.#causes.set(key, cause);
      this.#seenAt.set(key, this.#ctx.clock.now());
      this.#objects.set(key, after);
      this.#index(key, after);
    }
    for (const handler of this.#handlers) handler({ before, after, revision, cause });
  }

  #index(key: string, object: T): void {
    for (const { uid } of object.metadata.ownerReferences ?? []) {
      const keys = this.#byOwner.get(uid) ?? new Set();
      this.#byOwner.set(uid, keys.add(key));
    }
  }

  #unindex(key: string, object: T): void {
    for (const { uid } of object.metadata.ownerReferences ?? []) {
      const keys = this.#byOwner.get(uid);
      keys?.delete(key);
      if (keys?.size === 0) this.#byOwner.delete(uid);
    }
  }

  #advance(revision: number): void {
    if (revision <= this.#revision) return;
    this.#revision = revision;
    this.#releaseWaiters(revision);
  }

  #releaseWaiters(revision: number): void {
    const due = this.#waiters.filter((waiter) => waiter.revision <= revision);
    if (due.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => waiter.revision > revision);
    for (const waiter of due) waiter.resolve();
  }

  #checkProgress(progress: Progress): void {
    if (this.#buffer !== undefined) return;
    const { ref, node } = this.#options;
    const last = progress.streams[node === undefined ? `${ref.group}/${ref.resource}` : `node/${node}`] ?? 0;
    if (last > this.#revision) this.#relist(`missed the event of ${last}`);
    else this.#advance(progress.revision);
  }

  #relist(why: string): void {
    if (this.#listing) {
      this.#again = true;
      return;
    }
    this.#listing = true;
    this.#synced = false;
    this.#buffer ??= [];
    this.#ctx.log.debug({ resource: this.ref.resource, why }, 'listing');
    void this.#list();
  }

  async #list(): Promise<void> {
    this.#again = false;
    try {
      const { items, revision } = await this.#allPages();
      if (this.#stopped) return;
      this.#attempt = 0;
      this.#listing = false;
      this.#replace(items, revision);
    } catch (error) {
      if (this.#stopped) return;
      const pause = RELIST_PAUSE_MS[Math.min(this.#attempt++, RELIST_PAUSE_MS.length - 1)]!;
      this.#ctx.log.debug({ resource: this.ref.resource, error: messageOf(error), againInMs: pause }, 'list failed');
      this.#timer = this.#ctx.clock.timer(pause, () => void this.#list());
    }
  }

  /** Pages of one list are of one revision; a page that the bus cannot carry is asked for again, smaller. */
  async #allPages(): Promise<{ items: T[]; revision: number }> {
    const { ref, node, namespace } = this.#options;
    const items: T[] = [];
    let limit = PAGE_OBJECTS;
    let token = '';
    for (;;) {
      try {
        const page = await this.#ctx.client.list<T>(ref, {
          limit,
          ...(token === '' ? {} : { continue: token }),
          ...(namespace === undefined ? {} : { namespace }),
          ...(node === undefined ? {} : { fieldSelector: `spec.nodeName=${node}` }),
        });
        items.push(...page.items);
        token = page.metadata.continue ?? '';
        if (token === '') return { items, revision: Number(page.metadata.resourceVersion) };
      } catch (error) {
        if (limit === 1 || !isReason(error, 'RequestEntityTooLarge')) throw error;
        limit = Math.ceil(limit / 2);
      }
    }
  }

  #replace(items: T[], revision: number): void {
    const seen = new Set<string>();
    for (const object of items) {
      const key = `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
      seen.add(key);
      const before = this.#objects.get(key);
      if (
        before?.metadata.resourceVersion !== object.metadata.resourceVersion ||
        before?.metadata.uid !== object.metadata.uid
      )
        this.#put(key, object, Number(object.metadata.resourceVersion), undefined);
    }
    for (const key of this.#objects.keys()) if (!seen.has(key)) this.#put(key, undefined, revision, undefined);
    this.#advance(revision);
    const buffered = this.#buffer ?? [];
    this.#buffer = undefined;
    this.#synced = true;
    this.#firstList.resolve();
    for (const event of buffered) this.#receive(event);
    if (this.#again) this.#relist('asked for again while listing');
  }
}

/** Of a cause's own revisions the newest is enough to go on from a writer that nobody heard of. */
export function wokenByOf(
  kind: string,
  { namespace = '', name }: KubeObject['metadata'],
  revision: number,
  cause: Cause,
): WokenBy {
  const { span, actor, revisions = [] } = cause;
  return { revision, kind, namespace, name, span, actor, revisions: revisions.slice(-CAUSE_REVISIONS) };
}

function controllerUid(object: KubeObject): string | undefined {
  return object.metadata.ownerReferences?.find((owner) => owner.controller === true)?.uid;
}
