// Decides whether metadata may stand: names, labels, annotations, owners, finalizers, and what an update may not change.
// Never looks at spec or status.
import { forbidden, GoText, invalidValue, required, tooLong, type FieldError } from './field-error.ts';
import {
  dns1035Label,
  dns1123Label,
  dns1123Subdomain,
  labelValue,
  longerThan,
  ipAddress,
  pathSegment,
  qualifiedName,
  type Format,
} from './formats.ts';
import type { ManagedFieldsEntry, OwnerReference } from './generated/types.ts';
import type { KubeObject, NameRule } from './object.ts';

const NAME_FORMATS: Record<NameRule, Format> = {
  subdomain: dns1123Subdomain,
  label: dns1123Label,
  label1035: dns1035Label,
  ipAddress,
  pathSegment,
};
const ANNOTATIONS_BYTES = 262_144;
const STANDARD_FINALIZERS = new Set(['orphan', 'foregroundDeletion', 'kubernetes']);

const NOT_STANDARD = 'name is neither a standard finalizer name nor is it fully qualified';

export interface MetadataRule {
  namespaced: boolean;
  nameRule: NameRule;
}

/** What new metadata and changed metadata are asked alike. */
export interface SharedFindings {
  sets: FieldError[];
  managers: FieldError[];
}

export function validateShared({ metadata: meta }: KubeObject): SharedFindings {
  return {
    sets: [
      ...validateLabels(meta.labels, 'metadata.labels'),
      ...validateAnnotations(meta.annotations, 'metadata.annotations'),
      ...validateOwners(meta.ownerReferences ?? []),
    ],
    managers: validateManagedFields(meta.managedFields ?? []),
  };
}

export function validateMetadata(
  object: KubeObject,
  rule: MetadataRule,
  shared: SharedFindings = validateShared(object),
): FieldError[] {
  const meta = object.metadata;
  return [
    ...validateNames(meta.name ?? '', meta.generateName ?? '', rule),
    ...validateNamespace(meta.namespace ?? '', rule),
    ...((meta.generation ?? 0) < 0
      ? [invalidValue('metadata.generation', meta.generation, 'must be greater than or equal to 0')]
      : []),
    ...shared.sets,
    ...validateFinalizers(meta.finalizers ?? []),
    ...shared.managers,
  ];
}

function validateNames(name: string, generateName: string, rule: MetadataRule): FieldError[] {
  const format = NAME_FORMATS[rule.nameRule];
  const errors: FieldError[] = [];
  if (generateName !== '') {
    // A trailing dash is fine: the suffix follows it.
    const stem =
      generateName.endsWith('-') && rule.nameRule !== 'pathSegment' ? `${generateName.slice(0, -1)}a` : generateName;
    errors.push(...format(stem).map((told) => invalidValue('metadata.generateName', generateName, told)));
  }
  if (name === '') errors.push(required('metadata.name', 'name or generateName is required'));
  else errors.push(...format(name).map((told) => invalidValue('metadata.name', name, told)));
  return errors;
}

function validateNamespace(namespace: string, rule: MetadataRule): FieldError[] {
  if (!rule.namespaced) return namespace === '' ? [] : [forbidden('metadata.namespace', 'not allowed on this type')];
  if (namespace === '') return [required('metadata.namespace')];
  return dns1123Label(namespace).map((told) => invalidValue('metadata.namespace', namespace, told));
}

export function validateLabels(labels: Record<string, string> | undefined, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(labels ?? {})) {
    for (const told of qualifiedName(key)) errors.push(invalidValue(path, key, told));
    for (const told of labelValue(value)) errors.push(invalidValue(path, value, told));
  }
  return errors;
}

export function validateAnnotations(annotations: Record<string, string> | undefined, path: string): FieldError[] {
  if (annotations === undefined) return [];
  const errors: FieldError[] = [];
  for (const key of Object.keys(annotations))
    for (const told of qualifiedName(key.toLowerCase())) errors.push(invalidValue(path, key, told));
  if (longerThan(Object.entries(annotations).flat(), ANNOTATIONS_BYTES)) errors.push(tooLong(path, ANNOTATIONS_BYTES));
  return errors;
}

