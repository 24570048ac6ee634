// Decides what a DaemonSet is: defaults, rules, its line in a table. Never chooses nodes.
import { ageOf } from '../age.ts';
import { equalObjects } from '../equality.ts';
import { invalidValue, notSupported, required, type FieldError } from '../field-error.ts';
import type { DaemonSet } from '../generated/types.ts';
import { defineKind } from '../object.ts';
import { defaultPodSpec, fill } from '../pod/defaults.ts';
import { formatSelector } from '../selectors.ts';
import { containerCells, fixedSelector, notNegative, validateOwnSelector, validateOwnTemplate } from './workload.ts';

const RULE = { noun: 'daemonset', deadlineNoun: 'DaemonSet' };
const GENERATION = 'deprecated.daemonset.template.generation';

function validateStrategy({ spec }: DaemonSet): FieldError[] {
  const { type, rollingUpdate } = spec.updateStrategy ?? {};
  const path = 'spec.updateStrategy';
  if (type === 'OnDelete') return [];
  if (type !== 'RollingUpdate') return [notSupported(`${path}.type`, type, ['OnDelete', 'RollingUpdate'])];
  if (rollingUpdate === undefined) return [required(`${path}.rollingUpdate`)];
  const isZero = (value: number | string | undefined): boolean => value === undefined || value === 0 || value === '0%';
  const { maxUnavailable, maxSurge } = rollingUpdate;
  if (!isZero(maxUnavailable) && !isZero(maxSurge))
    return [invalidValue(`${path}.rollingUpdate.maxSurge`, maxSurge, 'may not be set when maxUnavailable is non-zero')];
  return isZero(maxUnavailable) && isZero(maxSurge)
    ? [required(`${path}.rollingUpdate.maxUnavailable`, 'cannot be 0 when maxSurge is 0')]
    : [];
}

export const daemonSet = defineKind<DaemonSet>({
  group: 'apps',
  version: 'v1',
  kind: 'DaemonSet',
  default({ spec }) {
    const strategy = (spec.updateStrategy ??= {});
    fill(strategy, 'type', 'RollingUpdate');
    if (strategy.type === 'RollingUpdate') {
      const share = (strategy.rollingUpdate ??= {});
      fill(share, 'maxUnavailable', 1);
      fill(share, 'maxSurge', 0);
    }
    fill(spec, 'revisionHistoryLimit', 10);
    if (spec.template?.spec !== undefined) defaultPodSpec(spec.template.spec);
  },
  validate: (object) => [
    ...validateOwnSelector(object.spec.selector, RULE),
    ...validateOwnTemplate(object.spec.template, object.spec.selector, RULE),
    ...notNegative(object.spec.minReadySeconds, 'spec.minReadySeconds'),
    ...validateStrategy(object),
    ...notNegative(object.spec.revisionHistoryLimit, 'spec.revisionHistoryLimit'),
  ],
  validateUpdate: (object, old) => fixedSelector(object.spec.selector, old.spec.selector),
  prepareForCreate(object) {
    object.metadata.annotations = { ...object.metadata.annotations, [GENERATION]: '1' };
  },
  prepareForUpdate(object, old) {
    const was = Number(old.metadata.annotations?.[GENERATION] ?? 0);
    const now = equalObjects(object.spec.template, old.spec.template) ? was : was + 1;
    object.metadata.annotations = { ...object.metadata.annotations, [GENERATION]: String(now) };
  },
  cells({ metadata, spec, status }, now) {
    const selector = Object.entries(spec.template?.spec?.nodeSelector ?? {}).map(([key, value]) => `${key}=${value}`);
    return [
      metadata.name,
      status?.desiredNumberScheduled ?? 0,
      status?.currentNumberScheduled ?? 0,
      status?.numberReady ?? 0,
      status?.updatedNumberScheduled ?? 0,
      status?.numberAvailable ?? 0,
      selector.join(',') || '<none>',
      ageOf(metadata.creationTimestamp, now),
      ...containerCells(spec.template),
      formatSelector(spec.selector),
    ];
  },
});
