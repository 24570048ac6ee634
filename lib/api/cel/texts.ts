// Decides what the functions of texts are, as cel-go has them: a character is a code point, a letter is one of ASCII, and a refusal has
// its words. The library counts units of UTF-16 and knows all letters, so that these have names of their own (rewrite.ts).
// Never decides what one costs.
import { CelError } from './cel-error.ts';
import { checkGrowth, payWork } from './meter.ts';

type Characters = string | string[];

/** An expression that looks at each character of a text looks at one text. */
let latest: { text: string; characters: Characters } = { text: '', characters: '' };

/** Most texts have no character of two units: such a text is the list of its characters. */
function charactersOf(text: string): Characters {
  if (latest.text !== text) {
    payWork(text.length);
    latest = { text, characters: /[\ud800-\udfff]/.test(text) ? Array.from(text) : text };
  }
  return latest.characters;
}

const textOfCharacters = (characters: Characters): string =>
  typeof characters === 'string' ? characters : characters.join('');

function indexWithin(index: bigint, length: number): number {
  if (index < 0n || index > BigInt(length)) throw new CelError(`index out of range: ${index}`);
  return Number(index);
}

export function charAt(text: string, index: bigint): string {
  const characters = charactersOf(text);
  return characters[indexWithin(index, characters.length)] ?? '';
}

export function substring(text: string, from: bigint, to?: bigint): string {
  const characters = charactersOf(text);
  if (to !== undefined && from > to) throw new CelError(`invalid substring range. start: ${from}, end: ${to}`);
  const start = indexWithin(from, characters.length);
  return textOfCharacters(characters.slice(start, to === undefined ? undefined : indexWithin(to, characters.length)));
}

/** Where a character begins, in units: a text is searched as it is. */
const unitsBefore = (text: string, count: number): number => substring(text, 0n, BigInt(count)).length;

function charactersBefore(text: string, unit: number): bigint {
  if (unit < 0 || typeof charactersOf(text) === 'string') return BigInt(unit);
  return BigInt(Array.from(text.slice(0, unit)).length);
}

export function indexOf(text: string, part: string, from = 0n): bigint {
  if (part === '') return from;
  if (from < 0n) throw new CelError(`index out of range: ${from}`);
  if (from >= BigInt(charactersOf(text).length)) return -1n;
  return charactersBefore(text, text.indexOf(part, unitsBefore(text, Number(from))));
}

export function lastIndexOf(text: string, part: string, from?: bigint): bigint {
  const { length } = charactersOf(text);
  if (part === '') return from ?? BigInt(length);
  const last = from ?? BigInt(length - 1);
  // In an empty text as well.
  if (last < 0n) throw new CelError(`index out of range: ${last}`);
  if (last >= BigInt(length)) return -1n;
  return charactersBefore(text, text.lastIndexOf(part, unitsBefore(text, Number(last))));
}

/** At most so many parts; fewer than none: all. */
export function split(text: string, separator: string, most = -1n): string[] {
  if (most === 0n) return [];
  const parts = separator === '' ? Array.from(text) : text.split(separator);
  if (most < 0n || BigInt(parts.length) <= most) return parts;
  const last = Number(most) - 1;
  return [...parts.slice(0, last), parts.slice(last).join(separator)];
}

/** At most so many times; fewer than none: each time. Nothing is found before each character, and at the end. */
export function replace(text: string, old: string, by: string, most = -1n): string {
  const pieces = old === '' ? Array.from(text) : split(text, old, most < 0n ? -1n : most + 1n);
  const found = old === '' ? pieces.length + 1 : pieces.length - 1;
  const times = most < 0n || most > BigInt(found) ? found : Number(most);
  checkGrowth(text.length + times * Math.max(0, by.length - old.length));
  if (old !== '') return pieces.join(by);
  return pieces.map((piece, i) => (i < times ? by + piece : piece)).join('') + (times > pieces.length ? by : '');
}

export const lowerAscii = (text: string): string => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());

export const upperAscii = (text: string): string => text.replace(/[a-z]+/g, (letters) => letters.toUpperCase());

/** What Go takes for space: that of Unicode, and not the mark of a byte order. */
const SPACE = /[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

export function trim(text: string): string {
  let [from, to] = [0, text.length];
  while (from < to && SPACE.test(text[from]!)) from++;
  while (to > from && SPACE.test(text[to - 1]!)) to--;
  return text.slice(from, to);
}
