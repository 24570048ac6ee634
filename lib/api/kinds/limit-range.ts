// Decides what a LimitRange is: bounds that fit each other, and the defaults that follow from them. Never applies one
// (admission does).
import { forbidden, invalidValue, duplicate, required, type FieldError } from '../field-error.ts';
import { qualifiedName } from '../formats.ts';
import type { LimitRange, LimitRangeItem } from '../generated/types.ts';
import { defineKind } from '../object.ts';
import { compareQuantities } from '../quantity.ts';

type Amounts = Record<string, string>;

const TYPES = new Set(['Pod', 'Container', 'PersistentVolumeClaim']);

function notAbove(low: Amounts, lowName: string, high: Amounts, highName: string, path: string): FieldError[] {
  return Object.keys(low)
    .filter((name) => Object.hasOwn(high, name) && compareQuantities(low[name]!, high[name]!) > 0)
    .map((name) =>
      invalidValue(
        `${path}.${lowName === 'default request' ? 'defaultRequest' : lowName}[${name}]`,
        low[name],
        `${lowName} value ${low[name]} is greater than ${highName} value ${high[name]}`,
      ),
    );
}

function validateItem(item: LimitRangeItem, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const { min = {}, max = {}, default: limit = {}, defaultRequest = {}, maxLimitRequestRatio = {} } = item;
  if (!TYPES.has(item.type) && (!item.type.includes('/') || qualifiedName(item.type).length > 0))
    errors.push(invalidValue(`${path}.type`, item.type, 'must be a standard limit type or fully qualified'));
  if (item.type === 'Pod')
    for (const field of ['default', 'defaultRequest'] as const)
      if (Object.keys(item[field] ?? {}).length > 0)
        errors.push(forbidden(`${path}.${field}`, "may not be specified when `type` is 'Pod'"));
  if (item.type === 'PersistentVolumeClaim' && min['storage'] === undefined && max['storage'] === undefined)
    errors.push(
      required(`${path}.limits`, 'either minimum or maximum storage value is required, but neither was provided'),
    );
  errors.push(
    ...notAbove(min, 'min', max, 'max', path),
    ...notAbove(min, 'min', defaultRequest, 'default request', path),
    ...notAbove(defaultRequest, 'default request', max, 'max', path),
    ...notAbove(defaultRequest, 'default request', limit, 'default limit', path),
    ...notAbove(min, 'min', limit, 'default', path),
    ...notAbove(limit, 'default', max, 'max', path),
  );
  for (const [name, ratio] of Object.entries(maxLimitRequestRatio))
    if (compareQuantities(ratio, '1') < 0)
      errors.push(invalidValue(`${path}.maxLimitRequestRatio[${name}]`, ratio, `ratio ${ratio} is less than 1`));
  return errors;
}

export const limitRange = defineKind<LimitRange>({
  group: '',
  version: 'v1',
  kind: 'LimitRange',
  default({ spec }) {
    for (const item of spec?.limits ?? []) {
      if (item.type !== 'Container') continue;
      for (const [name, max] of Object.entries(item.max ?? {})) (item.default ??= {})[name] ??= max;
      for (const [name, value] of Object.entries({ ...item.min, ...item.default }))
        (item.defaultRequest ??= {})[name] ??= value;
    }
  },
  validate({ spec }) {
    const seen = new Set<string>();
    return (spec?.limits ?? []).flatMap((item, i) => {
      const path = `spec.limits[${i}]`;
      const twice = seen.has(item.type) ? [duplicate(`${path}.type`, item.type)] : [];
      seen.add(item.type);
      return [...twice, ...validateItem(item, path)];
    });
  },
  cells: (object) => [object.metadata.name, object.metadata.creationTimestamp ?? null],
});
