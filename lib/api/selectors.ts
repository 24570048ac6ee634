// Decides what a label selector means, as text (`app=web,tier in (a,b),!x`) and as a LabelSelector object, and which
// selectors may stand. Never looks at anything but labels.
import { ownValue } from '../base/records.ts';
import { ApiError } from '../base/errors.ts';
import { forbidden, invalidValue, required, type FieldError } from './field-error.ts';
import { labelValue, qualifiedName } from './formats.ts';
import type { LabelSelector } from './generated/types.ts';
import { validateLabels } from './metadata.ts';

export type Operator = '=' | '!=' | 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt';

export interface Requirement {
  readonly key: string;
  readonly operator: Operator;
  readonly values: readonly string[];
}

/** All requirements must hold; an empty list selects everything. */
export type Requirements = readonly Requirement[];

export type Labels = Readonly<Record<string, string>> | undefined;

/** `!=` and `notin` also match objects that lack the key. */
export function matchesLabels(requirements: Requirements, labels: Labels): boolean {
  return requirements.every((requirement) => matchesOne(requirement, ownValue(labels, requirement.key)));
}

function matchesOne({ operator, values }: Requirement, value: string | undefined): boolean {
  switch (operator) {
    case '=':
    case 'in':
      return value !== undefined && values.includes(value);
    case '!=':
    case 'notin':
      return value === undefined || !values.includes(value);
    case 'exists':
      return value !== undefined;
    case '!':
      return value === undefined;
    case 'gt':
    case 'lt': {
      if (value === undefined || !/^[+-]?\d+$/.test(value)) return false;
      const [left, right] = [BigInt(value), BigInt(values[0]!)];
      return operator === 'gt' ? left > right : left < right;
    }
  }
}

const OPERATORS: Record<string, Operator> = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!' };

/** A LabelSelector object: absent selects nothing (undefined), empty selects everything. */
export function requirementsOf(selector: LabelSelector | undefined | null): Requirements | undefined {
  if (selector === undefined || selector === null) return undefined;
  const out: Requirement[] = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => ({
    key,
    operator: '=',
    values: [value],
  }));
  for (const { key, operator, values } of selector.matchExpressions ?? [])
    out.push({ key, operator: OPERATORS[operator] ?? '!', values: values ?? [] });
  return out;
}

/** Whether a LabelSelector object selects these labels. */
export function selects(selector: LabelSelector | undefined | null, labels: Labels): boolean {
  const requirements = requirementsOf(selector);
  return requirements !== undefined && matchesLabels(requirements, labels);
}

/** Text of a selector, as tables and Scale print it: `app=web,tier in (a,b)`. */
export function formatRequirements(requirements: Requirements): string {
  return requirements
    .toSorted((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ key, operator, values }) => {
      if (operator === 'exists') return key;
      if (operator === '!') return `!${key}`;
      if (operator === 'in' || operator === 'notin') return `${key} ${operator} (${values.toSorted().join(',')})`;
      return `${key}${operator === 'gt' ? '>' : operator === 'lt' ? '<' : operator}${values[0]}`;
    })
    .join(',');
}

/** Text of a LabelSelector object; `<none>` for an absent one, empty for one that selects all. */
export function formatSelector(selector: LabelSelector | undefined): string {
  const requirements = requirementsOf(selector);
  return requirements === undefined ? '<none>' : formatRequirements(requirements);
}

/** Parses `?labelSelector=`; throws ApiError 400 with the words of the real server. */
export function parseLabelSelector(text: string): Requirements {
  return new Parser(text).requirements();
}

const TOKENS = /\s*(!=|==|=|!|,|\(|\)|<|>|[^\s!=,()<>]+)/gy;
const IS_SYMBOL = /^(?:!=|==|=|!|,|\(|\)|<|>)$/;

class Parser {
  readonly #tokens: string[] = [];
  #next = 0;

  constructor(text: string) {
    for (const [, token] of text.matchAll(TOKENS)) this.#tokens.push(token!);
  }

