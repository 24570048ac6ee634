// Decides what a CustomResourceDefinition is: names, versions of which one is stored, structural schemas, and what of it
// may change once it is established. Never serves one (the API actor does).
import { equalObjects } from '../equality.ts';
import { duplicate, forbidden, invalidValue, notSupported, required, type FieldError } from '../field-error.ts';
import { dns1035Label, dns1123Label, isSubdomain } from '../formats.ts';
import { defineKind, type KubeObject } from '../object.ts';
import { fill } from '../pod/defaults.ts';
import { fieldNames, parseJsonPath } from '../custom/json-path.ts';
import { isRecord, type JsonSchema } from '../custom/json-schema.ts';
import { validateStructural } from '../custom/structural.ts';
import { validateClientConfig } from './webhook-configurations.ts';

export const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io';
const APPROVAL = 'api-approved.kubernetes.io';
const COLUMN_TYPES = ['boolean', 'date', 'integer', 'number', 'string'];

type Crd = KubeObject;

export function conditionOf(crd: Crd, type: string): { status: string; reason?: string; message?: string } | undefined {
  return (crd['status']?.conditions ?? []).find((one: { type: string }) => one.type === type);
}

export interface CrdCondition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  lastTransitionTime: string;
  reason: string;
  message: string;
}

/** The conditions with this one in its place; one that says the same keeps its time. */
export function withCondition(crd: Crd, condition: CrdCondition): CrdCondition[] {
  const all: CrdCondition[] = crd['status']?.conditions ?? [];
  const had = all.find(({ type }) => type === condition.type);
  const kept =
    had?.status === condition.status ? { ...condition, lastTransitionTime: had.lastTransitionTime } : condition;
  return had === undefined ? [...all, kept] : all.map((one) => (one === had ? kept : one));
}

export const isEstablished = (crd: Crd): boolean => conditionOf(crd, 'Established')?.status === 'True';

function validateNames({ metadata, spec }: Crd): FieldError[] {
  const errors: FieldError[] = [];
  const { group = '', scope, names = {} } = spec;
  const wanted = `${names.plural ?? ''}.${group}`;
  if (metadata.name !== wanted)
    errors.push(invalidValue('metadata.name', metadata.name, 'must be spec.names.plural+"."+spec.group'));
  if (group === '') errors.push(required('spec.group'));
  else if (!isSubdomain(group) || !group.includes('.'))
    errors.push(invalidValue('spec.group', group, 'should be a domain with at least one dot'));
  if (!['Cluster', 'Namespaced'].includes(scope))
    errors.push(scope ? notSupported('spec.scope', scope, ['Cluster', 'Namespaced']) : required('spec.scope'));
  for (const field of ['plural', 'singular', 'kind', 'listKind']) {
    const name: string = names[field] ?? '';
    const path = `spec.names.${field}`;
    if (name === '') {
      if (field !== 'singular') errors.push(required(path));
      continue;
    }
    errors.push(...dns1035Label(name.toLowerCase()).map((told) => invalidValue(path, name, told)));
    if (field === 'plural' && name !== name.toLowerCase())
      errors.push(...dns1035Label(name).map((told) => invalidValue(path, name, told)));
  }
  if (names.kind !== undefined && names.kind === names.listKind)
    errors.push(invalidValue('spec.names.listKind', names.listKind, 'kind and listKind may not be the same'));
  for (const field of ['shortNames', 'categories'])
    (names[field] ?? []).forEach((name: string, i: number) =>
      errors.push(...dns1035Label(name).map((told) => invalidValue(`spec.names.${field}[${i}]`, name, told))),
    );
  return errors;
}

function validateVersions({ spec }: Crd): FieldError[] {
  const versions: any[] = spec.versions ?? [];
  const path = 'spec.versions';
  if (versions.length === 0) return [required(path, 'must have at least one version')];
  const errors: FieldError[] = [];
  if (versions.filter(({ storage }) => storage === true).length !== 1)
    errors.push(
      invalidValue(
        path,
        versions.map(({ name }) => name),
        'must have exactly one version marked as storage version',
      ),
    );
  versions.forEach((version, i) => {
    const at = `${path}[${i}]`;
    errors.push(
      ...validateDeprecation(version, `${at}.deprecationWarning`),
      ...dns1123Label(version.name ?? '').map((told) => invalidValue(`${at}.name`, version.name ?? '', told)),
    );
    if (versions.findIndex(({ name }) => name === version.name) < i) errors.push(duplicate(`${at}.name`, version.name));
    errors.push(...validateSchemaOf(version, at, spec), ...validateParts(version, at), ...validateColumns(version, at));
  });
  return errors;
}

