// Decides which parts of cached objects are kept once for all objects that have them alike: the pods of a Deployment differ in
// little more than their names. Never changes what an object says; a shared part can be changed by nobody.
import type { KubeObject } from '../../../../lib/api/object.ts';

/** What is larger is seldom the same twice, and what is smaller is not worth its place in the table. */
const LARGEST_TEXT = 8_192;
const SMALLEST_TEXT = 24;
/** Of the texts by which parts are found: two generations of so many characters. */
const REMEMBERED_CHARACTERS = 1_048_576;

export class SharedParts {
  #young = new Map<string, object>();
  #old = new Map<string, object>();
  #characters = 0;

  /** The same object, with parts that other objects have as well. It is changed; parts of it are frozen. */
  share(object: KubeObject): KubeObject {
    const { metadata } = object;
    this.#shareValues(metadata as object as Values, NEVER_ALIKE);
    for (const entry of metadata.managedFields ?? []) this.#shareValues(entry as object as Values, NOTHING);
    for (const part of ['spec', 'status']) {
      const values: unknown = object[part];
      if (isObject(values)) this.#shareValues(values as Values, NOTHING);
    }
    return object;
  }

  #shareValues(values: Values, but: ReadonlySet<string>): void {
    for (const name in values) {
      const value = values[name];
      if (isObject(value) && !but.has(name)) values[name] = this.#shared(value);
    }
  }

  #shared(part: object): object {
    const text = JSON.stringify(part);
    if (text.length < SMALLEST_TEXT || text.length > LARGEST_TEXT) return part;
    const young = this.#young.get(text);
    if (young !== undefined) return young;
    const known = this.#old.get(text) ?? frozen(part);
    this.#young.set(text, known);
    this.#characters += text.length;
    if (this.#characters > REMEMBERED_CHARACTERS) this.#grow();
    return known;
  }

  /** What was not asked for during a whole generation is forgotten; whoever has it keeps it. */
  #grow(): void {
    this.#old = this.#young;
    this.#young = new Map();
    this.#characters = 0;
  }
}

type Values = Record<string, unknown>;

const NOTHING: ReadonlySet<string> = new Set();
/** As a whole; the fields of each entry may be. */
const NEVER_ALIKE: ReadonlySet<string> = new Set(['managedFields']);

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** Whoever changed one would change it for all. */
function frozen<T extends object>(value: T): T {
  for (const inner of Object.values(value)) if (isObject(inner)) frozen(inner);
  return Object.freeze(value);
}
