// Decides what the CEL rules of a schema (x-kubernetes-validations) say of a custom resource, transition rules and ratcheting
// included. Never checks types: a rule is only asked of a value that fits its schema.
import { isRecord, ownValue } from '../../base/records.ts';
import { MOST_COST, MOST_WORK, newMeter } from '../cel/meter.ts';
import { trim } from '../cel/texts.ts';
import { celMap } from '../cel/values.ts';
import { celBytes, celDuration, CelError, compileCel, noValue, someValue } from '../cel/cel.ts';
import { equalObjects } from '../equality.ts';
import { invalidValue, printValue, quoted, type FieldError } from '../field-error.ts';
import { celName } from './cel-name.ts';
import { fieldPath } from './field-path.ts';
import { childPath, OWN_FIELDS, schemaOfField, type CelRule, type Json, type JsonSchema } from './json-schema.ts';
import { correlated } from './validate.ts';

/** What rules may still cost, all together; below 0: no more are asked. */
export interface Budget {
  left: number;
  /** What is done beyond that (`Meter.work`). */
  work: number;
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
/** Of an object. */
const MOST_COST_OF_ALL = 10 * MOST_COST;
const MOST_WORK_OF_ALL = 2 * MOST_WORK;

export function hasRules(schema: JsonSchema): boolean {
  const { items, properties = {}, additionalProperties } = schema;
  return (
    (schema['x-kubernetes-validations'] ?? []).length > 0 ||
    (items !== undefined && hasRules(items)) ||
    Object.values(properties).some(hasRules) ||
    (typeof additionalProperties === 'object' && hasRules(additionalProperties))
  );
}

export const newBudget = (asksAll = false): Budget => ({ left: MOST_COST_OF_ALL, work: MOST_WORK_OF_ALL, asksAll });

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
  if (budget.left < 0) return [];
  const errors = askAll(schema, value, old, path, budget, isUnchanged);
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
    return validateRules(own, value[name], ownValue(old, name), at, budget);
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

function askAll(
  schema: JsonSchema,
  value: unknown,
  old: unknown,
  path: string,
  budget: Budget,
  isUnchanged: boolean,
): FieldError[] {
  const rules = schema['x-kubernetes-validations'] ?? [];
  if (rules.length > 0 && budget.left === 0) return [invalid(path, schema, outOf(budget))];
  const errors: FieldError[] = [];
  for (const rule of rules) {
    if (budget.left < 0) break;
    if (!isUnchanged || isTransition(rule)) errors.push(...ask(rule, schema, value, old, path, budget));
  }
  return errors;
}

function ask(
  rule: CelRule,
  schema: JsonSchema,
  value: unknown,
  old: unknown,
  path: string,
  budget: Budget,
): FieldError[] {
  if (isTransition(rule) && old === undefined && rule.optionalOldSelf !== true) return [];
  const variables: Record<string, unknown> = { self: typed(schema, value) };
  if (isTransition(rule)) {
    const before = old === undefined ? undefined : typed(schema, old);
    variables['oldSelf'] = rule.optionalOldSelf === true ? (old === undefined ? noValue() : someValue(before)) : before;
  }
  const { result, error, cost } = evaluated(rule.rule, variables, budget);
  if (cost > budget.left) return [invalid(path, schema, outOf(budget))];
  budget.left -= cost;
  if (error !== undefined) {
    if (error.startsWith(CANCELLED)) budget.left = -1;
    return [invalid(path, schema, troubleWith(rule, error))];
  }
  if (result === true) return [];
  const at = rule.fieldPath ? joined(path, normal(rule.fieldPath, schema)) : path;
  const told = messageOf(rule, variables, budget);
  return 'error' in told ? [invalid(at, schema, told.error)] : [failure(rule, schema, at, told.message)];
}

interface Evaluated {
  result?: unknown;
  error?: string;
  cost: number;
}

function evaluated(expression: string, variables: Record<string, unknown>, budget: Budget): Evaluated {
  const meter = newMeter(budget.work);
  const { work } = meter;
  const done = (): number => {
    budget.work -= work - meter.work;
    return MOST_COST - meter.left;
  };
  try {
    const result = compileCel(expression).run(variables, meter);
    return { result, cost: done() };
  } catch (error) {
    if (!(error instanceof CelError)) throw error;
    return { error: error.message, cost: done() };
  }
}

const CANCELLED = 'operation cancelled: actual cost limit exceeded';

/** Whatever is left is not enough. */
function outOf(budget: Budget): string {
  budget.left = -1;
  return 'validation failed due to running out of cost budget, no further validation rules will be run';
}

/** A rule that gave no answer. */
function troubleWith(rule: CelRule, why: string): string {
  const about = rule.message?.trim() || rule.rule.trim();
  if (why.startsWith('no such overload'))
    return `'no such overload': call arguments did not match a supported operator, function or macro signature for rule: ${about}`;
  if (why.startsWith(CANCELLED))
    return `'${why}': no further validation rules will be run due to call cost exceeds limit for rule: ${about}`;
  return `${why} evaluating rule: ${about}`;
}

const LONGEST_MESSAGE = 5 * 1024;

/** `error`: the budget does not suffice for it. */
function messageOf(
  { rule, message = '', messageExpression = '' }: CelRule,
  variables: Record<string, unknown>,
  budget: Budget,
): { message: string } | { error: string } {
  const otherwise = { message: message === '' ? `failed rule: ${rule.trim()}` : message.trim() };
  if (messageExpression === '') return otherwise;
  const { result, error = '', cost } = evaluated(messageExpression, variables, budget);
  if (cost > budget.left) {
    budget.left = -1;
    return { error: `messageExpression evaluation failed due to running out of cost budget, ${NO_MORE}` };
  }
  budget.left -= cost;
  if (error.startsWith(CANCELLED)) {
    budget.left = -1;
    return { error: `${NO_MORE} due to call cost exceeds limit for messageExpression: ${quoted(messageExpression)}` };
  }
  const text = typeof result === 'string' ? trim(result) : '';
  const isLong = new TextEncoder().encode(text).length > LONGEST_MESSAGE;
  return text === '' || isLong || text.includes('\n') ? otherwise : { message: text };
}

const NO_MORE = 'no further validation rules will be run';

/** `at`: where the rule says that it is told. */
function failure(rule: CelRule, schema: JsonSchema, at: string, message: string): FieldError {
  const code = REASONS[rule.reason ?? ''] ?? 'FieldValueInvalid';
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

function typedObject(schema: JsonSchema, value: Json): unknown {
  const out: Json = {};
  const properties = schema.properties ?? {};
  for (const [name, item] of Object.entries(value)) {
    if (item === undefined || item === null) continue;
    const isField = Object.hasOwn(properties, name);
    out[isField ? (celName(name) ?? name) : name] = typed(schemaOfField(schema, name) ?? {}, item);
  }
  return celMap(out);
}
