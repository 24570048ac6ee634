// Decides whether the volumes of a pod spec may stand: names, one source each, what is projected into them. Never knows
// whether what they name exists.
import { duplicate, forbidden, invalidValue, required, type FieldError } from '../field-error.ts';
import { dns1123Label, dns1123Subdomain, longerThan } from '../formats.ts';
import type { KeyToPath, PodSpec, ProjectedVolumeSource, Volume, VolumeProjection } from '../generated/types.ts';
import { quantityOf } from '../quantity.ts';
import { validateClaimTemplate } from './claim-spec.ts';
import { validateFieldRef, validateResourceFieldRef } from './validate-env.ts';
import { localUnreservedPath, mayHaveOneType, SOURCES, type SourceRule } from './volume-sources.ts';

const DOWNWARD_FIELDS = [
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
];
const MODE = 'must be a number between 0 and 0777 (octal), both inclusive';
const LONGEST_TARGET = 64;
const TARGET_TOO_LONG =
  'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.';

/**
 * `podName` is known of pods alone: the claims that are made for them have its name. `sound` gets the volumes that nothing is
 * wrong with: a container finds no other.
 */
export function validateVolumes(spec: PodSpec, podName: string, sound: Map<string, Volume>): FieldError[] {
  const volumes = spec.volumes ?? [];
  const made = new Set(
    volumes.flatMap(({ ephemeral, name }) => (ephemeral === undefined ? [] : [`${podName}-${name}`])),
  );
  return volumes.flatMap((volume, i) => {
    const path = `spec.volumes[${i}]`;
    const errors = [...validateSource(volume, path, podName), ...validateName(volume.name, `${path}.name`)];
    if (sound.has(volume.name)) errors.push(duplicate(`${path}.name`, volume.name));
    if (errors.length === 0) sound.set(volume.name, volume);
    const claim = volume.persistentVolumeClaim?.claimName;
    if (claim !== undefined && podName !== '' && made.has(claim))
      errors.push(
        invalidValue(
          `${path}.persistentVolumeClaim.claimName`,
          claim,
          'must not reference a PVC that gets created for an ephemeral volume',
        ),
      );
    return errors;
  });
}

function validateName(name: string | undefined, path: string): FieldError[] {
  return name ? dns1123Label(name).map((told) => invalidValue(path, name, told)) : [required(path)];
}

const modeAt = (mode: number | undefined, path: string): FieldError[] =>
  mode === undefined || (mode >= 0 && mode <= 0o777) ? [] : [invalidValue(path, mode, MODE)];

const emptyDir: SourceRule = ({ sizeLimit }, path) =>
  sizeLimit !== undefined && quantityOf(sizeLimit).nanos < 0n
    ? [forbidden(`${path}.sizeLimit`, 'SizeLimit field must be a valid resource quantity')]
    : [];

/** A Secret or a ConfigMap, by the field that names it. */
const keys =
  (field: string): SourceRule =>
  (source, path) => [
    ...(source[field] ? [] : [required(`${path}.${field}`)]),
    ...modeAt(source.defaultMode, `${path}.defaultMode`),
    ...validateItems(source.items, `${path}.items`),
  ];

const downwardAPI: SourceRule = (source, path) => [
  ...modeAt(source.defaultMode, `${path}.defaultMode`),
  ...((source.items ?? []) as DownwardFile[]).flatMap((file) => validateDownward(file, path)),
];

const ephemeral: SourceRule = ({ volumeClaimTemplate }, path) =>
  volumeClaimTemplate === undefined
    ? [required(`${path}.volumeClaimTemplate`)]
    : validateClaimTemplate(volumeClaimTemplate, `${path}.volumeClaimTemplate`);

const image: SourceRule = ({ reference }, path) => (reference ? [] : [required(`${path}.reference`)]);

/** In the order in which they are looked at: the first one counts. */
const ORDER: ReadonlyArray<[keyof Volume, SourceRule]> = (
  `emptyDir hostPath gitRepo gcePersistentDisk awsElasticBlockStore secret nfs iscsi glusterfs flocker persistentVolumeClaim
  rbd cinder cephfs quobyte downwardAPI fc flexVolume configMap azureFile vsphereVolume photonPersistentDisk portworxVolume
  azureDisk storageos projected scaleIO csi ephemeral image`.split(/\s+/) as Array<keyof Volume>
).map((field) => [
  field,
  {
    ...SOURCES,
    emptyDir,
    secret: keys('secretName'),
    configMap: keys('name'),
    downwardAPI,
    projected: validateProjected,
    ephemeral,
    image,
  }[field]!,
]);
/** As the real server spells them where it says that there is one too many. */
const SPELLED: Record<string, string> = { cephfs: 'cephFS', downwardAPI: 'downwarAPI' };

function validateSource(volume: Volume, path: string, podName: string): FieldError[] {
  const errors: FieldError[] = [];
  let isFirst = true;
  for (const [field, rule] of ORDER) {
    if (volume[field] === undefined) continue;
    if (isFirst) errors.push(...rule(volume[field], `${path}.${field}`));
    else errors.push(mayHaveOneType(`${path}.${SPELLED[field] ?? field}`));
    if (field === 'ephemeral' && isFirst) errors.push(...validateClaimName(volume.name, podName, `${path}.name`));
    isFirst = false;
  }
  if (volume.iscsi?.initiatorName !== undefined) {
    const target = `${volume.name}:${volume.iscsi.targetPortal}`;
    if (longerThan([target], LONGEST_TARGET)) errors.push(invalidValue(`${path}.name`, volume.name, TARGET_TOO_LONG));
  }
  return isFirst ? [required(path, 'must specify a volume type')] : errors;
}

