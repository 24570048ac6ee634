// Decides whether an answer is for eyes, and lays JSON out for them piece by piece, as it is sent. Never parses it.
import type { Piece } from './part-maker.ts';
import type { Rendered } from './render.ts';

/** Browsers and the usual tools of a terminal, as upstream has it. */
const FOR_EYES = /^(curl|Wget|Mozilla\/5\.0)/;
const TRUE = /^(1|t|true)$/i;
const TAB = '  ';

/** `?pretty=true`; where nothing is said, by the program that asks. */
export function isPretty(query: URLSearchParams, userAgent = ''): boolean {
  const asked = query.get('pretty') ?? '';
  return asked === '' ? FOR_EYES.test(userAgent) : TRUE.test(asked);
}

/** As it is, or laid out where it is for eyes. */
export function forEyes(rendered: Rendered, query: URLSearchParams, userAgent?: string): Rendered {
  return isPretty(query, userAgent) ? prettily(rendered) : rendered;
}

function prettily(rendered: Rendered): Rendered {
  if (rendered.contentType !== 'application/json') return rendered;
  const { code, contentType, headers } = rendered;
  const pieces = indented('bytes' in rendered ? [rendered.bytes].values() : rendered.pieces);
  return { code, contentType, ...(headers === undefined ? {} : { headers }), pieces };
}

/** As JSON.stringify with two spaces. Bytes of several make one letter: they pass as they are. */
export function* indented(pieces: Iterable<Piece>): Generator<Piece> {
  const layout = new Layout();
  for (const piece of pieces)
    if (typeof piece === 'string') yield layout.add(piece);
    else {
      const { buffer, byteOffset, byteLength } = piece;
      yield Buffer.from(layout.add(Buffer.from(buffer, byteOffset, byteLength).toString('latin1')), 'latin1');
    }
}

class Layout {
  #depth = 0;
  #isText = false;
  #isEscaped = false;
  /** After an opening bracket: whether there is anything in it is not known yet. */
  #isOpen = false;

  add(json: string): string {
    let out = '';
    for (const letter of json) out += this.#isText ? this.#inText(letter) : this.#outside(letter);
    return out;
  }

  #inText(letter: string): string {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (letter === '\\') this.#isEscaped = true;
    else if (letter === '"') this.#isText = false;
    return letter;
  }

  #outside(letter: string): string {
    if (letter === ' ' || letter === '\n') return '';
    if (letter === '}' || letter === ']') return this.#close(letter);
    const lead = this.#isOpen ? this.#line() : '';
    this.#isOpen = false;
    if (letter === '"') this.#isText = true;
    if (letter === ',') return letter + this.#line();
    if (letter === ':') return ': ';
    if (letter !== '{' && letter !== '[') return lead + letter;
    this.#depth++;
    this.#isOpen = true;
    return lead + letter;
  }

  #close(letter: string): string {
    this.#depth--;
    const isEmpty = this.#isOpen;
    this.#isOpen = false;
    return isEmpty ? letter : this.#line() + letter;
  }

  #line(): string {
    return `\n${TAB.repeat(this.#depth)}`;
  }
}
