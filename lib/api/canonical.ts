// Decides how any JSON value becomes an object of its type: unknown fields told and dropped, wrong types refused, nulls and
// empty optional fields gone, quantities and times in their one form, fields in the table's order. So two equal objects are
// equal bytes. Never fills defaults and never judges values.
import { isRecord } from '../base/records.ts';
import { jsonKind } from './json-error.ts';
import { QUANTITY_ERROR, canonicalQuantity } from './quantity.ts';
import type { TypeName } from './custom/custom-type.ts';
import { typeSchema, type FieldSchema, type TypeSchema } from './schema.ts';

export interface Canonical {
  value: any;
  /** Paths of fields that the type does not have. */
  unknown: string[];
}

/** A value of the wrong type; `message` is the text of the real server's decoder. */
export class TypeMismatchError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'TypeMismatchError';
  }
}

/** Deeper than this no API object is; deeper input would exhaust stacks further on. */
export const DEEPEST = 200;

interface Where {
  /** With list positions, for unknown fields: `spec.containers[0]`. */
  path: string;
  /** Without, as Go's decoder tells fields: `spec.containers`. */
  goPath: string;
  /** Go's name of the innermost struct. */
  struct: string;
}

/** Throws TypeMismatchError. `value` is not changed; the result shares nothing with it but raw JSON fields. */
export function canonical(typeName: TypeName, value: unknown): Canonical {
  if (typeof typeName !== 'string') return typeName.canonical(value);
  const unknown: string[] = [];
  const schema = typeSchema(typeName);
  if (schema === undefined) throw new TypeMismatchError(`no type ${typeName}`);
  const made = structOf(schema, value, { path: '', goPath: '', struct: shortName(typeName) }, unknown);
  return { value: made, unknown: unknown.length > 1 ? asMet(unknown, value) : unknown };
}

/** The paths in the order in which the text has them, as a decoder meets them. */
function asMet(paths: readonly string[], value: unknown): string[] {
  const wanted = new Set(paths);
  const met: string[] = [];
  const visit = (inner: unknown, path: string): void => {
    if (wanted.has(path)) met.push(path);
    else if (Array.isArray(inner)) inner.forEach((item, i) => visit(item, `${path}[${i}]`));
    else if (isRecord(inner))
      for (const [name, item] of Object.entries(inner)) visit(item, path === '' ? name : `${path}.${name}`);
  };
  visit(value, '');
  return met;
}

/** Names are asked for with every value, told only in errors, and there are a few thousand types. */
function remembered<K>(make: (key: K) => string): (key: K) => string {
  const known = new Map<K, string>();
  return (key) => {
    let name = known.get(key);
    if (name === undefined) known.set(key, (name = make(key)));
    return name;
  };
}

const GO_TYPES = new Map([
  ['quantity', 'resource.Quantity'],
  ['intOrString', 'intstr.IntOrString'],
  ['bytes', '[]byte'],
  ['double', 'float64'],
]);
const shortName = remembered((typeName: string) => typeName.slice(typeName.lastIndexOf('.') + 1));
const goType = remembered(
  (type: string) => GO_TYPES.get(type) ?? (type.includes('.') ? type.split('.').slice(1).join('.') : type),
);
const goFieldType = remembered(goFieldTypeOf);

function goFieldTypeOf(field: FieldSchema): string {
  const element = field.enumName === undefined || field.shape === 'map' ? goType(field.type) : goType(field.enumName);
  if (field.shape === 'list') return `[]${element}`;
  return field.shape === 'map' ? `map[string]${element}` : element;
}

function mismatch(value: unknown, where: Where, type: string, told = jsonKind(value)): TypeMismatchError {
  const field = where.goPath === '' ? 'value' : `struct field ${where.struct}.${where.goPath}`;
  return new TypeMismatchError(`json: cannot unmarshal ${told} into Go ${field} of type ${type}`);
}

