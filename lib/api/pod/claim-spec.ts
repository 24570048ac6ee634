// Decides whether what a claim asks for may stand, in a claim of its own and in the template of one: access, size, class and
// where its data come from. Never knows which volume will be bound to it.
import { forbidden, invalidValue, notSupported, oneOfIfGiven, required, type FieldError } from '../field-error.ts';
import { dns1123Label, dns1123Subdomain, type Format } from '../formats.ts';
import type { PersistentVolumeClaimSpec, PersistentVolumeClaimTemplate } from '../generated/types.ts';
import { validateAnnotations, validateLabels } from '../metadata.ts';
import { compareQuantities } from '../quantity.ts';
import { validateSelector } from '../selectors.ts';

const ACCESS_MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
const VOLUME_MODES = ['Block', 'Filesystem'];
const CLAIM = 'PersistentVolumeClaim';

const ofFormat = (format: Format, value: string | undefined, path: string): FieldError[] =>
  value ? format(value).map((told) => invalidValue(path, value, told)) : [];

export function validateAccessModes(modes: readonly string[], path: string): FieldError[] {
  const errors = modes
    .filter((mode) => !ACCESS_MODES.includes(mode))
    .map((mode) => notSupported(path, mode, ACCESS_MODES));
  const others = modes.filter((mode) => mode !== 'ReadWriteOncePod' && ACCESS_MODES.includes(mode));
  if (modes.includes('ReadWriteOncePod') && others.length > 0)
    errors.push(forbidden(path, 'may not use ReadWriteOncePod with other access modes'));
  return errors;
}

export function validateStorageSize(size: string | undefined, path: string): FieldError[] {
  if (size === undefined) return [required(path)];
  return compareQuantities(size, '0') > 0 ? [] : [invalidValue(path, size, 'must be greater than zero')];
}

export function validateVolumeMode(mode: string | undefined, path: string): FieldError[] {
  return oneOfIfGiven(path, mode, VOLUME_MODES);
}

export function validateClaimSpec(spec: PersistentVolumeClaimSpec, path: string): FieldError[] {
  const modes = spec.accessModes ?? [];
  return [
    ...(modes.length === 0 ? [required(`${path}.accessModes`, 'at least 1 access mode is required')] : []),
    ...validateSelector(spec.selector, `${path}.selector`),
    ...validateAccessModes(modes, `${path}.accessModes`),
    ...validateStorageSize(spec.resources?.requests?.['storage'], `${path}.resources[storage]`),
    ...ofFormat(dns1123Subdomain, spec.storageClassName, `${path}.storageClassName`),
    ...validateVolumeMode(spec.volumeMode, `${path}.volumeMode`),
    ...validateSources(spec, path),
    ...ofFormat(dns1123Subdomain, spec.volumeAttributesClassName, `${path}.volumeAttributesClassName`),
  ];
}

/** Of its metadata only labels and annotations mean anything. */
export function validateClaimTemplate({ metadata, spec }: PersistentVolumeClaimTemplate, path: string): FieldError[] {
  const at = `${path}.metadata`;
  const others = Object.entries(metadata ?? {}).filter(
    ([field, value]) => field !== 'labels' && field !== 'annotations' && value !== undefined,
  );
  return [
    ...validateAnnotations(metadata?.annotations, `${at}.annotations`),
    ...validateLabels(metadata?.labels, `${at}.labels`),
    ...others.map(([field]) => forbidden(`${at}.${field}`, 'cannot be set')),
    ...validateClaimSpec(spec ?? {}, `${path}.spec`),
  ];
}

type Source = NonNullable<PersistentVolumeClaimSpec['dataSourceRef']>;

function validateSource(source: Source | undefined, path: string): FieldError[] {
  if (source === undefined) return [];
  const { name = '', kind = '', apiGroup = '', namespace } = source;
  const errors: FieldError[] = [];
  if (name === '') errors.push(required(`${path}.name`));
  if (kind === '') errors.push(required(`${path}.kind`));
  if (apiGroup === '' && kind !== CLAIM)
    errors.push(invalidValue(path, kind, `must be '${CLAIM}' when referencing the default apiGroup`));
  return [
    ...errors,
    ...ofFormat(dns1123Subdomain, apiGroup, `${path}.apiGroup`),
    ...ofFormat(dns1123Label, namespace, `${path}.namespace`),
  ];
}

function validateSources({ dataSource, dataSourceRef }: PersistentVolumeClaimSpec, path: string): FieldError[] {
  const errors = [
    ...validateSource(dataSource, `${path}.dataSource`),
    ...validateSource(dataSourceRef, `${path}.dataSourceRef`),
  ];
  if (dataSource === undefined || dataSourceRef === undefined) return errors;
  const isEqual = (['apiGroup', 'kind', 'name'] as const).every((field) => dataSource[field] === dataSourceRef[field]);
  const told = dataSourceRef.namespace
    ? 'may not be specified when dataSourceRef.namespace is specified'
    : 'must match dataSourceRef';
  if (dataSourceRef.namespace || !isEqual)
    errors.push({
      ...forbidden(path),
      code: 'FieldValueInvalid',
      message: `Invalid value: ${path}.dataSource: ${told}`,
    });
  return errors;
}
