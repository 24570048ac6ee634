// Decides what a JSON patch (RFC 6902) makes of a document, as the library of the real server does it: to replace what an object
// lacks adds it, a position of a list may count from its end, and only the last name of a path may be missing. Never knows types.
import { equalJson } from './equality.ts';

/** The patch cannot be applied; the words are the library's. */
export class JsonPatchError extends Error {
  /** A test said no: that may be an answer, too. */
  readonly isTest: boolean;

  constructor(message: string, isTest = false) {
    super(message);
    this.isTest = isTest;
  }
}

interface Operation {
  op?: unknown;
  path?: unknown;
  from?: unknown;
  value?: unknown;
}

type Container = Record<string, unknown> | unknown[];
interface Place {
  at: Container;
  key: string;
}

/** What copies may add to a document, together: each may double it. Upstream's bound. */
const MOST_COPIED = 3_145_728;
const MISSING = 'missing value';

/** The patched document; no argument is changed, parts are shared. Throws JsonPatchError. */
export function applyJsonPatch(document: object, operations: readonly unknown[]): unknown {
  const work = new Work(document as Container);
  for (const operation of operations) work.apply((operation ?? {}) as Operation);
  return work.root;
}

class Work {
  root: Container;
  #copied = 0;
  /** Containers of this patch alone, which it may change. */
  readonly #own = new Set<object>();

  constructor(document: Container) {
    this.root = document;
  }

  apply(operation: Operation): void {
    switch (operation.op) {
      case 'add':
        return this.#add(operation);
      case 'remove':
        return this.#remove(operation);
      case 'replace':
        return this.#replace(operation);
      case 'move':
        return this.#move(operation);
      case 'copy':
        return this.#copy(operation);
      case 'test':
        return this.#test(operation);
      default:
        throw new JsonPatchError(`Unexpected kind: ${typeof operation.op === 'string' ? operation.op : 'unknown'}`);
    }
  }

  #add(operation: Operation): void {
    const path = pointerOf(operation, 'path', `add operation failed to decode path: ${MISSING}`);
    const place = this.#find(path);
    if (place === undefined) throw lost('add operation does not apply: doc is missing path', JSON.stringify(path));
    within(`error in add for path: '${path}'`, () => add(place, valueOf(operation)));
  }

  #remove(operation: Operation): void {
    const path = pointerOf(operation, 'path', `remove operation failed to decode path: ${MISSING}`);
    const place = this.#find(path);
    if (place === undefined) throw lost('remove operation does not apply: doc is missing path', JSON.stringify(path));
    within(`error in remove for path: '${path}'`, () => remove(place));
  }

  #replace(operation: Operation): void {
    const path = pointerOf(operation, 'path', `replace operation failed to decode path: ${NO_PATH}`);
    const value = valueOf(operation);
    if (path === '') {
      // Anything but a container is left aside: the library forgets to refuse it.
      if (isContainer(value)) this.root = value;
      return;
    }
    const place = this.#find(path);
    if (place === undefined) throw lost('replace operation does not apply: doc is missing path', path);
    if (Array.isArray(place.at) && positionIn(place.at, place.key) === undefined)
      throw lost('replace operation does not apply: doc is missing key', path);
    set(place, value);
  }

  #move(operation: Operation): void {
    const from = pointerOf(operation, 'from', `move operation failed to decode from: ${NO_FROM}`);
    const source = this.#find(from);
    if (source === undefined) throw lost('move operation does not apply: doc is missing from path', from);
    const why = `error in move for path: '${source.key}'`;
    const value = within(why, () => get(source));
    within(why, () => remove(source));
    const path = pointerOf(operation, 'path', `move operation failed to decode path: ${NO_PATH}`);
    const place = this.#find(path);
    if (place === undefined) throw lost('move operation does not apply: doc is missing destination path', path);
    within(`error in move for path: '${path}'`, () => add(place, value));
  }

  #copy(operation: Operation): void {
    const from = pointerOf(operation, 'from', `copy operation failed to decode from: ${NO_FROM}`);
    const source = this.#find(from);
    if (source === undefined) throw lost('copy operation does not apply: doc is missing from path', from);
    const value = within(`error in copy for from: '${from}'`, () => get(source)) ?? null;
    const path = pointerOf(operation, 'path', `copy operation failed to decode path: ${MISSING}`);
    const place = this.#find(path);
    if (place === undefined) throw lost('copy operation does not apply: doc is missing destination path', path);
    this.#copied += JSON.stringify(value).length;
    if (this.#copied > MOST_COPIED)
      throw new JsonPatchError(
        `Unable to complete the copy, the accumulated size increase of copy is ${this.#copied}, exceeding the limit ${MOST_COPIED}`,
      );
    // What is in two places may be changed in one of them.
    this.#disown(value);
    within('error while adding value during copy', () => add(place, value));
  }

  #test(operation: Operation): void {
    const path = pointerOf(operation, 'path', `test operation failed to decode path: ${NO_PATH}`);
    const failed = new JsonPatchError(`testing value ${path} failed: test failed`, true);
    const expected = valueOf(operation);
    if (path === '') {
      if (!equalJson(this.root, expected)) throw failed;
      return;
    }
    const place = this.#find(path);
    if (place === undefined) throw lost('test operation does not apply: is missing path', path);
    const value = within(`error in test for path: '${path}'`, () => get(place)) ?? null;
    if ('value' in operation ? !equalJson(value, expected) : true) throw failed;
  }

  /** The container of what the pointer names, made this patch's own with all on the way; undefined where there is none. */
  #find(pointer: string): Place | undefined {
    const names = pointer.split('/').slice(1).map(nameOf);
    const key = names.pop();
    if (key === undefined) return undefined;
    let at = (this.root = this.#owned(this.root));
    for (const name of names) {
      const slot = Array.isArray(at) ? positionIn(at, name) : name;
      const next = slot === undefined ? undefined : child(at, slot);
      if (!isContainer(next)) return undefined;
      const owned = this.#owned(next);
      (at as Record<string | number, unknown>)[slot!] = owned;
      at = owned;
    }
    return { at, key };
  }

  #owned(value: Container): Container {
    if (this.#own.has(value)) return value;
    const copy = Array.isArray(value) ? [...value] : { ...value };
    this.#own.add(copy);
    return copy;
  }

  #disown(value: unknown): void {
    if (!isContainer(value) || !this.#own.delete(value)) return;
    for (const inner of Object.values(value)) this.#disown(inner);
  }
}

