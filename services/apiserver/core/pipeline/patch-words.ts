// Decides in which words a strategic merge patch is refused that would leave an object of no type: those of Go's converter
// of unstructured values. Never decides whether it is.

/** A value as Go prints it with %+v: `map[spec:map[replicas:two]]`. */
export function goText(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`;
  if (typeof value !== 'object') return String(value);
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `map[${entries.map(([key, inner]) => `${key}:${goText(inner)}`).join(' ')}]`;
}

const GO_KINDS: Record<string, string> = { number: 'int64', object: 'map', array: 'slice' };

/** `json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32` → `unrecognized type: int32`. */
export function unstructuredMismatch(message: string): string {
  const [, told = '', type = ''] = /^json: cannot unmarshal (\w+).* of type (\S+)$/.exec(message) ?? [];
  if (type === '') return message;
  const given = GO_KINDS[told] ?? told;
  if (type.startsWith('[]')) return `cannot restore slice from ${given}`;
  if (type.startsWith('map[')) return `cannot restore map from ${given}`;
  if (type.includes('.')) return `cannot restore struct from: ${given}`;
  return told === 'number' && type === 'string' ? 'cannot convert int64 to string' : `unrecognized type: ${type}`;
}
