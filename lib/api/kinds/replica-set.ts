// Decides what a ReplicaSet is. Never creates a pod.
import { ageOf } from '../age.ts';
import { invalidValue } from '../field-error.ts';
import type { ReplicaSet } from '../generated/types.ts';
import { defineKind } from '../object.ts';
import { defaultPodSpec, fill } from '../pod/defaults.ts';
import { podWarnings } from '../pod/warnings.ts';
import { formatSelector } from '../selectors.ts';
import { containerCells, fixedSelector, notNegative, validateSelectorAndTemplate } from './workload.ts';

const RULE = { noun: 'deployment', deadlineNoun: 'ReplicaSet', unreadable: 'invalid label selector' };
const COUNTS = ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'] as const;

export const replicaSet = defineKind<ReplicaSet>({
  group: 'apps',
  version: 'v1',
  kind: 'ReplicaSet',
  default(object) {
    fill(object.spec, 'replicas', 1);
    if (object.spec.template?.spec !== undefined) defaultPodSpec(object.spec.template.spec);
  },
  validate: ({ spec }) => [
    ...notNegative(spec.replicas, 'spec.replicas'),
    ...notNegative(spec.minReadySeconds, 'spec.minReadySeconds'),
    ...validateSelectorAndTemplate(spec.selector, spec.template, RULE),
  ],
  validateUpdate: (object, old) => fixedSelector(object.spec.selector, old.spec.selector),
  validateStatusUpdate({ status }) {
    const errors = (['replicas', ...COUNTS] as const).flatMap((count) =>
      notNegative(status?.[count], `status.${count}`),
    );
    for (const count of COUNTS)
      if ((status?.[count] ?? 0) > (status?.replicas ?? 0))
        errors.push(invalidValue(`status.${count}`, status?.[count], 'cannot be greater than status.replicas'));
    if ((status?.availableReplicas ?? 0) > (status?.readyReplicas ?? 0))
      errors.push(
        invalidValue('status.availableReplicas', status?.availableReplicas, 'cannot be greater than readyReplicas'),
      );
    return errors;
  },
  warnings: ({ spec }) => podWarnings(spec?.template?.spec, 'spec.template.spec'),
  cells: (object, now) => [
    object.metadata.name,
    object.spec.replicas ?? 0,
    object.status?.replicas ?? 0,
    object.status?.readyReplicas ?? 0,
    ageOf(object.metadata.creationTimestamp, now),
    ...containerCells(object.spec.template),
    formatSelector(object.spec.selector),
  ],
  fields: { 'status.replicas': (object) => String(object.status?.replicas ?? 0) },
});
