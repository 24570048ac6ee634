// Decides where the bytes of one version of an object lie, by the form in which they tell it. Never makes them.

/**
 * Nearly every version is told in one form, if in any, and a list of many makes as many of these at once. All that each needs of its
 * own is one small object here: with a Buffer and a Map for each, copying them took most of the longest turn of such a list.
 */
export class Representations {
  readonly #form: string;
  readonly #memory: Uint8Array;
  readonly #from: number;
  readonly #to: number;
  #others: Map<string, Uint8Array> | undefined;

  /** The bytes are those of `memory` from `from` to before `to`; all of them when nothing is said. */
  constructor(form: string, memory: Uint8Array, from = 0, to = memory.length) {
    this.#form = form;
    this.#memory = memory;
    this.#from = from;
    this.#to = to;
  }

  get(form: string): Uint8Array | undefined {
    if (form !== this.#form) return this.#others?.get(form);
    if (this.#to - this.#from === this.#memory.length) return this.#memory;
    return this.#memory.subarray(this.#from, this.#to);
  }

  set(form: string, bytes: Uint8Array): void {
    this.#others ??= new Map();
    this.#others.set(form, bytes);
  }
}

const SLAB_BYTES = 16_384;

/** Lays texts in UTF-8 one after the other into memory that they share. What is long has its own: a few that live on keep all. */
export class TextSlabs {
  #slab = Buffer.alloc(0);
  #end = 0;

  lay(form: string, text: string): Representations {
    const bytes = Buffer.byteLength(text);
    if (bytes > SLAB_BYTES / 4) return new Representations(form, Buffer.from(text));
    if (this.#end + bytes > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.#end = 0;
    }
    const from = this.#end;
    this.#end += this.#slab.write(text, from);
    return new Representations(form, this.#slab, from, this.#end);
  }
}
