// Decides which fields a writer can come to own at all: not what the server keeps itself, nothing of the status on the object
// proper, and nothing but status and metadata on `/status`. Never decides who owns what.
import type { TypeName } from '../custom/custom-type.ts';
import {
  LEAF_RULE,
  NO_RULE,
  mergeRuleOf,
  structOf,
  type MapRule,
  type MergeRule,
  type StructRule,
} from './merge-rule.ts';

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
    const may = mayOwn(typeName, part);
    rule = whole.type === 'struct' ? ownable(whole, may) : whole.type === 'map' ? ownableOfAny(whole, may) : LEAF_RULE;
    rules.set(key, rule);
  }
  return rule;
}

function rulesOf(type: object): Map<string, MergeRule> {
  const rules = CUSTOM_RULES.get(type) ?? new Map<string, MergeRule>();
  CUSTOM_RULES.set(type, rules);
  return rules;
}

type MayOwn = (name: string) => boolean;

const CAN_OWN: Record<Part, MayOwn> = {
  main: (name) => name !== 'status',
  status: (name) => name === 'status' || name === 'metadata',
  other: () => true,
};

/** Of custom resources upstream counts less as reset than is: whatever they have beside their spec, and a status without a `/status`. */
function mayOwn(typeName: TypeName, part: Part): MayOwn {
  if (typeof typeName === 'string') return CAN_OWN[part];
  if (part === 'main' && !typeName.hasStatus) return CAN_OWN.other;
  return part === 'status' ? (name) => name !== 'spec' : CAN_OWN[part];
}

function ownable(whole: StructRule, may: MayOwn): StructRule {
  const fields = [...whole.fields.values()].filter(({ name }) => may(name));
  return structOf(
    fields.map((field) => (field.name === 'metadata' ? { ...field, rule: ownableMetadata(field.rule) } : field)),
  );
}

/** Of a custom resource that may have any field. */
function ownableOfAny({ element, own = new Map() }: MapRule, may: MayOwn): MapRule {
  const known = new Map(own);
  for (const name of ['spec', 'status']) if (!may(name)) known.set(name, NO_RULE);
  known.set('metadata', ownableMetadata(own.get('metadata') ?? element));
  return { type: 'map', element, own: known };
}

const ownableMetadata = (rule: MergeRule): MergeRule =>
  rule.type === 'struct' ? structOf([...rule.fields.values()].filter(({ name }) => !SERVER_OWNED.has(name))) : rule;