function validateClaimName(name: string, podName: string, path: string): FieldError[] {
  if (podName === '' || !name) return [];
  const claim = `${podName}-${name}`;
  return dns1123Subdomain(claim).map((told) => invalidValue(path, name, `PVC name ${JSON.stringify(claim)}: ${told}`));
}

function validateItems(items: KeyToPath[] | undefined, path: string): FieldError[] {
  return (items ?? []).flatMap((item, i) => validateItem(item, `${path}[${i}]`));
}

function validateItem(item: KeyToPath, path: string): FieldError[] {
  return [
    ...(item.key ? [] : [required(`${path}.key`)]),
    ...(item.path ? [] : [required(`${path}.path`)]),
    ...localUnreservedPath(item.path, `${path}.path`),
    ...modeAt(item.mode, `${path}.mode`),
  ];
}

type DownwardFile = NonNullable<NonNullable<Volume['downwardAPI']>['items']>[number];

/** The real server names no index here. */
function validateDownward(file: DownwardFile, path: string): FieldError[] {
  const errors = file.path ? localUnreservedPath(file.path, `${path}.path`) : [required(`${path}.path`)];
  if (file.fieldRef !== undefined) {
    errors.push(...validateFieldRef(file.fieldRef, `${path}.fieldRef`, DOWNWARD_FIELDS));
    if (file.resourceFieldRef !== undefined)
      errors.push(invalidValue(path, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'));
  } else if (file.resourceFieldRef !== undefined)
    errors.push(...validateResourceFieldRef(file.resourceFieldRef, `${path}.resourceFieldRef`, true));
  else errors.push(required(path, 'one of fieldRef and resourceFieldRef is required'));
  return [...errors, ...modeAt(file.mode, `${path}.mode`)];
}

function validateProjected(source: ProjectedVolumeSource, path: string): FieldError[] {
  const paths = new Set<string>();
  return [
    ...modeAt(source.defaultMode, `${path}.defaultMode`),
    ...(source.sources ?? []).flatMap((part, i) => validateProjection(part, `${path}.sources[${i}]`, path, paths)),
  ];
}

/** `paths` are those of all projections of the volume: each may be there once. */
function validateProjection(part: VolumeProjection, at: string, volumePath: string, paths: Set<string>): FieldError[] {
  const errors: FieldError[] = [];
  const occupy = (path: string | undefined, told: string): void => {
    if (!path) return;
    if (paths.has(path)) errors.push(invalidValue(volumePath, told, 'conflicting duplicate paths'));
    paths.add(path);
  };
  for (const field of ['secret', 'configMap'] as const) {
    const keyed = part[field];
    if (keyed === undefined) continue;
    if (!keyed.name) errors.push(required(`${at}.${field}.name`));
    (keyed.items ?? []).forEach((item, i) => {
      errors.push(...validateItem(item, `${at}.${field}.items[${i}]`));
      occupy(item.path, keyed.name ?? '');
    });
  }
  for (const file of part.downwardAPI?.items ?? []) {
    errors.push(...validateDownward(file, `${at}.downwardAPI`));
    occupy(file.path, file.path);
  }
  if (part.serviceAccountToken !== undefined)
    errors.push(...validateToken(part.serviceAccountToken, `${at}.serviceAccountToken`, volumePath));
  if (Object.values(part).filter((source) => source !== undefined).length > 1)
    errors.push(forbidden(at, 'may not specify more than 1 volume type per source'));
  return errors;
}

/** The real server tells of a wrong path at the volume. */
function validateToken(
  token: { path: string; expirationSeconds?: number | undefined },
  path: string,
  volumePath: string,
): FieldError[] {
  const errors: FieldError[] = [];
  const seconds = token.expirationSeconds ?? 3600;
  if (seconds < 600)
    errors.push(invalidValue(`${path}.expirationSeconds`, seconds, 'may not specify a duration less than 10 minutes'));
  if (seconds > 2 ** 32)
    errors.push(
      invalidValue(`${path}.expirationSeconds`, seconds, 'may not specify a duration larger than 2^32 seconds'),
    );
  if (!token.path) errors.push(required(`${volumePath}.path`));
  return [...errors, ...localUnreservedPath(token.path, `${volumePath}.path`)];
}

/** Tokens are of an account: pods must have one, templates may get it later. */
export function validateTokenAccounts(spec: PodSpec): FieldError[] {
  if (spec.serviceAccountName) return [];
  return (spec.volumes ?? []).flatMap((volume, i) =>
    (volume.projected?.sources ?? []).flatMap(({ serviceAccountToken }, j) =>
      serviceAccountToken === undefined
        ? []
        : [
            forbidden(
              `spec.volumes[${i}].projected.sources[${j}].serviceAccountToken`,
              'must not be specified when serviceAccountName is not set',
            ),
          ],
    ),
  );
}