const LONGEST_WARNING = 256;

function validateDeprecation({ deprecated, deprecationWarning: warning }: any, path: string): FieldError[] {
  if (typeof warning !== 'string') return [];
  if (deprecated !== true) return [invalidValue(path, warning, 'can only be set for deprecated versions')];
  if (warning.length > LONGEST_WARNING)
    return [invalidValue(path, warning, `must be <= ${LONGEST_WARNING} characters long`)];
  if (warning === '') return [invalidValue(path, warning, 'must not be empty, omit it to use the default')];
  return /\p{Cc}/u.test(warning)
    ? [invalidValue(path, warning, 'must only contain printable UTF-8 characters; non-printable character found')]
    : [];
}

function validateSchemaOf(version: any, path: string, spec: any): FieldError[] {
  const schema = version.schema?.openAPIV3Schema as JsonSchema | undefined;
  const at = `${path}.schema.openAPIV3Schema`;
  if (!isRecord(schema)) return [required(at, 'schemas are required')];
  if (spec.preserveUnknownFields === true) return [invalidValue('spec.preserveUnknownFields', true, 'must be false')];
  return validateStructural(schema, at);
}

function validateParts(version: any, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const scale = version.subresources?.scale;
  const at = `${path}.subresources.scale`;
  const check = (field: string, under: string, mayBeEmpty = false): void => {
    const text: string = scale[field] ?? '';
    if (text === '') {
      if (!mayBeEmpty) errors.push(required(`${at}.${field}`));
      return;
    }
    const names = fieldNames(parseJsonPath(text) ?? []) ?? [];
    if (names.length < 2 || names[0] !== under)
      errors.push(invalidValue(`${at}.${field}`, text, `should be a json path under .${under}`));
  };
  if (scale !== undefined) {
    check('specReplicasPath', 'spec');
    check('statusReplicasPath', 'status');
    if (scale.labelSelectorPath !== undefined) {
      const names = fieldNames(parseJsonPath(scale.labelSelectorPath) ?? []) ?? [];
      if (names.length < 2 || !['spec', 'status'].includes(names[0]!))
        errors.push(
          invalidValue(
            `${at}.labelSelectorPath`,
            scale.labelSelectorPath,
            'should be a json path under either .spec or .status',
          ),
        );
    }
  }
  return errors;
}

function validateColumns(version: any, path: string): FieldError[] {
  const errors: FieldError[] = [];
  (version.additionalPrinterColumns ?? []).forEach((column: any, i: number) => {
    const at = `${path}.additionalPrinterColumns[${i}]`;
    if (!column.name) errors.push(required(`${at}.name`));
    if (!COLUMN_TYPES.includes(column.type))
      errors.push(invalidValue(`${at}.type`, column.type ?? '', `must be one of ${COLUMN_TYPES.join(',')}`));
    if (!column.jsonPath) errors.push(required(`${at}.jsonPath`));
    else if (parseJsonPath(column.jsonPath) === undefined)
      errors.push(invalidValue(`${at}.jsonPath`, column.jsonPath, 'is an invalid JSON path'));
  });
  const fields: any[] = version.selectableFields ?? [];
  fields.forEach(({ jsonPath = '' }, i) => {
    const at = `${path}.selectableFields[${i}].jsonPath`;
    if (jsonPath === '') errors.push(required(at));
    else if (fieldNames(parseJsonPath(jsonPath) ?? []) === undefined || !jsonPath.startsWith('.'))
      errors.push(invalidValue(at, jsonPath, 'is an invalid path: must be a simple json path'));
    if (fields.findIndex((other) => other.jsonPath === jsonPath) < i) errors.push(duplicate(at, jsonPath));
  });
  return errors;
}

function validateConversion({ spec }: Crd): FieldError[] {
  const { strategy, webhook } = spec.conversion ?? {};
  if (!['None', 'Webhook'].includes(strategy))
    return [notSupported('spec.conversion.strategy', strategy ?? '', ['None', 'Webhook'])];
  if (strategy === 'None')
    return webhook === undefined
      ? []
      : [forbidden('spec.conversion.webhook', 'should not be set when strategy is not set to Webhook')];
  if (webhook === undefined) return [required('spec.conversion.webhook', 'required when strategy is set to Webhook')];
  const errors = validateClientConfig(webhook.clientConfig, 'spec.conversion.webhook.clientConfig');
  if ((webhook.conversionReviewVersions ?? []).length === 0)
    errors.push(required('spec.conversion.webhook.conversionReviewVersions'));
  return errors;
}

