// Decides of which types the rules of a CRD's schema take its values to be, as the real server declares them: what has no type to
// CEL is not there at all. Never checks an expression.
import { isRecord } from '../../base/records.ts';
import type { TypeDeclarations } from '../cel/types.ts';
import { celName } from './cel-name.ts';
import type { JsonSchema } from './json-schema.ts';

const SIMPLE: Readonly<Record<string, string>> = {
  string: 'string',
  boolean: 'bool',
  integer: 'int',
  number: 'double',
};
const FORMATS: Readonly<Record<string, string>> = {
  byte: 'bytes',
  duration: 'google.protobuf.Duration',
  date: 'google.protobuf.Timestamp',
  'date-time': 'google.protobuf.Timestamp',
};
/** What rules may know of the metadata of a resource. */
const METADATA = { name: 'string', generateName: 'string' };

/** Name of the type; undefined: rules cannot see it. `isResource`: it has a kind and metadata. */
export function declareSchema(
  name: string,
  schema: JsonSchema,
  isResource: boolean,
  types: TypeDeclarations,
): string | undefined {
  if (schema['x-kubernetes-int-or-string'] === true) return 'dyn';
  if (schema.type === 'array') {
    const item = isRecord(schema.items) ? child(`${name}.item`, schema.items, types) : undefined;
    return item === undefined ? undefined : `list<${item}>`;
  }
  if (schema.type === 'string') return FORMATS[schema.format ?? ''] ?? 'string';
  if (schema.type !== 'object' && !isResource) return SIMPLE[schema.type ?? ''];
  const more = schema.additionalProperties;
  if (isRecord(more)) {
    const value = child(`${name}.value`, more as JsonSchema, types);
    return value === undefined ? undefined : `map<string, ${value}>`;
  }
  const fields: Record<string, string> = {};
  for (const [field, own] of Object.entries(schema.properties ?? {})) {
    const escaped = celName(field);
    if (escaped === undefined) continue;
    const type = child(`${name}.${escaped}`, own, types);
    if (type !== undefined) fields[escaped] = type;
  }
  if (isResource) {
    types.set(`${name}.metadata`, METADATA);
    Object.assign(fields, { apiVersion: 'string', kind: 'string', metadata: `${name}.metadata` });
  }
  types.set(name, fields);
  return name;
}

const child = (name: string, schema: JsonSchema, types: TypeDeclarations): string | undefined =>
  declareSchema(name, schema, schema['x-kubernetes-embedded-resource'] === true, types);
