// Decides what of a custom resource its schema refuses, with the field and the words that clients of Kubernetes know. Never
// evaluates CEL (rules.ts does) and never changes a value.
import { equalJson, equalObjects } from '../equality.ts';
import { duplicate, notSupported, required, tooLong, tooMany, type FieldError } from '../field-error.ts';
import { messageOf } from '../../base/errors.ts';
import { matchesPattern } from '../cel/functions.ts';
import { hasFormat } from './formats.ts';
import { childPath, isRecord, OWN_FIELDS, schemaOfField, type Json, type JsonSchema } from './json-schema.ts';

/** All broken fields. `old`: what stood there before, so that a value that has not changed is left alone (ratcheting). */
export function validateSchema(schema: JsonSchema, value: unknown, path: string, old?: unknown): FieldError[] {
  if (old !== undefined && path !== '' && equalObjects(value, old)) return [];
  if (value === null) return schema.nullable === true ? [] : nullProblem(schema, path);
  const wrongType = typeProblem(schema, value, path);
  if (wrongType !== undefined) return [wrongType];
  return [
    ...(Array.isArray(value) ? listProblems(schema, value, path, old) : []),
    ...(isRecord(value) ? objectProblems(schema, value, path, old) : []),
    ...(typeof value === 'string' ? textProblems(schema, value, path) : []),
    ...(typeof value === 'number' ? numberProblems(schema, value, path) : []),
    ...enumProblems(schema, value, path),
    ...logicProblems(schema, value, path),
  ];
}

const told = (path: string): string => (path === '' ? '' : path);
const shown = (value: unknown): string => JSON.stringify(value) ?? 'null';

/** The words of go-openapi: `spec.size in body should be …`. */
function invalid(path: string, value: unknown, text: string): FieldError {
  return {
    code: 'FieldValueInvalid',
    path,
    message: `Invalid value: ${shown(value)}: ${told(path)} in body ${text}`,
  };
}

function nullProblem(schema: JsonSchema, path: string): FieldError[] {
  if (schema.type === undefined && schema['x-kubernetes-int-or-string'] !== true) return [];
  return [typeError(schema, path, 'null', 'null')];
}

function typeError(schema: JsonSchema, path: string, was: string, value: string): FieldError {
  const type = schema['x-kubernetes-int-or-string'] === true ? 'integer,string' : schema.type;
  return {
    code: 'FieldValueTypeInvalid',
    path: path === '' ? '<nil>' : path,
    message: `Invalid value: ${JSON.stringify(value)}: ${told(path)} in body must be of type ${type}: ${JSON.stringify(was)}`,
  };
}

function typeProblem(schema: JsonSchema, value: unknown, path: string): FieldError | undefined {
  const is = jsonType(value);
  if (schema['x-kubernetes-int-or-string'] === true)
    return is === 'integer' || is === 'string' ? undefined : typeError(schema, path, is, is);
  const { type } = schema;
  if (type === undefined || type === '' || type === is || (type === 'number' && is === 'integer')) return undefined;
  return typeError(schema, path, is, is);
}