function structOf(schema: TypeSchema, value: unknown, where: Where, unknown: string[]): any {
  if (schema.jsonForm === 'list') return bareList(value, where);
  if (schema.jsonForm !== undefined) return unionOf(schema, value, where, unknown);
  if (!isRecord(value)) throw mismatch(value, where, goType(schema.name));
  const out: Record<string, unknown> = {};
  const struct = shortName(schema.name);
  if (schema.isRoot) keepTypeMeta(value, out, where, struct);
  for (const { name, field } of fieldsToTake(schema, value, where, unknown)) {
    const given = value[name];
    const inner =
      given === undefined || given === null
        ? zeroOf(field)
        : fieldValue(field, given, within(where, name, struct), unknown);
    if (inner !== undefined) out[name] = inner;
  }
  return out;
}

interface RankedField {
  name: string;
  field: FieldSchema;
  /** Its place in the table. */
  rank: number;
}

interface RankedFields {
  byName: ReadonlyMap<string, RankedField>;
  /** Those that read something where they are not given. */
  neverAbsent: readonly RankedField[];
}

const RANKED = new WeakMap<TypeSchema, RankedFields>();

function rankedFields(schema: TypeSchema): RankedFields {
  let known = RANKED.get(schema);
  if (known === undefined) {
    const all = [...schema.fields].map(([name, field], rank): RankedField => ({ name, field, rank }));
    const byName = new Map(all.map((ranked) => [ranked.name, ranked]));
    RANKED.set(schema, (known = { byName, neverAbsent: all.filter(({ field }) => zeroOf(field) !== undefined) }));
  }
  return known;
}

/** In the table's order. Types have many fields and objects few: asking for each of them is what would cost. */
function fieldsToTake(
  schema: TypeSchema,
  value: Record<string, unknown>,
  where: Where,
  unknown: string[],
): RankedField[] {
  const { byName, neverAbsent } = rankedFields(schema);
  const out: RankedField[] = [];
  for (const name in value) {
    const ranked = byName.get(name);
    if (ranked !== undefined) insert(out, ranked);
    else if (!(schema.isRoot && (name === 'apiVersion' || name === 'kind')))
      unknown.push(where.path === '' ? name : `${where.path}.${name}`);
  }
  for (const ranked of neverAbsent) if (!Object.hasOwn(value, ranked.name)) insert(out, ranked);
  return out;
}

function insert(fields: RankedField[], one: RankedField): void {
  let at = fields.length;
  fields.push(one);
  for (; at > 0 && fields[at - 1]!.rank > one.rank; at--) fields[at] = fields[at - 1]!;
  fields[at] = one;
}

/** A schema, or what may stand in its place: a list of schemas, true, names. Of anything else Go says so, or sees nothing. */
function unionOf(schema: TypeSchema, value: unknown, where: Where, unknown: string[]): unknown {
  const inner = typeSchema(schema.fields.get('schema')?.type ?? '');
  if (inner === undefined) return rawOf(value);
  if (isRecord(value)) return structOf(inner, value, where, unknown);
  if (schema.fields.has('allows')) {
    if (typeof value === 'boolean') return value;
    throw new TypeMismatchError('boolean or JSON schema expected');
  }
  if (!Array.isArray(value)) return undefined;
  if (!schema.fields.has('jSONSchemas')) return bareList(value, where);
  if (value.length === 0) return undefined;
  return value.map((item, i) => structOf(inner, item ?? {}, { ...where, path: `${where.path}[${i}]` }, unknown));
}

function keepTypeMeta(
  value: Record<string, unknown>,
  out: Record<string, unknown>,
  where: Where,
  struct: string,
): void {
  for (const name of ['apiVersion', 'kind']) {
    const given = value[name];
    if (given === undefined || given === null) continue;
    if (typeof given !== 'string') throw mismatch(given, within(where, name, struct), 'string');
    if (given !== '') out[name] = given;
  }
}

