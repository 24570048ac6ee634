// Decides how each type and field merges in server-side apply: as one leaf (scalars, everything atomic), field by field,
// key by key, or element by element. Never looks at an object.
import { isRecord, ownValue } from '../../base/records.ts';
import { canonical } from '../canonical.ts';
import type { TypeName } from '../custom/custom-type.ts';
import { typeSchema, type FieldSchema, type TypeSchema } from '../schema.ts';
import { fieldElement, keyElement } from './path-element.ts';

export type MergeRule =
  | { readonly type: 'leaf' }
  /** As a leaf, and nobody's (apiVersion and kind of a type that has any field). */
  | { readonly type: 'none' }
  | StructRule
  /** `own`: keys that have a rule of their own, as fields of a struct have. */
  | MapRule
  /** Nothing is known of it: maps are looked into, all else is one leaf. */
  | { readonly type: 'any' }
  | { readonly type: 'set' }
  | { readonly type: 'list'; readonly keys: readonly ListKey[]; readonly element: MergeRule };

export interface MapRule {
  readonly type: 'map';
  readonly element: MergeRule;
  readonly own?: ReadonlyMap<string, MergeRule>;
}

export interface StructRule {
  readonly type: 'struct';
  readonly fields: ReadonlyMap<string, StructField>;
  /** Those of them that have `unset`. */
  readonly neverAbsent: readonly StructField[];
}

export interface StructField {
  readonly name: string;
  /** `f:name`; made once, as a key that is put together anew at each use costs more than the use. */
  readonly element: string;
  /** Place among the elements of its struct: who walks in this order writes sets that are in order. */
  readonly rank: number;
  readonly rule: MergeRule;
  /**
   * What Go prints as null when it is not set: a list or map that is not optional. So it is there before it has elements,
   * and who adds the first one does not own it: `f:containers` has no `.`.
   */
  readonly unset: object | undefined;
}

export interface ListKey {
  readonly name: string;
  /** What an element that leaves the key out is taken to mean; undefined: the key is needed. */
  readonly fallback: unknown;
}

export const LEAF_RULE: MergeRule = { type: 'leaf' };
export const NO_RULE: MergeRule = { type: 'none' };
export const ANY_RULE: MergeRule = { type: 'any' };
const MAP_OF_ANY: MergeRule = { type: 'map', element: ANY_RULE };
const SET_RULE: MergeRule = { type: 'set' };
const EMPTY_LIST: object = Object.freeze([]);
const EMPTY_MAP: object = Object.freeze({});

const STRUCTS = new Map<string, MergeRule>();

/** The rule of `apps.v1.Deployment`. Built on first use, then kept. */
export function mergeRuleOf(type: TypeName): MergeRule {
  if (typeof type !== 'string') return type.mergeRule;
  const schema = typeSchema(type);
  return schema === undefined || schema.jsonForm !== undefined || schema.mapType === 'atomic'
    ? LEAF_RULE
    : structRule(schema);
}

function structRule(schema: TypeSchema): MergeRule {
  const known = STRUCTS.get(schema.name);
  if (known !== undefined) return known;
  const rule = newStruct();
  // Before its fields are looked at: types may hold themselves.
  STRUCTS.set(schema.name, rule);
  return fill(rule, [...schema.fields.values()].map(structField));
}

const structField = (field: FieldSchema): StructField => {
  const { name } = field;
  return { name, element: fieldElement(name), rank: 0, rule: fieldRule(field), unset: unsetOf(field) };
};

export const structOf = (fields: readonly StructField[]): StructRule => fill(newStruct(), fields);

interface GrowingStruct extends StructRule {
  readonly fields: Map<string, StructField>;
  readonly neverAbsent: StructField[];
}

const newStruct = (): GrowingStruct => ({ type: 'struct', fields: new Map(), neverAbsent: [] });

function fill(rule: GrowingStruct, fields: readonly StructField[]): StructRule {
  const inOrder = fields.toSorted((one, other) => (one.element < other.element ? -1 : 1));
  for (const [rank, field] of inOrder.entries()) rule.fields.set(field.name, { ...field, rank });
  rule.neverAbsent.push(...[...rule.fields.values()].filter(({ unset }) => unset !== undefined));
  return rule;
}

