// Decides what the functions are that Kubernetes adds to CEL: quantities, lists, texts, regular expressions, addresses,
// URLs, sets, formats. Never touches what an expression may see.
import { Optional, type Environment } from '@marcbachmann/cel-js';
import { RE2JS } from 're2js';
import * as addresses from './addresses.ts';
import { CelCidr, CelIp, cidrOf, ipOf } from './addresses.ts';
import { CelError } from './cel-error.ts';
import { CelObject } from './constructed.ts';
import { registerMacros } from './macros.ts';
import { payWork } from './meter.ts';
import { CelFormat, NAMED_FORMATS } from './named-formats.ts';
import { formatText, scalarText } from './string-format.ts';
import * as texts from './texts.ts';
import * as urls from './urls.ts';
import { CelUrl, urlOf } from './urls.ts';
import { isInt64, isKeptAsInteger, NANO, parseQuantity, QUANTITY_ERROR, type Quantity } from '../quantity.ts';

/** What an expression holds; its fields are out of its reach. */
class CelQuantity {
  readonly quantity: Quantity;
  /** Upstream keeps it as an int: not for what it is, but for how it was written. */
  readonly isInteger: boolean;
  constructor(quantity: Quantity, isInteger: boolean) {
    this.quantity = quantity;
    this.isInteger = isInteger;
  }
}

/** Characters times states of the pattern; some tenths of a second. */
const MOST_STEPS = 20_000_000;
const MOST_STATES = 20_000;

const PATTERNS = new Map<string, RE2JS>();
const MOST_PATTERNS = 1_000;

/** Linear in the text, whatever the pattern. Throws when it is no pattern. */
export function compiledPattern(pattern: string): RE2JS {
  let found = PATTERNS.get(pattern);
  if (found === undefined) {
    found = RE2JS.compile(pattern);
    if (found.programSize() > MOST_STATES)
      throw new CelError(`the expression is too large: it has ${found.programSize()} states`);
    if (PATTERNS.size >= MOST_PATTERNS) PATTERNS.clear();
    PATTERNS.set(pattern, found);
  }
  return found;
}

/** Throws CelError when looking would cost too much: linear in the text is still long for a long one and many states. */
export const matchesPattern = (pattern: string, text: string): boolean => matcherOf(pattern, text).find();

function matcherOf(pattern: string, text: string): ReturnType<RE2JS['matcher']> {
  const compiled = compiledPattern(pattern);
  if (compiled.programSize() * text.length > MOST_STEPS)
    throw new CelError(`a text of ${text.length} characters is too long for this pattern`);
  return compiled.matcher(text);
}

/** For an expression, which pays for the steps: a short pattern may have many states. */
function paidMatcher(pattern: string, text: string): ReturnType<RE2JS['matcher']> {
  const matcher = matcherOf(pattern, text);
  payWork((compiledPattern(pattern).programSize() * text.length) >> 1);
  return matcher;
}

type Value = any;
const refuse = (message: string): never => {
  throw new Error(message);
};
const equal = (a: Value, b: Value): boolean => {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const [left, right] = [entriesOf(a), new Map(entriesOf(b))];
  return left.length === right.size && left.every(([key, one]) => right.has(key) && equal(one, right.get(key)));
};
const entriesOf = (value: Value): Array<[unknown, Value]> =>
  value instanceof Map ? [...value] : Object.entries(value);
const listOf = (value: Value): Value[] => (Array.isArray(value) ? value : [...value]);

function sum(list: Value): Value {
  const values = listOf(list);
  if (values.length === 0) return 0n;
  return values.reduce((a: Value, b: Value) => a + b);
}

function extreme(list: Value, sign: 1 | -1, name: string): Value {
  const values = listOf(list);
  if (values.length === 0) return refuse(`${name} called on empty list`);
  return values.reduce((a: Value, b: Value) => ((sign === 1 ? b > a : b < a) ? b : a));
}

function isSorted(list: Value): boolean {
  const values = listOf(list);
  return values.every((value, i) => i === 0 || values[i - 1]! <= value);
}