  requirements(): Requirement[] {
    const out: Requirement[] = [];
    if (this.#peek() === '') return out;
    for (;;) {
      out.push(this.#requirement());
      const token = this.#take();
      if (token === '') return out;
      if (token !== ',') throw badSelector(`found '${token}', expected: ',' or 'end of string'`);
      if (this.#peek() === '') throw badSelector("found '', expected: identifier after ','");
    }
  }

  #peek(): string {
    return this.#tokens[this.#next] ?? '';
  }

  #take(): string {
    return this.#tokens[this.#next++] ?? '';
  }

  #requirement(): Requirement {
    if (this.#peek() === '!') {
      this.#take();
      return { key: this.#key(), operator: '!', values: [] };
    }
    const key = this.#key();
    const next = this.#peek();
    if (next === '' || next === ',') return { key, operator: 'exists', values: [] };
    return this.#withValues(key, this.#take());
  }

  #key(): string {
    const key = this.#take();
    if (key === '' || IS_SYMBOL.test(key)) throw refused(`found '${key}', expected: identifier`);
    const [problem] = qualifiedName(key);
    if (problem !== undefined) throw refused(`key: Invalid value: ${JSON.stringify(key)}: ${problem}`);
    return key;
  }

  #withValues(key: string, operator: string): Requirement {
    switch (operator) {
      case '=':
      case '==':
        return { key, operator: '=', values: [this.#value(key)] };
      case '!=':
        return { key, operator: '!=', values: [this.#value(key)] };
      case '<':
      case '>':
        return { key, operator: operator === '<' ? 'lt' : 'gt', values: [this.#integer(key)] };
      case 'in':
      case 'notin':
        return { key, operator, values: this.#values(key) };
    }
    throw refused(`found '${operator}', expected: in, notin, =, ==, !=, gt, lt`);
  }

  #value(key: string): string {
    const next = this.#peek();
    if (next === '' || next === ',') return '';
    if (IS_SYMBOL.test(next)) throw refused(`found '${next}', expected: identifier`);
    return checkedValue(key, this.#take());
  }

  #integer(key: string): string {
    const value = this.#value(key);
    if (!/^[+-]?\d+$/.test(value))
      throw refused(
        `values[0][${key}]: Invalid value: ${JSON.stringify(value)}: for 'Gt', 'Lt' operators, the value must be an integer`,
      );
    return value;
  }

  /** `(a,b)`; an empty place between commas is the empty value. */
  #values(key: string): string[] {
    const open = this.#take();
    if (open !== '(') throw refused(`found '${open}', expected: '('`);
    if (this.#peek() === ')')
      throw refused("values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty");
    const values: string[] = [];
    let current: string | undefined;
    for (;;) {
      const token = this.#take();
      if (token === ',' || token === ')') {
        values.push(current ?? '');
        if (token === ')') return values;
        current = undefined;
      } else if (token === '' || IS_SYMBOL.test(token) || current !== undefined)
        throw refused(`found '${token}', expected: ',' or ')'`);
      else current = checkedValue(key, token);
    }
  }
}

function checkedValue(key: string, value: string): string {
  const [problem] = labelValue(value);
  if (problem !== undefined) throw refused(`values[0][${key}]: Invalid value: ${JSON.stringify(value)}: ${problem}`);
  return value;
}

/** Between requirements; within one, `refused`. */
const badSelector = (why: string): ApiError => new ApiError('BadRequest', why);

function refused(why: string): ApiError {
  return new ApiError('BadRequest', `unable to parse requirement: ${why}`);
}

/** Whether an operator of sets has as many values as it needs; undefined: it is no such operator. */
export function valuesOfSet(operator: string, values: readonly string[], path: string): FieldError[] | undefined {
  if (operator === 'In' || operator === 'NotIn')
    return values.length > 0 ? [] : [required(path, "must be specified when `operator` is 'In' or 'NotIn'")];
  if (operator === 'Exists' || operator === 'DoesNotExist')
    return values.length === 0
      ? []
      : [forbidden(path, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")];
  return undefined;
}

/** Broken fields of a LabelSelector object. */
export function validateSelector(selector: LabelSelector | undefined, path: string): FieldError[] {
  if (selector === undefined) return [];
  const errors = validateLabels(selector.matchLabels, `${path}.matchLabels`);
  (selector.matchExpressions ?? []).forEach((expression, i) => {
    const at = `${path}.matchExpressions[${i}]`;
    const { operator, values = [] } = expression;
    errors.push(
      ...(valuesOfSet(operator, values, `${at}.values`) ?? [
        invalidValue(`${at}.operator`, operator, 'not a valid selector operator'),
      ]),
    );
    errors.push(...qualifiedName(expression.key).map((told) => invalidValue(`${at}.key`, expression.key, told)));
    values.forEach((value, j) =>
      errors.push(...labelValue(value).map((told) => invalidValue(`${at}.values[${j}]`, value, told))),
    );
  });
  return errors;
}