function within(where: Where, name: string, struct: string): Where {
  return where.path === ''
    ? { path: name, goPath: name, struct }
    : { path: `${where.path}.${name}`, goPath: `${where.goPath}.${name}`, struct };
}

const ZERO: Record<string, unknown> = {
  string: '',
  bool: false,
  int32: 0,
  int64: 0,
  double: 0,
  quantity: '0',
  intOrString: 0,
};

/** What Go prints for a field that was not given: nothing for optional ones, zero for the rest, `{}` for plain structs. */
function zeroOf(field: FieldSchema): unknown {
  if (field.pointer || field.shape !== 'one' || field.omitZero) return undefined;
  if (field.type === 'quantity' || field.type === 'intOrString') return ZERO[field.type];
  const schema = typeSchema(field.type);
  if (schema !== undefined) return schema.jsonForm === undefined ? emptyStruct(schema) : undefined;
  return field.omitEmpty ? undefined : ZERO[field.type];
}

/** What an unset field of a type reads: `zeroOfField('apps.v1.ReplicaSet', 'status')` → `{ replicas: 0 }`. */
export function zeroOfField(typeName: TypeName, name: string): any {
  const field = (typeof typeName === 'string' ? typeSchema(typeName) : undefined)?.fields.get(name);
  return field === undefined ? undefined : zeroOf(field);
}

function emptyStruct(schema: TypeSchema): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [name, field] of schema.fields) {
    const zero = zeroOf(field);
    if (zero !== undefined) out[name] = zero;
  }
  return out;
}

function fieldValue(field: FieldSchema, value: unknown, where: Where, unknown: string[]): unknown {
  if (field.shape === 'list') return listValue(field, value, where, unknown);
  if (field.shape === 'map') return mapValue(field, value, where, unknown);
  const schema = typeSchema(field.type);
  if (schema !== undefined) return structOf(schema, value, where, unknown);
  const scalar = scalarOf(field.type, value, where, goFieldType(field));
  const isZero = scalar === '' || scalar === 0 || scalar === false;
  return isZero && field.omitEmpty && !field.pointer && field.type !== 'intOrString' ? undefined : scalar;
}

function listValue(field: FieldSchema, value: unknown, where: Where, unknown: string[]): unknown {
  if (!Array.isArray(value)) throw mismatch(value, where, goFieldType(field));
  if (value.length === 0 && field.omitEmpty && !field.pointer) return undefined;
  return value.map((item, i) => elementOf(field, item, where, `[${i}]`, unknown));
}

/** Most writers send keys in order. */
function inOrder(keys: string[]): string[] {
  for (let i = 1; i < keys.length; i++) if (keys[i]! < keys[i - 1]!) return keys.toSorted();
  return keys;
}

function mapValue(field: FieldSchema, value: unknown, where: Where, unknown: string[]): unknown {
  if (!isRecord(value)) throw mismatch(value, where, goFieldType(field));
  const out: Record<string, unknown> = {};
  let isEmpty = true;
  for (const key of inOrder(Object.keys(value))) {
    // Own properties of this name break every later assignment; no API needs such a key.
    if (key === '__proto__') throw new TypeMismatchError(`${where.path}: "__proto__" cannot be a key`);
    out[key] = elementOf(field, value[key], where, `.${key}`, unknown);
    isEmpty = false;
  }
  return isEmpty && field.omitEmpty && !field.pointer ? undefined : out;
}

/** `step` leads from where the list or map is to the element; Go's decoder does not tell it. */
function elementOf(field: FieldSchema, value: unknown, where: Where, step: string, unknown: string[]): unknown {
  const schema = typeSchema(field.type);
  if (schema !== undefined) {
    const inside = { ...where, path: `${where.path}${step}` };
    return structOf(schema, value ?? (schema.jsonForm === 'list' ? [] : {}), inside, unknown);
  }
  if (value === null || value === undefined) return ZERO[field.type] ?? null;
  return scalarOf(field.type, value, where, goType(field.type));
}

