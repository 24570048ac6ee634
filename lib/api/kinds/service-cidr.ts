// Decides what a ServiceCIDR is: one range of addresses for Services, or one of each family. Never gives an address out.
import { ageOf } from '../age.ts';
import { invalidValue, required, type FieldError } from '../field-error.ts';
import { cidr } from '../formats.ts';
import type { ServiceCIDR } from '../generated/types.ts';
import { defineKind } from '../object.ts';
import { keepOtherMetadata } from './workload.ts';

const PATH = 'spec.cidrs';
const IMMUTABLE = 'field is immutable';

function validateRanges(ranges: readonly string[]): FieldError[] {
  if (ranges.length === 0) return [required(PATH, 'at least one CIDR required')];
  if (ranges.length > 2) return [invalidValue(PATH, { cidrs: ranges }, 'may only hold up to 2 values')];
  const errors = ranges.flatMap((range, i) => cidr(range).map((told) => invalidValue(`${PATH}[${i}]`, range, told)));
  const [first, second] = ranges;
  if (errors.length === 0 && second !== undefined && isV6(first!) === isV6(second))
    errors.push(
      invalidValue(
        PATH,
        ranges,
        'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64',
      ),
    );
  return errors;
}

const isV6 = (range: string): boolean => range.includes(':');

/** A range may only be joined by one of the other family: Services hold addresses of it. */
function validateChange(now: readonly string[], was: readonly string[]): FieldError[] {
  const mayGrow = was.length === 1 && now.length === 2;
  if (now.length !== was.length && !mayGrow) return [invalidValue(PATH, now, IMMUTABLE)];
  return was.flatMap((range, i) => (now[i] === range ? [] : [invalidValue(`${PATH}[${i}]`, now[i], IMMUTABLE)]));
}

export const serviceCidr = defineKind<ServiceCIDR>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'ServiceCIDR',
  prepareForStatusUpdate: keepOtherMetadata,
  validate: ({ spec }) => validateRanges(spec?.cidrs ?? []),
  validateUpdate: ({ spec }, { spec: was }) => validateChange(spec?.cidrs ?? [], was?.cidrs ?? []),
  cells: ({ metadata, spec }, now) => [
    metadata.name,
    (spec?.cidrs ?? []).join(','),
    ageOf(metadata.creationTimestamp, now),
  ],
});
