// Decides what is left of a value when some of its fields go. Never decides which.
import { isRecord } from '../../base/records.ts';
import { NO_FIELDS, isEmpty, isMember, type Fields } from './fields.ts';
import { LEAF_RULE, isNamed, listElement, ruleFor, ruleWithin, type MergeRule } from './merge-rule.ts';
import { SELF, fieldElement, valueElement } from './path-element.ts';

/**
 * Undefined when nothing is left. A container that lost its content stays, empty, when it is itself in `kept`. `value` is not
 * changed, parts are shared.
 */
export function remove(given: MergeRule, value: unknown, fields: Fields, kept: Fields = NO_FIELDS): unknown {
  const rule = ruleFor(given, value);
  if (isEmpty(fields) || rule.type === 'leaf') return value;
  if (Array.isArray(value))
    return rule.type === 'set' || rule.type === 'list' ? removeElements(rule, value, fields, kept) : value;
  return isRecord(value) ? removeFields(rule, value, fields, kept) : value;
}

function removeFields(rule: MergeRule, value: Record<string, unknown>, fields: Fields, kept: Fields): unknown {
  const out: Record<string, unknown> = {};
  for (const name in value) {
    const element = fieldElement(name);
    const left = without(ruleWithin(rule, name), value[name], fields[element], kept[element]);
    if (left !== undefined) out[name] = left;
  }
  return isEmpty(out as Fields) ? undefined : out;
}

function removeElements(
  rule: MergeRule & { type: 'set' | 'list' },
  list: readonly unknown[],
  fields: Fields,
  kept: Fields,
): unknown {
  const item = rule.type === 'list' ? rule.element : LEAF_RULE;
  const out: unknown[] = [];
  for (const each of list) {
    const element = (rule.type === 'set' ? valueElement(each) : listElement(rule.keys, each)) ?? '';
    const left = without(item, each, fields[element], kept[element]);
    if (left !== undefined) out.push(left);
  }
  return out.length === 0 ? undefined : out;
}

function without(rule: MergeRule, value: unknown, node: Fields | undefined, kept: Fields | undefined): unknown {
  if (node === undefined) return value;
  if (isMember(node)) return undefined;
  const left = remove(rule, value, node, kept);
  if (left !== undefined || kept === undefined || !isMember(kept)) return left;
  return Array.isArray(value) ? [] : {};
}

/**
 * The set with every struct's field that has fields below it: who applied `spec.strategy.type` and drops it must take
 * `spec.strategy` away, or what was filled in beside it stays for ever. A map's key or a list's element is named by who
 * owns it, so these are not added.
 */
export function withNamedParents(rule: MergeRule, fields: Fields): Fields {
  const out: Record<string, Fields> = {};
  for (const element in fields) {
    const node = fields[element]!;
    out[element] = element === SELF || isEmpty(node) ? node : namedParent(rule, element, node);
  }
  return out;
}

function namedParent(rule: MergeRule, element: string, node: Fields): Fields {
  const name = element.startsWith('f:') ? element.slice(2) : undefined;
  if (name === undefined) return withNamedParents(rule.type === 'list' ? rule.element : LEAF_RULE, node);
  const below = withNamedParents(ruleWithin(rule, name), node);
  return isNamed(rule, name) ? { ...below, [SELF]: {} } : below;
}
