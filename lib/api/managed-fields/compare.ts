// Decides which fields differ between two objects of a type. Never decides whose they are.
import { ownValue } from '../../base/records.ts';
import { equalJson } from '../equality.ts';
import { LEAF, NO_FIELDS, begin, finish, type Building, type Fields } from './fields.ts';
import {
  LEAF_RULE,
  isBlank,
  listElement,
  ruleFor,
  ruleWithin,
  type MergeRule,
  type StructField,
  type StructRule,
} from './merge-rule.ts';
import { fieldElement, valueElement } from './path-element.ts';

type Json = Record<string, unknown>;

const NONE: readonly unknown[] = [];
const NOTHING: ReadonlyMap<string, unknown[]> = new Map();

export interface Difference {
  /** Added or given another value. */
  changed: Fields;
  removed: Fields;
}

export function compare(rule: MergeRule, before: unknown, after: unknown): Difference {
  // What was removed is what the step back would add.
  return { changed: changedFields(rule, before, after), removed: addedFields(rule, after, before) };
}

export const changedFields = (rule: MergeRule, before: unknown, after: unknown): Fields =>
  differing(rule, before ?? {}, after, true) ?? NO_FIELDS;

const addedFields = (rule: MergeRule, before: unknown, after: unknown): Fields =>
  differing(rule, before ?? {}, after, false) ?? NO_FIELDS;

/** The part of `after` that `before` lacks and, `withModified`, what has another value. */
function differing(given: MergeRule, before: unknown, after: unknown, withModified: boolean): Fields | undefined {
  if (after === undefined || after === null || after === before || given.type === 'none') return undefined;
  const isNew = before === undefined || before === null;
  const rule = ruleFor(given, before, after);
  if (rule.type === 'leaf' || (isBlank(before) && isBlank(after))) {
    if (isNew) return LEAF;
    return withModified && !equalJson(before, after) ? LEAF : undefined;
  }
  const node = begin(isNew);
  if (rule.type === 'struct') addStruct(node, rule, before as Json | undefined, after as Json, withModified);
  else if (rule.type === 'map') addMap(node, rule, (before ?? {}) as Json, after as Json, withModified);
  else if (rule.type === 'set' || rule.type === 'list')
    addList(node, rule, (before ?? []) as unknown[], after as unknown[], withModified);
  return finish(node);
}

/** Fields that the type does not have (apiVersion and kind) are nobody's. */
function addStruct(
  node: Building,
  rule: StructRule,
  before: Json | undefined,
  after: Json,
  withModified: boolean,
): void {
  for (const field of fieldsToCompare(rule, before, after)) {
    const was = before === undefined ? undefined : (before[field.name] ?? field.unset);
    const found = inField(field, was, after[field.name], withModified);
    if (found !== undefined) node[field.element] = found;
  }
}

/** In the order of their elements. Types have many fields and objects few: asking for each of them is what would cost. */
function fieldsToCompare(rule: StructRule, before: Json | undefined, after: Json): StructField[] {
  const out: StructField[] = [];
  for (const name in after) {
    const field = rule.fields.get(name);
    if (field !== undefined) insert(out, field);
  }
  if (before !== undefined)
    for (const field of rule.neverAbsent)
      if (after[field.name] === undefined && before[field.name] !== undefined) insert(out, field);
  return out;
}

function insert(fields: StructField[], field: StructField): void {
  let at = fields.length;
  fields.push(field);
  for (; at > 0 && fields[at - 1]!.rank > field.rank; at--) fields[at] = fields[at - 1]!;
  fields[at] = field;
}

/** A list that cannot be absent and lost its content was not removed: it has another value now. */
const inField = ({ rule, unset }: StructField, was: unknown, now: unknown, withModified: boolean): Fields | undefined =>
  differing(rule, was, now === undefined && withModified && rule.type === 'leaf' ? unset : now, withModified);

function addMap(node: Building, rule: MergeRule, before: Json, after: Json, withModified: boolean): void {
  for (const name of inOrder(Object.keys(after))) {
    const found = differing(ruleWithin(rule, name), ownValue(before, name), after[name], withModified);
    if (found !== undefined) node[fieldElement(name)] = found;
  }
}

/** Keys of maps are in order nearly always, and lists are short. */
function inOrder(names: string[]): string[] {
  for (let i = 1; i < names.length; i++) if (names[i]! < names[i - 1]!) return names.toSorted();
  return names;
}

function addList(
  node: Building,
  rule: MergeRule & { type: 'set' | 'list' },
  before: readonly unknown[],
  after: readonly unknown[],
  withModified: boolean,
): void {
  const was = byElement(rule, before);
  const is = byElement(rule, after);
  for (const element of is.size > 1 ? inOrder([...is.keys()]) : is.keys()) {
    const found = inElement(rule, was.get(element) ?? NONE, is.get(element)!, withModified);
    if (found !== undefined) node[element] = found;
  }
}

/** Elements with the same key are one field together. */
function inElement(
  rule: MergeRule & { type: 'set' | 'list' },
  before: readonly unknown[],
  after: readonly unknown[],
  withModified: boolean,
): Fields | undefined {
  const item = rule.type === 'list' ? rule.element : LEAF_RULE;
  if (after.length === 1) return differing(item, before.length === 1 ? before[0] : undefined, after[0], withModified);
  if (before.length < 2) return LEAF;
  return withModified && !equalJson(before, after) ? LEAF : undefined;
}

function byElement(
  rule: MergeRule & { type: 'set' | 'list' },
  list: readonly unknown[],
): ReadonlyMap<string, unknown[]> {
  if (list.length === 0) return NOTHING;
  const out = new Map<string, unknown[]>();
  for (const item of list) {
    const element = rule.type === 'set' ? valueElement(item) : listElement(rule.keys, item);
    if (element === undefined) continue;
    const same = out.get(element);
    if (same === undefined) out.set(element, [item]);
    else same.push(item);
  }
  return out;
}
