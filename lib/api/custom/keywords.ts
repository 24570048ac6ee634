// Decides which keywords a CRD's schema may use where: types, lists that are sets and maps, the form of rules; and has what the
// rules say checked once all around them is well. Never looks at a custom resource.
import { isRecord, ownValue } from '../../base/records.ts';
import { forbidden, GoText, invalidValue, notSupported, required, type FieldError } from '../field-error.ts';
import { fieldPath } from './field-path.ts';
import { OWN_FIELDS, type CelRule, type JsonSchema } from './json-schema.ts';
import { childPlace, ruleProblems, type RulePlace } from './rule-check.ts';

const TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
const REASONS = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];
const LIST_TYPE = 'x-kubernetes-list-type';
const LIST_KEYS = 'x-kubernetes-list-map-keys';
const MAP_TYPE = 'x-kubernetes-map-type';
/** Keywords of JSON schema that CRDs may not use. */
const NOT_SUPPORTED = ['id', 'additionalItems', 'patternProperties', 'definitions', 'dependencies', '$ref'];

interface Where {
  path: string;
  isRoot: boolean;
  /** Why there may be no default. */
  noDefaults?: string;
  isInMetadata: boolean;
  /** Undefined: rules are not checked here. */
  rules: RulePlace | undefined;
}

/** `schema` is structural where `rules` is given; its rules are asked only where the schema of their part is well. */
export function validateKeywords(schema: JsonSchema, path: string, rules: RulePlace | undefined): FieldError[] {
  const { schemaErrors, ruleErrors } = node(schema, { path, isRoot: true, isInMetadata: false, rules });
  return [...schemaErrors, ...ruleErrors];
}

interface Errors {
  schemaErrors: FieldError[];
  ruleErrors: FieldError[];
}

function node(schema: JsonSchema, where: Where): Errors {
  const { path, rules } = where;
  const all: Errors = { schemaErrors: keywordProblems(schema, where), ruleErrors: [] };
  for (const [child, at] of children(schema, where)) {
    const { schemaErrors, ruleErrors } = node(child, at);
    all.schemaErrors.push(...schemaErrors);
    all.ruleErrors.push(...ruleErrors);
  }
  all.schemaErrors.push(...extensionProblems(schema, path), ...listProblems(schema, path), ...ruleForms(schema, path));
  if (all.schemaErrors.length === 0 && rules !== undefined) all.ruleErrors.push(...ruleProblems(schema, path, rules));
  return all;
}

