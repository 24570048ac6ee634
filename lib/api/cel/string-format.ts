// Decides what `format` makes of a template and values, as cel-go's does for English readers, and how CEL writes a value as a text.
// Never decides what that costs.
import { quoted } from '../field-error.ts';
import { checkGrowth } from './meter.ts';

type Value = any;

const refuse = (message: string): never => {
  throw new Error(message);
};

/** Of the library's own class. */
const isDuration = (value: Value): value is { seconds: bigint; nanos: number } =>
  typeof value.seconds === 'bigint' && typeof value.nanos === 'number';

/** As an error tells it. */
function typeName(value: Value): string {
  if (value === null || value === undefined) return 'null_type';
  if (typeof value === 'bigint') return 'int';
  if (typeof value === 'number') return 'double';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'string') return 'string';
  if (value instanceof Date) return 'google.protobuf.Timestamp';
  if (value instanceof Uint8Array) return 'bytes';
  if (Array.isArray(value) || value instanceof Set) return 'list';
  if (isDuration(value)) return 'google.protobuf.Duration';
  if (typeof value.valueOf() === 'bigint') return 'uint';
  return 'map';
}

/** RFC 3339 in UTC, with no more digits of a second than there are. */
const timeText = (time: Date): string => time.toISOString().replace(/\.?0*Z$/, 'Z');

/** In seconds. */
function durationText({ seconds, nanos }: { seconds: bigint; nanos: number }): string {
  const all = seconds * 1_000_000_000n + BigInt(nanos);
  const [sign, size] = all < 0n ? ['-', -all] : ['', all];
  const fraction = (size % 1_000_000_000n).toString().padStart(9, '0').replace(/0+$/, '');
  return `${sign}${size / 1_000_000_000n}${fraction === '' ? '' : `.${fraction}`}s`;
}

