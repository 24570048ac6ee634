// Decides what counts as a map of names to values among decoded JSON, YAML and messages. Never looks at the values.

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
