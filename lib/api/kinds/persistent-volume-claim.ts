// Decides what a claim for storage is: access, size, class, and what of it may change once it is bound. Never binds one.
import { ageOf } from '../age.ts';
import { equalObjects } from '../equality.ts';
import { forbidden, invalidValue, notSupported, required, type FieldError } from '../field-error.ts';
import { dns1123Subdomain } from '../formats.ts';
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from '../generated/types.ts';
import { defineKind } from '../object.ts';
import { fill } from '../pod/defaults.ts';
import { oneOf } from '../pod/validate-container.ts';
import { compareQuantities } from '../quantity.ts';
import { validateSelector } from '../selectors.ts';

export const ACCESS_MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
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

export function validateAccessModes(modes: readonly string[] | undefined, path: string): FieldError[] {
  if ((modes ?? []).length === 0) return [required(path, 'at least 1 access mode is required')];
  const errors = modes!
    .filter((mode) => !ACCESS_MODES.includes(mode))
    .map((mode) => notSupported(path, mode, ACCESS_MODES));
  if (modes!.includes('ReadWriteOncePod') && modes!.length > 1)
    errors.push(forbidden(path, 'may not use ReadWriteOncePod with other access modes'));
  return errors;
}

export function validateStorageSize(size: string | undefined, path: string): FieldError[] {
  if (size === undefined) return [required(path)];
  return compareQuantities(size, '0') > 0 ? [] : [invalidValue(path, size, 'must be greater than zero')];
}

export function validateClaimSpec(spec: PersistentVolumeClaimSpec, path: string): FieldError[] {
  const named = (field: 'storageClassName' | 'volumeAttributesClassName'): FieldError[] =>
    spec[field] ? dns1123Subdomain(spec[field]).map((told) => invalidValue(`${path}.${field}`, spec[field], told)) : [];
  return [
    ...validateSelector(spec.selector, `${path}.selector`),
    ...validateAccessModes(spec.accessModes, `${path}.accessModes`),
    ...validateStorageSize(spec.resources?.requests?.['storage'], `${path}.resources[storage]`),
    ...named('storageClassName'),
    ...oneOf(`${path}.volumeMode`, spec.volumeMode, ['Block', 'Filesystem']),
    ...validateSource(spec, path),
    ...named('volumeAttributesClassName'),
  ];
}

function validateSource({ dataSource, dataSourceRef }: PersistentVolumeClaimSpec, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [field, source] of Object.entries({ dataSource, dataSourceRef })) {
    if (source === undefined) continue;
    if (!source.name) errors.push(required(`${path}.${field}.name`));
    if (!source.kind) errors.push(required(`${path}.${field}.kind`));
  }
  if (dataSource !== undefined && dataSourceRef !== undefined && !dataSourceRef.namespace)
    for (const field of ['apiGroup', 'kind', 'name'] as const)
      if ((dataSource[field] ?? '') !== (dataSourceRef[field] ?? ''))
        errors.push(invalidValue(path, `${path}.dataSource.${field}`, 'must match dataSourceRef'));
  return errors;
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

export const persistentVolumeClaim = defineKind<PersistentVolumeClaim>({
  group: '',
  version: 'v1',
  kind: 'PersistentVolumeClaim',
  returnsDeletedObject: true,
  default({ spec, status }) {
    fill(spec, 'volumeMode', 'Filesystem');
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
    if (spec.dataSource !== undefined && spec.dataSourceRef === undefined) spec.dataSourceRef = { ...spec.dataSource };
    else if (spec.dataSourceRef !== undefined && !spec.dataSourceRef.namespace && spec.dataSource === undefined) {
      const { namespace: _, ...source } = spec.dataSourceRef;
      spec.dataSource = source;
    }
  },
  columns: [
    ['Name', 'string', 'name', 0],
    ['Status', 'string', '', 0],
    ['Volume', 'string', '', 0],
    ['Capacity', 'string', '', 0],
    ['Access Modes', 'string', '', 0],
    ['StorageClass', 'string', '', 0],
    ['VolumeAttributesClass', 'string', '', 0],
    ['Age', 'string', '', 0],
    ['VolumeMode', 'string', '', 1],
  ],
  cells(object, now) {
    const { spec, status, metadata } = object;
    const isBound = spec.volumeName !== undefined && spec.volumeName !== '';
    return [
      metadata.name,
      metadata.deletionTimestamp === undefined ? (status?.phase ?? '') : 'Terminating',
      spec.volumeName ?? '',
      isBound ? (status?.capacity?.['storage'] ?? '') : '',
      isBound ? accessModesText(status?.accessModes) : '',
      metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec.storageClassName ?? '',
      spec.volumeAttributesClassName ?? '<unset>',
      ageOf(metadata.creationTimestamp, now),
      spec.volumeMode ?? '<unset>',
    ];
  },
});
