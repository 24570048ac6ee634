// Decides which fields of a custom resource are kept: those that its schema knows. Never judges a value.
import { childPath, isRecord, OWN_FIELDS, schemaOfField, type Json, type JsonSchema } from './json-schema.ts';

/** A copy without what the schema does not know; what was dropped is added to `unknown`. `isResource`: it has metadata. */
export function prune(schema: JsonSchema, value: unknown, unknown: string[], path = '', isResource = false): unknown {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items === undefined) return structuredClone(value);
    return value.map((item, i) => prune(items, item, unknown, `${path}[${i}]`));
  }
  if (!isRecord(value)) return value;
  const embedded = isResource || schema['x-kubernetes-embedded-resource'] === true;
  const out: Json = {};
  for (const name of Object.keys(value)) {
    // Own properties of this name break every later assignment; no API needs such a key.
    if (name === '__proto__') continue;
    const own = schemaOfField(schema, name);
    const at = childPath(path, name);
    if (embedded && OWN_FIELDS.includes(name)) out[name] = value[name];
    else if (own !== undefined) out[name] = prune(own, value[name], unknown, at);
    else if (keepsUnknown(schema)) out[name] = structuredClone(value[name]);
    else unknown.push(at);
  }
  return out;
}

const keepsUnknown = (schema: JsonSchema): boolean =>
  schema['x-kubernetes-preserve-unknown-fields'] === true || schema.additionalProperties === true;
