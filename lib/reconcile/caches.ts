// Does: holds one cache a resource for all loops of an actor, and shows them as one View. Never lists a resource twice.
import type { ResourceRef } from '../api/resource.ts';
import { ResourceCache, type CacheContext } from '../client/cache.ts';
import type { KubeObject, View } from './controller.ts';

export class Caches implements View {
  readonly #ctx: CacheContext;
  readonly #caches = new Map<string, ResourceCache>();

  constructor(ctx: CacheContext) {
    this.#ctx = ctx;
  }

  /** The resource's cache; started at the first call. */
  of<T extends KubeObject = KubeObject>(ref: ResourceRef): ResourceCache<T> {
    const id = idOf(ref);
    const known = this.#caches.get(id) ?? new ResourceCache(this.#ctx, { ref }).start();
    this.#caches.set(id, known);
    return known as unknown as ResourceCache<T>;
  }

  peek(ref: ResourceRef): ResourceCache | undefined {
    return this.#caches.get(idOf(ref));
  }

  async ready(): Promise<void> {
    await Promise.all([...this.#caches.values()].map((cache) => cache.ready));
  }

  get<T extends KubeObject>(ref: ResourceRef, namespace: string, name: string): T | undefined {
    return this.of<T>(ref).get(namespace, name);
  }

  list<T extends KubeObject>(ref: ResourceRef, namespace?: string): T[] {
    return this.of<T>(ref).list(namespace);
  }

  ownedBy<T extends KubeObject>(ref: ResourceRef, uid: string): T[] {
    return this.of<T>(ref).ownedBy(uid);
  }

  dependentsOf<T extends KubeObject>(ref: ResourceRef, uid: string): T[] {
    return this.of<T>(ref).dependentsOf(uid);
  }

  revision(ref: ResourceRef): number {
    return this.of(ref).revision;
  }

  seenAt(ref: ResourceRef, namespace: string, name: string): number | undefined {
    return this.of(ref).seenAt(namespace, name);
  }

  /** The resource is gone from the API: its cache would ask for it for ever. */
  forget(ref: ResourceRef): void {
    this.#caches.get(idOf(ref))?.stop();
    this.#caches.delete(idOf(ref));
  }

  stop(): void {
    for (const cache of this.#caches.values()) cache.stop();
    this.#caches.clear();
  }
}

function idOf(ref: ResourceRef): string {
  return `${ref.group}/${ref.resource}`;
}
