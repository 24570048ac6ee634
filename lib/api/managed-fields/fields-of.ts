// Decides which fields an object mentions: its leaves, and each element of its lists and maps. Never compares.
import { isRecord } from '../../base/records.ts';
import type { TypeName } from '../custom/custom-type.ts';
import { LEAF, isEmpty, nodeOf, type Fields } from './fields.ts';
import { isNamed, listElement, mergeRuleOf, ruleFor, ruleWithin, type MergeRule } from './merge-rule.ts';
import { fieldElement, valueElement } from './path-element.ts';

/**
 * The fields of an object, or of the part of one that a client applies. `null` mentions a field, `undefined` does not; what
 * the type does not have (apiVersion and kind) is no field. In no order.
 */
export function fieldsOf(typeName: TypeName, object: unknown): Fields {
  return fieldsOfValue(mergeRuleOf(typeName), object);
}

export function fieldsOfValue(rule: MergeRule, value: unknown): Fields {
  return below(rule, value);
}

function below(given: MergeRule, value: unknown): Record<string, Fields> {
  const rule = ruleFor(given, value);
  if (Array.isArray(value)) return rule.type === 'set' || rule.type === 'list' ? ofList(rule, value) : {};
  if (!isRecord(value) || (rule.type !== 'struct' && rule.type !== 'map')) return {};
  const out: Record<string, Fields> = {};
  for (const name in value) {
    if (value[name] === undefined || (rule.type === 'struct' && !rule.fields.has(name))) continue;
    const node = ofField(isNamed(rule, name), ruleWithin(rule, name), value[name]);
    if (node !== undefined) out[fieldElement(name)] = node;
  }
  return out;
}

function ofField(isOfType: boolean, given: MergeRule, value: unknown): Fields | undefined {
  const rule = ruleFor(given, value);
  if (rule.type === 'none') return undefined;
  if (rule.type === 'leaf' || value === null) return LEAF;
  const mentioned = !isOfType || (isRecord(value) && isEmpty(value as unknown as Fields));
  return nodeOf(mentioned, below(rule, value));
}

function ofList(rule: MergeRule & { type: 'set' | 'list' }, list: readonly unknown[]): Record<string, Fields> {
  const out: Record<string, Fields> = {};
  for (const item of list) {
    const element = rule.type === 'set' ? valueElement(item) : listElement(rule.keys, item);
    if (element === undefined) continue;
    // Elements with the same key cannot be told apart: they are owned together, as a whole.
    const repeated = element in out;
    out[element] = repeated || rule.type === 'set' ? LEAF : nodeOf(true, below(rule.element, item))!;
  }
  return out;
}
