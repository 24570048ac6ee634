// Decides what a StorageClass is: who provisions, with which parameters, and that both stay. Never provisions anything.
import { ageOf } from '../age.ts';
import { equalObjects } from '../equality.ts';
import {
  duplicate,
  forbidden,
  invalidValue,
  notSupported,
  oneOf,
  required,
  tooLong,
  tooMany,
  type FieldError,
} from '../field-error.ts';
import { qualifiedName } from '../formats.ts';
import type { StorageClass } from '../generated/types.ts';
import { defineKind } from '../object.ts';

export const DEFAULT_CLASS = 'storageclass.kubernetes.io/is-default-class';
const BETA_DEFAULT_CLASS = 'storageclass.beta.kubernetes.io/is-default-class';
const FIXED = ['parameters', 'provisioner', 'reclaimPolicy'] as const;

export function isDefaultClass(metadata: { annotations?: Record<string, string> | undefined }): boolean {
  return [DEFAULT_CLASS, BETA_DEFAULT_CLASS].some((key) => metadata.annotations?.[key] === 'true');
}

function validateParameters(parameters: Record<string, string>): FieldError[] {
  const entries = Object.entries(parameters);
  const errors: FieldError[] = entries.some(([key]) => key === '')
    ? [invalidValue('parameters', '', 'field can not be empty.')]
    : [];
  if (entries.length > 512) errors.push(tooMany('Provisioner Parameters Length', entries.length, 512));
  if (entries.reduce((sum, [key, value]) => sum + key.length + value.length, 0) > 262_144)
    errors.push(tooLong('parameters', 262_144));
  return errors;
}

const BINDING_MODES = ['Immediate', 'WaitForFirstConsumer'];

const validateBindingMode = (mode: string): FieldError[] =>
  BINDING_MODES.includes(mode) ? [] : [notSupported('volumeBindingMode', mode, BINDING_MODES)];

type Term = NonNullable<StorageClass['allowedTopologies']>[number];

function validateTopologies(terms: readonly Term[]): FieldError[] {
  const seen: Array<Record<string, string[]>> = [];
  return terms.flatMap((term, i) => {
    const path = `allowedTopologies[${i}].matchLabelExpressions`;
    const values: Record<string, string[]> = {};
    const errors = (term.matchLabelExpressions ?? []).flatMap((expression, j) => {
      const { key = '' } = expression;
      const told = validateRequirement(expression, `${path}[${j}]`);
      if (Object.hasOwn(values, key)) told.push(duplicate(`${path}[${j}].key`, key));
      values[key] = [...new Set(expression.values ?? [])].toSorted();
      return told;
    });
    if (seen.some((other) => equalObjects(other, values))) errors.push(duplicate(path, ''));
    seen.push(values);
    return errors;
  });
}

function validateRequirement(
  { key = '', values = [] }: { key?: string; values?: readonly string[] },
  path: string,
): FieldError[] {
  const errors = values.length === 0 ? [required(`${path}.values`)] : [];
  values.forEach((value, i) => {
    if (values.indexOf(value) < i) errors.push(duplicate(`${path}.values[${i}]`, value));
  });
  return [...errors, ...qualifiedName(key).map((told) => invalidValue(`${path}.key`, key, told))];
}

export const storageClass = defineKind<StorageClass>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'StorageClass',
  returnsDeletedObject: true,
  default(object) {
    object.reclaimPolicy ??= 'Delete';
    object.volumeBindingMode ??= 'Immediate';
  },
  validate: (object) => [
    ...(object.provisioner
      ? qualifiedName(object.provisioner.toLowerCase()).map((told) =>
          invalidValue('provisioner', object.provisioner.toLowerCase(), told),
        )
      : [required('provisioner')]),
    ...validateParameters(object.parameters ?? {}),
    ...oneOf('reclaimPolicy', object.reclaimPolicy, ['Delete', 'Retain']),
    ...validateBindingMode(object.volumeBindingMode ?? ''),
    ...validateTopologies(object.allowedTopologies ?? []),
  ],
  validateUpdate(object, old) {
    const errors = FIXED.filter((field) => !equalObjects(object[field], old[field])).map((field) =>
      forbidden(field, `updates to ${field} are forbidden.`),
    );
    if (object.volumeBindingMode !== old.volumeBindingMode)
      errors.push(invalidValue('volumeBindingMode', object.volumeBindingMode, 'field is immutable'));
    return errors;
  },
  cells: (object, now) => [
    `${object.metadata.name}${isDefaultClass(object.metadata) ? ' (default)' : ''}`,
    object.provisioner ?? '',
    object.reclaimPolicy ?? '',
    object.volumeBindingMode ?? '',
    object.allowVolumeExpansion ?? false,
    ageOf(object.metadata.creationTimestamp, now),
  ],
});
