// Decides what a PriorityClass is: a number that never changes; the highest are the system's. Never gives one to a pod.
import { ageOf } from '../age.ts';
import { forbidden, invalidValue, oneOf, type FieldError } from '../field-error.ts';
import type { PriorityClass } from '../generated/types.ts';
import { defineKind } from '../object.ts';
import { fill } from '../pod/defaults.ts';

const HIGHEST_OF_USERS = 1_000_000_000;
const SYSTEM = new Map([
  ['system-node-critical', 2_000_001_000],
  ['system-cluster-critical', 2_000_000_000],
]);

function validateValue({ metadata, value = 0 }: PriorityClass): FieldError[] {
  const name = metadata.name ?? '';
  if (name.startsWith('system-')) {
    const fixed = SYSTEM.get(name);
    if (fixed === value) return [];
    const why =
      fixed === undefined ? `${name} is not a known system priority class` : `value of ${name} must be ${fixed}`;
    return [
      forbidden(
        'metadata.name',
        `priority class names with 'system-' prefix are reserved for system use only. error: ${why}`,
      ),
    ];
  }
  return value > HIGHEST_OF_USERS
    ? [forbidden('value', `maximum allowed value of a user defined priority is ${HIGHEST_OF_USERS}`)]
    : [];
}

export const priorityClass = defineKind<PriorityClass>({
  group: 'scheduling.k8s.io',
  version: 'v1',
  kind: 'PriorityClass',
  default: (object) => fill(object, 'preemptionPolicy', 'PreemptLowerPriority'),
  validate: (object) => [
    ...validateValue(object),
    ...oneOf('preemptionPolicy', object.preemptionPolicy, ['Never', 'PreemptLowerPriority']),
  ],
  validateUpdate: (object, old) => [
    ...(object.value === old.value ? [] : [forbidden('value', 'may not be changed in an update.')]),
    ...(object.preemptionPolicy === old.preemptionPolicy
      ? []
      : [invalidValue('preemptionPolicy', object.preemptionPolicy, 'field is immutable')]),
  ],
  cells: (object, now) => [
    object.metadata.name,
    object.value ?? 0,
    object.globalDefault ?? false,
    ageOf(object.metadata.creationTimestamp, now),
    object.preemptionPolicy ?? '',
  ],
});
