// Decides in which words a text that is no JSON is refused, and how the kind of a value is called: those of Go's decoder, which
// clients of the real server know. Never looks into a value.

type Wants = 'value' | 'value or end' | 'key' | 'key or end' | 'colon' | 'after element' | 'after pair' | 'nothing';

const AFTER: Record<Wants, string> = {
  value: 'looking for beginning of value',
  'value or end': 'looking for beginning of value',
  key: 'looking for beginning of object key string',
  'key or end': 'looking for beginning of object key string',
  colon: 'after object key',
  'after element': 'after array element',
  'after pair': 'after object key:value pair',
  nothing: 'after top-level value',
};
const END = 'unexpected end of JSON input';
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const LITERALS: Record<string, string> = { t: 'true', f: 'false', n: 'null' };

/** What is wrong with a text that JSON.parse refuses: `invalid character 'a' looking for beginning of value`. */
export function goJsonError(text: string): string {
  const open: Array<'{' | '['> = [];
  let wants: Wants = 'value';
  const afterValue = (): Wants => {
    const inner = open.at(-1);
    return inner === undefined ? 'nothing' : inner === '{' ? 'after pair' : 'after element';
  };
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (char === ' ' || char === '\n' || char === '\t' || char === '\r') continue;
    if (wants === 'colon' || wants.startsWith('after')) {
      if (wants === 'colon' && char === ':') wants = 'value';
      else if (wants === 'after pair' && char === ',') wants = 'key';
      else if (wants === 'after element' && char === ',') wants = 'value';
      else if ((wants === 'after pair' && char === '}') || (wants === 'after element' && char === ']')) {
        open.pop();
        wants = afterValue();
      } else return invalid(text, at, AFTER[wants]);
    } else if (wants === 'nothing') return invalid(text, at, AFTER[wants]);
    else if ((wants === 'key or end' && char === '}') || (wants === 'value or end' && char === ']')) {
      open.pop();
      wants = afterValue();
    } else if (char === '"') {
      const end = endOfString(text, at);
      if (typeof end === 'string') return end;
      at = end;
      wants = wants.startsWith('key') ? 'colon' : afterValue();
    } else if (wants.startsWith('key')) return invalid(text, at, AFTER[wants]);
    else if (char === '{' || char === '[') {
      open.push(char);
      wants = char === '{' ? 'key or end' : 'value or end';
    } else {
      const end = endOfScalar(text, at, AFTER[wants]);
      if (typeof end === 'string') return end;
      at = end;
      wants = afterValue();
    }
  }
  return END;
}

/** The last place of the string, or what is wrong in it. */
function endOfString(text: string, start: number): number | string {
  for (let at = start + 1; at < text.length; at++) {
    const char = text[at]!;
    if (char === '"') return at;
    if (char < ' ') return invalid(text, at, 'in string literal');
    if (char !== '\\') continue;
    const escaped = text[++at];
    if (escaped === undefined) return END;
    if (!'"\\/bfnrtu'.includes(escaped)) return invalid(text, at, 'in string escape code');
    if (escaped !== 'u') continue;
    for (const last = at + 4; at < last;) {
      if (text[++at] === undefined) return END;
      if (!/[\da-fA-F]/.test(text[at]!)) return invalid(text, at, 'in \\u hexadecimal character escape');
    }
  }
  return END;
}

function endOfScalar(text: string, start: number, otherwise: string): number | string {
  const literal = LITERALS[text[start]!];
  if (literal !== undefined) return endOfLiteral(text, start, literal);
  NUMBER.lastIndex = start;
  const number = NUMBER.exec(text);
  if (number !== null) return start + number[0].length - 1;
  if (text[start] !== '-') return invalid(text, start, otherwise);
  return start + 1 >= text.length ? END : invalid(text, start + 1, 'in numeric literal');
}

function endOfLiteral(text: string, start: number, literal: string): number | string {
  for (let i = 1; i < literal.length; i++) {
    if (start + i >= text.length) return END;
    if (text[start + i] !== literal[i])
      return invalid(text, start + i, `in literal ${literal} (expecting ${quoted(literal[i]!)})`);
  }
  return start + literal.length - 1;
}

const UTF8 = new TextEncoder();

/** Go reads bytes, and shows the one that it met as if it were a character. */
function invalid(text: string, at: number, where: string): string {
  const [byte = 0] = UTF8.encode(String.fromCodePoint(text.codePointAt(at)!));
  return `invalid character ${quoted(String.fromCodePoint(byte))} ${where}`;
}

/** As Go quotes a character: '"' but '\''. */
function quoted(char: string): string {
  if (char === "'") return String.raw`'\''`;
  if (char === '"') return `'"'`;
  const code = char.charCodeAt(0);
  const isPrintable = code < 0x7f || (code > 0xa0 && code !== 0xad);
  return `'${
    isPrintable
      ? JSON.stringify(char)
          .slice(1, -1)
          .replace(/^\\u00/, '\\x')
      : `\\u00${code.toString(16)}`
  }'`;
}

/** What Go says of a value of the wrong kind. */
export const jsonKind = (value: unknown): string =>
  Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
