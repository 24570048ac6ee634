// Decides which services have to be looked at again after a change of a Service or an EndpointSlice. Never computes
// anything from them.
import type { EndpointSlice, Service } from '../../../lib/api/generated/types.ts';
import { sliceOwner } from '../../../lib/api/slice-owner.ts';

/**
 * One service to look at: `key` is `namespace/name`; `service` is undefined when it is gone. Slices are sorted by name:
 * rules must not depend on the order in which they came.
 */
export interface DirtyService {
  key: string;
  service: Service | undefined;
  slices: EndpointSlice[];
}

export class ServiceIndex {
  readonly #services = new Map<string, Service>();
  readonly #slices = new Map<string, Map<string, EndpointSlice>>();
  readonly #dirty = new Set<string>();
  #endpoints = 0;

  get services(): number {
    return this.#services.size;
  }

  /** Addresses in all slices, ready or not. */
  get endpoints(): number {
    return this.#endpoints;
  }

  setService(before: Service | undefined, after: Service | undefined): void {
    const object = after ?? before;
    if (object === undefined) return;
    const key = `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
    if (after === undefined) this.#services.delete(key);
    else this.#services.set(key, after);
    this.#dirty.add(key);
  }

  /** `before` matters: a slice whose label changed leaves its old service. */
  setSlice(before: EndpointSlice | undefined, after: EndpointSlice | undefined): void {
    if (before !== undefined) this.#forgetSlice(before);
    const owner = after === undefined ? undefined : sliceOwner(after);
    if (after === undefined || owner === undefined) return;
    const slices = this.#slices.get(owner) ?? new Map<string, EndpointSlice>();
    this.#slices.set(owner, slices.set(after.metadata.name, after));
    this.#endpoints += after.endpoints?.length ?? 0;
    this.#dirty.add(owner);
  }

  takeDirty(): DirtyService[] {
    const dirty = [...this.#dirty].map((key) => ({
      key,
      service: this.#services.get(key),
      slices: [...(this.#slices.get(key)?.values() ?? [])].toSorted(byName),
    }));
    this.#dirty.clear();
    return dirty;
  }

  #forgetSlice(slice: EndpointSlice): void {
    const owner = sliceOwner(slice);
    if (owner === undefined) return;
    const slices = this.#slices.get(owner);
    if (slices?.delete(slice.metadata.name) === true) this.#endpoints -= slice.endpoints?.length ?? 0;
    if (slices?.size === 0) this.#slices.delete(owner);
    this.#dirty.add(owner);
  }
}

function byName(a: EndpointSlice, b: EndpointSlice): number {
  return a.metadata.name < b.metadata.name ? -1 : 1;
}
