// Decides what a StatefulSet is: defaults, rules, its line in a table. Never creates a pod.
import { ageOf } from '../age.ts';
import { equalObjects } from '../equality.ts';
import { forbidden, invalidValue, oneOf, type FieldError } from '../field-error.ts';
import { dns1123Label } from '../formats.ts';
import type { StatefulSet } from '../generated/types.ts';
import { defineKind } from '../object.ts';
import { defaultPodSpec, fill } from '../pod/defaults.ts';
import { podWarnings } from '../pod/warnings.ts';
import { notDecremented } from './status-rules.ts';
import { containerCells, notNegative, validateSelectorAndTemplate } from './workload.ts';

const RULE = { noun: 'statefulset', deadlineNoun: 'StatefulSet', isUnchecked: true };
const RETENTIONS = ['Retain', 'Delete'];
const MAY_CHANGE = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
];
const ONLY =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

function validateStrategy({ spec }: StatefulSet): FieldError[] {
  const { type, rollingUpdate } = spec.updateStrategy ?? {};
  if (type !== 'RollingUpdate' && type !== 'OnDelete')
    return [invalidValue('spec.updateStrategy', spec.updateStrategy, "must be 'RollingUpdate' or 'OnDelete'")];
  if (type === 'OnDelete' && rollingUpdate !== undefined)
    return [
      invalidValue(
        'spec.updateStrategy.rollingUpdate',
        rollingUpdate,
        "only allowed for updateStrategy 'RollingUpdate'",
      ),
    ];
  return notNegative(rollingUpdate?.partition, 'spec.updateStrategy.rollingUpdate.partition');
}

function fixedRest(object: StatefulSet, old: StatefulSet): FieldError[] {
  const rest = (spec: object): object =>
    Object.fromEntries(Object.entries(spec).filter(([key]) => !MAY_CHANGE.includes(key)));
  return equalObjects(rest(object.spec), rest(old.spec)) ? [] : [forbidden('spec', ONLY)];
}

const PARTS = ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'] as const;

function validateStatus({ status = { replicas: 0 } }: StatefulSet, { status: was }: StatefulSet): FieldError[] {
  const { replicas = 0, readyReplicas = 0, availableReplicas = 0 } = status;
  const errors = (['replicas', ...PARTS, 'observedGeneration', 'collisionCount'] as const).flatMap((count) =>
    notNegative(status[count], `status.${count}`),
  );
  for (const part of PARTS)
    if ((status[part] ?? 0) > replicas)
      errors.push(invalidValue(`status.${part}`, status[part], 'cannot be greater than status.replicas'));
  if (availableReplicas > readyReplicas)
    errors.push(
      invalidValue('status.availableReplicas', availableReplicas, 'cannot be greater than status.readyReplicas'),
    );
  return [...errors, ...notDecremented(status.collisionCount, was?.collisionCount)];
}

export const statefulSet = defineKind<StatefulSet>({
  group: 'apps',
  version: 'v1',
  kind: 'StatefulSet',
  nameRule: 'label',
  default({ spec }) {
    fill(spec, 'podManagementPolicy', 'OrderedReady');
    const strategy = (spec.updateStrategy ??= {});
    if (!strategy.type) {
      strategy.type = 'RollingUpdate';
      strategy.rollingUpdate ??= {};
    }
    if (strategy.type === 'RollingUpdate' && strategy.rollingUpdate !== undefined)
      fill(strategy.rollingUpdate, 'partition', 0);
    const retention = (spec.persistentVolumeClaimRetentionPolicy ??= {});
    fill(retention, 'whenDeleted', 'Retain');
    fill(retention, 'whenScaled', 'Retain');
    fill(spec, 'replicas', 1);
    fill(spec, 'revisionHistoryLimit', 10);
    if (spec.template?.spec !== undefined) defaultPodSpec(spec.template.spec);
    for (const claim of spec.volumeClaimTemplates ?? []) {
      claim.apiVersion = 'v1';
      claim.kind = 'PersistentVolumeClaim';
      fill((claim.spec ??= {}), 'volumeMode', 'Filesystem');
      fill((claim.status ??= {}), 'phase', 'Pending');
    }
  },
  validate(object) {
    const { spec } = object;
    return [
      ...(['OrderedReady', 'Parallel'].includes(spec.podManagementPolicy ?? '')
        ? []
        : [invalidValue('spec.podManagementPolicy', spec.podManagementPolicy, "must be 'OrderedReady' or 'Parallel'")]),
      ...validateStrategy(object),
      ...(['whenDeleted', 'whenScaled'] as const).flatMap((when) =>
        oneOf(
          `spec.persistentVolumeClaimRetentionPolicy.${when}`,
          spec.persistentVolumeClaimRetentionPolicy?.[when],
          RETENTIONS,
        ),
      ),
      ...notNegative(spec.replicas, 'spec.replicas'),
      ...notNegative(spec.minReadySeconds, 'spec.minReadySeconds'),
      ...notNegative(spec.ordinals?.start, 'spec.ordinals.start'),
      ...validateSelectorAndTemplate(spec.selector, spec.template, RULE),
    ];
  },
  validateCreate: ({ spec: { serviceName } }) =>
    serviceName ? dns1123Label(serviceName).map((told) => invalidValue('spec.serviceName', serviceName, told)) : [],
  validateUpdate: fixedRest,
  validateStatusUpdate: validateStatus,
  warnings: ({ spec }) => podWarnings(spec?.template?.spec, 'spec.template.spec'),
  cells: (object, now) => [
    object.metadata.name,
    `${object.status?.readyReplicas ?? 0}/${object.spec.replicas ?? 0}`,
    ageOf(object.metadata.creationTimestamp, now),
    ...containerCells(object.spec.template),
  ],
});
