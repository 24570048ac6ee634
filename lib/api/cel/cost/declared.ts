// Decides nothing: what an estimate knows of a value that is declared, and how one finds a part of it.
import type { CelType } from './types.ts';

export interface Declared {
  type: CelType;
  /** Most characters, elements or entries; 0 of what has neither. */
  most: number;
  /** Fewest bytes of it as JSON. */
  fewestBytes: number;
  /** Of an object. */
  fields?: ReadonlyMap<string, Declared>;
  /** Of a list or map. */
  element?: Declared;
  /** Of a map. */
  key?: Declared;
}

/** `path` begins with the variable, whichever. Undefined: nothing is known there. */
export function declaredAt(root: Declared, path: readonly string[]): Declared | undefined {
  return path.slice(1).reduce<Declared | undefined>((at, name) => {
    if (name === '@items' || name === '@values') return at?.element;
    return name === '@keys' ? at?.key : at?.fields?.get(name);
  }, root);
}
