// Decides whether a CRD's schema is structural: a type everywhere, and nothing in anyOf and its like that is not outside of them too,
// so that pruning, defaults and merging know what to do. Never looks at rules, defaults or a custom resource.
import { isRecord, ownValue } from '../../base/records.ts';
import { equalJson } from '../equality.ts';
import { compiledPattern } from '../cel/functions.ts';
import { forbidden, invalidValue, required, type FieldError } from '../field-error.ts';
import type { JsonSchema } from './json-schema.ts';

const INT_OR_STRING = [{ type: 'integer' }, { type: 'string' }];
const LOGIC = ['anyOf', 'allOf', 'oneOf'] as const;
const PRESERVE = 'x-kubernetes-preserve-unknown-fields';
const EMBEDDED = 'x-kubernetes-embedded-resource';
const UNION = 'x-kubernetes-int-or-string';

type Level = 'root' | 'items' | 'field';

const EMPTY_TYPE: Record<Level, string> = {
  root: 'must not be empty at the root',
  items: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
};

/** What may not be said within anyOf and its like, and the words for it. */
const NOT_IN_LOGIC: ReadonlyArray<readonly [string, string]> = [
  ['type', 'must be empty to be structural'],
  ['additionalProperties', 'must be undefined to be structural'],
  ['default', 'must be undefined to be structural'],
  ['title', 'must be empty to be structural'],
  ['description', 'must be empty to be structural'],
  ['nullable', 'must be false to be structural'],
  [PRESERVE, 'must be false to be structural'],
  [EMBEDDED, 'must be false to be structural'],
  [UNION, 'must be false to be structural'],
  ['x-kubernetes-list-map-keys', 'must be empty to be structural'],
  ['x-kubernetes-list-type', 'must be undefined to be structural'],
  ['x-kubernetes-map-type', 'must be undefined to be structural'],
  ['x-kubernetes-validations', 'must be empty to be structural'],
];

export function validateStructural(schema: JsonSchema, path: string): FieldError[] {
  const errors = [...invariants(schema, 'root', path), ...completeness(schema, schema, path, path)];
  const told = ({ path: field, message }: FieldError): string => `${field}: ${message}`;
  return errors.toSorted((a, b) => (told(a) < told(b) ? -1 : 1));
}

function invariants(schema: JsonSchema, level: Level, path: string): FieldError[] {
  const { type = '', items, properties = {}, additionalProperties: more } = schema;
  const errors: FieldError[] = [];
  if (type === 'array' && items === undefined) errors.push(required(`${path}.items`, 'must be specified'));
  if (items !== undefined) errors.push(...invariants(items, 'items', `${path}.items`));
  for (const [name, own] of Object.entries(properties))
    errors.push(...invariants(own, 'field', `${path}.properties[${name}]`));
  if (more !== undefined && level === 'root')
    errors.push(forbidden(`${path}.additionalProperties`, 'must not be used at the root'));
  if (isRecord(more)) errors.push(...invariants(more as JsonSchema, 'field', `${path}.additionalProperties`));
  return [
    ...errors,
    ...unionProblems(schema, path),
    ...logicProblems(schema, path, isUnion(schema.anyOf), isUnion(schema.allOf?.[0]?.anyOf)),
    ...typeProblems(schema, level, path),
    ...resourceProblems(schema, level, path),
  ];
}

const isUnion = (anyOf: unknown): boolean => equalJson(anyOf ?? [], INT_OR_STRING);

function unionProblems(schema: JsonSchema, path: string): FieldError[] {
  if (schema[UNION] !== true) return [];
  return [PRESERVE, EMBEDDED]
    .filter((name) => schema[name] === true)
    .map((name) => invalidValue(`${path}.${name}`, true, `must be false if ${UNION} is true`));
}

function typeProblems(schema: JsonSchema, level: Level, path: string): FieldError[] {
  const { type = '' } = schema;
  const at = `${path}.type`;
  const errors: FieldError[] = [];
  if (schema[EMBEDDED] === true && type !== 'object') {
    const told = `must be object if ${EMBEDDED} is true`;
    errors.push(type === '' ? required(at, told) : invalidValue(at, type, told));
  } else if (type === '' && schema[UNION] !== true && schema[PRESERVE] !== true)
    errors.push(required(at, EMPTY_TYPE[level]));
  if (schema[EMBEDDED] === true && schema.additionalProperties !== undefined)
    errors.push(forbidden(`${path}.additionalProperties`, `must not be used if ${EMBEDDED} is set`));
  if (level === 'root' && type !== '' && type !== 'object')
    errors.push(invalidValue(at, type, 'must be object at the root'));
  return errors;
}

