// Decides which text stands for a value of a header while its request is served: one of JavaScript's own memory. node:http2 gives
// each value as an external string, which V8 keeps a list of: those that live until their request is answered reach its old
// generation, and tens of thousands of them make the next full collection stop everything for tens of milliseconds. Never
// changes what a value says.
import type { IncomingHttpHeaders } from 'node:http2';

/** Values that come again and again are there once: accepted types, programs, hosts. */
const MOST_REMEMBERED = 500;
const LONGEST_REMEMBERED = 200;
/** Nearly always of HPACK's own table, for which node:http2 has texts of its own. */
const CONSTANT: ReadonlySet<string> = new Set([':method', ':scheme']);
/** Of each request another, or a secret that nobody should keep. */
const OWN = /^(?::path|authorization|cookie|impersonate-.*)$/i;

export class HeaderTexts {
  readonly #remembered = new Map<string, string>();

  /** Replaces the values in place. */
  take(headers: IncomingHttpHeaders): void {
    for (const name in headers) {
      const value = headers[name];
      if (typeof value === 'string' && !CONSTANT.has(name)) headers[name] = this.#of(name, value);
    }
  }

  #of(name: string, value: string): string {
    const remembered = this.#remembered.get(value);
    if (remembered !== undefined) return remembered;
    const copy = copyOf(value);
    if (copy.length > LONGEST_REMEMBERED || OWN.test(name)) return copy;
    if (this.#remembered.size === MOST_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(copy, copy);
    return copy;
  }
}

/** Headers are bytes, each a character: nothing is lost. */
const copyOf = (value: string): string => Buffer.from(value, 'latin1').toString('latin1');
