// Does: shows an ApiModel as a loop sees it: at once, or behind by events that were not delivered yet, each resource by
// its own. Never shows anything that was not so at some revision.
import type { ResourceRef } from '../../lib/api/resource.ts';
import type { KubeObject, View } from '../../lib/reconcile/controller.ts';
import { idOf, type ApiModel, type ModelEvent } from './api-model.ts';

type Handler = (before: KubeObject | undefined, after: KubeObject | undefined, event: ModelEvent) => void;

interface Stream {
  objects: Map<string, KubeObject>;
  seenAt: Map<string, number>;
  pending: ModelEvent[];
  revision: number;
}

export class ModelView implements View {
  readonly #model: ApiModel;
  readonly #streams = new Map<string, Stream>();
  readonly #handlers: Handler[] = [];
  readonly #lags: boolean;

  /** `lags`: events wait until `deliver`. */
  constructor(model: ApiModel, options: { lags?: boolean } = {}) {
    this.#model = model;
    this.#lags = options.lags ?? false;
    model.onEvent((event) => {
      const stream = this.#stream(idOf(event.ref));
      stream.pending.push(event);
      if (!this.#lags) this.deliver(idOf(event.ref));
    });
  }

  onChange(handler: Handler): void {
    this.#handlers.push(handler);
  }

  /** Resources with events on their way. */
  get waiting(): string[] {
    return [...this.#streams].filter(([, stream]) => stream.pending.length > 0).map(([id]) => id);
  }

  /** Delivers the next event of a resource. */
  deliver(id: string): void {
    const stream = this.#stream(id);
    const event = stream.pending.shift();
    if (event === undefined) return;
    const key = `${event.namespace}/${event.name}`;
    const before = stream.objects.get(key);
    const after = event.type === 'DELETED' ? undefined : (event.object as KubeObject);
    if (after === undefined) stream.objects.delete(key);
    else stream.objects.set(key, after);
    stream.seenAt.set(key, this.#model.now());
    stream.revision = event.revision;
    for (const handler of this.#handlers) handler(before, after, event);
  }

  get<T extends KubeObject>(ref: ResourceRef, namespace: string, name: string): T | undefined {
    return this.#stream(idOf(ref)).objects.get(`${namespace}/${name}`) as T | undefined;
  }

  list<T extends KubeObject>(ref: ResourceRef, namespace?: string): T[] {
    const all = [...this.#stream(idOf(ref)).objects.values()] as T[];
    return namespace === undefined ? all : all.filter((object) => (object.metadata.namespace ?? '') === namespace);
  }

  ownedBy<T extends KubeObject>(ref: ResourceRef, uid: string): T[] {
    return this.list<T>(ref).filter((object) =>
      (object.metadata.ownerReferences ?? []).some((owner) => owner.uid === uid && owner.controller === true),
    );
  }

  dependentsOf<T extends KubeObject>(ref: ResourceRef, uid: string): T[] {
    return this.list<T>(ref).filter((object) =>
      (object.metadata.ownerReferences ?? []).some((owner) => owner.uid === uid),
    );
  }

  /** With nothing on its way, a progress message may have told that this is all. */
  revision(ref: ResourceRef): number {
    const stream = this.#stream(idOf(ref));
    return stream.pending.length === 0 ? this.#model.revision : stream.revision;
  }

  seenAt(ref: ResourceRef, namespace: string, name: string): number | undefined {
    const stream = this.#stream(idOf(ref));
    const key = `${namespace}/${name}`;
    return stream.objects.has(key) ? stream.seenAt.get(key) : undefined;
  }

  #stream(id: string): Stream {
    const stream = this.#streams.get(id) ?? { objects: new Map(), seenAt: new Map(), pending: [], revision: 0 };
    this.#streams.set(id, stream);
    return stream;
  }
}