function resourceProblems(schema: JsonSchema, level: Level, path: string): FieldError[] {
  const { properties = {} } = schema;
  const isResource = level === 'root' || schema[EMBEDDED] === true;
  const errors: FieldError[] = [];
  for (const name of isResource ? ['kind', 'apiVersion'] : []) {
    const own = properties[name];
    if (own !== undefined && own.type !== 'string')
      errors.push(invalidValue(`${path}.properties[${name}].type`, own.type ?? '', 'must be string'));
  }
  const { metadata } = properties;
  const at = `${path}.properties[metadata]`;
  if (metadata !== undefined && isResource && metadata.type !== 'object')
    errors.push(invalidValue(`${at}.type`, metadata.type ?? '', 'must be object'));
  if (metadata !== undefined && level === 'root' && !restrictsNameAlone(metadata))
    errors.push(
      forbidden(at, 'must not specify anything other than name and generateName, but metadata is implicitly specified'),
    );
  if (schema[EMBEDDED] === true && schema[PRESERVE] !== true && Object.keys(properties).length === 0)
    errors.push(required(`${path}.properties`, `must not be empty if ${EMBEDDED} is true without ${PRESERVE}`));
  return errors;
}

function restrictsNameAlone({ type: _type, default: _default, properties = {}, ...rest }: JsonSchema): boolean {
  const isName = (name: string): boolean => name === 'name' || name === 'generateName';
  return Object.keys(properties).every(isName) && Object.values(rest).every((value) => value === undefined);
}

/** `skipsUnion`, `skipsFirst`: anyOf says what int-or-string is written with, itself or in the first of allOf. */
function logicProblems(schema: JsonSchema, path: string, skipsUnion: boolean, skipsFirst: boolean): FieldError[] {
  const errors = LOGIC.flatMap((name) =>
    name === 'anyOf' && skipsUnion
      ? []
      : (schema[name] ?? []).flatMap((one, i) =>
          nestedProblems(one, `${path}.${name}[${i}]`, name === 'allOf' && skipsFirst && i === 0),
        ),
  );
  if (schema.not !== undefined) errors.push(...nestedProblems(schema.not, `${path}.not`, false));
  return [...errors, ...patternProblems(schema, path)];
}

function nestedProblems(schema: JsonSchema, path: string, skipsUnion: boolean): FieldError[] {
  const errors = logicProblems(schema, path, skipsUnion, false);
  if (schema.items !== undefined) errors.push(...nestedProblems(schema.items, `${path}.items`, false));
  for (const [name, own] of Object.entries(schema.properties ?? {}))
    errors.push(...nestedProblems(own, `${path}.properties[${name}]`, false));
  for (const [name, told] of NOT_IN_LOGIC) if (isSaid(schema[name])) errors.push(forbidden(`${path}.${name}`, told));
  if (schema.properties?.['metadata'] !== undefined)
    errors.push(forbidden(`${path}.properties[metadata]`, 'must not be specified in a nested context'));
  return errors;
}

const isSaid = (value: unknown): boolean =>
  value !== undefined && value !== false && value !== '' && !(Array.isArray(value) && value.length === 0);

function patternProblems({ pattern }: JsonSchema, path: string): FieldError[] {
  if (pattern === undefined || pattern === '') return [];
  try {
    compiledPattern(pattern);
    return [];
  } catch (error) {
    const why = (error as Error).message;
    return [invalidValue(`${path}.pattern`, pattern, `must be a valid regular expression, but isn't: ${why}`)];
  }
}

/** What is judged within anyOf and its like is a part of the structure too. `schema` undefined: it is not. */
function completeness(
  nested: JsonSchema,
  schema: JsonSchema | undefined,
  path: string,
  nestedPath: string,
): FieldError[] {
  const branches: Array<[JsonSchema, string]> = nested.not === undefined ? [] : [[nested.not, `${nestedPath}.not`]];
  for (const name of LOGIC)
    (nested[name] ?? []).forEach((one, i) => branches.push([one, `${nestedPath}.${name}[${i}]`]));
  return branches.flatMap(([branch, at]) => branchCompleteness(branch, schema, path, at));
}

function branchCompleteness(
  branch: JsonSchema,
  schema: JsonSchema | undefined,
  path: string,
  at: string,
): FieldError[] {
  if (schema === undefined) return [required(path, `because it is defined in ${at}`)];
  const errors = completeness(branch, schema, path, at);
  if (branch.items !== undefined)
    errors.push(...branchCompleteness(branch.items, schema.items, `${path}.items`, `${at}.items`));
  for (const [name, own] of Object.entries(branch.properties ?? {}))
    errors.push(
      ...branchCompleteness(
        own,
        ownValue(schema.properties, name),
        `${path}.properties[${name}]`,
        `${at}.properties[${name}]`,
      ),
    );
  return errors;
}