function keywordProblems(schema: JsonSchema, { path, isInMetadata, noDefaults }: Where): FieldError[] {
  const errors: FieldError[] = [];
  const { type = '', additionalProperties: more, properties } = schema;
  if (type !== '' && !TYPES.includes(type)) errors.push(notSupported(`${path}.type`, type, TYPES));
  if (schema.default !== undefined && noDefaults !== undefined)
    errors.push(forbidden(`${path}.default`, `must not be set ${noDefaults}`));
  for (const name of NOT_SUPPORTED)
    if (schema[name] !== undefined) errors.push(forbidden(`${path}.${name}`, `${name} is not supported`));
  if (type === 'null')
    errors.push(forbidden(`${path}.type`, 'type cannot be set to null, use nullable as an alternative'));
  if (Array.isArray(schema.items))
    errors.push(forbidden(`${path}.items`, 'items must be a schema object and not an array'));
  if (isInMetadata && schema['x-kubernetes-embedded-resource'] === true)
    errors.push(forbidden(`${path}.x-kubernetes-embedded-resource`, 'must not be used inside of resource meta'));
  if (schema.uniqueItems === true)
    errors.push(
      forbidden(
        `${path}.uniqueItems`,
        'uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
      ),
    );
  if (more !== undefined && more !== true && Object.keys(properties ?? {}).length > 0)
    errors.push(forbidden(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'));
  return errors;
}

function* children(schema: JsonSchema, where: Where): Generator<[JsonSchema, Where]> {
  const { path, rules } = where;
  const inner = { ...where, isRoot: false };
  const { additionalProperties: more, items } = schema;
  if (isRecord(more))
    yield [
      more as JsonSchema,
      {
        ...inner,
        path: `${path}.additionalProperties`,
        rules: childPlace(rules, schema, more as JsonSchema, 'value', path),
        ...(where.isInMetadata ? { noDefaults: 'inside additionalProperties applying to object metadata' } : {}),
      },
    ];
  for (const [name, own] of Object.entries(schema.properties ?? {})) {
    const isOwn = (where.isRoot || schema['x-kubernetes-embedded-resource'] === true) && OWN_FIELDS.includes(name);
    yield [
      own,
      {
        ...inner,
        path: `${path}.properties[${name}]`,
        rules: childPlace(rules, schema, own, 'property', path),
        isInMetadata: where.isInMetadata || isOwn,
        ...(where.isRoot && isOwn ? { noDefaults: `in top-level ${name}` } : {}),
      },
    ];
  }
  const unruled = { ...inner, rules: undefined };
  if (schema.not !== undefined) yield [schema.not, { ...unruled, path: `${path}.not` }];
  for (const name of ['allOf', 'oneOf', 'anyOf'] as const)
    for (const [i, one] of (schema[name] ?? []).entries()) yield [one, { ...unruled, path: `${path}.${name}[${i}]` }];
  for (const [name, one] of Object.entries((schema['definitions'] ?? {}) as Record<string, JsonSchema>))
    yield [one, { ...unruled, path: `${path}.definitions[${name}]` }];
  if (isRecord(items))
    yield [items, { ...inner, path: `${path}.items`, rules: childPlace(rules, schema, items, 'item', path) }];
  else if (Array.isArray(items))
    for (const [i, one] of (items as JsonSchema[]).entries()) yield [one, { ...unruled, path: `${path}.items[${i}]` }];
}

function extensionProblems(schema: JsonSchema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const { type = '' } = schema;
  const mustBe = (wanted: string, extension: string): void => {
    const told = `must be ${wanted} if ${extension} is specified`;
    errors.push(type === '' ? required(`${path}.type`, told) : invalidValue(`${path}.type`, type, told));
  };
  const preserves = schema['x-kubernetes-preserve-unknown-fields'];
  if (preserves === false)
    errors.push(invalidValue(`${path}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined'));
  const mapType = schema[MAP_TYPE];
  if (mapType !== undefined && type !== 'object') mustBe('object', MAP_TYPE);
  if (mapType !== undefined && !['atomic', 'granular'].includes(mapType))
    errors.push(notSupported(`${path}.${MAP_TYPE}`, mapType, ['atomic', 'granular']));
  const listType = schema[LIST_TYPE];
  if (listType !== undefined && type !== 'array') mustBe('array', LIST_TYPE);
  else if (listType === 'set' && isRecord(schema.items)) errors.push(...setItemProblems(schema.items, `${path}.items`));
  if (listType !== undefined && !['atomic', 'set', 'map'].includes(listType))
    errors.push(notSupported(`${path}.${LIST_TYPE}`, listType, ['atomic', 'set', 'map']));
  return errors;
}

function setItemProblems(items: JsonSchema, path: string): FieldError[] {
  const told = `must be atomic as item of a list with ${LIST_TYPE}=set`;
  const listType = items[LIST_TYPE];
  if (items.type === 'array' && listType !== undefined && listType !== 'atomic')
    return [invalidValue(`${path}.${LIST_TYPE}`, listType, told)];
  return items.type === 'object' && items[MAP_TYPE] !== 'atomic'
    ? [invalidValue(`${path}.${MAP_TYPE}`, listType ?? null, told)]
    : [];
}

function listProblems(schema: JsonSchema, path: string): FieldError[] {
  const type = schema[LIST_TYPE];
  const keys = schema[LIST_KEYS] ?? [];
  const errors: FieldError[] = [];
  if (keys.length > 0 && type !== 'map') {
    const told = `must be map if ${LIST_KEYS} is non-empty`;
    const at = `${path}.${LIST_TYPE}`;
    errors.push(type === undefined ? required(at, told) : invalidValue(at, type, told));
  }
  if (type === 'map') errors.push(...mapProblems(schema, keys, path));
  const { items } = schema;
  if (!isRecord(items) || (type !== 'set' && type !== 'map')) return errors;
  if (items.nullable === true)
    errors.push(forbidden(`${path}.items.nullable`, `cannot be nullable when ${LIST_TYPE} is ${type}`));
  return type === 'map' ? [...errors, ...keyProblems(items, keys, `${path}.items`)] : errors;
}

function mapProblems({ items }: JsonSchema, keys: readonly string[], path: string): FieldError[] {
  const at = `${path}.${LIST_KEYS}`;
  const errors: FieldError[] = [];
  if (keys.length === 0) errors.push(required(at, `must not be empty if ${LIST_TYPE} is map`));
  if (items === undefined) return [...errors, required(`${path}.items`, `must have a schema if ${LIST_TYPE} is map`)];
  if (!isRecord(items)) return errors;
  if (items.type !== 'object')
    return [
      ...errors,
      invalidValue(`${path}.items.type`, items.type ?? '', `must be object if parent array's ${LIST_TYPE} is map`),
    ];
  keys.forEach((key, i) => {
    const own = ownValue(items.properties, key);
    if (own === undefined)
      errors.push(invalidValue(at, GoText.strings(keys), 'entries must all be names of item properties'));
    else if (own.type === 'array' || own.type === 'object')
      errors.push(
        invalidValue(
          `${path}.items.properties[${key}].type`,
          items.type,
          `must be a scalar type if parent array's ${LIST_TYPE} is map`,
        ),
      );
    if (keys.indexOf(key) < i)
      errors.push(invalidValue(at, GoText.strings(keys), 'must not contain duplicate entries'));
  });
  return errors;
}

function keyProblems(items: JsonSchema, keys: readonly string[], path: string): FieldError[] {
  const told = `this property is in ${LIST_KEYS}, so it`;
  return keys.flatMap((key) => {
    const own = ownValue(items.properties, key);
    if (own === undefined) return [];
    const at = `${path}.properties[${key}]`;
    const isThere = own.default !== undefined || (items.required ?? []).includes(key);
    return [
      ...(isThere ? [] : [required(`${at}.default`, `${told} must have a default or be a required property`)]),
      ...(own.nullable === true ? [forbidden(`${at}.nullable`, `${told} cannot be nullable`)] : []),
    ];
  });
}

const hasNewlines = (text: string): boolean => /[\n\r]/.test(text);

function ruleForms(schema: JsonSchema, path: string): FieldError[] {
  return (schema['x-kubernetes-validations'] ?? []).flatMap((rule, i) =>
    ruleForm(rule, schema, `${path}.x-kubernetes-validations[${i}]`),
  );
}

function ruleForm(rule: CelRule, schema: JsonSchema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const { message = '', messageExpression = '', reason, fieldPath: field = '' } = rule;
  const text = (rule.rule ?? '').trim();
  if (text === '') errors.push(required(`${path}.rule`, 'rule is not specified'));
  else if (message !== '' && message.trim() === '')
    errors.push(invalidValue(`${path}.message`, message, 'message must be non-empty if specified'));
  else if (hasNewlines(message.trim()))
    errors.push(invalidValue(`${path}.message`, message, 'message must not contain line breaks'));
  else if (hasNewlines(text) && message === '')
    errors.push(required(`${path}.message`, 'message must be specified if rule contains line breaks'));
  if (messageExpression !== '' && messageExpression.trim() === '')
    errors.push(required(`${path}.messageExpression`, 'messageExpression must be non-empty if specified'));
  if (reason !== undefined && !REASONS.includes(reason)) errors.push(notSupported(`${path}.reason`, reason, REASONS));
  const at = `${path}.fieldPath`;
  if (field !== '' && field.trim() === '')
    errors.push(invalidValue(at, field, 'fieldPath must be non-empty if specified'));
  if (hasNewlines(field)) errors.push(invalidValue(at, field, 'fieldPath must not contain line breaks'));
  if (field !== '' && typeof fieldPath(field, schema) === 'string')
    errors.push(invalidValue(at, field, 'fieldPath must be a valid path'));
  return errors;
}