function validateOwners(owners: OwnerReference[]): FieldError[] {
  const errors: FieldError[] = [];
  let controller: string | undefined;
  const path = 'metadata.ownerReferences';
  for (const owner of owners) {
    if (!owner.apiVersion)
      errors.push(invalidValue(`${path}.apiVersion`, owner.apiVersion ?? '', 'version must not be empty'));
    for (const field of ['kind', 'name', 'uid'] as const)
      if (!owner[field])
        errors.push(invalidValue(`${path}.${field}`, owner[field] ?? '', `${field} must not be empty`));
    if (owner.apiVersion === 'v1' && owner.kind === 'Event')
      errors.push(invalidValue(path, owner, '/v1, Kind=Event is disallowed from being an owner'));
    if (owner.controller !== true) continue;
    const named = `${owner.kind}/${owner.name}`;
    if (controller === undefined) controller = named;
    else
      errors.push(
        invalidValue(
          'metadata.ownerReferences',
          owners,
          `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${named}`,
        ),
      );
  }
  return errors;
}

function validateFinalizers(finalizers: string[]): FieldError[] {
  const path = 'metadata.finalizers';
  const errors = finalizers.flatMap((finalizer) =>
    qualifiedName(finalizer).map((told) => invalidValue(path, finalizer, told)),
  );
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion'))
    errors.push(
      invalidValue(path, GoText.strings(finalizers), 'finalizer orphan and foregroundDeletion cannot be both set'),
    );
  return errors;
}

/** Not every kind asks for these. */
export function validateStandardFinalizers({ metadata: { finalizers = [] } }: KubeObject): FieldError[] {
  return finalizers.flatMap((finalizer, i) =>
    finalizer.includes('/') || STANDARD_FINALIZERS.has(finalizer)
      ? []
      : [invalidValue(`metadata.finalizers[${i}]`, finalizer, NOT_STANDARD)],
  );
}

function validateManagedFields(entries: ManagedFieldsEntry[]): FieldError[] {
  return entries.flatMap((entry, i) => {
    const path = `metadata.managedFields[${i}]`;
    const errors: FieldError[] = [];
    if (entry.operation !== 'Apply' && entry.operation !== 'Update')
      errors.push(invalidValue(`${path}.operation`, entry.operation ?? '', 'must be `Apply` or `Update`'));
    if ((entry.fieldsType ?? '') !== '' && entry.fieldsType !== 'FieldsV1')
      errors.push(invalidValue(`${path}.fieldsType`, entry.fieldsType, 'must be `FieldsV1`'));
    return errors;
  });
}

const FIXED = [
  'name',
  'namespace',
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
] as const;
const IMMUTABLE = 'field is immutable';

export function validateMetadataUpdate(
  object: KubeObject,
  old: KubeObject,
  shared: SharedFindings = validateShared(object),
): FieldError[] {
  const meta = object.metadata;
  const was = old.metadata;
  const errors: FieldError[] = [];
  if (was.deletionTimestamp !== undefined) {
    const added = (meta.finalizers ?? []).filter((finalizer) => !(was.finalizers ?? []).includes(finalizer));
    if (added.length > 0)
      errors.push(
        forbidden(
          'metadata.finalizers',
          'no new finalizers can be added if the object is being deleted, found new finalizers ' +
            `[]string{${added.map((finalizer) => JSON.stringify(finalizer)).join(', ')}}`,
        ),
      );
  }
  if ((meta.generation ?? 0) < (was.generation ?? 0))
    errors.push(invalidValue('metadata.generation', meta.generation ?? 0, 'must not be decremented'));
  for (const field of FIXED)
    if ((meta[field] ?? null) !== (was[field] ?? null))
      errors.push(invalidValue(`metadata.${field}`, printedField(field, meta[field]), IMMUTABLE));
  return [...errors, ...shared.sets, ...shared.managers];
}

const printedField = (field: (typeof FIXED)[number], value: string | number | undefined): unknown =>
  field === 'deletionTimestamp' && typeof value === 'string' ? GoText.time(value) : value;
