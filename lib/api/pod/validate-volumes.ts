// Decides whether the volumes of a pod spec may stand: one source each, paths that stay inside, known modes. Never knows
// whether what they name exists.
import { duplicate, forbidden, invalidValue, notSupported, required, type FieldError } from '../field-error.ts';
import { dns1123Label } from '../formats.ts';
import type { KeyToPath, PodSpec, ProjectedVolumeSource, Volume } from '../generated/types.ts';
import { quantityOf } from '../quantity.ts';
import { localPath } from './validate-container.ts';
import { validateFieldRef, validateResourceFieldRef } from './validate-env.ts';

const HOST_PATH_TYPES = [
  '',
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
];
const DOWNWARD_FIELDS = [
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
];
const MODE = 'must be a number between 0 and 0777 (octal), both inclusive';

export function validateVolumes(spec: PodSpec, isTemplate: boolean): FieldError[] {
  const seen = new Set<string>();
  return (spec.volumes ?? []).flatMap((volume, i) => {
    const path = `spec.volumes[${i}]`;
    const errors = validateSource(volume, path, spec, isTemplate);
    if (!volume.name) errors.push(required(`${path}.name`));
    else errors.push(...dns1123Label(volume.name).map((told) => invalidValue(`${path}.name`, volume.name, told)));
    if (volume.name && seen.has(volume.name)) errors.push(duplicate(`${path}.name`, volume.name));
    seen.add(volume.name);
    return errors;
  });
}

function validateSource(volume: Volume, path: string, spec: PodSpec, isTemplate: boolean): FieldError[] {
  const sources = Object.keys(volume).filter((key) => key !== 'name' && volume[key as keyof Volume] !== undefined);
  if (sources.length === 0) return [required(path, 'must specify a volume type')];
  const errors = sources
    .slice(1)
    .map((source) => forbidden(`${path}.${source}`, 'may not specify more than 1 volume type'));
  if (volume.hostPath !== undefined) errors.push(...validateHostPath(volume.hostPath, `${path}.hostPath`));
  const limit = volume.emptyDir?.sizeLimit;
  if (limit !== undefined && quantityOf(limit).nanos < 0n)
    errors.push(forbidden(`${path}.emptyDir.sizeLimit`, 'SizeLimit field must be a valid resource quantity'));
  if (volume.secret !== undefined) {
    if (!volume.secret.secretName) errors.push(required(`${path}.secret.secretName`));
    errors.push(
      ...modeAt(volume.secret.defaultMode, `${path}.secret.defaultMode`),
      ...validateItems(volume.secret.items, `${path}.secret.items`),
    );
  }
  if (volume.configMap !== undefined) {
    if (!volume.configMap.name) errors.push(required(`${path}.configMap.name`));
    errors.push(
      ...modeAt(volume.configMap.defaultMode, `${path}.configMap.defaultMode`),
      ...validateItems(volume.configMap.items, `${path}.configMap.items`),
    );
  }
  if (volume.downwardAPI !== undefined) {
    errors.push(...modeAt(volume.downwardAPI.defaultMode, `${path}.downwardAPI.defaultMode`));
    errors.push(...validateDownward(volume.downwardAPI.items, `${path}.downwardAPI.items`));
  }
  if (volume.projected !== undefined)
    errors.push(...validateProjected(volume.projected, `${path}.projected`, spec, isTemplate));
  if (volume.persistentVolumeClaim !== undefined && !volume.persistentVolumeClaim.claimName)
    errors.push(required(`${path}.persistentVolumeClaim.claimName`));
  return errors;
}

function validateHostPath(source: { path: string; type?: string | undefined }, path: string): FieldError[] {
  if (!source.path) return [required(`${path}.path`)];
  const errors: FieldError[] = [];
  if (source.path.split('/').includes('..'))
    errors.push(invalidValue(`${path}.path`, source.path, "must not contain '..'"));
  if (source.type !== undefined && !HOST_PATH_TYPES.includes(source.type))
    errors.push(notSupported(`${path}.type`, source.type, HOST_PATH_TYPES.slice(1)));
  return errors;
}

