// Decides which elements the table holds, when several services may ask for the same one, and what changed since it was
// last asked. Never computes a service's elements, never writes nft.
import { Claims } from './claims.ts';
import { fnv, MAP_NAMES, MAPS, type Change, type Element, type MapName } from './elements.ts';

/**
 * Elements by owner (a service). One element may have several owners: a pod behind two services, a chain of a common
 * shape; or two services that claim the same external address: then the first by name has it, whatever the order of
 * their arrival.
 */
export class RuleSet {
  readonly #maps = new Map<MapName, Map<string, Claims>>(MAP_NAMES.map((name) => [name, new Map()]));
  readonly #owned = new Map<string, Element[]>();
  readonly #changed = new Map<string, Change>();
  #hash: readonly [number, number] = [0, 0];
  #size = 0;

  /** Elements in force, chains included. */
  get size(): number {
    return this.#size;
  }

  /** Of all elements in force, independent of their order and of how they came to be. */
  get hash(): readonly [number, number] {
    return this.#hash;
  }

  /** All that the owner claims from now on; O(its old and new elements). */
  replace(owner: string, elements: readonly Element[]): void {
    const kept = new Set(elements.map(({ map, key }) => `${map} ${key}`));
    for (const old of this.#owned.get(owner) ?? [])
      if (!kept.has(`${old.map} ${old.key}`)) this.#set(old.map, old.key, owner, undefined);
    for (const { map, key, value } of elements) this.#set(map, key, owner, value);
    if (elements.length === 0) this.#owned.delete(owner);
    else this.#owned.set(owner, [...elements]);
  }

  /** What is different from the last call; an element that changed there and back is not. */
  takeChanges(): Change[] {
    const changes = [...this.#changed.values()];
    this.#changed.clear();
    return changes;
  }

  *elements(): Generator<Element> {
    for (const [map, keys] of this.#maps) for (const [key, claims] of keys) yield { map, key, value: claims.value };
  }

  #set(map: MapName, key: string, owner: string, value: string | undefined): void {
    const keys = this.#maps.get(map)!;
    const claims = keys.get(key);
    const before = claims?.value;
    if (value === undefined) {
      if (claims?.remove(owner) === true) keys.delete(key);
    } else if (claims === undefined) keys.set(key, new Claims(owner, value, MAPS[map].kind === 'map'));
    else claims.put(owner, value);
    this.#note(map, key, before, keys.get(key)?.value);
  }

  #note(map: MapName, key: string, before: string | undefined, after: string | undefined): void {
    if (before === after) return;
    if (before !== undefined) this.#mix({ map, key, value: before }, -1);
    if (after !== undefined) this.#mix({ map, key, value: after }, 1);
    const id = `${map} ${key}`;
    const first = this.#changed.get(id);
    const origin = first === undefined ? before : first.before;
    if (origin === after) this.#changed.delete(id);
    else this.#changed.set(id, { map, key, before: origin, after });
  }

  #mix(element: Element, sign: 1 | -1): void {
    this.#size += sign;
    this.#hash = mixHash(this.#hash, element);
  }
}

/** Adding an element twice removes it (exclusive or): the order of elements does not matter. */
export function mixHash([a, b]: readonly [number, number], element: Element): readonly [number, number] {
  const text = `${element.map} ${element.key} : ${element.value}`;
  return [(a ^ fnv(text)) >>> 0, (b ^ fnv(text, 0x9747b28c)) >>> 0];
}
