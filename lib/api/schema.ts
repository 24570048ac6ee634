// Decides how the facts of generated/kubernetes-types.json read as typed fields: embedded structs flattened, lists and maps
// named. Never looks at an object.
import table from './generated/kubernetes-types.json' with { type: 'json' };

interface FieldFacts {
  n?: number;
  t: string;
  f?: string;
  l?: 'atomic' | 'set' | 'map';
  k?: string[];
  ps?: string;
  pk?: string;
  mt?: 'atomic';
  e?: string;
  d?: unknown;
}

interface TypeFacts {
  tm?: number;
  json?: string;
  mt?: string;
  u?: object[];
}

export type Shape = 'one' | 'list' | 'map';

/** One JSON field. `type` is the element's type for lists and maps. */
export interface FieldSchema {
  readonly name: string;
  readonly number: number | undefined;
  readonly shape: Shape;
  readonly type: string;
  readonly pointer: boolean;
  readonly omitEmpty: boolean;
  readonly omitZero: boolean;
  readonly required: boolean;
  readonly listType: 'atomic' | 'set' | 'map' | undefined;
  readonly listKeys: readonly string[];
  readonly mapType: 'atomic' | undefined;
  readonly patchStrategies: readonly string[];
  readonly patchKey: string | undefined;
  /** Name of the enumeration, as `core.v1.Protocol`. */
  readonly enumName: string | undefined;
  readonly declaredDefault: unknown;
}

export interface TypeSchema {
  readonly name: string;
  /** Has apiVersion and kind of its own. */
  readonly isRoot: boolean;
  /** Odd JSON forms: `list` is a bare list, the others are unions of CRD schemas. */
  readonly jsonForm: string | undefined;
  readonly mapType: string | undefined;
  /** Fields of which one is meant, by the value of another. */
  readonly unions: readonly object[] | undefined;
  readonly fields: ReadonlyMap<string, FieldSchema>;
  /** As in protobuf: embedded structs are messages of their own (`inline`). */
  readonly byNumber: ReadonlyMap<number, FieldSchema & { inline: boolean }>;
}

const TYPES = table.types as unknown as Record<string, Record<string, FieldFacts>>;
const ENUMS = table.enums as unknown as Record<string, string[] | { open: string[] }>;
const SCALARS = new Set(
  'string bytes bool int32 int64 double quantity intOrString time microTime duration raw json fieldsV1'.split(' '),
);

export const isScalarType = (type: string): boolean => SCALARS.has(type);

function fieldOf(name: string, facts: FieldFacts): FieldSchema {
  const flags = facts.f ?? '';
  const shape = facts.t.startsWith('[]') ? 'list' : facts.t.startsWith('{}') ? 'map' : 'one';
  return {
    name,
    number: facts.n,
    shape,
    type: shape === 'one' ? facts.t : facts.t.slice(2),
    pointer: flags.includes('p'),
    omitEmpty: flags.includes('o'),
    omitZero: flags.includes('z'),
    required: flags.includes('r'),
    listType: facts.l,
    listKeys: facts.k ?? [],
    mapType: facts.mt,
    patchStrategies: facts.ps?.split(',') ?? [],
    patchKey: facts.pk,
    enumName: facts.e,
    declaredDefault: facts.d,
  };
}

function flatten(typeName: string, into: Map<string, FieldSchema>): void {
  for (const [name, facts] of Object.entries(TYPES[typeName] ?? {})) {
    if (name === '$') continue;
    if (facts.f?.includes('i') === true && TYPES[facts.t] !== undefined) flatten(facts.t, into);
    else into.set(name, fieldOf(name, facts));
  }
}

function build(name: string): TypeSchema | undefined {
  const facts = TYPES[name];
  if (facts === undefined) return undefined;
  const own = (facts['$'] ?? {}) as unknown as TypeFacts;
  const fields = new Map<string, FieldSchema>();
  flatten(name, fields);
  const byNumber = new Map<number, FieldSchema & { inline: boolean }>();
  for (const [key, field] of Object.entries(facts))
    if (key !== '$' && field.n !== undefined)
      byNumber.set(field.n, { ...fieldOf(key, field), inline: field.f?.includes('i') === true });
  return { name, isRoot: own.tm === 1, jsonForm: own.json, mapType: own.mt, unions: own.u, fields, byNumber };
}

const BUILT = new Map<string, TypeSchema | undefined>();

/** The schema of `core.v1.PodSpec`; undefined for scalars and unknown names. Built on first use, then kept. */
export function typeSchema(name: string): TypeSchema | undefined {
  const known = BUILT.get(name);
  if (known !== undefined || BUILT.has(name)) return known;
  const built = build(name);
  BUILT.set(name, built);
  return built;
}

/** Known values of an enumeration; `open` means that others may be valid too. */
export function enumValues(name: string): { values: readonly string[]; open: boolean } | undefined {
  const found = ENUMS[name];
  if (found === undefined) return undefined;
  return Array.isArray(found) ? { values: found, open: false } : { values: found.open, open: true };
}
