// Decides what a DaemonSet is: defaults, rules, its line in a table. Never chooses nodes.
import { ageOf } from '../age.ts';
import { equalObjects } from '../equality.ts';
import { GoText, invalidValue, notSupported, required, type FieldError } from '../field-error.ts';
import type { DaemonSet } from '../generated/types.ts';
import { defineKind } from '../object.ts';
import { defaultPodSpec, fill } from '../pod/defaults.ts';
import { podWarnings } from '../pod/warnings.ts';
import { percentOf } from '../int-or-string.ts';
import { formatSelector, validateSelector } from '../selectors.ts';
import { validateShare } from './deployment.ts';
import { notDecremented } from './status-rules.ts';
import {
  containerCells,
  fixedSelector,
  notNegative,
  validateMatch,
  validateOwnTemplate,
  validateRestarts,
} from './workload.ts';

const RULE = { noun: 'daemonset', deadlineNoun: 'DaemonSet' };
const GENERATION = 'deprecated.daemonset.template.generation';

function validateStrategy({ spec }: DaemonSet): FieldError[] {
  const { type, rollingUpdate } = spec.updateStrategy ?? {};
  const path = 'spec.updateStrategy';
  if (type === 'OnDelete') return [];
  if (type !== 'RollingUpdate') return [notSupported(path, spec.updateStrategy, ['RollingUpdate', 'OnDelete'])];
  if (rollingUpdate === undefined) return [required(`${path}.rollingUpdate`)];
  const errors: FieldError[] = [];
  const fields = ['maxUnavailable', 'maxSurge'] as const;
  for (const field of fields) errors.push(...validateShare(rollingUpdate[field], `${path}.rollingUpdate.${field}`));
  for (const field of fields)
    if ((percentOf(rollingUpdate[field] ?? 0) ?? 0) > 100)
      errors.push(
        invalidValue(
          `${path}.rollingUpdate.${field}`,
          GoText.intOrString(rollingUpdate[field]!),
          'must not be greater than 100%',
        ),
      );
  const isZero = (value: number | string = 0): boolean => Number.parseInt(String(value), 10) === 0;
  const { maxUnavailable, maxSurge = 0 } = rollingUpdate;
  if (!isZero(maxUnavailable) && !isZero(maxSurge))
    errors.push(
      invalidValue(
        `${path}.rollingUpdate.maxSurge`,
        GoText.intOrString(maxSurge),
        'may not be set when maxUnavailable is non-zero',
      ),
    );
  if (isZero(maxUnavailable) && isZero(maxSurge))
    errors.push(required(`${path}.rollingUpdate.maxUnavailable`, 'cannot be 0 when maxSurge is 0'));
  return errors;
}

/** The same as others check, in an order of its own: a selector that is missing is told last, and only as what it matches. */
function validateSelected({ spec }: DaemonSet): FieldError[] {
  const { selector, template } = spec;
  const errors = validateSelector(selector, 'spec.selector');
  if (errors.length === 0) errors.push(...validateMatch(template, selector));
  if (selector !== undefined && Object.values(selector).every((part) => Object.keys(part ?? {}).length === 0))
    errors.push(
      invalidValue('spec.selector', GoText.labelSelector(selector), `empty selector is invalid for ${RULE.noun}`),
    );
  return [...errors, ...validateOwnTemplate(template, RULE), ...validateRestarts(template, RULE)];
}

const COUNTS = [
  'currentNumberScheduled',
  'numberMisscheduled',
  'desiredNumberScheduled',
  'numberReady',
  'observedGeneration',
  'updatedNumberScheduled',
  'numberAvailable',
  'numberUnavailable',
  'collisionCount',
] as const;

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
    ...validateSelected(object),
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
  validateStatusUpdate: ({ status }, { status: was }) => [
    ...COUNTS.flatMap((count) => notNegative(status?.[count], `status.${count}`)),
    ...notDecremented(status?.collisionCount, was?.collisionCount),
  ],
  warnings: ({ spec }) => podWarnings(spec?.template?.spec, 'spec.template.spec'),
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
