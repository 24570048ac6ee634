// Decides what the objects of storage drivers are: the driver itself, its nodes, and volumes that are attached. Never
// attaches anything.
import { ageOf } from '../age.ts';
import { equalObjects } from '../equality.ts';
import {
  duplicate,
  forbidden,
  invalidValue,
  notSupported,
  required,
  tooLong,
  type FieldError,
} from '../field-error.ts';
import { dns1123Subdomain, longerThan, qualifiedName } from '../formats.ts';
import { keepOtherMetadata } from './workload.ts';
import type { CSIDriver, CSINode, CSIStorageCapacity, VolumeAttachment, VolumeError } from '../generated/types.ts';
import { defineKind, type KindBehaviour } from '../object.ts';
import { fill } from '../pod/defaults.ts';
import { validateSelector } from '../selectors.ts';

const LONGEST_DRIVER = 63;

function validateDriverName(name: string | undefined, path: string): FieldError[] {
  const told = name ?? '';
  return [
    ...(told === '' ? [required(path)] : []),
    ...(told.length > LONGEST_DRIVER ? [tooLong(path, LONGEST_DRIVER)] : []),
    ...dns1123Subdomain(told.toLowerCase()).map((problem) => invalidValue(path, told, problem)),
  ];
}

function supportedValue(path: string, value: string | undefined, supported: readonly string[]): FieldError[] {
  return supported.includes(value ?? '') ? [] : [notSupported(path, value ?? '', supported)];
}

const SHORTEST_TOKEN_SECONDS = 600;
const LONGEST_TOKEN_SECONDS = 2 ** 32;

function validateTokenRequests(requests: NonNullable<CSIDriver['spec']['tokenRequests']>): FieldError[] {
  const audiences = new Set<string>();
  return requests.flatMap(({ audience = '', expirationSeconds: seconds }, i) => {
    const path = `spec.tokenRequests[${i}]`;
    if (audiences.has(audience)) return [duplicate(`${path}.audience`, audience)];
    audiences.add(audience);
    if (seconds === undefined) return [];
    const refuse = (told: string): FieldError[] => [invalidValue(`${path}.expirationSeconds`, seconds, told)];
    if (seconds < SHORTEST_TOKEN_SECONDS) return refuse('may not specify a duration less than 10 minutes');
    return seconds > LONGEST_TOKEN_SECONDS ? refuse('may not specify a duration larger than 2^32 seconds') : [];
  });
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
    spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType';
    spec.volumeLifecycleModes ??= ['Persistent'];
  },
  validate: ({ spec }) => [
    ...supportedValue('spec.fsGroupPolicy', spec.fsGroupPolicy, ['File', 'None', 'ReadWriteOnceWithFSType']),
    ...validateTokenRequests(spec.tokenRequests ?? []),
    ...(spec.volumeLifecycleModes ?? []).flatMap((mode) =>
      supportedValue('spec.volumeLifecycleModes', mode, ['Persistent', 'Ephemeral']),
    ),
  ],
  validateUpdate: ({ spec }, { spec: was }) =>
    // The first is called so upstream, and nowhere else.
    (
      [
        ['attachRequired', 'attachedRequired'],
        ['volumeLifecycleModes', 'volumeLifecycleModes'],
      ] as const
    )
      .filter(([field]) => !equalObjects(spec[field], was[field]))
      .map(([field, told]) => invalidValue(`spec.${told}`, spec[field], 'field is immutable')),
  cells: ({ metadata, spec }, now) => [
    metadata.name,
    spec.attachRequired ?? true,
    spec.podInfoOnMount ?? false,
    spec.storageCapacity ?? false,
    spec.tokenRequests?.map(({ audience }) => audience).join(',') ?? '<unset>',
    spec.requiresRepublish ?? false,
    (spec.volumeLifecycleModes ?? []).join(',') || '<none>',
    ageOf(metadata.creationTimestamp, now),
  ],
});

const LONGEST_NODE_ID = 256;

function validateDrivers(drivers: CSINode['spec']['drivers']): FieldError[] {
  const names = new Set<string>();
  return drivers.flatMap((driver, i) => {
    const path = `spec.drivers[${i}]`;
    const { name = '', nodeID = '', allocatable } = driver;
    const errors = validateDriverName(name, `${path}.name`);
    if (nodeID === '') errors.push(required(`${path}.nodeID`));
    if (longerThan([nodeID], LONGEST_NODE_ID))
      errors.push(invalidValue(`${path}.nodeID`, nodeID, `must be ${LONGEST_NODE_ID} characters or less`));
    const count = allocatable?.count;
    if (count !== undefined && count < 0)
      errors.push(invalidValue(`${path}.allocatable.count`, count, 'must be greater than or equal to 0'));
    if (names.has(name)) errors.push(duplicate(`${path}.name`, name));
    names.add(name);
    return [...errors, ...validateTopologyKeys(driver.topologyKeys ?? [], path)];
  });
}