function bareList(value: unknown, where: Where): string[] {
  if (!Array.isArray(value) || value.some((item) => typeof item !== 'string')) throw mismatch(value, where, '[]string');
  return [...(value as string[])];
}

/** Raw JSON stays as it came, but no deeper than the rest of the system can carry. */
function rawOf(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth > DEEPEST) throw new TypeMismatchError(`json: exceeded max depth of ${DEEPEST}`);
  if (Array.isArray(value)) return value.map((item) => rawOf(item, depth + 1));
  const out: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) if (key !== '__proto__') out[key] = rawOf(item, depth + 1);
  return out;
}

function scalarOf(type: string, value: unknown, where: Where, told: string): unknown {
  switch (type) {
    case 'string':
      if (typeof value !== 'string') throw mismatch(value, where, told);
      return value;
    case 'bool':
      if (typeof value !== 'boolean') throw mismatch(value, where, told);
      return value;
    case 'int32':
      return integerOf(value, where, told, 2 ** 31);
    case 'int64':
      return integerOf(value, where, told, 2 ** 63);
    case 'double':
      if (typeof value !== 'number') throw mismatch(value, where, told);
      return value;
    case 'intOrString':
      if (typeof value === 'string') return value;
      return integerOf(value, where, 'int32', 2 ** 31);
    case 'quantity':
      return quantityValue(value);
    case 'time':
      return timeOf(value, where, 'string', false);
    case 'microTime':
      return timeOf(value, where, 'string', true);
    case 'duration':
      if (typeof value !== 'string') throw mismatch(value, where, 'string');
      return value;
    case 'bytes':
      return base64Of(value, where);
    default:
      return rawOf(value);
  }
}

function integerOf(value: unknown, where: Where, type: string, limit: number): number {
  if (typeof value !== 'number') throw mismatch(value, where, type);
  if (!Number.isInteger(value) || value < -limit || value >= limit)
    throw mismatch(value, where, type, `number ${value}`);
  return value === 0 ? 0 : value;
}

function quantityValue(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : value;
  const quantity = typeof text === 'string' ? canonicalQuantity(text) : undefined;
  if (quantity === undefined) throw new TypeMismatchError(QUANTITY_ERROR);
  return quantity;
}

const RFC_3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

/** The same second is told many times: in one object, and by all that were written in it. */
const CANONICAL_TIMES = new Map<string, string>();
const REMEMBERED_TIMES = 1_000;

function timeOf(value: unknown, where: Where, type: string, micro: boolean): string {
  if (typeof value !== 'string') throw mismatch(value, where, type);
  const known = CANONICAL_TIMES.get(value);
  if (known !== undefined && !micro) return known;
  const match = RFC_3339.exec(value);
  const ms = match === null ? Number.NaN : Date.parse(value);
  if (Number.isNaN(ms))
    throw new TypeMismatchError(
      `parsing time ${JSON.stringify(value)} as "2006-01-02T15:04:05${micro ? '.000000' : ''}Z07:00": cannot parse ${JSON.stringify(value)} as "2006"`,
    );
  const seconds = new Date(Math.floor(ms / 1000) * 1000).toISOString().slice(0, 19);
  if (micro) return `${seconds}.${(match![1] ?? '.').slice(1, 7).padEnd(6, '0')}Z`;
  if (CANONICAL_TIMES.size >= REMEMBERED_TIMES) CANONICAL_TIMES.clear();
  CANONICAL_TIMES.set(value, `${seconds}Z`);
  return `${seconds}Z`;
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function base64Of(value: unknown, where: Where): string {
  if (typeof value !== 'string') throw mismatch(value, where, '[]uint8');
  const text = value.replace(/[\r\n]/g, '');
  if (!BASE64.test(text)) {
    const wrong = text.search(/[^A-Za-z0-9+/]/);
    throw new TypeMismatchError(`illegal base64 data at input byte ${wrong < 0 ? text.length : wrong}`);
  }
  return text;
}
