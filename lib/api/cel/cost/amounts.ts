// Decides how costs and sizes are reckoned: as unsigned 64-bit numbers that stay at the greatest one instead of passing over it.
// Never says what anything costs.

export const MOST = 2n ** 64n - 1n;

/** How many characters, bytes, elements or entries a value has. */
export interface Size {
  min: bigint;
  max: bigint;
}

export const UNKNOWN: Readonly<Size> = { min: 0n, max: MOST };

export const fixed = (size: bigint | number): Size => ({ min: BigInt(size), max: BigInt(size) });

export const plus = (a: bigint, b: bigint): bigint => (a + b > MOST ? MOST : a + b);
export const times = (a: bigint, b: bigint): bigint => (a * b > MOST ? MOST : a * b);

/** Rounded up. As doubles, so that it is wrong by as much as the real server's. */
export function scaled(amount: bigint, factor: number): bigint {
  const product = Math.ceil(Number(amount) * factor);
  return product >= 2 ** 64 ? MOST : BigInt(product);
}

export const sum = (amounts: readonly bigint[]): bigint => amounts.reduce(plus, 0n);

export const sizeSum = (a: Size, b: Size): Size => ({ min: plus(a.min, b.min), max: plus(a.max, b.max) });
export const sizeProduct = (a: Size, b: Size): Size => ({ min: times(a.min, b.min), max: times(a.max, b.max) });

export const union = (a: Size, b: Size): Size => ({
  min: a.min < b.min ? a.min : b.min,
  max: a.max > b.max ? a.max : b.max,
});