function findAll(text: string, pattern: string, most = -1n): string[] {
  const matcher = paidMatcher(pattern, text);
  const found: string[] = [];
  while ((most < 0n || BigInt(found.length) < most) && matcher.find()) found.push(matcher.group() ?? '');
  return found;
}

/** A quantity or URL is read that much more slowly than a character is copied. */
const SLOW = 500;

const quantity = (text: string): CelQuantity => {
  payWork(SLOW);
  const parsed = parseQuantity(text);
  return parsed === undefined ? refuse(QUANTITY_ERROR) : new CelQuantity(parsed, isKeptAsInteger(text));
};

function plus(a: CelQuantity, b: CelQuantity, sign: 1n | -1n): CelQuantity {
  const nanos = a.quantity.nanos + sign * b.quantity.nanos;
  const isInteger = (a.isInteger || a.quantity.nanos === 0n) && (b.isInteger || b.quantity.nanos === 0n);
  return new CelQuantity({ ...a.quantity, nanos }, isInteger && isInt64(nanos / NANO));
}

const wholeQuantity = (value: bigint): CelQuantity => new CelQuantity({ nanos: value * NANO, format: 'decimal' }, true);

const asInteger = ({ quantity: { nanos }, isInteger }: CelQuantity): Value =>
  isInteger ? nanos / NANO : refuse('cannot convert value to integer');

function url(text: string): CelUrl {
  payWork(SLOW);
  try {
    return urlOf(text);
  } catch (error) {
    return refuse(`URL parse error during conversion from string: ${(error as Error).message}`);
  }
}
const holds = (make: () => unknown): boolean => {
  try {
    make();
    return true;
  } catch {
    return false;
  }
};

function hasField(value: Value, name: string): boolean {
  const of: Value = value instanceof Optional ? (value.hasValue() ? value.value() : undefined) : value;
  if (of instanceof Map) return of.has(name);
  if (typeof of !== 'object' || of === null) return refuse('no such overload');
  return Object.hasOwn(of, name) && of[name] !== undefined;
}

const within = (list: Value, item: Value): boolean => listOf(list).some((one) => equal(one, item));

const unwrapped = (list: Value): Value[] =>
  listOf(list).flatMap((one: Value) => (one instanceof Optional && one.hasValue() ? [one.value()] : []));

function equalOptionals(one: Optional, other: Optional): boolean {
  if (!one.hasValue() || !other.hasValue()) return one.hasValue() === other.hasValue();
  return equal(one.value(), other.value());
}

/** What a field is that is not set. */
function isZero(value: Value): boolean {
  if (value === null || value === undefined || value === false || value === '') return true;
  if (value === 0n || value === 0) return true;
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length === 0;
  if (value instanceof Map || value instanceof Set) return value.size === 0;
  // Durations and unsigned numbers are of classes that the library keeps to itself.
  if (typeof value.seconds === 'bigint' && typeof value.nanos === 'number')
    return value.seconds === 0n && value.nanos === 0;
  if (typeof value.valueOf() === 'bigint') return value.valueOf() === 0n;
  return Object.getPrototypeOf(value) === Object.prototype && Object.keys(value).length === 0;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
};

function stringOf(value: Value): string {
  if (value instanceof CelIp) return addresses.ipText(value);
  return value instanceof CelCidr ? addresses.cidrText(value) : (scalarText(value) ?? refuse('no such overload'));
}

/** As it would be written in an expression. */
const quotedText = (text: string): string =>
  `"${text.toWellFormed().replace(/[\u0007\b\f\n\r\t\v\\"]/g, (one) => ESCAPES[one]!)}"`;