function fieldRule(field: FieldSchema): MergeRule {
  if (field.shape === 'list') return listRule(field);
  if (field.mapType === 'atomic') return LEAF_RULE;
  if (field.shape === 'map') return { type: 'map', element: mergeRuleOf(field.type) };
  // A field may be granular though its type is atomic everywhere else (a volume's claimRef).
  const schema = typeSchema(field.type);
  const isGranular = field.mapType !== undefined && schema !== undefined;
  return isGranular ? structRule(schema) : mergeRuleOf(field.type);
}

function listRule(field: FieldSchema): MergeRule {
  if (field.listType === 'set') return SET_RULE;
  if (field.listType !== 'map') return LEAF_RULE;
  const element = typeSchema(field.type);
  const keys = field.listKeys
    .toSorted()
    .map((name): ListKey => ({ name, fallback: fallbackOf(element?.fields.get(name)) }));
  return { type: 'list', keys, element: mergeRuleOf(field.type) };
}

/** As the published OpenAPI: the declared default, or zero for a scalar that is always printed. */
function fallbackOf(field: FieldSchema | undefined): unknown {
  if (field === undefined) return undefined;
  if (field.declaredDefault !== undefined) return field.declaredDefault;
  if (field.pointer || field.omitEmpty || field.omitZero) return undefined;
  return { string: '', int32: 0, int64: 0, bool: false }[field.type];
}

function unsetOf(field: FieldSchema): object | undefined {
  if (field.shape === 'one' || field.omitEmpty || field.omitZero || field.pointer) return undefined;
  return field.shape === 'list' ? EMPTY_LIST : EMPTY_MAP;
}

/** The path element of a list's element; undefined when it leaves out a key that has no default. */
export function listElement(keys: readonly ListKey[], item: unknown): string | undefined {
  const pairs: Array<[string, unknown]> = [];
  for (const { name, fallback } of keys) {
    const value = ownValue(item as Record<string, unknown> | null, name) ?? fallback;
    if (value === undefined) return undefined;
    pairs.push([name, value]);
  }
  return keyElement(pairs);
}

const EMPTY_OBJECTS = new Map<string, object>();

/** What an object is before anything is set: its plain structs are there already, so nobody comes to own them. */
export function emptyObject(typeName: TypeName): any {
  if (typeof typeName !== 'string') return typeName.canonical({}).value;
  let empty = EMPTY_OBJECTS.get(typeName);
  if (empty === undefined) {
    empty = canonical(typeName, {}).value as object;
    EMPTY_OBJECTS.set(typeName, empty);
  }
  return empty;
}

/** Absent, or a container without content: both sides so is compared and merged as one leaf. */
export function isBlank(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (Array.isArray(value)) return value.length === 0;
  if (typeof value !== 'object') return false;
  for (const _ in value) return false;
  return true;
}

export const ruleWithin = (rule: MergeRule, name: string): MergeRule => {
  if (rule.type === 'map') return rule.own?.get(name) ?? rule.element;
  if (rule.type === 'any') return ANY_RULE;
  return rule.type === 'struct' ? (rule.fields.get(name)?.rule ?? LEAF_RULE) : LEAF_RULE;
};

/** Whether a name is a field of its type: there with what is in it. Any other key of a map is somebody's even so. */
export const isNamed = (rule: MergeRule, name: string): boolean =>
  rule.type === 'struct' ? rule.fields.has(name) : rule.type === 'map' && rule.own?.has(name) === true;

/** What is known of a value once it is seen: `any` is a map where all of the values are maps (or not there), else a leaf. */
export function ruleFor(rule: MergeRule, ...values: readonly unknown[]): MergeRule {
  if (rule.type !== 'any') return rule;
  const present = values.filter((value) => value !== undefined && value !== null);
  return present.length > 0 && present.every(isRecord) ? MAP_OF_ANY : LEAF_RULE;
}
