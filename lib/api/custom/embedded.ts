// Decides whether the resources that a custom resource holds within itself have the type and the metadata of one. Never looks at what
// else they say: that is what their schema is for.
import { isRecord, ownValue } from '../../base/records.ts';
import { invalidValue, required, type FieldError } from '../field-error.ts';
import { dns1035Label } from '../formats.ts';
import { validateMetadata } from '../metadata.ts';
import type { KubeObject } from '../object.ts';
import type { JsonSchema } from './json-schema.ts';

const EMPTY = 'must not be empty';

const known = new WeakMap<JsonSchema, boolean>();

/** Most have none: their objects need not be walked. */
export function hasEmbedded(schema: JsonSchema): boolean {
  const found = known.get(schema);
  if (found !== undefined) return found;
  const { items, additionalProperties: more, properties = {} } = schema;
  const parts = [items, typeof more === 'object' ? more : undefined, ...Object.values(properties)];
  const has =
    schema['x-kubernetes-embedded-resource'] === true || parts.some((part) => part !== undefined && hasEmbedded(part));
  known.set(schema, has);
  return has;
}

/** `path`: '' at the root, which is checked as every object is. */
export function validateEmbedded(schema: JsonSchema | undefined, value: unknown, path = ''): FieldError[] {
  if (schema === undefined) return [];
  if (Array.isArray(value)) return value.flatMap((item, i) => validateEmbedded(schema.items, item, `${path}[${i}]`));
  if (!isRecord(value)) return [];
  const more = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined;
  const inside = Object.entries(value).flatMap(([name, child]) => {
    const own = ownValue(schema.properties, name);
    if (own !== undefined) return validateEmbedded(own, child, path === '' ? name : `${path}.${name}`);
    return validateEmbedded(more, child, `${path}[${name}]`);
  });
  return schema['x-kubernetes-embedded-resource'] === true ? [...validateResource(value, path), ...inside] : inside;
}

function validateResource(value: Record<string, unknown>, path: string): FieldError[] {
  return [
    ...validateText(value['apiVersion'], `${path}.apiVersion`, (text) =>
      text.split('/').length > 2 ? [`unexpected GroupVersion string: ${text}`] : [],
    ),
    ...validateText(value['kind'], `${path}.kind`, (text) =>
      dns1035Label(text.toLowerCase()).map((told) => `may have mixed case, but should otherwise match: ${told}`),
    ),
    ...('metadata' in value ? validateMeta(value['metadata'], path) : []),
  ];
}

function validateText(value: unknown, path: string, problems: (text: string) => string[]): FieldError[] {
  if (value === undefined) return [required(path, EMPTY)];
  if (typeof value !== 'string') return [invalidValue(path, value, 'must be a string')];
  if (value === '') return [invalidValue(path, value, EMPTY)];
  return problems(value).map((told) => invalidValue(path, value, told));
}

/** A template has no name yet. */
function validateMeta(metadata: unknown, path: string): FieldError[] {
  if (!isRecord(metadata)) return [invalidValue(`${path}.metadata`, metadata, 'must be an object')];
  const named = { name: 'x', ...metadata };
  const namespaced = (metadata['namespace'] ?? '') !== '';
  const object = { metadata: named.name === '' ? { ...named, name: 'x' } : named } as unknown as KubeObject;
  const errors = validateMetadata(object, { namespaced, nameRule: 'pathSegment' });
  return errors.map((error) => ({ ...error, path: `${path}.${error.path}` }));
}
