// Decides what a volume of the cluster is: exactly one source, its size and access, and that both stay. Never makes or
// mounts one.
import { ageOf } from '../age.ts';
import { equalObjects } from '../equality.ts';
import { forbidden, invalidValue, notSupported, oneOf, required, type FieldError } from '../field-error.ts';
import { dns1123Subdomain } from '../formats.ts';
import type { PersistentVolume, PersistentVolumeSpec } from '../generated/types.ts';
import { defineKind } from '../object.ts';
import { defaultNetworkDisk, fill } from '../pod/defaults.ts';
import { validateAccessModes, validateStorageSize, validateVolumeMode } from '../pod/claim-spec.ts';
import { validateNodeSelector } from '../pod/validate-scheduling.ts';
import { mayHaveOneType, PERSISTENT_SOURCES } from '../pod/volume-sources.ts';
import { quantityToNumber } from '../quantity.ts';
import { typeSchema } from '../schema.ts';
import { accessModesText } from './persistent-volume-claim.ts';

/** Fields of the embedded source, from the table: a volume has exactly one of them. */
const SOURCES: readonly string[] = [...(typeSchema('core.v1.PersistentVolumeSource')?.fields.keys() ?? [])];

/** In the order in which they are looked at: the first one counts. */
const ORDER =
  `hostPath gcePersistentDisk awsElasticBlockStore glusterfs flocker nfs rbd quobyte cephfs iscsi cinder fc flexVolume
  azureFile vsphereVolume photonPersistentDisk portworxVolume azureDisk scaleIO local storageos csi`.split(/\s+/);

const sourcesOf = (spec: PersistentVolumeSpec): string[] =>
  SOURCES.filter((name) => (spec as unknown as Record<string, unknown>)[name] !== undefined);

function sourceOf(spec: PersistentVolumeSpec): Record<string, unknown> {
  const all = spec as unknown as Record<string, unknown>;
  return Object.fromEntries(sourcesOf(spec).map((name) => [name, all[name]]));
}

/** As the real server spells it where it says that there is one too many. */
const spelled = (source: string): string => (source === 'cephfs' ? 'cephFS' : source);

function validateSources(spec: PersistentVolumeSpec): FieldError[] {
  const errors: FieldError[] = [];
  const [first, ...more] = ORDER.filter((name) => sourcesOf(spec).includes(name));
  if (first === undefined) errors.push(required('spec', 'must specify a volume type'));
  else errors.push(...PERSISTENT_SOURCES[first]!((spec as any)[first], `spec.${first}`));
  errors.push(...more.map((name) => mayHaveOneType(`spec.${spelled(name)}`)));
  if (first === 'local' && spec.nodeAffinity === undefined)
    errors.push(required('spec.nodeAffinity', 'Local volume requires node affinity'));
  if (/^\/+$/.test(spec.hostPath?.path ?? '') && spec.persistentVolumeReclaimPolicy === 'Recycle')
    errors.push(forbidden('spec.persistentVolumeReclaimPolicy', "may not be 'recycle' for a hostPath mount of '/'"));
  return errors;
}

function validateCapacity(capacity: Record<string, string> = {}): FieldError[] {
  const names = Object.keys(capacity);
  const errors = names.length === 0 ? [required('spec.capacity')] : [];
  if (names.length !== 1 || names[0] !== 'storage') errors.push(notSupported('spec.capacity', capacity, ['storage']));
  for (const [name, size] of Object.entries(capacity)) {
    const path = `spec.capacity[${name}]`;
    const bytes = quantityToNumber(size);
    if (bytes < 0) errors.push(invalidValue(path, bytes, 'must be a valid resource quantity'));
    errors.push(...validateStorageSize(size, path));
  }
  return errors;
}

function validateNodeAffinity({ nodeAffinity }: PersistentVolumeSpec): FieldError[] {
  if (nodeAffinity === undefined) return [];
  return nodeAffinity.required === undefined
    ? [required('spec.nodeAffinity.required', 'must specify required node constraints')]
    : validateNodeSelector(nodeAffinity.required, 'spec.nodeAffinity.required');
}

export const persistentVolume = defineKind<PersistentVolume>({
  group: '',
  version: 'v1',
  kind: 'PersistentVolume',
  returnsDeletedObject: true,
  default({ spec, status }) {
    fill(spec, 'persistentVolumeReclaimPolicy', 'Retain');
    spec.volumeMode ??= 'Filesystem';
    if (spec.hostPath !== undefined) spec.hostPath.type ??= '';
    defaultNetworkDisk(spec as Parameters<typeof defaultNetworkDisk>[0]);
    if (status !== undefined) fill(status, 'phase', 'Pending');
  },
  validate: ({ spec }) => [
    ...((spec.accessModes ?? []).length === 0 ? [required('spec.accessModes')] : []),
    ...validateAccessModes(spec.accessModes ?? [], 'spec.accessModes'),
    ...validateCapacity(spec.capacity),
    ...oneOf('spec.persistentVolumeReclaimPolicy', spec.persistentVolumeReclaimPolicy, ['Delete', 'Recycle', 'Retain']),
    ...validateNodeAffinity(spec),
    ...validateSources(spec),
    ...(spec.storageClassName
      ? dns1123Subdomain(spec.storageClassName).map((told) =>
          invalidValue('spec.storageClassName', spec.storageClassName, told),
        )
      : []),
    ...validateVolumeMode(spec.volumeMode, 'spec.volumeMode'),
  ],
  validateUpdate({ spec }, { spec: was }) {
    const errors: FieldError[] = [];
    if (!equalObjects(sourceOf(spec), sourceOf(was)))
      errors.push(forbidden('spec.persistentvolumesource', 'spec.persistentvolumesource is immutable after creation'));
    if (spec.volumeMode !== was.volumeMode)
      errors.push(invalidValue('volumeMode', spec.volumeMode, 'field is immutable'));
    if (was.nodeAffinity !== undefined && !equalObjects(spec.nodeAffinity, was.nodeAffinity))
      errors.push(
        invalidValue(
          'nodeAffinity',
          spec.nodeAffinity,
          'field is immutable, except for updating from beta label to GA',
        ),
      );
    return errors;
  },
  prepareForStatusUpdate({ status }, { status: was }, time) {
    if (status === undefined) return;
    if (status.phase === was?.phase) status.lastPhaseTransitionTime ??= was?.lastPhaseTransitionTime;
    else if ((status.lastPhaseTransitionTime ?? was?.lastPhaseTransitionTime) === was?.lastPhaseTransitionTime)
      status.lastPhaseTransitionTime = time;
    if (status.lastPhaseTransitionTime === undefined) delete status.lastPhaseTransitionTime;
  },
  prepareForCreate(object) {
    object.status = { phase: 'Pending', lastPhaseTransitionTime: object.metadata.creationTimestamp };
  },
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
