// Decides which fields a writer can come to own at all: not what the server keeps itself, nothing of the status on the object
// proper, and nothing but status and metadata on `/status`. Never decides who owns what.
import type { TypeName } from '../custom/custom-type.ts';
import { LEAF_RULE, mergeRuleOf, structOf, type MergeRule, type StructRule } from './merge-rule.ts';

/** Of metadata, though clients must send some of them. `metadata` itself and the type are nobody's either. */
const SERVER_OWNED = new Set(
  'name namespace creationTimestamp selfLink uid clusterName generation managedFields resourceVersion'.split(' '),
);

type Part = 'main' | 'status' | 'other';

const RULES = new Map<string, MergeRule>();
/** Rules of custom types go when their type does. */
const CUSTOM_RULES = new WeakMap<object, Map<string, MergeRule>>();

/** The rule of a type without the fields that a write to this subresource ('' is the object proper) cannot own. */
export function ownableRule(typeName: TypeName, subresource: string): MergeRule {
  const part = subresource === '' ? 'main' : subresource === 'status' ? 'status' : 'other';
  const rules = typeof typeName === 'string' ? RULES : rulesOf(typeName);
  const key = typeof typeName === 'string' ? `${typeName} ${part}` : part;
  let rule = rules.get(key);
  if (rule === undefined) {
    const whole = mergeRuleOf(typeName);
    rule = whole.type === 'struct' ? ownable(whole, part) : LEAF_RULE;
    rules.set(key, rule);
  }
  return rule;
}

function rulesOf(type: object): Map<string, MergeRule> {
  const rules = CUSTOM_RULES.get(type) ?? new Map<string, MergeRule>();
  CUSTOM_RULES.set(type, rules);
  return rules;
}

const CAN_OWN: Record<Part, (name: string) => boolean> = {
  main: (name) => name !== 'status',
  status: (name) => name === 'status' || name === 'metadata',
  other: () => true,
};

function ownable(whole: StructRule, part: Part): StructRule {
  const fields = [...whole.fields.values()].filter(({ name }) => CAN_OWN[part](name));
  return structOf(
    fields.map((field) =>
      field.name === 'metadata' && field.rule.type === 'struct'
        ? { ...field, rule: structOf([...field.rule.fields.values()].filter(({ name }) => !SERVER_OWNED.has(name))) }
        : field,
    ),
  );
}
