// Decides of which types an expression takes objects to be: the built-in ones from the table of types, those of CRDs from their
// schemas. What JSON may hold in more than one form is of any type. Never checks an expression.
import { isRecord } from '../../base/records.ts';
import { celName } from '../custom/cel-name.ts';
import type { JsonSchema } from '../custom/json-schema.ts';
import { isScalarType, typeSchema, type FieldSchema } from '../schema.ts';

/** Fields of each type, those that others name first. */
export type TypeDeclarations = Map<string, Record<string, string>>;

const ANY = 'dyn';
const SCALARS: Readonly<Record<string, string>> = {
  string: 'string',
  bool: 'bool',
  int32: 'int',
  int64: 'int',
  double: 'double',
};

/** Gives the name of the type; what it needs is added to `types`. A type that holds itself is of any type there. */
export function declareBuiltIn(typeName: string, types: TypeDeclarations, within: readonly string[] = []): string {
  if (isScalarType(typeName)) return SCALARS[typeName] ?? ANY;
  const schema = typeSchema(typeName);
  if (schema === undefined || schema.jsonForm !== undefined || within.includes(typeName)) return ANY;
  if (types.has(typeName)) return typeName;
  const fields: Record<string, string> = schema.isRoot ? { apiVersion: 'string', kind: 'string' } : {};
  const inside = [...within, typeName];
  for (const field of schema.fields.values()) fields[field.name] = fieldType(field, types, inside);
  types.set(typeName, fields);
  return typeName;
}

function fieldType({ shape, type }: FieldSchema, types: TypeDeclarations, within: readonly string[]): string {
  const one = declareBuiltIn(type, types, within);
  return shape === 'list' ? `list<${one}>` : shape === 'map' ? `map<string, ${one}>` : one;
}

/**
 * `schema` is of a whole object, whose metadata is that of every object. The library takes no dash in the name of a type, groups
 * have them; no group and no kind has an underscore.
 */
export function declareCustom(kindName: string, schema: JsonSchema, types: TypeDeclarations): string {
  const name = kindName.replaceAll('-', '_');
  const metadata = declareBuiltIn('meta.v1.ObjectMeta', types);
  const fields = { ...fieldsOf(name, schema, types), apiVersion: 'string', kind: 'string', metadata };
  types.set(name, fields);
  return name;
}

function fieldsOf(name: string, { properties = {} }: JsonSchema, types: TypeDeclarations): Record<string, string> {
  return Object.fromEntries(
    Object.entries(properties).flatMap(([field, schema]) => {
      const escaped = celName(field);
      return escaped === undefined ? [] : [[escaped, schemaType(`${name}.${escaped}`, schema, types)]];
    }),
  );
}

const SIMPLE: Readonly<Record<string, string>> = {
  string: 'string',
  boolean: 'bool',
  integer: 'int',
  number: 'double',
};

function schemaType(name: string, schema: JsonSchema, types: TypeDeclarations): string {
  if (schema['x-kubernetes-int-or-string'] === true || schema['x-kubernetes-preserve-unknown-fields'] === true)
    return ANY;
  // A text with a format may be another type to upstream, like a point in time.
  if (schema.type === 'string' && schema.format !== undefined) return ANY;
  if (schema.type === 'array')
    return schema.items === undefined ? ANY : `list<${schemaType(`${name}.item`, schema.items, types)}>`;
  if (schema.type !== 'object') return SIMPLE[schema.type ?? ''] ?? ANY;
  if (isRecord(schema.additionalProperties))
    return `map<string, ${schemaType(`${name}.value`, schema.additionalProperties as JsonSchema, types)}>`;
  if (schema.properties === undefined || schema['x-kubernetes-embedded-resource'] === true) return ANY;
  types.set(name, fieldsOf(name, schema, types));
  return name;
}
