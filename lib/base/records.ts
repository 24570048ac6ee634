// Decides what counts as a map of names to values among decoded JSON, YAML and messages, and what it has under a name. Never looks
// at the values.

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What the map itself has under a name that somebody chose: every object answers to `constructor`, and to some more. */
export const ownValue = <T>(map: Readonly<Record<string, T>> | null | undefined, name: string): T | undefined =>
  map !== null && map !== undefined && Object.hasOwn(map, name) ? map[name] : undefined;
