// Decides what of a custom resource its schema refuses, with the field and the words that clients of Kubernetes know. Never
// evaluates CEL (rules.ts does) and never changes a value.
import { isRecord, ownValue } from '../../base/records.ts';
import { equalJson, equalObjects } from '../equality.ts';
import {
  duplicate,
  GoText,
  invalidValue,
  notSupported,
  required,
  tooLong,
  tooMany,
  type FieldError,
} from '../field-error.ts';
import { messageOf } from '../../base/errors.ts';
import { matchesPattern } from '../cel/functions.ts';
import { hasFormat } from './formats.ts';
import { goValue } from './go-value.ts';
import { childPath, OWN_FIELDS, schemaOfField, type Json, type JsonSchema } from './json-schema.ts';

/** All broken fields. `old`: what stood there before, so that a value that has not changed is left alone (ratcheting). */
export function validateSchema(schema: JsonSchema, value: unknown, path: string, old?: unknown): FieldError[] {
  if (old !== undefined && path !== '' && equalObjects(value, old)) return [];
  if (value === null) return schema.nullable === true ? [] : nullProblem(schema, path);
  const wrongType = typeProblem(schema, value, path);
  // In the order in which the real server asks; a wrong type ends nothing.
  return [
    ...(wrongType === undefined ? [] : [wrongType]),
    ...logicProblems(schema, value, path),
    ...(typeof value === 'string' ? textProblems(schema, value, path) : []),
    ...(typeof value === 'number' ? numberProblems(schema, value, path) : []),
    ...(Array.isArray(value) ? listProblems(schema, value, path, old) : []),
    ...enumProblems(schema, value, path),
    ...(isRecord(value) ? objectProblems(schema, value, path, old) : []),
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
  // What is more than 64 bits is no integer.
  if (typeof value === 'number') return Number.isInteger(value) && Math.abs(value) < 2 ** 63 ? 'integer' : 'number';
  return typeof value;
}

function listProblems(schema: JsonSchema, list: unknown[], path: string, old: unknown): FieldError[] {
  const { items, minItems, maxItems, uniqueItems } = schema;
  const errors: FieldError[] = [];
  if (items !== undefined) {
    const before = correlated(schema, old);
    list.forEach((item, i) => errors.push(...validateSchema(items, item, `${path}[${i}]`, before(item, i))));
  }
  if (minItems !== undefined && list.length < minItems)
    errors.push({
      code: 'FieldValueInvalid',
      path,
      message: `Invalid value: ${list.length}: ${told(path)} in body should have at least ${minItems} items`,
    });
  if (maxItems !== undefined && list.length > maxItems) errors.push(tooMany(path, list.length, maxItems));
  if (uniqueItems === true && list.some((item, i) => list.findIndex((other) => equalJson(item, other)) < i))
    errors.push(invalid(path, list, `shouldn't contain duplicates`));
  return errors;
}

/** Which old element is the same one: of map lists by its keys; of others none. */
export function correlated(schema: JsonSchema, old: unknown): (item: unknown, i: number) => unknown {
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  if (!Array.isArray(old) || schema['x-kubernetes-list-type'] !== 'map') return () => undefined;
  const byKey = new Map(old.map((item) => [keyOf(item, keys), item as unknown]));
  return (item) => byKey.get(keyOf(item, keys));
}

const keyOf = (item: unknown, keys: readonly string[]): string =>
  JSON.stringify(keys.map((key) => (isRecord(item) ? ownValue(item, key) : undefined) ?? null));

/** Elements of sets and of lists that are maps which are there twice. Never asked of a value that was so before. */
export function validateLists(schema: JsonSchema, value: unknown, path = ''): FieldError[] {
  if (Array.isArray(value)) {
    const { items } = schema;
    const inner = items === undefined ? [] : value.flatMap((item, i) => validateLists(items, item, `${path}[${i}]`));
    return [...sameElements(schema, value, path), ...inner];
  }
  if (!isRecord(value)) return [];
  return Object.keys(value).flatMap((name) => {
    const own = schemaOfField(schema, name);
    if (own === undefined) return [];
    const isField = Object.hasOwn(schema.properties ?? {}, name);
    return validateLists(own, value[name], isField ? childPath(path, name) : `${path}[${name}]`);
  });
}

/** Each is told where it comes for the second time, and not again. */
function sameElements(schema: JsonSchema, list: unknown[], path: string): FieldError[] {
  const type = schema['x-kubernetes-list-type'];
  if (type !== 'set' && type !== 'map') return [];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const other = type === 'map' ? list.findIndex((item) => item !== null && !isRecord(item)) : -1;
  if (other >= 0)
    return [
      invalidValue(`${path}[${other}]`, shownInGo(list[other]), 'must be an object for an array of list-type map'),
    ];
  const seen = new Map<string, number>();
  return list.flatMap((item, i) => {
    const key = type === 'set' ? JSON.stringify(item) : keyOf(item, keys);
    const times = seen.get(key) ?? 0;
    seen.set(key, times + 1);
    if (times !== 1) return [];
    const value = type === 'set' ? item : keysOf(item, keys);
    return [duplicate(`${path}[${i}]`, shownInGo(value))];
  });
}

const keysOf = (item: unknown, keys: readonly string[]): Json =>
  Object.fromEntries(
    keys.flatMap((name) => (isRecord(item) && ownValue(item, name) !== undefined ? [[name, item[name]] as const] : [])),
  );

const shownInGo = (value: unknown): unknown =>
  typeof value === 'object' && value !== null ? new GoText(goValue(value)) : value;

function objectProblems(schema: JsonSchema, object: Json, path: string, old: unknown): FieldError[] {
  const errors: FieldError[] = [];
  const { properties = {}, minProperties, maxProperties } = schema;
  const names = Object.keys(object);
  if (maxProperties !== undefined && names.length > maxProperties)
    errors.push(tooMany(path, names.length, maxProperties));
  if (minProperties !== undefined && names.length < minProperties)
    errors.push(invalid(path, names.length, `should have at least ${minProperties} properties`));
  for (const name of schema.required ?? [])
    if (ownValue(object, name) === undefined) errors.push(required(childPath(path, name)));
  const before = isRecord(old) ? old : {};
  for (const name of names.toSorted()) {
    const own = schemaOfField(schema, name);
    const isOwn = path === '' && OWN_FIELDS.includes(name);
    if (own === undefined || (isOwn && properties[name]?.properties === undefined)) continue;
    const at = Object.hasOwn(properties, name) ? childPath(path, name) : `${path}.${name}`;
    errors.push(...validateSchema(own, object[name], at, ownValue(before, name)));
  }
  return errors;
}

/** The first of its length and its pattern that is wrong, and its format. */
function textProblems(schema: JsonSchema, text: string, path: string): FieldError[] {
  const errors = shapeProblem(schema, text, path);
  if (schema.format !== undefined && !hasFormat(schema.format, text))
    errors.push({
      ...invalid(path, text, `must be of type ${schema.format}: ${JSON.stringify(text)}`),
      code: 'FieldValueTypeInvalid',
    });
  return errors;
}

function shapeProblem({ maxLength, minLength, pattern }: JsonSchema, text: string, path: string): FieldError[] {
  const length = [...text].length;
  if (maxLength !== undefined && length > maxLength) return [tooLong(path, maxLength)];
  if (minLength !== undefined && length < minLength)
    return [invalid(path, text, `should be at least ${minLength} chars long`)];
  return pattern === undefined ? [] : patternProblem(pattern, text, path);
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
  const { exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
  // An integer is compared with an integer.
  const bound = (given: number | undefined): number | undefined =>
    given === undefined || !Number.isInteger(number) ? given : Math.trunc(given);
  const [minimum, maximum] = [bound(schema.minimum), bound(schema.maximum)];
  const errors: FieldError[] = [];
  const orEqual = (isExclusive: boolean | undefined): string => (isExclusive === true ? '' : 'or equal to ');
  if (multipleOf !== undefined && !Number.isInteger(Number((number / multipleOf).toPrecision(12))))
    errors.push(invalid(path, number, `should be a multiple of ${multipleOf}`));
  if (minimum !== undefined && (exclusiveMinimum === true ? number <= minimum : number < minimum))
    errors.push(invalid(path, number, `should be greater than ${orEqual(exclusiveMinimum)}${schema.minimum}`));
  if (maximum !== undefined && (exclusiveMaximum === true ? number >= maximum : number > maximum))
    errors.push(invalid(path, number, `should be less than ${orEqual(exclusiveMaximum)}${schema.maximum}`));
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

/** `"spec.a" must validate …`: told of no field. */
const ofWhole = (path: string, text: string): FieldError => ({
  code: 'FieldValueInvalid',
  path: '<nil>',
  message: `Invalid value: "": ${JSON.stringify(path)} ${text}`,
});

/** What is wrong with a branch comes after that none held: the first stands for them. */
function logicProblems(schema: JsonSchema, value: unknown, path: string): FieldError[] {
  const { allOf = [], anyOf = [], oneOf = [], not } = schema;
  const errors: FieldError[] = [];
  const branchErrors = (branches: readonly JsonSchema[]): FieldError[][] =>
    branches.map((one) => validateSchema(one, value, path));
  const any = branchErrors(anyOf);
  if (any.length > 0 && any.every((one) => one.length > 0))
    errors.push(ofWhole(path, 'must validate at least one schema (anyOf)'), ...any[0]!);
  const each = branchErrors(oneOf);
  const count = each.filter((one) => one.length === 0).length;
  if (each.length > 0 && count !== 1) {
    const found = count === 0 ? 'Found none valid' : `Found ${count} valid alternatives`;
    errors.push(ofWhole(path, `must validate one and only one schema (oneOf). ${found}`));
    if (count === 0) errors.push(...each[0]!);
  }
  const all = branchErrors(allOf);
  errors.push(...all.flat());
  if (all.some((one) => one.length > 0)) {
    const none = all.every((one) => one.length > 0) ? '. None validated' : '';
    errors.push(ofWhole(path, `must validate all the schemas (allOf)${none}`));
  }
  if (not !== undefined && validateSchema(not, value, path).length === 0)
    errors.push(ofWhole(path, 'must not validate the schema (not)'));
  return errors;
}
