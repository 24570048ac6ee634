// Decides which steps the text of a JSONPath tells, by the grammar of client-go's jsonpath. Never looks at an object.

export type Step =
  | { type: 'field'; name: string }
  | { type: 'all' }
  /** `..`: everything below. */
  | { type: 'anywhere' }
  /** Of a list; `next`: up to the one after the start. */
  | { type: 'slice'; start: number | undefined; end: number | 'next' | undefined; step: number | undefined }
  | { type: 'filter'; left: readonly Step[]; operator: string; right: readonly Step[] }
  | { type: 'union'; paths: ReadonlyArray<readonly Step[]> }
  | { type: 'literal'; value: boolean | number | string }
  /** A bare word: it may stand there, and means nothing. */
  | { type: 'unknown' };

const FIELD = /(?:\\.|[^\\\s.,[\]$@{}])*/y;
const NUMBER = /[+-]?[\d.]*/y;
const WORD = /[^\s.,[\]$@{}]*/y;
const SLICE = /^(-?\d*)(:-?\d*)?(:-?\d*)?$/;
const KEY = /^'([^']*)'$/;
const COMPARISON = /^([^!<>=]+)([!<>=]+)(.+)$/;
const QUOTED = /(["'])((?:\\.|(?!\1)[^\\\n])*)\1/y;

class NoPath extends Error {}

export class PathReader {
  readonly #text: string;
  #at = 0;
  readonly #steps: Step[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  /** Undefined: it is no path. */
  read(): Step[] | undefined {
    try {
      while (this.#at < this.#text.length) this.#step();
      return this.#steps;
    } catch (error) {
      if (error instanceof NoPath) return undefined;
      throw error;
    }
  }

  #step(): void {
    const letter = this.#text[this.#at]!;
    if (this.#text.startsWith('[?(', this.#at)) this.#filter();
    else if (this.#text.startsWith('..', this.#at)) this.#anywhere();
    else if (' @$'.includes(letter)) this.#at++;
    else if (letter === '[') this.#brackets();
    else if (letter === '"' || letter === "'") this.#quoted();
    else if (letter === '.') this.#field(1);
    else if (/[+\-\d]/.test(letter)) this.#number();
    else if (/[\p{L}_]/u.test(letter)) this.#word();
    else throw new NoPath();
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const [found] = pattern.exec(this.#text) ?? [];
    if (found === undefined) throw new NoPath();
    this.#at += found.length;
    return found;
  }

  #field(dots: number): void {
    this.#at += dots;
    const name = this.#take(FIELD);
    this.#steps.push(name === '*' ? { type: 'all' } : { type: 'field', name: name.replaceAll('\\', '') });
  }

  #anywhere(): void {
    if (this.#steps.at(-1)?.type === 'anywhere') throw new NoPath();
    this.#at += 2;
    this.#steps.push({ type: 'anywhere' });
    if (/[\p{L}\d_]/u.test(this.#text[this.#at] ?? '')) this.#field(0);
  }

  #number(): void {
    const text = this.#take(NUMBER);
    const value = Number(text);
    if (text === '' || Number.isNaN(value)) throw new NoPath();
    this.#steps.push({ type: 'literal', value });
  }

  #word(): void {
    const word = this.#take(WORD);
    const isTruth = word === 'true' || word === 'false';
    this.#steps.push(isTruth ? { type: 'literal', value: word === 'true' } : { type: 'unknown' });
  }

  #quoted(): void {
    const text = this.#take(QUOTED);
    this.#steps.push({ type: 'literal', value: text.slice(1, -1).replaceAll(/\\(.)/g, '$1') });
  }

  /** Up to the next closing bracket, also when that is within quotes. */
  #brackets(): void {
    const end = this.#text.indexOf(']', this.#at);
    if (end < 0) throw new NoPath();
    const inner = this.#text.slice(this.#at + 1, end);
    this.#at = end + 1;
    this.#steps.push(...(inner === '*' ? sliceOf(':') : inner.includes(',') ? unionOf(inner) : oneOf(inner)));
  }

  #filter(): void {
    const begin = this.#at + 3;
    const end = closingOf(this.#text, begin);
    if (this.#text[end + 1] !== ']') throw new NoPath();
    this.#at = end + 2;
    const text = this.#text.slice(begin, end);
    const [, left, operator, right] = COMPARISON.exec(text) ?? [];
    this.#steps.push(
      operator === undefined
        ? { type: 'filter', left: stepsOf(text), operator: 'exists', right: [] }
        : { type: 'filter', left: stepsOf(left!), operator, right: stepsOf(right!) },
    );
  }
}

/** The parenthesis that is in no quotes. */
function closingOf(text: string, from: number): number {
  let quote = '';
  for (let at = from; at < text.length; at++) {
    const letter = text[at]!;
    if (quote !== '') quote = letter === quote && text[at - 1] !== '\\' ? '' : quote;
    else if (letter === '"' || letter === "'") quote = letter;
    else if (letter === ')') return at;
  }
  throw new NoPath();
}

function stepsOf(text: string): Step[] {
  const steps = new PathReader(text).read();
  if (steps === undefined) throw new NoPath();
  return steps;
}

const unionOf = (text: string): Step[] => [
  { type: 'union', paths: text.split(',').map((each) => stepsOf(`[${each.trim()}]`)) },
];

function oneOf(text: string): Step[] {
  const [, key] = KEY.exec(text) ?? [];
  return key === undefined ? sliceOf(text) : stepsOf(`.${key}`);
}

function sliceOf(text: string): Step[] {
  const [whole, first, second, third] = SLICE.exec(text) ?? [];
  if (whole === undefined) throw new NoPath();
  const numberIn = (part: string | undefined): number | undefined =>
    part === undefined || part === '' ? undefined : Number(part);
  if ([first, second?.slice(1), third?.slice(1)].includes('-')) throw new NoPath();
  const end = second === undefined ? 'next' : numberIn(second.slice(1));
  return [{ type: 'slice', start: numberIn(first), end, step: numberIn(third?.slice(1)) }];
}
