// Decides what a ReplicationController is: the ReplicaSet's elder, with a bare map as its selector. Never makes pods.
import { ageOf } from '../age.ts';
import { invalidValue, required, type FieldError } from '../field-error.ts';
import type { ReplicationController } from '../generated/types.ts';
import { defineKind } from '../object.ts';
import { defaultPodSpec, fill } from '../pod/defaults.ts';
import { podWarnings } from '../pod/warnings.ts';
import { formatSelector } from '../selectors.ts';
import { containerCells, notNegative, validateMatch, validateOwnTemplate, validateRestarts } from './workload.ts';

const RULE = { noun: 'replication controller', deadlineNoun: 'ReplicationController' };

const COUNTS = ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'] as const;

function validateStatus({ status }: ReplicationController): FieldError[] {
  const errors = (['replicas', ...COUNTS, 'observedGeneration'] as const).flatMap((count) =>
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
}

export const replicationController = defineKind<ReplicationController>({
  group: '',
  version: 'v1',
  kind: 'ReplicationController',
  default({ spec, metadata }) {
    if (spec === undefined) return;
    fill(spec, 'replicas', 1);
    const labels = spec.template?.metadata?.labels;
    if (labels !== undefined) {
      if (Object.keys(spec.selector ?? {}).length === 0) spec.selector = { ...labels };
      if (Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...labels };
    }
    if (spec.template?.spec !== undefined) defaultPodSpec(spec.template.spec);
  },
  validate({ spec }) {
    const selector = spec?.selector ?? {};
    return [
      ...notNegative(spec?.minReadySeconds, 'spec.minReadySeconds'),
      ...(Object.keys(selector).length === 0 ? [required('spec.selector')] : []),
      ...notNegative(spec?.replicas, 'spec.replicas'),
      ...(spec?.template === undefined
        ? [required('spec.template')]
        : [
            ...validateMatch(spec.template, { matchLabels: selector }),
            ...validateOwnTemplate(spec.template, RULE),
            ...validateRestarts(spec.template, RULE),
          ]),
    ];
  },
  validateStatusUpdate: validateStatus,
  warnings: ({ spec }) => podWarnings(spec?.template?.spec, 'spec.template.spec'),
  cells: (object, now) => [
    object.metadata.name,
    object.spec?.replicas ?? 0,
    object.status?.replicas ?? 0,
    object.status?.readyReplicas ?? 0,
    ageOf(object.metadata.creationTimestamp, now),
    ...containerCells(object.spec?.template),
    formatSelector({ matchLabels: object.spec?.selector ?? {} }),
  ],
  fields: { 'status.replicas': (object) => String(object.status?.replicas ?? 0) },
});
