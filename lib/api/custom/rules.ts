// Decides what the CEL rules of a schema (x-kubernetes-validations) say of a custom resource, transition rules and ratcheting
// included. Never checks types: a rule is only asked of a value that fits its schema.
import { isRecord } from '../../base/records.ts';
import { MOST_ROUNDS, type Meter } from '../cel/meter.ts';
import { celBytes, celDuration, CelError, compileCel, noValue, someValue, type Program } from '../cel/cel.ts';
import { equalObjects } from '../equality.ts';
import { invalidValue, printValue, type FieldError } from '../field-error.ts';
import { celName } from './cel-name.ts';
import { fieldPath } from './field-path.ts';
import { childPath, OWN_FIELDS, schemaOfField, type CelRule, type Json, type JsonSchema } from './json-schema.ts';
import { correlated } from './validate.ts';

/** How often a schema of a request may ask rules: what is more would hold everybody else up. */
export interface Budget {
  left: number;
  /** Of all rules together. */
  readonly meter: Meter;
  /** Asks also what has not changed. */
  readonly asksAll?: boolean;
}

const REASONS: Record<string, string> = {
  FieldValueInvalid: 'FieldValueInvalid',
  FieldValueForbidden: 'FieldValueForbidden',
  FieldValueRequired: 'FieldValueRequired',
  FieldValueDuplicate: 'FieldValueDuplicate',
};
const TEXTS: Record<string, string> = {
  FieldValueForbidden: 'Forbidden',
  FieldValueRequired: 'Required value',
  FieldValueDuplicate: 'Duplicate value',
};
export const RULES_AT_ONCE = 20_000;
/** An object has many fields with rules, and they may be asked of each element of a list. */
const MOST_ROUNDS_OF_ALL = 3 * MOST_ROUNDS;

export function hasRules(schema: JsonSchema): boolean {
  const { items, properties = {}, additionalProperties } = schema;
  return (
    (schema['x-kubernetes-validations'] ?? []).length > 0 ||
    (items !== undefined && hasRules(items)) ||
    Object.values(properties).some(hasRules) ||
    (typeof additionalProperties === 'object' && hasRules(additionalProperties))
  );
}

export const newBudget = (asksAll = false): Budget => ({
  left: RULES_AT_ONCE,
  meter: { left: MOST_ROUNDS_OF_ALL },
  asksAll,
});

/** All broken rules. `old` undefined: the object is new, or this part of it is. */
export function validateRules(
  schema: JsonSchema,
  value: unknown,
  old: unknown,
  path = '',
  budget: Budget = newBudget(),
): FieldError[] {
  if (value === undefined || value === null) return [];
  // A part that has not changed may break rules that came after it, but not those of how it changes.
  const isUnchanged = budget.asksAll !== true && old !== undefined && path !== '' && equalObjects(value, old);
  if (isUnchanged && !hasTransitions(schema)) return [];
  const errors = (schema['x-kubernetes-validations'] ?? []).flatMap((rule) =>
    isUnchanged && !isTransition(rule) ? [] : ask(rule, schema, value, old, path, budget),
  );
  if (Array.isArray(value) && schema.items !== undefined) {
    const before = correlated(schema, old);
    const { items } = schema;
    value.forEach((item, i) => errors.push(...validateRules(items, item, before(item, i), `${path}[${i}]`, budget)));
  } else if (isRecord(value)) errors.push(...inFields(schema, value, isRecord(old) ? old : {}, path, budget));
  return errors;
}

function inFields(schema: JsonSchema, value: Json, old: Json, path: string, budget: Budget): FieldError[] {
  return Object.keys(value).flatMap((name) => {
    const own = schemaOfField(schema, name);
    if (own === undefined || (path === '' && OWN_FIELDS.includes(name))) return [];
    const at = Object.hasOwn(schema.properties ?? {}, name) ? childPath(path, name) : `${path}[${name}]`;
    return validateRules(own, value[name], old[name], at, budget);
  });
}

const TRANSITIONS = new WeakMap<JsonSchema, boolean>();

function hasTransitions(schema: JsonSchema): boolean {
  const known = TRANSITIONS.get(schema);
  if (known !== undefined) return known;
  const { items, properties = {}, additionalProperties: more } = schema;
  const parts = [items, typeof more === 'object' ? more : undefined, ...Object.values(properties)];
  const has =
    (schema['x-kubernetes-validations'] ?? []).some(isTransition) ||
    parts.some((part) => part !== undefined && hasTransitions(part));
  TRANSITIONS.set(schema, has);
  return has;
}

export const isTransition = (rule: CelRule): boolean => /\boldSelf\b/.test(rule.rule);

