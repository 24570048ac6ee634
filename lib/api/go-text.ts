// Decides how a JSON value reads as Go prints it, which clients of the real server know from its texts. Never judges one.

/** With %v or %+v: `map[spec:map[replicas:two]]`. */
export function goText(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`;
  if (typeof value !== 'object') return String(value);
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `map[${entries.map(([key, inner]) => `${key}:${goText(inner)}`).join(' ')}]`;
}

/** With %s, which only texts are meant for: `%!s(int64=5)`. */
export function goTextAsString(value: unknown): string {
  if (value === null || value === undefined) return '%!s(<nil>)';
  if (typeof value === 'number') return `%!s(${Number.isInteger(value) ? 'int64' : 'float64'}=${value})`;
  return typeof value === 'boolean' ? `%!s(bool=${value})` : goText(value);
}
