// Decides who has an element when several services claim it: the first by name, whatever the order of their arrival.
// Never knows what the element is.

/**
 * Nearly every element has one owner, so that one is kept inline. In sets and for chains all claims are the same: there
 * the winner is of no account (`ordered` false), and any number of owners costs O(1), as every service has a chain.
 */
export class Claims {
  readonly #ordered: boolean;
  #owner: string;
  #value: string;
  #others: Map<string, string> | undefined;

  constructor(owner: string, value: string, ordered: boolean) {
    this.#owner = owner;
    this.#value = value;
    this.#ordered = ordered;
  }

  /** What is in force. */
  get value(): string {
    return this.#value;
  }

  put(owner: string, value: string): void {
    if (owner === this.#owner) this.#value = value;
    else if (this.#ordered && owner < this.#owner) {
      this.#setOther(this.#owner, this.#value);
      this.#others?.delete(owner);
      this.#owner = owner;
      this.#value = value;
    } else this.#setOther(owner, value);
  }

  /** true: nobody claims it any more. */
  remove(owner: string): boolean {
    if (owner !== this.#owner) {
      this.#others?.delete(owner);
      return false;
    }
    const next = this.#nextOwner();
    if (next === undefined) return true;
    this.#owner = next;
    this.#value = this.#others!.get(next)!;
    this.#others!.delete(next);
    return false;
  }

  #setOther(owner: string, value: string): void {
    this.#others ??= new Map();
    this.#others.set(owner, value);
  }

  #nextOwner(): string | undefined {
    if (this.#others === undefined) return undefined;
    if (!this.#ordered) return this.#others.keys().next().value;
    let first: string | undefined;
    for (const owner of this.#others.keys()) if (first === undefined || owner < first) first = owner;
    return first;
  }
}