function ask(
  rule: CelRule,
  schema: JsonSchema,
  value: unknown,
  old: unknown,
  path: string,
  budget: Budget,
): FieldError[] {
  if (isTransition(rule) && old === undefined && rule.optionalOldSelf !== true) return [];
  const refuse = (told: string): FieldError[] => [invalid(path, schema, told)];
  if (budget.left-- <= 0) return refuse(OUT_OF_BUDGET);
  const variables: Record<string, unknown> = { self: typed(schema, value) };
  if (isTransition(rule)) {
    const before = old === undefined ? undefined : typed(schema, old);
    variables['oldSelf'] = rule.optionalOldSelf === true ? (old === undefined ? noValue() : someValue(before)) : before;
  }
  try {
    const meter = { left: Math.min(MOST_ROUNDS, budget.meter.left) };
    const before = meter.left;
    try {
      if (program(rule.rule).run(variables, meter) === true) return [];
    } finally {
      budget.meter.left -= before - meter.left;
    }
  } catch (error) {
    if (!(error instanceof CelError)) throw error;
    return refuse(troubleWith(rule, error.message));
  }
  return [failure(rule, schema, path, messageOf(rule, variables))];
}

const OUT_OF_BUDGET = 'validation failed due to running out of cost budget, no further validation rules will be run';

/** A rule that gave no answer. */
function troubleWith(rule: CelRule, why: string): string {
  const about = rule.message?.trim() || rule.rule.trim();
  if (why.startsWith('no such overload'))
    return `'no such overload': call arguments did not match a supported operator, function or macro signature for rule: ${about}`;
  if (why.startsWith('operation cancelled'))
    return `'${why}': no further validation rules will be run due to call cost exceeds limit for rule: ${about}`;
  return `${why} evaluating rule: ${about}`;
}

const program = (expression: string): Program => compileCel(expression);

function messageOf(rule: CelRule, variables: Record<string, unknown>): string {
  if (rule.messageExpression !== undefined && rule.messageExpression.trim() !== '')
    try {
      const text = program(rule.messageExpression).run(variables);
      if (typeof text === 'string' && text.trim() !== '' && !text.trim().includes('\n')) return text.trim();
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
    }
  const message = rule.message?.trim() ?? '';
  return message === '' ? `failed rule: ${rule.rule.trim()}` : message;
}

function failure(rule: CelRule, schema: JsonSchema, path: string, message: string): FieldError {
  const code = REASONS[rule.reason ?? ''] ?? 'FieldValueInvalid';
  const at =
    rule.fieldPath === undefined || rule.fieldPath === '' ? path : joined(path, normal(rule.fieldPath, schema));
  const text = TEXTS[code];
  // The value is not repeated: its type stands for it.
  if (code === 'FieldValueDuplicate') return { code, path: at, message: `${text}: ${printValue(schema.type ?? '')}` };
  return text === undefined ? invalid(at, schema, message) : { code, path: at, message: `${text}: ${message}` };
}

const invalid = (path: string, schema: JsonSchema, message: string): FieldError =>
  invalidValue(path, schema.type ?? '', message);

function normal(path: string, schema: JsonSchema): string {
  const found = fieldPath(path, schema);
  return typeof found === 'string' ? path : found.text;
}

const joined = (path: string, below: string): string => {
  if (path === '') return below.replace(/^\./, '');
  return `${path}${below.startsWith('.') ? '' : '.'}${below}`;
};

/** A value as CEL sees it: by its schema, as 1 may be a double. What the schema does not know is not there. */
export function typed(schema: JsonSchema, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  if (Array.isArray(value)) return value.map((item) => typed(schema.items ?? {}, item));
  if (isRecord(value)) return typedObject(schema, value);
  if (typeof value === 'number') return schema.type !== 'number' && Number.isInteger(value) ? BigInt(value) : value;
  return typeof value === 'string' && schema.type === 'string' ? typedText(value, schema.format ?? '') : value;
}

/** What is not of its format stays a text: the schema has refused it. */
function typedText(text: string, format: string): unknown {
  if (format === 'date-time' || format === 'date') return new Date(text);
  if (format === 'byte') return celBytes(text) ?? text;
  return format === 'duration' ? (celDuration(text) ?? text) : text;
}

function typedObject(schema: JsonSchema, value: Json): Json {
  const out: Json = {};
  const properties = schema.properties ?? {};
  for (const [name, item] of Object.entries(value)) {
    if (item === undefined || item === null) continue;
    const isField = Object.hasOwn(properties, name);
    out[isField ? (celName(name) ?? name) : name] = typed(schemaOfField(schema, name) ?? {}, item);
  }
  return out;
}