/** As Go's %g: the fewest digits that say which number it is, with an exponent from a million on. */
function doubleText(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const [mantissa = '', exponent = ''] = value.toExponential().split('e');
  const power = Number(exponent);
  if (power >= -4 && power < 6) return String(value);
  return `${mantissa}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
}

const sortedFields = (value: Value): Array<[string, string]> =>
  (value instanceof Map ? [...value] : Object.entries(value))
    .map(([key, one]): [string, string] => [literal(key), literal(one)])
    .toSorted(([a], [b]) => (a < b ? -1 : 1));

/** As it stands in a list or a map. */
function literal(value: Value): string {
  const text = asText(value);
  const type = typeName(value);
  if (type === 'string') return quoted(text);
  if (type === 'bytes') return `b${quoted(text)}`;
  if (type === 'google.protobuf.Timestamp') return `timestamp("${text}")`;
  if (type === 'google.protobuf.Duration') return `duration("${text}")`;
  if (typeof value !== 'number') return text;
  return Number.isFinite(value) ? fixed(value, DIGITS) : quoted(text);
}

/** Undefined: what is made of others, or nothing at all. */
export function scalarText(value: Value): string | undefined {
  const type = typeName(value);
  if (type === 'null_type' || type === 'list' || type === 'map') return undefined;
  if (type === 'google.protobuf.Timestamp') return timeText(value);
  if (type === 'google.protobuf.Duration') return durationText(value);
  if (type === 'bytes') return new TextDecoder().decode(value);
  return typeof value === 'number' ? doubleText(value) : String(value);
}

/** With `%s`. */
function asText(value: Value): string {
  const type = typeName(value);
  if (type === 'null_type') return 'null';
  if (type === 'list') return `[${[...value].map(literal).join(', ')}]`;
  if (type === 'map')
    return `{${sortedFields(value)
      .map(([key, one]) => `${key}:${one}`)
      .join(', ')}}`;
  return scalarText(value) ?? '';
}

const DIGITS = 6;
const MOST_DIGITS = 75;
/** Of a number that is halfway between two others, all further ones are zeros. */
const PROBE = 25;

/** Halfway between two: the even one, as Go rounds and JavaScript does not. */
function fixed(value: number, digits: number): string {
  checkGrowth(digits);
  if (digits > MOST_DIGITS) return fixed(value, MOST_DIGITS) + '0'.repeat(digits - MOST_DIGITS);
  if (Math.abs(value) >= 1e21) return `${BigInt(value)}${digits === 0 ? '' : `.${'0'.repeat(digits)}`}`;
  const probe = value.toFixed(digits + PROBE);
  const kept = probe.slice(0, -PROBE).replace(/\.$/, '');
  const isHalfway = /^50*$/.test(probe.slice(-PROBE));
  return isHalfway && Number(kept.at(-1)) % 2 === 0 ? kept : value.toFixed(digits);
}

/** With commas, as in English. */
function grouped(number: string): string {
  const [whole = '', fraction] = number.split('.');
  return `${whole.replace(/\B(?=(\d{3})+$)/g, ',')}${fraction === undefined ? '' : `.${fraction}`}`;
}

const RAISED = '⁰¹²³⁴⁵⁶⁷⁸⁹';

function scientific(value: number): string {
  const [mantissa = '', exponent = ''] = value.toExponential(DIGITS).split('e');
  const power = exponent
    .replace(/\D/g, '')
    .padStart(2, '0')
    .replace(/\d/g, (digit) => RAISED[Number(digit)]!);
  return `${mantissa}×10${exponent.startsWith('-') ? '⁻' : ''}${power}`;
}

function doubleOf(value: Value, clause: string): number {
  if (typeof value === 'number') return value;
  if (value === 'NaN') return Number.NaN;
  if (value === 'Infinity' || value === '-Infinity') return Number(value);
  return refuse(`${clause} clause can only be used on doubles, was given ${typeName(value)}`);
}

/** What a reader sees of a number that is none. */
const special = (value: number): string | undefined =>
  Number.isFinite(value) ? undefined : Number.isNaN(value) ? 'NaN' : value > 0 ? '∞' : '-∞';

const wholeOf = (value: Value): bigint | undefined => {
  const type = typeName(value);
  return type === 'int' || type === 'uint' ? BigInt(value.valueOf()) : undefined;
};

const inBase = (value: Value, base: number, told: string): string =>
  wholeOf(value)?.toString(base) ?? refuse(`${told}, was given ${typeName(value)}`);

function hex(value: Value): string {
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
  if (bytes instanceof Uint8Array) return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return inBase(value, 16, 'only integers, byte buffers, and strings can be formatted as hex');
}

/** Clause to the text of a value. */
const CLAUSES: Readonly<Record<string, (value: Value, digits: number) => string>> = {
  s: asText,
  d: (value) => inBase(value, 10, 'decimal clause can only be used on integers'),
  f: (value, digits) => {
    const number = doubleOf(value, 'fixed-point');
    return special(number) ?? grouped(fixed(number, digits));
  },
  e: (value, digits) => {
    const number = doubleOf(value, 'scientific');
    // Upstream takes the digits that are asked for as the least width.
    checkGrowth(digits);
    return (special(number) ?? scientific(number)).padStart(digits);
  },
  b: (value) =>
    typeof value === 'boolean'
      ? String(Number(value))
      : inBase(value, 2, 'only integers and bools can be formatted as binary'),
  x: hex,
  X: (value) => hex(value).toUpperCase(),
  o: (value) => inBase(value, 8, 'octal clause can only be used on integers'),
};

/** Throws Error in cel-go's words. */
export function formatText(template: string, values: readonly Value[]): string {
  let used = 0;
  let out = '';
  for (let i = 0; i < template.length;) {
    if (template[i] !== '%' || template[i + 1] === '%') {
      out += template[i]!;
      i += template[i] === '%' ? 2 : 1;
      continue;
    }
    if (used >= values.length) refuse(`index ${used} out of range`);
    const { clause, digits, after } = clauseAt(template, i + 1);
    try {
      out += clause(values[used++], digits);
    } catch (error) {
      refuse(`error during formatting: ${(error as Error).message}`);
    }
    checkGrowth(out.length);
    i = after;
  }
  return out;
}

const UNREAD = 'could not parse formatting clause: ';

function clauseAt(template: string, from: number): { clause: (typeof CLAUSES)[string]; digits: number; after: number } {
  if (from >= template.length) refuse('unexpected end of string');
  let at = from;
  let digits = DIGITS;
  if (template[at] === '.') {
    while (/\d/.test(template[++at] ?? '')) continue;
    const precision = `${UNREAD}error while parsing precision: `;
    if (at >= template.length) refuse(`${precision}could not find end of precision specifier`);
    const text = template.slice(from + 1, at);
    if (text === '')
      refuse(`${precision}error while converting precision to integer: strconv.Atoi: parsing "": invalid syntax`);
    digits = Number(text);
  }
  const letter = String.fromCodePoint(template.codePointAt(at)!);
  if (!Object.hasOwn(CLAUSES, letter)) refuse(`${UNREAD}unrecognized formatting clause "${letter}"`);
  return { clause: CLAUSES[letter]!, digits, after: at + 1 };
}
