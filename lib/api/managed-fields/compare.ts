// Decides which fields differ between two objects of a type. Never decides whose they are.
import { equalJson } from '../equality.ts';
import { LEAF, nodeOf, type Fields } from './fields.ts';
import { isBlank, listElement, ruleWithin, type MergeRule } from './merge-rule.ts';
import { fieldElement, valueElement } from './path-element.ts';

type Json = Record<string, unknown>;

export interface Difference {
  /** Added or given another value. */
  changed: Fields;
  removed: Fields;
}

export function compare(rule: MergeRule, before: unknown, after: unknown): Difference {
  return {
    changed: inContainer(rule, before, after, true),
    // What the step back would add.
    removed: inContainer(rule, after, before, false),
  };
}

/** The part of `after` that `before` lacks and, `withModified`, what has another value. */
function differing(rule: MergeRule, before: unknown, after: unknown, withModified: boolean): Fields | undefined {
  if (after === undefined || after === null) return undefined;
  const isNew = before === undefined || before === null;
  if (rule.type === 'leaf' || (isBlank(before) && isBlank(after))) {
    if (isNew) return LEAF;
    return withModified && !equalJson(before, after) ? LEAF : undefined;
  }
  return nodeOf(isNew, inContainer(rule, before, after, withModified));
}

function inContainer(rule: MergeRule, before: unknown, after: unknown, withModified: boolean): Record<string, Fields> {
  switch (rule.type) {
    case 'leaf':
      return {};
    case 'struct':
    case 'map':
      return inFields(rule, (before ?? undefined) as Json | undefined, (after ?? {}) as Json, withModified);
    default:
      return inList(rule, (before ?? []) as unknown[], (after ?? []) as unknown[], withModified);
  }
}

function inFields(
  rule: MergeRule & { type: 'struct' | 'map' },
  before: Json | undefined,
  after: Json,
  withModified: boolean,
): Record<string, Fields> {
  const out: Record<string, Fields> = {};
  for (const name in after) {
    const was = before === undefined ? undefined : (before[name] ?? unsetOf(rule, name));
    const node = differing(ruleWithin(rule, name), was, after[name], withModified);
    if (node !== undefined) out[fieldElement(name)] = node;
  }
  if (withModified && before !== undefined) addUnset(rule, before, after, out);
  return out;
}

const unsetOf = (rule: MergeRule, name: string): object | undefined =>
  rule.type === 'struct' ? rule.fields.get(name)?.unset : undefined;

/** A list that cannot be absent and lost its content was not removed: it has another value now. */
function addUnset(rule: MergeRule, before: Json, after: Json, out: Record<string, Fields>): void {
  if (rule.type !== 'struct') return;
  for (const name in before) {
    const field = after[name] === undefined ? rule.fields.get(name) : undefined;
    if (field?.unset !== undefined && field.rule.type === 'leaf' && !isBlank(before[name]))
      out[fieldElement(name)] = LEAF;
  }
}

function inList(
  rule: MergeRule & { type: 'set' | 'list' },
  before: readonly unknown[],
  after: readonly unknown[],
  withModified: boolean,
): Record<string, Fields> {
  const out: Record<string, Fields> = {};
  const was = byElement(rule, before);
  for (const [element, items] of byElement(rule, after)) {
    const node = inElement(rule, was.get(element) ?? [], items, withModified);
    if (node !== undefined) out[element] = node;
  }
  return out;
}

/** Elements with the same key are one field together. */
function inElement(
  rule: MergeRule & { type: 'set' | 'list' },
  before: readonly unknown[],
  after: readonly unknown[],
  withModified: boolean,
): Fields | undefined {
  const item = rule.type === 'list' ? rule.element : ({ type: 'leaf' } as const);
  if (after.length === 1) return differing(item, before.length === 1 ? before[0] : undefined, after[0], withModified);
  if (before.length < 2) return LEAF;
  return withModified && !equalJson(before, after) ? LEAF : undefined;
}

function byElement(rule: MergeRule & { type: 'set' | 'list' }, list: readonly unknown[]): Map<string, unknown[]> {
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
