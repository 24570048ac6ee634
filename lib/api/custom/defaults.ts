// Decides which defaults of its schema a custom resource gets: nested ones only where the object around them is there, and
// in place of a null that may not be. Never overwrites a value.
import { isRecord, ownValue } from '../../base/records.ts';
import { schemaOfField, type JsonSchema } from './json-schema.ts';

/** Changes `value` in place. */
export function fillDefaults(schema: JsonSchema, value: unknown): void {
  if (Array.isArray(value)) {
    if (schema.items !== undefined) for (const item of value) fillDefaults(schema.items, item);
    return;
  }
  if (!isRecord(value)) return;
  for (const [name, own] of Object.entries(schema.properties ?? {})) {
    if (own.default === undefined) continue;
    const given = ownValue(value, name);
    const isMissing = given === undefined || (given === null && own.nullable !== true);
    if (isMissing) value[name] = structuredClone(own.default);
  }
  for (const name of Object.keys(value)) {
    const own = schemaOfField(schema, name);
    if (own !== undefined) fillDefaults(own, value[name]);
  }
}

/** Whether there is anything to fill at all: most schemas have no default. */
export function hasDefaults(schema: JsonSchema): boolean {
  if (schema.default !== undefined) return true;
  const { items, properties = {}, additionalProperties } = schema;
  return (
    (items !== undefined && hasDefaults(items)) ||
    Object.values(properties).some(hasDefaults) ||
    (typeof additionalProperties === 'object' && hasDefaults(additionalProperties))
  );
}