/** Names under kubernetes.io are the project's own. */
function validateProtected({ metadata, spec }: Crd): FieldError[] {
  const isProtected = /(^|\.)(k8s|kubernetes)\.io$/.test(spec.group ?? '');
  const approval = metadata.annotations?.[APPROVAL];
  if (!isProtected || (approval !== undefined && /^(unapproved\b.*|https?:\/\/.+)$/.test(approval))) return [];
  return [
    required(
      `metadata.annotations[${APPROVAL}]`,
      `protected groups must have approval annotation ${JSON.stringify(APPROVAL)}, see https://github.com/kubernetes/enhancements/pull/1111`,
    ),
  ];
}

function validateStored(crd: Crd): FieldError[] {
  const { spec, status } = crd;
  const stored: string[] | undefined = status?.storedVersions;
  const version = storageVersion(crd);
  if (stored !== undefined && version !== undefined && !stored.includes(version))
    return [invalidValue('status.storedVersions', stored, `must have the storage version ${version}`)];
  const names = new Set((spec.versions ?? []).map(({ name }: { name: string }) => name));
  return (status?.storedVersions ?? []).flatMap((stored: string, i: number) =>
    names.has(stored)
      ? []
      : [
          invalidValue(
            `status.storedVersions[${i}]`,
            stored,
            `missing from spec.versions; ${stored} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${stored} and removes ${stored} from status.storedVersions`,
          ),
        ],
  );
}

const storageVersion = ({ spec }: Crd): string | undefined =>
  (spec.versions ?? []).find(({ storage }: { storage?: boolean }) => storage === true)?.name;

const FIXED = [
  ['scope', (spec: any) => spec.scope],
  ['names.kind', (spec: any) => spec.names?.kind],
] as const;
const ALWAYS_FIXED = [
  ['group', (spec: any) => spec.group],
  ['names.plural', (spec: any) => spec.names?.plural],
] as const;

export const customResourceDefinition = defineKind<Crd>({
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  endsInSteps: true,
  allowsUnconditionalUpdate: false,
  default({ spec }) {
    if (spec === undefined) return;
    const names = (spec.names ??= {});
    if (names.kind) {
      fill(names, 'singular', names.kind.toLowerCase());
      names.singular ||= names.kind.toLowerCase();
      names.listKind ||= `${names.kind}List`;
    }
    spec.conversion ??= { strategy: 'None' };
    const service = spec.conversion.webhook?.clientConfig?.service;
    if (service !== undefined) fill(service, 'port', 443);
  },
  validate: (crd) => [
    ...validateNames(crd),
    ...validateVersions(crd),
    ...validateConversion(crd),
    ...validateProtected(crd),
    ...validateStored(crd),
  ],
  validateUpdate(crd, old) {
    const fixed = isEstablished(old) ? [...ALWAYS_FIXED, ...FIXED] : ALWAYS_FIXED;
    return fixed
      .filter(([, of]) => !equalObjects(of(crd['spec']), of(old['spec'])))
      .map(([name, of]) => invalidValue(`spec.${name}`, of(crd['spec']), 'field is immutable'));
  },
  validateStatusUpdate: validateStored,
  prepareForCreate(crd) {
    const version = storageVersion(crd);
    if (version !== undefined) crd['status'] = { ...crd['status'], storedVersions: [version] };
  },
  prepareForUpdate(crd) {
    const version = storageVersion(crd);
    const stored: string[] = crd['status']?.storedVersions ?? [];
    if (version !== undefined && !stored.includes(version))
      crd['status'] = { ...crd['status'], storedVersions: [...stored, version] };
  },
  prepareForDelete(crd, time) {
    const finalizers = crd.metadata.finalizers ?? [];
    if (!finalizers.includes(CLEANUP_FINALIZER)) crd.metadata.finalizers = [...finalizers, CLEANUP_FINALIZER];
    crd['status'] = {
      ...crd['status'],
      conditions: withCondition(crd, {
        type: 'Terminating',
        status: 'True',
        lastTransitionTime: time,
        reason: 'InstanceDeletionPending',
        message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
      }),
    };
  },
  cells: (object) => [object.metadata.name, object.metadata.creationTimestamp ?? null],
});
