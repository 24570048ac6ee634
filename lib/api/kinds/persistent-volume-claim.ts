// Decides what a claim for storage is: access, size, class, and what of it may change once it is bound. Never binds one.
import { ageOf } from '../age.ts';
import { equalObjects } from '../equality.ts';
import { forbidden, invalidValue, type FieldError } from '../field-error.ts';
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from '../generated/types.ts';
import { defineKind } from '../object.ts';
import { fill } from '../pod/defaults.ts';
import { fractionWarnings } from '../pod/warnings.ts';
import { validateClaimSpec } from '../pod/claim-spec.ts';
import { compareQuantities } from '../quantity.ts';

const SHORT: Record<string, string> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};
const FIXED =
  'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';

/** `RWO,ROX`, each once, in the order of the table above. */
export function accessModesText(modes: readonly string[] | undefined): string {
  return Object.keys(SHORT)
    .filter((mode) => (modes ?? []).includes(mode))
    .map((mode) => SHORT[mode])
    .join(',');
}

/** What may change at any time is taken out, so that the rest can be compared. */
function fixedPart(spec: PersistentVolumeClaimSpec, isBound: boolean, was: PersistentVolumeClaimSpec): object {
  const { resources: _, volumeName, volumeAttributesClassName: _class, ...rest } = spec;
  return {
    ...rest,
    volumeName: was.volumeName ? volumeName : '',
    requests: isBound ? undefined : spec.resources?.requests,
    limits: spec.resources?.limits,
    storageClassName: spec.storageClassName,
  };
}

/** Of old a claim could only be filled from these two: of any other the older field says nothing. */
function isOldSource(source: PersistentVolumeClaimSpec['dataSource']): boolean {
  if (source?.kind === 'PersistentVolumeClaim') return (source.apiGroup ?? '') === '';
  return source?.kind === 'VolumeSnapshot' && source.apiGroup === 'snapshot.storage.k8s.io';
}

export const persistentVolumeClaim = defineKind<PersistentVolumeClaim>({
  group: '',
  version: 'v1',
  kind: 'PersistentVolumeClaim',
  returnsDeletedObject: true,
  default({ spec, status }) {
    spec.volumeMode ??= 'Filesystem';
    if (status !== undefined) fill(status, 'phase', 'Pending');
  },
  validate: ({ spec }) => validateClaimSpec(spec, 'spec'),
  validateUpdate({ spec }, { spec: was, status }) {
    const errors: FieldError[] = [];
    const isBound = was.volumeName !== undefined && was.volumeName !== '';
    if (!equalObjects(fixedPart(spec, isBound, was), fixedPart(was, isBound, was)))
      errors.push(forbidden('spec', FIXED));
    const size = spec.resources?.requests?.['storage'];
    const has = status?.capacity?.['storage'];
    if (size !== undefined && has !== undefined && compareQuantities(size, has) < 0)
      errors.push(forbidden('spec.resources.requests.storage', 'field can not be less than status.capacity'));
    if (was.volumeAttributesClassName !== undefined && spec.volumeAttributesClassName === undefined)
      errors.push(forbidden('spec.volumeAttributesClassName', 'update from non-nil value to nil is forbidden'));
    if (spec.volumeMode !== was.volumeMode)
      errors.push(invalidValue('spec.volumeMode', spec.volumeMode, 'field is immutable'));
    return errors;
  },
  prepareForCreate({ spec, status }) {
    if (status !== undefined) status.phase = 'Pending';
    // Data of another namespace nobody may ask for here.
    if (spec.dataSourceRef?.namespace) delete spec.dataSourceRef;
    if (!isOldSource(spec.dataSource)) delete spec.dataSource;
    if (spec.dataSource !== undefined && spec.dataSourceRef === undefined) spec.dataSourceRef = { ...spec.dataSource };
    else if (spec.dataSourceRef !== undefined && spec.dataSource === undefined)
      spec.dataSource = { ...spec.dataSourceRef };
  },
  warnings: ({ spec }) => [
    ...fractionWarnings(spec.resources?.requests, 'spec.resources.requests', ['storage']),
    ...fractionWarnings(spec.resources?.limits, 'spec.resources.limits', ['storage']),
  ],
  cells(object, now) {
    const { spec, status, metadata } = object;
    const isBound = spec.volumeName !== undefined && spec.volumeName !== '';
    return [
      metadata.name,
      metadata.deletionTimestamp === undefined ? (status?.phase ?? '') : 'Terminating',
      spec.volumeName ?? '',
      isBound ? (status?.capacity?.['storage'] ?? '0') : '',
      isBound ? accessModesText(status?.accessModes) : '',
      metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec.storageClassName ?? '',
      spec.volumeAttributesClassName ?? '<unset>',
      ageOf(metadata.creationTimestamp, now),
      spec.volumeMode ?? '<unset>',
    ];
  },
});
