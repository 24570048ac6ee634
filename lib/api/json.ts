// Decides which JSON text is well formed for the API: no deeper than the system carries, with repeated keys told by their
// path (JSON.parse keeps the last silently), and no number that would be kept as another. Never interprets values.
import { DEEPEST } from './canonical.ts';
import { requireExact } from './exact-numbers.ts';
import { goJsonError } from './json-error.ts';

export interface ParsedText {
  value: unknown;
  /** Paths of keys that were given twice: `spec.replicas`. */
  duplicates: string[];
  /** What it was read from, for the texts of errors. */
  source?: Uint8Array;
}

/** Throws SyntaxError with the words that clients of the real server know. */
export function parseJson(text: string): ParsedText {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new SyntaxError(goJsonError(text), { cause: error });
  }
  return { value, duplicates: findDuplicateKeys(text) };
}

interface Level {
  keys: Set<string> | undefined;
  path: string;
  index: number;
  /** The key whose value comes next. */
  key: string;
}

/** One pass over text that JSON.parse accepted; throws SyntaxError where it is nested too deep, or a number would be changed. */
function findDuplicateKeys(text: string): string[] {
  const duplicates: string[] = [];
  const levels: Level[] = [];
  let level: Level | undefined;
  let wantsKey = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 34 /* " */) {
      const end = endOfString(text, i);
      if (wantsKey && level?.keys !== undefined) {
        level.key = textOf(text, i, end);
        if (level.keys.has(level.key)) duplicates.push(pathOf(level));
        else level.keys.add(level.key);
        wantsKey = false;
      }
      i = end;
    } else if (code === 123 /* { */ || code === 91 /* [ */) {
      const path: string = level === undefined ? '' : pathOf(level);
      level = { keys: code === 123 ? new Set() : undefined, path, index: 0, key: '' };
      levels.push(level);
      if (levels.length > DEEPEST) throw new SyntaxError(`exceeded max depth of ${DEEPEST}`);
      wantsKey = code === 123;
    } else if (code === 125 /* } */ || code === 93 /* ] */) {
      levels.pop();
      level = levels.at(-1);
      wantsKey = false;
    } else if (code === 44 /* , */ && level !== undefined) {
      level.index += 1;
      wantsKey = level.keys !== undefined;
    } else if (code >= 48 /* 0 */ && code <= 57 /* 9 */) {
      const end = endOfNumber(text, i);
      requireExact(text.slice(text.charCodeAt(i - 1) === 45 /* - */ ? i - 1 : i, end));
      i = end - 1;
    }
  }
  return duplicates;
}

function pathOf(level: Level): string {
  if (level.keys === undefined) return `${level.path}[${level.index}]`;
  return level.path === '' ? level.key : `${level.path}.${level.key}`;
}

function endOfNumber(text: string, start: number): number {
  let end = start + 1;
  while (isOfNumber(text.charCodeAt(end))) end++;
  return end;
}

/** Digits, and what else stands in a number: `+ - . E e`. */
const isOfNumber = (code: number): boolean =>
  (code >= 48 && code <= 57) || code === 46 || code === 43 || code === 45 || code === 69 || code === 101;

function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end;
}

function isEscaped(text: string, at: number): boolean {
  let slashes = 0;
  while (text.charCodeAt(at - 1 - slashes) === 92) slashes += 1;
  return slashes % 2 === 1;
}

function textOf(text: string, start: number, end: number): string {
  const inner = text.slice(start + 1, end);
  return inner.includes('\\') ? (JSON.parse(`"${inner}"`) as string) : inner;
}
