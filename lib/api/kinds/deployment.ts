// Decides what a Deployment is: its strategy's defaults and bounds, its fixed selector, its line in a table. Never rolls one
// out.
import { ageOf } from '../age.ts';
import { forbidden, GoText, invalidValue, notSupported, required, type FieldError } from '../field-error.ts';
import { percent } from '../formats.ts';
import type { Deployment } from '../generated/types.ts';
import { percentOf } from '../int-or-string.ts';
import { defineKind } from '../object.ts';
import { defaultPodSpec, fill } from '../pod/defaults.ts';
import { podWarnings } from '../pod/warnings.ts';
import { formatSelector } from '../selectors.ts';
import { notDecremented } from './status-rules.ts';
import { containerCells, fixedSelector, keepLabels, notNegative, validateSelectorAndTemplate } from './workload.ts';

const RULE = { noun: 'deployment', deadlineNoun: 'ReplicaSet', unreadable: 'invalid label selector' };

export function validateShare(value: number | string | undefined, path: string): FieldError[] {
  if (value === undefined) return [];
  if (typeof value === 'number') return notNegative(value, path);
  return percent(value).map((told) => invalidValue(path, GoText.intOrString(value), told));
}

function validateStrategy(object: Deployment): FieldError[] {
  const { type, rollingUpdate } = object.spec.strategy ?? {};
  const path = 'spec.strategy.rollingUpdate';
  if (type === 'Recreate')
    return rollingUpdate === undefined
      ? []
      : [forbidden(path, "may not be specified when strategy `type` is 'Recreate'")];
  if (type !== 'RollingUpdate')
    return [notSupported('spec.strategy', object.spec.strategy, ['Recreate', 'RollingUpdate'])];
  if (rollingUpdate === undefined) return [required(path, 'this should be defaulted and never be nil')];
  const { maxUnavailable, maxSurge } = rollingUpdate;
  const errors = [
    ...validateShare(maxUnavailable, `${path}.maxUnavailable`),
    ...validateShare(maxSurge, `${path}.maxSurge`),
  ];
  const isZero = (value: number | string | undefined): boolean => value === 0 || value === '0%';
  if (isZero(maxUnavailable) && isZero(maxSurge))
    errors.push(
      invalidValue(
        `${path}.maxUnavailable`,
        GoText.intOrString(maxUnavailable ?? 0),
        'may not be 0 when `maxSurge` is 0',
      ),
    );
  if (maxUnavailable !== undefined && (percentOf(maxUnavailable) ?? 0) > 100)
    errors.push(
      invalidValue(`${path}.maxUnavailable`, GoText.intOrString(maxUnavailable), 'must not be greater than 100%'),
    );
  return errors;
}

function validateSpec(object: Deployment): FieldError[] {
  const { spec } = object;
  const errors = [
    ...notNegative(spec.replicas, 'spec.replicas'),
    ...validateSelectorAndTemplate(spec.selector, spec.template, RULE),
    ...validateStrategy(object),
    ...notNegative(spec.minReadySeconds, 'spec.minReadySeconds'),
    ...notNegative(spec.revisionHistoryLimit, 'spec.revisionHistoryLimit'),
  ];
  const deadline = spec.progressDeadlineSeconds;
  if (deadline !== undefined && deadline <= (spec.minReadySeconds ?? 0))
    errors.push(
      ...notNegative(deadline, 'spec.progressDeadlineSeconds'),
      invalidValue('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds'),
    );
  return errors;
}

function validateStatus(object: Deployment, old: Deployment): FieldError[] {
  const { status = {} } = object;
  const counts = ['replicas', 'updatedReplicas', 'readyReplicas', 'availableReplicas', 'unavailableReplicas'] as const;
  const errors = counts.flatMap((count) => notNegative(status[count], `status.${count}`));
  for (const count of ['updatedReplicas', 'readyReplicas', 'availableReplicas'] as const)
    if ((status[count] ?? 0) > (status.replicas ?? 0))
      errors.push(invalidValue(`status.${count}`, status[count], 'cannot be greater than status.replicas'));
  if ((status.availableReplicas ?? 0) > (status.readyReplicas ?? 0))
    errors.push(
      invalidValue('status.availableReplicas', status.availableReplicas, 'cannot be greater than readyReplicas'),
    );
  return [...errors, ...notDecremented(status.collisionCount, old.status?.collisionCount)];
}

export const deployment = defineKind<Deployment>({
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  default(object) {
    const { spec } = object;
    fill(spec, 'replicas', 1);
    spec.strategy ??= {};
    fill(spec.strategy, 'type', 'RollingUpdate');
    if (spec.strategy.type === 'RollingUpdate') {
      const share = (spec.strategy.rollingUpdate ??= {});
      fill(share, 'maxUnavailable', '25%');
      fill(share, 'maxSurge', '25%');
    }
    fill(spec, 'revisionHistoryLimit', 10);
    fill(spec, 'progressDeadlineSeconds', 600);
    if (spec.template?.spec !== undefined) defaultPodSpec(spec.template.spec);
  },
  validate: validateSpec,
  validateUpdate: (object, old) => fixedSelector(object.spec.selector, old.spec.selector),
  validateStatusUpdate: validateStatus,
  prepareForStatusUpdate: keepLabels,
  warnings: ({ spec }) => podWarnings(spec?.template?.spec, 'spec.template.spec'),
  cells: (object, now) => [
    object.metadata.name,
    `${object.status?.readyReplicas ?? 0}/${object.spec.replicas ?? 0}`,
    object.status?.updatedReplicas ?? 0,
    object.status?.availableReplicas ?? 0,
    ageOf(object.metadata.creationTimestamp, now),
    ...containerCells(object.spec.template),
    formatSelector(object.spec.selector),
  ],
});