function jsonType(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function listProblems(schema: JsonSchema, list: unknown[], path: string, old: unknown): FieldError[] {
  const { items, minItems, maxItems, uniqueItems } = schema;
  const errors: FieldError[] = [];
  if (maxItems !== undefined && list.length > maxItems) errors.push(tooMany(path, list.length, maxItems));
  if (minItems !== undefined && list.length < minItems)
    errors.push({
      code: 'FieldValueInvalid',
      path,
      message: `Invalid value: ${list.length}: ${told(path)} in body should have at least ${minItems} items`,
    });
  if (uniqueItems === true && list.some((item, i) => list.findIndex((other) => equalJson(item, other)) < i))
    errors.push(invalid(path, list, `shouldn't contain duplicates`));
  if (items !== undefined) {
    const before = correlated(schema, old);
    list.forEach((item, i) => errors.push(...validateSchema(items, item, `${path}[${i}]`, before(item, i))));
  }
  return [...errors, ...sameElements(schema, list, path)];
}

/** Which old element is the same one: of map lists by its keys; of others none. */
export function correlated(schema: JsonSchema, old: unknown): (item: unknown, i: number) => unknown {
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  if (!Array.isArray(old) || schema['x-kubernetes-list-type'] !== 'map') return () => undefined;
  const byKey = new Map(old.map((item) => [keyOf(item, keys), item as unknown]));
  return (item) => byKey.get(keyOf(item, keys));
}

const keyOf = (item: unknown, keys: readonly string[]): string =>
  JSON.stringify(keys.map((key) => (isRecord(item) ? item[key] : undefined) ?? null));

function sameElements(schema: JsonSchema, list: unknown[], path: string): FieldError[] {
  const type = schema['x-kubernetes-list-type'];
  if (type !== 'set' && type !== 'map') return [];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const seen = new Set<string>();
  return list.flatMap((item, i) => {
    const key = type === 'set' ? JSON.stringify(item) : keyOf(item, keys);
    if (!seen.has(key)) {
      seen.add(key);
      return [];
    }
    const value =
      type === 'set' ? item : Object.fromEntries(keys.map((name) => [name, (item as Json | undefined)?.[name]]));
    return [duplicate(`${path}[${i}]`, value)];
  });
}

function objectProblems(schema: JsonSchema, object: Json, path: string, old: unknown): FieldError[] {
  const errors: FieldError[] = [];
  const { properties = {}, minProperties, maxProperties } = schema;
  const names = Object.keys(object);
  if (maxProperties !== undefined && names.length > maxProperties)
    errors.push(tooMany(path, names.length, maxProperties));
  if (minProperties !== undefined && names.length < minProperties)
    errors.push(invalid(path, names.length, `should have at least ${minProperties} properties`));
  for (const name of schema.required ?? [])
    if (object[name] === undefined) errors.push(required(childPath(path, name)));
  const before = isRecord(old) ? old : {};
  for (const name of names.toSorted()) {
    const own = schemaOfField(schema, name);
    const isOwn = path === '' && OWN_FIELDS.includes(name);
    if (own === undefined || (isOwn && properties[name]?.properties === undefined)) continue;
    const at = Object.hasOwn(properties, name) ? childPath(path, name) : `${path}.${name}`;
    errors.push(...validateSchema(own, object[name], at, before[name]));
  }
  return errors;
}

function textProblems(schema: JsonSchema, text: string, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const length = [...text].length;
  if (schema.maxLength !== undefined && length > schema.maxLength) errors.push(tooLong(path, schema.maxLength));
  if (schema.minLength !== undefined && length < schema.minLength)
    errors.push(invalid(path, text, `should be at least ${schema.minLength} chars long`));
  if (schema.pattern !== undefined) errors.push(...patternProblem(schema.pattern, text, path));
  if (schema.format !== undefined && !hasFormat(schema.format, text))
    errors.push(invalid(path, text, `must be of type ${schema.format}: ${JSON.stringify(text)}`));
  return errors;
}

/** One that is no pattern is told where the schema is checked; here it matches nothing. */
function patternProblem(pattern: string, text: string, path: string): FieldError[] {
  try {
    return matchesPattern(pattern, text) ? [] : [invalid(path, text, `should match '${pattern}'`)];
  } catch (error) {
    const shown = text.length > 100 ? `${text.slice(0, 100)}...` : text;
    return [invalid(path, shown, `should match '${pattern}', but cannot be matched: ${messageOf(error)}`)];
  }
}

function numberProblems(schema: JsonSchema, number: number, path: string): FieldError[] {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf, format } = schema;
  const errors: FieldError[] = [];
  if (maximum !== undefined && (exclusiveMaximum === true ? number >= maximum : number > maximum))
    errors.push(
      invalid(path, number, `should be less than ${exclusiveMaximum === true ? '' : 'or equal to '}${maximum}`),
    );
  if (minimum !== undefined && (exclusiveMinimum === true ? number <= minimum : number < minimum))
    errors.push(
      invalid(path, number, `should be greater than ${exclusiveMinimum === true ? '' : 'or equal to '}${minimum}`),
    );
  if (multipleOf !== undefined && !Number.isInteger(Number((number / multipleOf).toPrecision(12))))
    errors.push(invalid(path, number, `should be a multiple of ${multipleOf}`));
  if (format === 'int32' && (number < -(2 ** 31) || number >= 2 ** 31))
    errors.push(invalid(path, number, `must be of type int32: ${JSON.stringify(String(number))}`));
  return errors;
}

function enumProblems(schema: JsonSchema, value: unknown, path: string): FieldError[] {
  const known = schema.enum;
  if (known === undefined || known.some((one) => equalJson(one, value))) return [];
  return [
    notSupported(
      path,
      value,
      known.map((one) => (typeof one === 'string' ? one : shown(one))),
    ),
  ];
}

const holds = (schema: JsonSchema, value: unknown, path: string): boolean =>
  validateSchema(schema, value, path).length === 0;

function logicProblems(schema: JsonSchema, value: unknown, path: string): FieldError[] {
  const { allOf = [], anyOf = [], oneOf = [], not } = schema;
  const errors = allOf.flatMap((one) => validateSchema(one, value, path));
  if (errors.length > 0) errors.push(invalid(path, value, 'must validate all the schemas (allOf)'));
  // The two branches that int-or-string is written with say nothing more than the extension.
  const isUnion = schema['x-kubernetes-int-or-string'] === true;
  if (anyOf.length > 0 && !isUnion && !anyOf.some((one) => holds(one, value, path)))
    errors.push(invalid(path, value, 'must validate at least one schema (anyOf)'));
  if (oneOf.length > 0) {
    const count = oneOf.filter((one) => holds(one, value, path)).length;
    const found = count === 0 ? 'Found none valid' : `Found ${count} valid alternatives`;
    if (count !== 1) errors.push(invalid(path, value, `must validate one and only one schema (oneOf). ${found}`));
  }
  if (not !== undefined && holds(not, value, path))
    errors.push(invalid(path, value, 'must not validate the schema (not)'));
  return errors;
}