function modeAt(mode: number | undefined, path: string): FieldError[] {
  return mode === undefined || (mode >= 0 && mode <= 0o777) ? [] : [invalidValue(path, mode, MODE)];
}

function validateItems(items: KeyToPath[] | undefined, path: string): FieldError[] {
  return (items ?? []).flatMap((item, i) => {
    const at = `${path}[${i}]`;
    const errors: FieldError[] = [];
    if (!item.key) errors.push(required(`${at}.key`));
    if (!item.path) errors.push(required(`${at}.path`));
    return [...errors, ...localPath(item.path, `${at}.path`), ...modeAt(item.mode, `${at}.mode`)];
  });
}

function validateDownward(items: NonNullable<Volume['downwardAPI']>['items'], path: string): FieldError[] {
  return (items ?? []).flatMap((item, i) => {
    const at = `${path}[${i}]`;
    const errors = item.path ? localPath(item.path, `${at}.path`) : [required(`${at}.path`)];
    if (item.fieldRef !== undefined)
      errors.push(...validateFieldRef(item.fieldRef.fieldPath, `${at}.fieldRef`, DOWNWARD_FIELDS));
    else if (item.resourceFieldRef !== undefined) {
      if (!item.resourceFieldRef.containerName) errors.push(required(`${at}.resourceFieldRef.containerName`));
      errors.push(...validateResourceFieldRef(item.resourceFieldRef, `${at}.resourceFieldRef`));
    } else errors.push(required(at, 'one of fieldRef and resourceFieldRef is required'));
    return [...errors, ...modeAt(item.mode, `${at}.mode`)];
  });
}

function validateProjected(
  source: ProjectedVolumeSource,
  path: string,
  spec: PodSpec,
  isTemplate: boolean,
): FieldError[] {
  const errors = modeAt(source.defaultMode, `${path}.defaultMode`);
  (source.sources ?? []).forEach((part, i) => {
    const at = `${path}.sources[${i}]`;
    const given = Object.keys(part).filter((key) => part[key as keyof typeof part] !== undefined);
    for (const extra of given.slice(1))
      errors.push(forbidden(`${at}.${extra}`, 'may not specify more than 1 volume type'));
    for (const field of ['secret', 'configMap'] as const) {
      if (part[field] === undefined) continue;
      if (!part[field].name) errors.push(required(`${at}.${field}.name`));
      errors.push(...validateItems(part[field].items, `${at}.${field}.items`));
    }
    if (part.downwardAPI !== undefined)
      errors.push(...validateDownward(part.downwardAPI.items, `${at}.downwardAPI.items`));
    if (part.serviceAccountToken !== undefined)
      errors.push(...validateToken(part.serviceAccountToken, `${at}.serviceAccountToken`, spec, isTemplate));
  });
  return errors;
}

function validateToken(
  token: { path: string; expirationSeconds?: number | undefined },
  path: string,
  spec: PodSpec,
  isTemplate: boolean,
): FieldError[] {
  const errors: FieldError[] = [];
  const seconds = token.expirationSeconds ?? 3600;
  if (seconds < 600)
    errors.push(invalidValue(`${path}.expirationSeconds`, seconds, 'may not specify a duration less than 10 minutes'));
  if (seconds > 2 ** 32)
    errors.push(
      invalidValue(`${path}.expirationSeconds`, seconds, 'may not specify a duration larger than 2^32 seconds'),
    );
  if (!token.path) errors.push(required(`${path}.path`));
  if (!isTemplate && !spec.serviceAccountName)
    errors.push(forbidden(path, 'must not be specified when serviceAccountName is not set'));
  return [...errors, ...localPath(token.path, `${path}.path`)];
}
