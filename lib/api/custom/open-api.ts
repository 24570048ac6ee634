// Decides how a custom resource's schema is published in OpenAPI: v3 whole, v2 without what v2 cannot say. Never publishes what
// clients would validate more strictly than the server does.
import { isRecord } from '../../base/records.ts';
import type { Json, JsonSchema } from './json-schema.ts';

/** Said in v3 only: v2 has no words for it, and kubectl of old chokes on some. */
const V3_ONLY = new Set(['allOf', 'anyOf', 'oneOf', 'not', 'nullable', 'x-kubernetes-validations']);
const NESTED = new Set(['properties', 'items', 'additionalProperties']);

export interface CustomOpenApi {
  /** References, as the dialect writes them. */
  metadata: Json;
  isV2: boolean;
}

/** The object's schema with its own fields; what is below is copied. */
export function customOpenApi(schema: JsonSchema, { metadata, isV2 }: CustomOpenApi): Json {
  // kubectl of v2 refuses whatever is not among the properties, as soon as there is one.
  if (isV2 && keepsUnknown(schema)) return { type: 'object' };
  const own = published(schema, isV2);
  const properties = {
    ...(own['properties'] as Json | undefined),
    apiVersion: { type: 'string', description: API_VERSION },
    kind: { type: 'string', description: KIND },
    metadata,
  };
  return { ...own, type: 'object', properties };
}

const API_VERSION =
  'APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, and may reject unrecognized values.';
const KIND =
  'Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase.';

const keepsUnknown = (schema: JsonSchema): boolean => schema['x-kubernetes-preserve-unknown-fields'] === true;

function published(schema: JsonSchema, isV2: boolean): Json {
  // Whoever keeps unknown fields takes any: a type with its properties would make clients refuse them.
  if (isV2 && keepsUnknown(schema))
    return {
      ...(schema.description === undefined ? {} : { description: schema.description }),
      ...(schema.type === undefined ? {} : { type: schema.type }),
      'x-kubernetes-preserve-unknown-fields': true,
    };
  const out: Json = {};
  for (const [name, value] of Object.entries(schema)) {
    if (value === undefined || (isV2 && V3_ONLY.has(name)) || (isV2 && name === 'default')) continue;
    out[name] = NESTED.has(name) ? nested(name, value, isV2) : value;
  }
  return out;
}

function nested(name: string, value: unknown, isV2: boolean): unknown {
  if (!isRecord(value)) return value;
  if (name !== 'properties') return published(value as JsonSchema, isV2);
  return Object.fromEntries(Object.entries(value).map(([key, own]) => [key, published(own as JsonSchema, isV2)]));
}
