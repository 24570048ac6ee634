// Decides how a type that a CRD brings is decoded and merged: `typeName` is either a name in the table of built-in types or
// one of these. Never fills defaults and never judges values.
import { isRecord } from '../../base/records.ts';
import { canonical, TypeMismatchError, type Canonical } from '../canonical.ts';
import { mergeRuleOf, type MergeRule } from '../managed-fields/merge-rule.ts';
import { OWN_FIELDS, type Json, type JsonSchema } from './json-schema.ts';
import { customMergeRule } from './merge-rule.ts';
import { prune } from './prune.ts';

export interface CustomType {
  /** `gold.io.v1.Widget`, for texts. */
  readonly name: string;
  readonly schema: JsonSchema;
  readonly mergeRule: MergeRule;
  /** Its status is written at `/status` alone. */
  readonly hasStatus: boolean;
  /** Metadata in its one form, the rest pruned. Throws TypeMismatchError. */
  canonical(value: unknown): Canonical;
}

/** Name of a built-in type (`apps.v1.Deployment`), or a type of a custom resource. */
export type TypeName = string | CustomType;

export function customType(name: string, schema: JsonSchema, hasStatus: boolean): CustomType {
  return {
    name,
    schema,
    mergeRule: customMergeRule(schema, mergeRuleOf('meta.v1.ObjectMeta')),
    hasStatus,
    canonical: (value) => canonicalCustom(schema, value),
  };
}

function canonicalCustom(schema: JsonSchema, value: unknown): Canonical {
  if (!isRecord(value)) throw new TypeMismatchError('json: cannot unmarshal the value into an object');
  const unknown: string[] = [];
  const out: Json = {};
  for (const name of ['apiVersion', 'kind']) {
    const given = value[name];
    if (given !== undefined && typeof given !== 'string')
      throw new TypeMismatchError(
        `json: cannot unmarshal ${typeof given} into Go struct field .${name} of type string`,
      );
    if (given !== undefined && given !== '') out[name] = given;
  }
  const metadata = canonical('meta.v1.ObjectMeta', value['metadata'] ?? {});
  unknown.push(...metadata.unknown.map((path) => `metadata.${path}`));
  out['metadata'] = metadata.value;
  const { apiVersion: _1, kind: _2, metadata: _3, ...rest } = value;
  Object.assign(out, prune(withoutOwn(schema), rest, unknown) as Json);
  return { value: out, unknown: unknown.toSorted() };
}

/** What a schema says of the object's own fields is for validation alone. */
function withoutOwn(schema: JsonSchema): JsonSchema {
  if (schema.properties === undefined || !OWN_FIELDS.some((name) => Object.hasOwn(schema.properties!, name)))
    return schema;
  const properties = { ...schema.properties };
  for (const name of OWN_FIELDS) delete properties[name];
  return { ...schema, properties };
}
