// Decides what the objects of storage drivers are: the driver itself, its nodes, and volumes that are attached. Never
// attaches anything.
import { ageOf } from '../age.ts';
import { equalObjects } from '../equality.ts';
import { forbidden, invalidValue, required, tooLong, type FieldError } from '../field-error.ts';
import { dns1123Subdomain } from '../formats.ts';
import type { CSIDriver, CSINode, VolumeAttachment } from '../generated/types.ts';
import { defineKind, type KindBehaviour } from '../object.ts';
import { fill } from '../pod/defaults.ts';
import { oneOf } from '../pod/validate-container.ts';

const LONGEST_DRIVER = 63;

function validateDriverName(name: string | undefined, path: string): FieldError[] {
  if (!name) return [required(path)];
  const errors = dns1123Subdomain(name.toLowerCase()).map((told) => invalidValue(path, name, told));
  return name.length > LONGEST_DRIVER ? [...errors, tooLong(path, LONGEST_DRIVER)] : errors;
}

const csiDriver = defineKind<CSIDriver>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIDriver',
  returnsDeletedObject: true,
  default({ spec }) {
    fill(spec, 'attachRequired', true);
    for (const field of ['podInfoOnMount', 'storageCapacity', 'requiresRepublish', 'seLinuxMount'] as const)
      fill(spec, field, false);
    fill(spec, 'fsGroupPolicy', 'ReadWriteOnceWithFSType');
    spec.volumeLifecycleModes ??= ['Persistent'];
  },
  validate: ({ metadata, spec }) => [
    ...validateDriverName(metadata.name, 'metadata.name'),
    ...oneOf('spec.fsGroupPolicy', spec.fsGroupPolicy, ['File', 'None', 'ReadWriteOnceWithFSType']),
    ...(spec.volumeLifecycleModes ?? []).flatMap((mode) =>
      oneOf('spec.volumeLifecycleModes', mode, ['Ephemeral', 'Persistent']),
    ),
  ],
  validateUpdate: ({ spec }, { spec: was }) =>
    (['attachRequired', 'volumeLifecycleModes'] as const)
      .filter((field) => !equalObjects(spec[field], was[field]))
      .map((field) => invalidValue(`spec.${field}`, spec[field], 'field is immutable')),
  columns: [
    ['Name', 'string', 'name', 0],
    ['AttachRequired', 'boolean', '', 0],
    ['PodInfoOnMount', 'boolean', '', 0],
    ['StorageCapacity', 'boolean', '', 0],
    ['TokenRequests', 'string', '', 0],
    ['RequiresRepublish', 'boolean', '', 0],
    ['Modes', 'string', '', 0],
    ['Age', 'string', '', 0],
  ],
  cells: ({ metadata, spec }, now) => [
    metadata.name,
    spec.attachRequired ?? true,
    spec.podInfoOnMount ?? false,
    spec.storageCapacity ?? false,
    (spec.tokenRequests ?? []).map(({ audience }) => audience).join(',') || '<unset>',
    spec.requiresRepublish ?? false,
    (spec.volumeLifecycleModes ?? []).join(',') || '<none>',
    ageOf(metadata.creationTimestamp, now),
  ],
});

const csiNode = defineKind<CSINode>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSINode',
  returnsDeletedObject: true,
  validate: ({ spec }) =>
    (spec?.drivers ?? []).flatMap((driver, i) => [
      ...validateDriverName(driver.name, `spec.drivers[${i}].name`),
      ...(driver.nodeID ? [] : [required(`spec.drivers[${i}].nodeID`)]),
    ]),
  cells: ({ metadata, spec }, now) => [
    metadata.name,
    (spec?.drivers ?? []).length,
    ageOf(metadata.creationTimestamp, now),
  ],
});

const volumeAttachment = defineKind<VolumeAttachment>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttachment',
  returnsDeletedObject: true,
  validate({ spec }) {
    const { persistentVolumeName, inlineVolumeSpec } = spec.source ?? {};
    const errors: FieldError[] = [];
    if (!spec.attacher) errors.push(required('spec.attacher'));
    if (!spec.nodeName) errors.push(required('spec.nodeName'));
    if (persistentVolumeName === undefined && inlineVolumeSpec === undefined)
      errors.push(required('spec.source', 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'));
    if (persistentVolumeName !== undefined && inlineVolumeSpec !== undefined)
      errors.push(forbidden('spec.source', 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'));
    return errors;
  },
  validateUpdate: ({ spec }, { spec: was }) =>
    equalObjects(spec, was) ? [] : [invalidValue('spec', spec, 'field is immutable')],
  cells: ({ metadata, spec, status }, now) => [
    metadata.name,
    spec.attacher ?? '',
    spec.source?.persistentVolumeName ?? '',
    spec.nodeName ?? '',
    status?.attached ?? false,
    ageOf(metadata.creationTimestamp, now),
  ],
});

export const csi: readonly KindBehaviour[] = [csiDriver, csiNode, volumeAttachment];
