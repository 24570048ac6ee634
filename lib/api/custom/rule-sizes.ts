// Decides how large the values of a CRD's schema may be, for the estimate of what its rules cost, as the real server declares them:
// what the schema does not bound is bounded by the largest request. Never reckons what a rule costs.
import { isRecord } from '../../base/records.ts';
import type { Declared } from '../cel/cost/declared.ts';
import { simple, type CelType } from '../cel/cost/types.ts';
import { celName } from './cel-name.ts';
import type { JsonSchema } from './json-schema.ts';

export const LARGEST_REQUEST = 3 * 1024 * 1024;
/** Without what stands around it: quotes, brackets. */
const LARGEST_VALUE = LARGEST_REQUEST - 2;
/** A character of a text may be as many bytes. */
const BYTES_OF_CHARACTER = 4;

/** Texts that are more than texts to CEL: their type, most characters, fewest bytes. */
const FORMATS: Readonly<Record<string, readonly [string, number, number]>> = {
  byte: ['bytes', LARGEST_VALUE, 2],
  duration: ['duration', 32, 3],
  date: ['timestamp', 12, 12],
  'date-time': ['timestamp', 32, 21],
};
/** Type, fewest bytes. */
const SCALARS: Readonly<Record<string, readonly [string, number]>> = {
  boolean: ['bool', 4],
  number: ['double', 1],
  integer: ['int', 1],
};

const declare = (type: CelType, most: number, fewestBytes: number): Declared => ({ type, most, fewestBytes });
const KEY = declare(simple('string'), 0, 2);

/** Undefined: rules cannot see it. `isResource`: it has a kind and metadata. */
export function declaredSizes(schema: JsonSchema, isResource: boolean): Declared | undefined {
  if (schema['x-kubernetes-int-or-string'] === true) return declare(simple('dyn'), LARGEST_VALUE, 1);
  switch (schema.type) {
    case 'array':
      return listSizes(schema);
    case 'object':
      return isRecord(schema.additionalProperties) ? mapSizes(schema) : objectSizes(schema, isResource);
    case 'string':
      return textSizes(schema);
    default: {
      const scalar = SCALARS[schema.type ?? ''];
      return scalar && declare(simple(scalar[0]), 0, scalar[1]);
    }
  }
}

const isEmbedded = (schema: JsonSchema): boolean => schema['x-kubernetes-embedded-resource'] === true;
const atLeastZero = (most: number): number => Math.max(0, most);

function listSizes({ items, maxItems }: JsonSchema): Declared | undefined {
  const element = isRecord(items) ? declaredSizes(items, isEmbedded(items)) : undefined;
  if (element === undefined) return undefined;
  const most = maxItems ?? Math.floor(LARGEST_VALUE / (element.fewestBytes + 1));
  return { ...declare(simple('list', element.type), atLeastZero(most), 2), element };
}

/** Of one entry: quotes, colon, comma, and the shortest key. */
const BYTES_OF_ENTRY = 6;

function mapSizes({ additionalProperties, maxProperties }: JsonSchema): Declared | undefined {
  const values = additionalProperties as JsonSchema;
  const element = declaredSizes(values, isEmbedded(values));
  if (element === undefined) return undefined;
  const most = maxProperties ?? Math.floor(LARGEST_VALUE / (element.fewestBytes + BYTES_OF_ENTRY));
  return { ...declare(simple('map', KEY.type, element.type), atLeastZero(most), 2), element, key: KEY };
}

const TEXT: JsonSchema = { type: 'string' };
const RESOURCE: Readonly<Record<string, JsonSchema>> = {
  kind: TEXT,
  apiVersion: TEXT,
  metadata: { type: 'object', properties: { name: TEXT, generateName: TEXT } },
};

/** What a schema says of the metadata counts only where it tells of all that rules may see of it. */
function propertiesOf({ properties = {} }: JsonSchema, isResource: boolean): Record<string, JsonSchema> {
  const { kind, apiVersion, metadata } = properties;
  const inner = metadata?.properties ?? {};
  const texts = [kind, apiVersion, inner['name'], inner['generateName']];
  const isWhole = metadata?.type === 'object' && texts.every((one) => one?.type === 'string');
  return !isResource || isWhole ? properties : { ...properties, ...RESOURCE };
}

/** Of a field: quotes, colon, comma. */
const BYTES_OF_FIELD = 4;

function objectSizes(schema: JsonSchema, isResource: boolean): Declared {
  const fields = new Map<string, Declared>();
  let bytes = 2;
  for (const [name, own] of Object.entries(propertiesOf(schema, isResource))) {
    const field = declaredSizes(own, isEmbedded(own));
    if (field === undefined) continue;
    const escaped = celName(name);
    if (escaped !== undefined) fields.set(escaped, field);
    if (schema.required?.includes(name) === true && own.default === undefined)
      bytes += new TextEncoder().encode(name).length + field.fewestBytes + BYTES_OF_FIELD;
  }
  const types = new Map([...fields].map(([name, { type }]) => [name, type]));
  return { ...declare({ ...simple('object'), fields: types }, 0, bytes), fields };
}

function textSizes({ format = '', maxLength, enum: choices = [] }: JsonSchema): Declared {
  const known = FORMATS[format];
  if (known !== undefined) {
    const [type, most, fewest] = known;
    return declare(simple(type), type === 'bytes' ? atLeastZero(maxLength ?? most) : most, fewest);
  }
  return declare(simple('string'), mostOfText(maxLength, choices), 2);
}

function mostOfText(maxLength: number | undefined, choices: readonly unknown[]): number {
  if (maxLength !== undefined) return atLeastZero(maxLength) * BYTES_OF_CHARACTER;
  if (choices.length === 0) return LARGEST_VALUE;
  const lengths = choices.map((one) => (typeof one === 'string' ? new TextEncoder().encode(one).length : 0));
  return Math.max(0, ...lengths);
}
