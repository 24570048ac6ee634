// Decides how the fields of a custom resource merge in server-side apply, from its schema: lists are one leaf unless they say
// otherwise, maps and objects are looked into. Never looks at an object.
import { ownValue } from '../../base/records.ts';
import {
  ANY_RULE,
  LEAF_RULE,
  NO_RULE,
  structOf,
  type ListKey,
  type MergeRule,
  type StructField,
} from '../managed-fields/merge-rule.ts';
import { fieldElement } from '../managed-fields/path-element.ts';
import { OWN_FIELDS, type JsonSchema } from './json-schema.ts';

/** Of the whole object; `metadata` is as in every kind. */
export function customMergeRule(schema: JsonSchema, metadata: MergeRule): MergeRule {
  const known = Object.entries(schema.properties ?? {})
    .filter(([name]) => !OWN_FIELDS.includes(name))
    .map(([name, own]): [string, MergeRule] => [name, ruleOf(own)]);
  known.push(['metadata', metadata]);
  if (schema['x-kubernetes-preserve-unknown-fields'] !== true)
    return structOf(known.map(([name, rule]) => field(name, rule)));
  for (const name of ['apiVersion', 'kind']) known.push([name, NO_RULE]);
  return { type: 'map', element: ANY_RULE, own: new Map(known) };
}

const field = (name: string, rule: MergeRule): StructField => ({
  name,
  element: fieldElement(name),
  rank: 0,
  rule,
  unset: undefined,
});

/** What every resource within another has. */
const OF_RESOURCE: Record<string, JsonSchema> = {
  apiVersion: { type: 'string' },
  kind: { type: 'string' },
  metadata: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
};

function ruleOf(schema: JsonSchema): MergeRule {
  if (schema['x-kubernetes-int-or-string'] === true) return LEAF_RULE;
  if (schema.type === 'array' || schema.items !== undefined) return listRule(schema);
  if (schema.type !== undefined && schema.type !== 'object') return LEAF_RULE;
  if (schema['x-kubernetes-map-type'] === 'atomic') return LEAF_RULE;
  const { additionalProperties } = schema;
  const properties: Record<string, JsonSchema> =
    schema['x-kubernetes-embedded-resource'] === true
      ? { ...OF_RESOURCE, ...schema.properties }
      : (schema.properties ?? {});
  const names = Object.keys(properties);
  if (schema['x-kubernetes-preserve-unknown-fields'] === true || additionalProperties === true)
    return names.length === 0
      ? ANY_RULE
      : { type: 'map', element: ANY_RULE, own: new Map(names.map((name) => [name, ruleOf(properties[name]!)])) };
  if (typeof additionalProperties === 'object') return { type: 'map', element: ruleOf(additionalProperties) };
  return names.length === 0 ? ANY_RULE : structOf(names.map((name) => field(name, ruleOf(properties[name]!))));
}

function listRule(schema: JsonSchema): MergeRule {
  const { items = {} } = schema;
  if (schema['x-kubernetes-list-type'] === 'set') return { type: 'set' };
  if (schema['x-kubernetes-list-type'] !== 'map') return LEAF_RULE;
  const keys = (schema['x-kubernetes-list-map-keys'] ?? [])
    .toSorted()
    .map((name): ListKey => ({ name, fallback: ownValue(items.properties, name)?.default }));
  return { type: 'list', keys, element: ruleOf(items) };
}