function validateTopologyKeys(keys: readonly string[], path: string): FieldError[] {
  const seen = new Set<string>();
  return keys.flatMap((given) => {
    const key = given ?? '';
    const errors = key === '' ? [required(path)] : [];
    if (seen.has(key)) errors.push(duplicate(path, key));
    seen.add(key);
    return [...errors, ...qualifiedName(key).map((told) => invalidValue(path, key, told))];
  });
}

const csiNode = defineKind<CSINode>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSINode',
  returnsDeletedObject: true,
  validate: ({ spec }) => validateDrivers(spec?.drivers ?? []),
  cells: ({ metadata, spec }, now) => [
    metadata.name,
    (spec?.drivers ?? []).length,
    ageOf(metadata.creationTimestamp, now),
  ],
});

const LONGEST_MESSAGE = 262_144;

function validateError(error: VolumeError | undefined, path: string): FieldError[] {
  const { errorCode: code = 0, message = '' } = error ?? {};
  return [
    ...(longerThan([message], LONGEST_MESSAGE) ? [tooLong(`${path}.message`, LONGEST_MESSAGE)] : []),
    ...(code < 0 ? [invalidValue(`${path}.errorCode`, code, 'must be between 0 and 2147483647, inclusive')] : []),
  ];
}

function validateAttachment({ spec, status }: VolumeAttachment): FieldError[] {
  const { persistentVolumeName, inlineVolumeSpec } = spec.source ?? {};
  const { attacher = '', nodeName = '' } = spec;
  const errors = attacher === '' ? [required('spec.attacher')] : [];
  const told = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName';
  if (persistentVolumeName === undefined && inlineVolumeSpec === undefined) errors.push(required('spec.source', told));
  if (persistentVolumeName !== undefined && inlineVolumeSpec !== undefined) errors.push(forbidden('spec.source', told));
  else if (persistentVolumeName === '')
    errors.push(required('spec.source.persistentVolumeName', 'must specify non empty persistentVolumeName'));
  errors.push(...dns1123Subdomain(nodeName).map((problem) => invalidValue('spec.nodeName', nodeName, problem)));
  return [
    ...errors,
    ...validateError(status?.attachError, 'status.attachError'),
    ...validateError(status?.detachError, 'status.detachError'),
  ];
}

const volumeAttachment = defineKind<VolumeAttachment>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttachment',
  returnsDeletedObject: true,
  validate: validateAttachment,
  // What else is wrong is told only of a new one.
  validateCreate: ({ spec }) => [
    ...validateDriverName(spec.attacher, 'spec.attacher'),
    ...(spec.source?.persistentVolumeName === undefined
      ? []
      : dns1123Subdomain(spec.source.persistentVolumeName).map((told) =>
          invalidValue('spec.source.persistentVolumeName', spec.source.persistentVolumeName, told),
        )),
  ],
  validateUpdate: ({ spec }, { spec: was }) =>
    equalObjects(spec, was) ? [] : [invalidValue('spec', spec, 'field is immutable')],
  validateStatusUpdate: validateAttachment,
  prepareForStatusUpdate: keepOtherMetadata,
  cells: ({ metadata, spec, status }, now) => [
    metadata.name,
    spec.attacher ?? '',
    spec.source?.persistentVolumeName ?? '',
    spec.nodeName ?? '',
    status?.attached ?? false,
    ageOf(metadata.creationTimestamp, now),
  ],
});

const storageCapacity = defineKind<CSIStorageCapacity>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIStorageCapacity',
  validate: ({ nodeTopology, storageClassName = '', capacity, maximumVolumeSize }) => [
    ...validateSelector(nodeTopology, 'nodeTopology'),
    ...dns1123Subdomain(storageClassName).map((told) => invalidValue('storageClassName', storageClassName, told)),
    ...validateAmount(capacity, 'capacity'),
    ...validateAmount(maximumVolumeSize, 'maximumVolumeSize'),
  ],
  validateUpdate: (object, old) =>
    (['nodeTopology', 'storageClassName'] as const)
      .filter((field) => !equalObjects(object[field], old[field]))
      .map((field) => invalidValue(field, object[field], 'field is immutable')),
  cells: ({ metadata }) => [metadata.name, metadata.creationTimestamp ?? null],
});

function validateAmount(amount: string | number | undefined, path: string): FieldError[] {
  return amount !== undefined && String(amount).startsWith('-')
    ? [invalidValue(path, String(amount), 'must be greater than or equal to 0')]
    : [];
}

export const csi: readonly KindBehaviour[] = [csiDriver, csiNode, volumeAttachment, storageCapacity];
