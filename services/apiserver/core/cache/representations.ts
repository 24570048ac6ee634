// Decides where the bytes of one version of an object lie, by the form in which they tell it. Never makes them.

/**
 * Nearly every version is told in one form, if in any, and a list of many makes as many of these at once: a Map for each would be
 * most of what the garbage collector has to copy meanwhile.
 */
export class Representations {
  readonly #form: string;
  readonly #bytes: Uint8Array;
  #others: Map<string, Uint8Array> | undefined;

  constructor(form: string, bytes: Uint8Array) {
    this.#form = form;
    this.#bytes = bytes;
  }

  get(form: string): Uint8Array | undefined {
    return form === this.#form ? this.#bytes : this.#others?.get(form);
  }

  set(form: string, bytes: Uint8Array): void {
    this.#others ??= new Map();
    this.#others.set(form, bytes);
  }
}
