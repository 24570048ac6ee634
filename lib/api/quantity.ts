// Decides what a quantity (`100m`, `128Mi`, `1e3`) means, which of two is more, and its one canonical text. Never rounds
// down: what is finer than a nano is rounded up, as the real server does. Exact: BigInt nanos, no floats.

/** Text of the decode error that clients know. */
export const QUANTITY_ERROR =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

export type QuantityFormat = 'decimal' | 'binary' | 'exponent';

export interface Quantity {
  /** Value × 10⁹. */
  readonly nanos: bigint;
  readonly format: QuantityFormat;
}

/** Of one whole. */
export const NANO = 1_000_000_000n;
const LARGEST = (2n ** 63n - 1n) * NANO;
const DECIMAL: Record<string, number> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const BINARY: Record<string, bigint> = { Ki: 10n, Mi: 20n, Gi: 30n, Ti: 40n, Pi: 50n, Ei: 60n };
const TEXT = /^([+-]?)(\d*)(?:\.(\d*))?(?:([numkMGTPE]?|[KMGTPE]i)|[eE]([+-]?\d{1,3}))$/;

/** Undefined when the text is no quantity. */
export function parseQuantity(text: string): Quantity | undefined {
  const match = TEXT.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = '', suffix = '', exponent] = match;
  if (whole === '' && fraction === '') return undefined;
  const digits = BigInt(whole + fraction);
  const shift = BINARY[suffix];
  let magnitude: bigint;
  if (shift === undefined) {
    const power = (exponent === undefined ? DECIMAL[suffix]! : Number(exponent)) - fraction.length + 9;
    magnitude = power >= 0 ? digits * 10n ** BigInt(Math.min(power, 400)) : divideUp(digits, 10n ** BigInt(-power));
  } else magnitude = divideUp((digits << shift) * NANO, 10n ** BigInt(fraction.length));
  if (magnitude > LARGEST) magnitude = LARGEST;
  return {
    nanos: sign === '-' ? -magnitude : magnitude,
    format: shift !== undefined ? 'binary' : exponent !== undefined ? 'exponent' : 'decimal',
  };
}

export const isInt64 = (value: bigint): boolean => BigInt.asIntN(64, value) === value;

/**
 * Of a text that is a quantity: whether the real server has it as an int64 times a power of ten that is no fraction. It looks at how it
 * is written, not at its value: `1000m` and `1.0` are none, nor is what is too long.
 */
export function isKeptAsInteger(text: string): boolean {
  const [, , whole = '', fraction = '', suffix = '', exponent] = TEXT.exec(text) ?? [];
  const digits = whole.replace(/^0+(?=\d)/, '').length + fraction.length;
  const shift = BINARY[suffix];
  if (shift !== undefined) return fraction === '' && digits + Math.trunc((Number(shift) * 3) / 10) < 15;
  const power = (exponent === undefined ? DECIMAL[suffix]! : Number(exponent)) - fraction.length;
  return digits <= 18 && power >= 0 && power <= 18 && isInt64(BigInt(whole + fraction) * 10n ** BigInt(power));
}

function divideUp(value: bigint, by: bigint): bigint {
  return (value + by - 1n) / by;
}

const PARSED = new Map<string, Quantity>();

/** For texts that were validated before; throws on others. Small and often the same, so parsed once. */
export function quantityOf(text: string | number): Quantity {
  const key = String(text);
  const kept = PARSED.get(key);
  if (kept !== undefined) return kept;
  const quantity = parseQuantity(key);
  if (quantity === undefined) throw new TypeError(`${JSON.stringify(text)} is no quantity: ${QUANTITY_ERROR}`);
  if (PARSED.size > 4096) PARSED.clear();
  PARSED.set(key, quantity);
  return quantity;
}

/** The canonical text: no fraction, the largest suffix that keeps all digits; binary below 1024 becomes decimal. */
export function formatQuantity(quantity: Quantity): string {
  const { nanos } = quantity;
  if (nanos === 0n) return '0';
  const sign = nanos < 0n ? '-' : '';
  const magnitude = nanos < 0n ? -nanos : nanos;
  if (quantity.format === 'binary' && magnitude >= 1024n * NANO && magnitude % NANO === 0n)
    return sign + binaryText(magnitude / NANO);
  return sign + decimalText(magnitude, quantity.format);
}

function binaryText(value: bigint): string {
  const names = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
  let i = 0;
  while (i < 6 && value % 1024n === 0n) {
    value /= 1024n;
    i += 1;
  }
  return `${value}${names[i]}`;
}

function decimalText(nanos: bigint, format: QuantityFormat): string {
  let power = -9;
  while (power < 18 && nanos % 1000n === 0n) {
    nanos /= 1000n;
    power += 3;
  }
  if (format === 'exponent') return power === 0 ? `${nanos}` : `${nanos}e${power}`;
  const suffix = Object.keys(DECIMAL).find((key) => DECIMAL[key] === power)!;
  return `${nanos}${suffix}`;
}

/** `"0.5"` → `"500m"`; undefined when it is no quantity. */
export function canonicalQuantity(text: string): string | undefined {
  const quantity = parseQuantity(text);
  return quantity === undefined ? undefined : formatQuantity(quantity);
}

export function compareQuantities(a: string | number, b: string | number): -1 | 0 | 1 {
  const left = quantityOf(a).nanos;
  const right = quantityOf(b).nanos;
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Sum in the first one's format (the second's when the first is zero). */
export function addQuantities(a: string | number, b: string | number): string {
  const left = quantityOf(a);
  const right = quantityOf(b);
  return formatQuantity({ nanos: left.nanos + right.nanos, format: left.nanos === 0n ? right.format : left.format });
}

export function subtractQuantities(a: string | number, b: string | number): string {
  const left = quantityOf(a);
  const right = quantityOf(b);
  return formatQuantity({ nanos: left.nanos - right.nanos, format: left.nanos === 0n ? right.format : left.format });
}

/** Whole units, rounded up: bytes of memory, pods. */
export function quantityToNumber(text: string | number): number {
  const { nanos } = quantityOf(text);
  return Number(nanos >= 0n ? divideUp(nanos, NANO) : -(-nanos / NANO));
}

/** Thousandths, rounded up: millicores. */
export function quantityToMilli(text: string | number): number {
  const { nanos } = quantityOf(text);
  return Number(nanos >= 0n ? divideUp(nanos, 1_000_000n) : -(-nanos / 1_000_000n));
}

/** Rounded up to a thousandth, as the server stores resource lists. */
export function roundUpToMilli(text: string): string {
  const quantity = quantityOf(text);
  if (quantity.nanos % 1_000_000n === 0n) return formatQuantity(quantity);
  const milli = quantity.nanos > 0n ? divideUp(quantity.nanos, 1_000_000n) : quantity.nanos / 1_000_000n;
  return formatQuantity({ nanos: milli * 1_000_000n, format: quantity.format });
}