/** Signature to what it does. */
const FUNCTIONS: Record<string, (...args: any[]) => Value> = {
  'matchesRe2(string, string): bool': (text: string, pattern: string) => paidMatcher(pattern, text).find(),
  'string.matchesRe2(string): bool': (text: string, pattern: string) => paidMatcher(pattern, text).find(),
  'optional.valueOfAny(): dyn': (optional: Optional) => optional.value(),
  'hasField(dyn, string): bool': hasField,
  'newObject(string, map): dyn': (typeName: string, fields: Value) => new CelObject(typeName, fields),
  'jsonpatch_escapeKey(string): string': (key: string) => key.replaceAll('~', '~0').replaceAll('/', '~1'),
  'string.find(string): string': (text: string, pattern: string) => findAll(text, pattern, 1n)[0] ?? '',
  'string.findAll(string): list<string>': (text: string, pattern: string) => findAll(text, pattern),
  'string.findAll(string, int): list<string>': findAll,
  'string.charAt(int): string': texts.charAt,
  'string.indexOfText(string): int': texts.indexOf,
  'string.indexOfText(string, int): int': texts.indexOf,
  'string.lastIndexOfText(string): int': texts.lastIndexOf,
  'string.lastIndexOfText(string, int): int': texts.lastIndexOf,
  'string.lowerAsciiText(): string': texts.lowerAscii,
  'string.upperAsciiText(): string': texts.upperAscii,
  'string.replace(string, string): string': texts.replace,
  'string.replace(string, string, int): string': texts.replace,
  'string.splitText(string): list<string>': texts.split,
  'string.splitText(string, int): list<string>': texts.split,
  'string.substringText(int): string': texts.substring,
  'string.substringText(int, int): string': texts.substring,
  'string.trimText(): string': texts.trim,
  'string.format(list): string': (template: string, args: Value) => formatText(template, listOf(args)),
  'list.sum(): dyn': sum,
  'list.min(): dyn': (list: Value) => extreme(list, -1, 'min'),
  'list.max(): dyn': (list: Value) => extreme(list, 1, 'max'),
  'list.isSorted(): bool': isSorted,
  'list.indexOfText(dyn): int': (list: Value, item: Value) => BigInt(listOf(list).findIndex((one) => equal(one, item))),
  'list.lastIndexOfText(dyn): int': (list: Value, item: Value) =>
    BigInt(listOf(list).findLastIndex((one) => equal(one, item))),
  'sets_contains(list<A>, list<A>): bool': (a: Value, b: Value) => listOf(b).every((item) => within(a, item)),
  'sets_intersects(list<A>, list<A>): bool': (a: Value, b: Value) => listOf(b).some((item) => within(a, item)),
  'sets_equivalent(list<A>, list<A>): bool': (a: Value, b: Value) =>
    listOf(b).every((item) => within(a, item)) && listOf(a).every((item) => within(b, item)),
  'isQuantity(string): bool': (text: string) => holds(() => quantity(text)),
  'quantity(string): Quantity': quantity,
  // Upstream has no method `sign`, but this.
  'sign(Quantity): int': ({ quantity: { nanos } }: CelQuantity) => (nanos < 0n ? -1n : nanos > 0n ? 1n : 0n),
  'Quantity.isInteger(): bool': ({ isInteger }: CelQuantity) => isInteger,
  'Quantity.asInteger(): int': asInteger,
  'Quantity.asApproximateFloat(): double': ({ quantity: { nanos } }: CelQuantity) => Number(nanos) / 1e9,
  'Quantity.isGreaterThan(Quantity): bool': (a: CelQuantity, b: CelQuantity) => a.quantity.nanos > b.quantity.nanos,
  'Quantity.isLessThan(Quantity): bool': (a: CelQuantity, b: CelQuantity) => a.quantity.nanos < b.quantity.nanos,
  'Quantity.compareTo(Quantity): int': (a: CelQuantity, b: CelQuantity) =>
    a.quantity.nanos < b.quantity.nanos ? -1n : a.quantity.nanos > b.quantity.nanos ? 1n : 0n,
  'Quantity.add(Quantity): Quantity': (a: CelQuantity, b: CelQuantity) => plus(a, b, 1n),
  'Quantity.add(int): Quantity': (a: CelQuantity, b: bigint) => plus(a, wholeQuantity(b), 1n),
  'Quantity.sub(Quantity): Quantity': (a: CelQuantity, b: CelQuantity) => plus(a, b, -1n),
  'Quantity.sub(int): Quantity': (a: CelQuantity, b: bigint) => plus(a, wholeQuantity(b), -1n),
  'isURL(string): bool': (text: string) => holds(() => url(text)),
  'url(string): Url': url,
  'Url.getScheme(): string': ({ scheme }: CelUrl) => scheme,
  'Url.getHost(): string': ({ host }: CelUrl) => host,
  'Url.getHostname(): string': urls.hostnameOf,
  'Url.getPort(): string': urls.portOf,
  'Url.getEscapedPath(): string': ({ escapedPath }: CelUrl) => escapedPath,
  'Url.getQuery(): map<string, list<string>>': urls.queryOf,
  'isIP(string): bool': (text: string) => holds(() => ipOf(text)),
  'ip(string): Ip': ipOf,
  'ip_isCanonical(string): bool': (text: string) => addresses.ipText(ipOf(text)) === text,
  'stringText(dyn): string': stringOf,
  'Ip.family(): int': ({ bytes }: CelIp) => (bytes.length === 4 ? 4n : 6n),
  'Ip.isLoopback(): bool': addresses.isLoopback,
  'Ip.isUnspecified(): bool': addresses.isUnspecified,
  'Ip.isLinkLocalMulticast(): bool': addresses.isLinkLocalMulticast,
  'Ip.isLinkLocalUnicast(): bool': addresses.isLinkLocalUnicast,
  'Ip.isGlobalUnicast(): bool': addresses.isGlobalUnicast,
  'isCIDR(string): bool': (text: string) => holds(() => cidrOf(text)),
  'cidr(string): Cidr': cidrOf,
  'Cidr.ip(): Ip': ({ ip }: CelCidr) => ip,
  'Cidr.prefixLength(): int': ({ bits }: CelCidr) => BigInt(bits),
  'Cidr.masked(): Cidr': addresses.masked,
  'Cidr.containsIP(Ip): bool': addresses.containsIp,
  'Cidr.containsIP(string): bool': (cidr: CelCidr, text: string) => addresses.containsIp(cidr, ipOf(text)),
  'Cidr.containsCIDR(Cidr): bool': addresses.containsCidr,
  'Cidr.containsCIDR(string): bool': (cidr: CelCidr, text: string) => addresses.containsCidr(cidr, cidrOf(text)),
  'format_named(string): optional<Format>': (name: string) => Optional.of(NAMED_FORMATS.get(name)),
  'Format.validate(string): optional<list<string>>': ({ problems }: CelFormat, text: string) => {
    const told = problems(text);
    return told.length === 0 ? Optional.none() : Optional.of(told);
  },
  ...Object.fromEntries([...NAMED_FORMATS].map(([name, format]) => [`format_${name}(): Format`, () => format])),
  'strings_quote(string): string': quotedText,
  'OptionalNamespace.ofNonZeroValue(A): optional<A>': (_: unknown, value: Value) =>
    isZero(value) ? Optional.none() : Optional.of(value),
  'OptionalNamespace.unwrap(list<optional<A>>): list<A>': (_: unknown, list: Value) => unwrapped(list),
  'list<optional<A>>.unwrapOpt(): list<A>': unwrapped,
  'list<A>.first(): optional<A>': (list: Value) => Optional.of(listOf(list)[0]),
  'list<A>.last(): optional<A>': (list: Value) => Optional.of(listOf(list).at(-1)),
};

const TYPES: Record<string, new (...args: any[]) => object> = {
  Quantity: CelQuantity,
  Url: CelUrl,
  Ip: CelIp,
  Cidr: CelCidr,
  Format: CelFormat,
  CelObject,
};

export function registerKubernetesFunctions(environment: Environment): Environment {
  for (const [name, ctor] of Object.entries(TYPES)) environment.registerType(name, { ctor, fields: {} } as any);
  environment.registerOperator(
    'Quantity == Quantity',
    (a: CelQuantity, b: CelQuantity) => a.quantity.nanos === b.quantity.nanos,
  );
  environment.registerOperator('Url == Url', urls.equalUrls);
  environment.registerOperator('optional<A> == optional<A>', equalOptionals);
  environment.registerOperator('Ip == Ip', addresses.equalIps);
  environment.registerOperator('Cidr == Cidr', addresses.equalCidrs);
  environment.registerOperator('Format == Format', (a: CelFormat, b: CelFormat) => a === b);
  for (const [signature, handler] of Object.entries(FUNCTIONS)) environment.registerFunction(signature, handler);
  return registerMacros(environment);
}