const NO_PATH = `operation missing path field: ${MISSING}`;
const NO_FROM = `operation, missing from field: ${MISSING}`;

const lost = (what: string, told: string): JsonPatchError => new JsonPatchError(`${what}: ${told}: ${MISSING}`);

const isContainer = (value: unknown): value is Container => typeof value === 'object' && value !== null;

const nameOf = (part: string): string => part.replaceAll(/~[01]/g, (escape) => (escape === '~1' ? '/' : '~'));

const valueOf = ({ value }: Operation): unknown => value ?? null;

function pointerOf(operation: Operation, field: 'path' | 'from', missing: string): string {
  const pointer = operation[field];
  if (typeof pointer !== 'string') throw new JsonPatchError(missing);
  // No object of ours has such a field, and to set it would change what the object is.
  if (pointer.split('/').includes('__proto__')) throw new JsonPatchError(missing);
  return pointer;
}

/** `why` before what went wrong. */
function within<T>(why: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof JsonPatchError)) throw error;
    throw new JsonPatchError(`${why}: ${error.message}`, error.isTest);
  }
}

const child = (at: Container, slot: string | number): unknown => {
  if (Array.isArray(at)) return at[slot as number];
  return Object.hasOwn(at, slot) ? at[slot] : undefined;
};

function numberOf(key: string, why = ''): number {
  if (!/^[+-]?\d+$/.test(key))
    throw new JsonPatchError(`${why}strconv.Atoi: parsing ${JSON.stringify(key)}: invalid syntax`);
  return Number(key);
}

/** From the front, or by a negative number from the end. Throws where the list (of that many places) has none there. */
function position(key: string, places: number, why = ''): number {
  const asked = numberOf(key, why);
  const at = asked < 0 ? asked + places : asked;
  if (at < 0 || at >= places)
    throw new JsonPatchError(`Unable to access invalid index: ${asked}: invalid index referenced`);
  return at;
}

function positionIn(list: readonly unknown[], key: string): number | undefined {
  if (!/^[+-]?\d+$/.test(key)) return undefined;
  const at = Number(key) < 0 ? Number(key) + list.length : Number(key);
  return at >= 0 && at < list.length ? at : undefined;
}

function get({ at, key }: Place): unknown {
  return child(at, Array.isArray(at) ? position(key, at.length) : key);
}

function set({ at, key }: Place, value: unknown): void {
  if (Array.isArray(at)) at[position(key, at.length)] = value;
  else at[key] = value;
}

function add({ at, key }: Place, value: unknown): void {
  if (!Array.isArray(at)) at[key] = value;
  else if (key === '-') at.push(value);
  else at.splice(position(key, at.length + 1, `value was not a proper array index: '${key}': `), 0, value);
}

function remove({ at, key }: Place): void {
  if (Array.isArray(at)) at.splice(position(key, at.length), 1);
  else if (!Object.hasOwn(at, key)) throw new JsonPatchError(`Unable to remove nonexistent key: ${key}: ${MISSING}`);
  else delete at[key];
}
