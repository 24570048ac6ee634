// Decides what a LimitRange is: bounds that fit each other, and the defaults that follow from them. Never applies one
// (admission does).
import { ownValue } from '../../base/records.ts';
import { forbidden, invalidValue, duplicate, required, type FieldError } from '../field-error.ts';
import { qualifiedName } from '../formats.ts';
import type { LimitRange, LimitRangeItem } from '../generated/types.ts';
import { defineKind } from '../object.ts';
import { mayOvercommit, validateResourceName, validateStandardName } from '../pod/validate-resources.ts';
import { compareQuantities, quantityToMilli } from '../quantity.ts';

type Amounts = Record<string, string>;

const TYPES = new Set(['Pod', 'Container', 'PersistentVolumeClaim']);

function validateType(type: string, path: string): FieldError[] {
  const problems = qualifiedName(type);
  if (problems.length > 0) return problems.map((told) => invalidValue(path, type, told));
  return type.includes('/') || TYPES.has(type)
    ? []
    : [invalidValue(path, type, 'must be a standard limit type or fully qualified')];
}

function validateNames(item: LimitRangeItem, path: string): FieldError[] {
  const rule = item.type === 'Pod' || item.type === 'Container' ? validateResourceName : validateStandardName;
  const named = (field: 'max' | 'min' | 'default' | 'defaultRequest' | 'maxLimitRequestRatio'): FieldError[] =>
    Object.keys(item[field] ?? {}).flatMap((name) => rule(name, `${path}.${field}[${name}]`));
  const defaults = (['default', 'defaultRequest'] as const).flatMap((field) => {
    if (item.type !== 'Pod') return named(field);
    if (Object.keys(item[field] ?? {}).length === 0) return [];
    return [forbidden(`${path}.${field}`, "may not be specified when `type` is 'Pod'")];
  });
  const isUnbounded = item.max?.['storage'] === undefined && item.min?.['storage'] === undefined;
  const told = 'either minimum or maximum storage value is required, but neither was provided';
  return [
    ...named('max'),
    ...named('min'),
    ...defaults,
    ...(item.type === 'PersistentVolumeClaim' && isUnbounded ? [required(`${path}.limits`, told)] : []),
    ...named('maxLimitRequestRatio'),
  ];
}

/** [what is less, in which words, what is more, in which words, which of them is told, where]: as the real server has them. */
const ORDERED = [
  ['min', 'min', 'max', 'max', 'min', 'min'],
  ['min', 'min', 'defaultRequest', 'default request', 'defaultRequest', 'defaultRequest'],
  ['defaultRequest', 'default request', 'max', 'max', 'defaultRequest', 'defaultRequest'],
  ['defaultRequest', 'default request', 'default', 'default limit', 'defaultRequest', 'defaultRequest'],
  ['min', 'min', 'default', 'default', 'min', 'default'],
  ['default', 'default', 'max', 'max', 'max', 'default'],
] as const;

function validateAmounts(item: LimitRangeItem, name: string, path: string): FieldError[] {
  const amount = (field: 'max' | 'min' | 'default' | 'defaultRequest' | 'maxLimitRequestRatio'): string | undefined =>
    item.type === 'Pod' && field.startsWith('default') ? undefined : ownValue(item[field] as Amounts | undefined, name);
  const errors: FieldError[] = [];
  for (const [low, lowWords, high, highWords, told, place] of ORDERED) {
    const [less, more] = [amount(low), amount(high)];
    if (less === undefined || more === undefined || compareQuantities(less, more) <= 0) continue;
    const words = `${lowWords} value ${less} is greater than ${highWords} value ${more}`;
    errors.push(invalidValue(`${path}.${place}[${name}]`, amount(told), words));
  }
  const [ratio, min, max] = [amount('maxLimitRequestRatio'), amount('min'), amount('max')];
  const wrongRatio = (words: string): void =>
    void errors.push(invalidValue(`${path}.maxLimitRequestRatio[${name}]`, ratio, words));
  if (ratio !== undefined && compareQuantities(ratio, '1') < 0) wrongRatio(`ratio ${ratio} is less than 1`);
  if (ratio !== undefined && min !== undefined && max !== undefined) {
    const most = quantityToMilli(max) / quantityToMilli(min);
    if (quantityToMilli(ratio) / 1000 > most)
      wrongRatio(`ratio ${ratio} is greater than max/min = ${Number.isFinite(most) ? most.toFixed(6) : '+Inf'}`);
  }
  const [limit, request] = [amount('default'), amount('defaultRequest')];
  if (!mayOvercommit(name) && limit !== undefined && request !== undefined && compareQuantities(limit, request) !== 0)
    errors.push(
      invalidValue(
        `${path}.defaultRequest[${name}]`,
        request,
        `default value ${limit} must equal to defaultRequest value ${request} in ${name}`,
      ),
    );
  return errors;
}

function validateItem(item: LimitRangeItem, path: string): FieldError[] {
  const amounts = [item.max, item.min, item.default, item.defaultRequest, item.maxLimitRequestRatio];
  const names = new Set(amounts.flatMap((each) => Object.keys(each ?? {})));
  return [...validateNames(item, path), ...[...names].flatMap((name) => validateAmounts(item, name, path))];
}

/** Whatever it says itself stays. */
function fillIn(item: LimitRangeItem, field: 'default' | 'defaultRequest', amounts: Amounts): void {
  if (Object.keys(amounts).length > 0) item[field] = { ...item[field], ...amounts, ...item[field] };
}

export const limitRange = defineKind<LimitRange>({
  group: '',
  version: 'v1',
  kind: 'LimitRange',
  default({ spec }) {
    for (const item of spec?.limits ?? []) {
      if (item.type !== 'Container') continue;
      fillIn(item, 'default', { ...item.max });
      fillIn(item, 'defaultRequest', { ...item.min, ...item.default });
    }
  },
  validate({ spec }) {
    const seen = new Set<string>();
    return (spec?.limits ?? []).flatMap((item, i) => {
      const path = `spec.limits[${i}]`;
      const type = item.type ?? '';
      const twice = seen.has(type) ? [duplicate(`${path}.type`, type)] : [];
      seen.add(type);
      return [...validateType(type, `${path}.type`), ...twice, ...validateItem(item, path)];
    });
  },
  prepareForCreate({ metadata }) {
    metadata.name ||= metadata.uid ?? '';
  },
  cells: (object) => [object.metadata.name, object.metadata.creationTimestamp ?? null],
});
