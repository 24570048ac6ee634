// Decides to which part of a schema a path refers (`.spec.size`, `.labels['a']`), as rules and selectable fields name one; or what
// is wrong with it. Never reads an object.
import { isRecord, ownValue } from '../../base/records.ts';
import type { JsonSchema } from './json-schema.ts';

export interface FieldPath {
  /** `spec.size`, `labels[a]`. */
  text: string;
  root: string;
  schema: JsonSchema;
}

const TOKEN = /'(?:\\.|[^'\\])*'|[.[\]]|[^.[\]]+/g;
const NO_FIELD = 'does not refer to a valid field';
const END = 'unexpected end of JSON path';
const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
};

/** A text: what is wrong. `allowsBrackets`: a field may be named `['a.b']`. */
export function fieldPath(path: string, schema: JsonSchema, allowsBrackets = true): FieldPath | string {
  const tokens = path.match(TOKEN) ?? [];
  const at: FieldPath = { text: '', root: '', schema };
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (token !== '.' && token !== '[') return `expected [ or . but got: ${token}`;
    if (token === '[' && !allowsBrackets) return 'array notation is not allowed';
    const named = tokens[++i];
    if (named === undefined) return END;
    const name = token === '.' ? named : unquoted(named);
    if (name === undefined) return `expected single quoted string but got ${named}`;
    const problem = step(at, name);
    if (problem !== undefined) return problem;
    if (token === '.') continue;
    const close = tokens[++i];
    if (close !== ']') return close === undefined ? END : `expected ] but got ${close}`;
  }
  return at;
}

function step(at: FieldPath, name: string): string | undefined {
  const { properties, additionalProperties: more } = at.schema;
  const own =
    properties === undefined ? (isRecord(more) ? (more as JsonSchema) : undefined) : ownValue(properties, name);
  if (own === undefined) return NO_FIELD;
  at.text += properties === undefined ? `[${name}]` : at.text === '' ? name : `.${name}`;
  at.root ||= name;
  at.schema = own;
  return undefined;
}

const unquoted = (token: string): string | undefined =>
  token.length >= 2 && token.startsWith("'") && token.endsWith("'")
    ? token.slice(1, -1).replace(/\\(.)/g, (whole, escaped: string) => ESCAPES[escaped] ?? whole)
    : undefined;
