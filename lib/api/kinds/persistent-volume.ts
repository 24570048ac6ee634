// Decides what a volume of the cluster is: exactly one source, its size and access, and that both stay. Never makes or
// mounts one.
import { ageOf } from '../age.ts';
import { equalObjects } from '../equality.ts';
import { forbidden, invalidValue, notSupported, required, type FieldError } from '../field-error.ts';
import { dns1123Subdomain } from '../formats.ts';
import type { PersistentVolume, PersistentVolumeSpec } from '../generated/types.ts';
import { defineKind } from '../object.ts';
import { defaultNetworkDisk, fill } from '../pod/defaults.ts';
import { oneOf } from '../pod/validate-container.ts';
import { typeSchema } from '../schema.ts';
import { accessModesText, validateAccessModes, validateStorageSize } from './persistent-volume-claim.ts';

/** Fields of the embedded source, from the table: a volume has exactly one of them. */
const SOURCES: readonly string[] = [...(typeSchema('core.v1.PersistentVolumeSource')?.fields.keys() ?? [])];

const sourcesOf = (spec: PersistentVolumeSpec): string[] =>
  SOURCES.filter((name) => (spec as unknown as Record<string, unknown>)[name] !== undefined);

function sourceOf(spec: PersistentVolumeSpec): Record<string, unknown> {
  const all = spec as unknown as Record<string, unknown>;
  return Object.fromEntries(sourcesOf(spec).map((name) => [name, all[name]]));
}

function validateSources(spec: PersistentVolumeSpec): FieldError[] {
  const [first, ...more] = sourcesOf(spec);
  if (first === undefined) return [required('spec', 'must specify a volume type')];
  const errors = more.map((name) => forbidden(`spec.${name}`, 'may not specify more than 1 volume type'));
  if (spec.hostPath !== undefined && !spec.hostPath.path) errors.push(required('spec.hostPath.path'));
  if (spec.local !== undefined && spec.nodeAffinity === undefined)
    errors.push(required('spec.nodeAffinity', 'Local volume requires node affinity'));
  if (spec.hostPath?.path === '/' && spec.persistentVolumeReclaimPolicy === 'Recycle')
    errors.push(forbidden('spec.persistentVolumeReclaimPolicy', "may not be 'recycle' for a hostPath mount of '/'"));
  return errors;
}

function validateCapacity(capacity: Record<string, string> | undefined): FieldError[] {
  if (Object.keys(capacity ?? {}).length === 0) return [required('spec.capacity')];
  const names = Object.keys(capacity!);
  if (names.length !== 1 || names[0] !== 'storage') return [notSupported('spec.capacity', capacity, ['storage'])];
  return validateStorageSize(capacity!['storage'], 'spec.capacity[storage]');
}

export const persistentVolume = defineKind<PersistentVolume>({
  group: '',
  version: 'v1',
  kind: 'PersistentVolume',
  returnsDeletedObject: true,
  default({ spec, status }) {
    fill(spec, 'persistentVolumeReclaimPolicy', 'Retain');
    fill(spec, 'volumeMode', 'Filesystem');
    if (spec.hostPath !== undefined) spec.hostPath.type ??= '';
    defaultNetworkDisk(spec as Parameters<typeof defaultNetworkDisk>[0]);
    if (status !== undefined) fill(status, 'phase', 'Pending');
  },
  validate: ({ spec }) => [
    ...validateAccessModes(spec.accessModes, 'spec.accessModes'),
    ...validateCapacity(spec.capacity),
    ...oneOf('spec.persistentVolumeReclaimPolicy', spec.persistentVolumeReclaimPolicy, ['Delete', 'Recycle', 'Retain']),
    ...validateSources(spec),
    ...(spec.storageClassName
      ? dns1123Subdomain(spec.storageClassName).map((told) =>
          invalidValue('spec.storageClassName', spec.storageClassName, told),
        )
      : []),
    ...oneOf('spec.volumeMode', spec.volumeMode, ['Block', 'Filesystem']),
  ],
  validateUpdate({ spec }, { spec: was }) {
    const errors: FieldError[] = [];
    if (!equalObjects(sourceOf(spec), sourceOf(was)))
      errors.push(forbidden('spec.persistentvolumesource', 'spec.persistentvolumesource is immutable after creation'));
    if (spec.volumeMode !== was.volumeMode)
      errors.push(invalidValue('spec.volumeMode', spec.volumeMode, 'field is immutable'));
    if (was.nodeAffinity !== undefined && !equalObjects(spec.nodeAffinity, was.nodeAffinity))
      errors.push(
        invalidValue(
          'spec.nodeAffinity',
          spec.nodeAffinity,
          'field is immutable, except for updating from beta label to GA',
        ),
      );
    return errors;
  },
  prepareForCreate({ status }) {
    if (status !== undefined) status.phase = 'Pending';
  },
  columns: [
    ['Name', 'string', 'name', 0],
    ['Capacity', 'string', '', 0],
    ['Access Modes', 'string', '', 0],
    ['Reclaim Policy', 'string', '', 0],
    ['Status', 'string', '', 0],
    ['Claim', 'string', '', 0],
    ['StorageClass', 'string', '', 0],
    ['VolumeAttributesClass', 'string', '', 0],
    ['Reason', 'string', '', 0],
    ['Age', 'string', '', 0],
    ['VolumeMode', 'string', '', 1],
  ],
  cells(object, now) {
    const { spec, status, metadata } = object;
    const claim = spec.claimRef;
    return [
      metadata.name,
      spec.capacity?.['storage'] ?? '',
      accessModesText(spec.accessModes),
      spec.persistentVolumeReclaimPolicy ?? '',
      metadata.deletionTimestamp === undefined ? (status?.phase ?? '') : 'Terminating',
      claim === undefined ? '' : `${claim.namespace ?? ''}/${claim.name ?? ''}`,
      metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec.storageClassName ?? '',
      spec.volumeAttributesClassName ?? '<unset>',
      status?.reason ?? '',
      ageOf(metadata.creationTimestamp, now),
      spec.volumeMode ?? '<unset>',
    ];
  },
});
