// Decides how JSON reads to CEL: whole numbers are ints (CEL's ints are BigInts), all else stays. Never changes a value.

/** Without a schema: a number without a fraction is an int. */
export function celOf(value: unknown): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(celOf);
  const out: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) out[key] = celOf(item);
  return celMap(out);
}

/** The library takes for an object's class what it has as its `constructor`: a map that has such a key is told to be one. */
export function celMap(map: Readonly<Record<string, unknown>>): unknown {
  return Object.hasOwn(map, 'constructor') ? new Map(Object.entries(map)) : map;
}
