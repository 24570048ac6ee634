// Decides which fields of a custom resource are kept: those that its schema knows. Never judges a value.
import { isRecord } from '../../base/records.ts';
import { canonical, TypeMismatchError } from '../canonical.ts';
import { goValue } from './go-value.ts';
import { childPath, OWN_FIELDS, schemaOfField, type Json, type JsonSchema } from './json-schema.ts';

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
    if (embedded && !isResource && OWN_FIELDS.includes(name)) out[name] = ownField(name, value[name], at, unknown);
    else if (embedded && OWN_FIELDS.includes(name)) out[name] = value[name];
    // A null that may not be is as good as absent; where there is a default, that takes its place.
    else if (own !== undefined && value[name] === null && own.nullable !== true && own.default === undefined) continue;
    else if (own !== undefined) out[name] = prune(own, value[name], unknown, at);
    else if (keepsUnknown(schema)) out[name] = structuredClone(value[name]);
    else unknown.push(at);
  }
  return out;
}

/** Of a resource within another: its metadata in its one form. Throws TypeMismatchError. */
function ownField(name: string, value: unknown, path: string, unknown: string[]): unknown {
  const refuse = (why: string): never => {
    throw new TypeMismatchError(`${path}: Invalid value: ${goValue(value)}: ${why}`);
  };
  if (name !== 'metadata') return typeof value === 'string' ? value : refuse('must be a string');
  if (value === null) return value;
  if (!isRecord(value)) return refuse(`json: cannot unmarshal ${typeof value} into Go value of type v1.ObjectMeta`);
  try {
    const metadata = canonical('meta.v1.ObjectMeta', value);
    unknown.push(...metadata.unknown.map((field) => `${path}.${field}`));
    return metadata.value;
  } catch (error) {
    return refuse((error as Error).message);
  }
}

const keepsUnknown = (schema: JsonSchema): boolean =>
  schema['x-kubernetes-preserve-unknown-fields'] === true || schema.additionalProperties === true;
