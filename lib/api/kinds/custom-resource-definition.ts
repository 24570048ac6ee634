// Decides what a CustomResourceDefinition is: names, versions of which one is stored, structural schemas, and what of it
// may change once it is established. Never serves one (the API actor does).
import { equalObjects } from '../equality.ts';
import { GoText, invalidValue, required, type FieldError } from '../field-error.ts';
import { defineKind, type KubeObject } from '../object.ts';
import { fill } from '../pod/defaults.ts';
import { validateNames, validateSpec } from '../custom/validate-definition.ts';

export const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io';
const APPROVAL = 'api-approved.kubernetes.io';

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

function validateName({ metadata, spec }: Crd): FieldError[] {
  const wanted = `${spec.names?.plural ?? ''}.${spec.group ?? ''}`;
  const { name } = metadata;
  return name === undefined || name === '' || name === wanted
    ? []
    : [invalidValue('metadata.name', name, 'must be spec.names.plural+"."+spec.group')];
}

type Approval = 'missing' | 'invalid' | 'approved' | 'bypassed';

export const approvalText = ({ metadata }: Crd): string => metadata.annotations?.[APPROVAL] ?? '';

export function approvalOf(crd: Crd): Approval {
  const text = approvalText(crd);
  if (text === '') return 'missing';
  if (text.startsWith('unapproved')) return 'bypassed';
  return /^[a-z][a-z0-9+.-]*:\/\/[^/]+/i.test(text) ? 'approved' : 'invalid';
}

/** Why an annotation is none that approves, or is not there. */
export function approvalProblem(crd: Crd): string {
  const must = `protected groups must have approval annotation ${JSON.stringify(APPROVAL)}`;
  const see = 'see https://github.com/kubernetes/enhancements/pull/1111';
  if (approvalOf(crd) === 'missing') return `${must}, ${see}`;
  return `${must} with either a URL or a reason starting with "unapproved", ${see}`;
}

/** Names under kubernetes.io are the project's own. */
export const isProtectedGroup = ({ spec }: Crd): boolean => /(^|\.)(k8s|kubernetes)\.io$/.test(spec?.group ?? '');

/** One that said no more before is left alone. */
function validateProtected(crd: Crd, old?: Crd): FieldError[] {
  const approval = approvalOf(crd);
  const isWrong = approval === 'missing' || approval === 'invalid';
  if (!isProtectedGroup(crd) || !isWrong || (old !== undefined && approvalOf(old) === approval)) return [];
  const path = `metadata.annotations[${APPROVAL}]`;
  const told = approvalProblem(crd);
  return approval === 'missing' ? [required(path, told)] : [invalidValue(path, approvalText(crd), told)];
}

function validateStored({ spec, status }: Crd): FieldError[] {
  const path = 'status.storedVersions';
  const stored: string[] = status?.storedVersions ?? [];
  if (stored.length === 0)
    return [invalidValue(path, GoText.strings(undefined), 'must have at least one stored version')];
  const versions: Array<{ name: string; storage?: boolean }> = spec.versions ?? [];
  const names = new Set(versions.map(({ name }) => name));
  return [
    ...versions
      .filter(({ name, storage }) => storage === true && !stored.includes(name))
      .map(({ name }) => invalidValue(path, GoText.strings(stored), `must have the storage version ${name}`)),
    ...stored.flatMap((one, i) =>
      names.has(one)
        ? []
        : [
            invalidValue(
              `${path}[${i}]`,
              one,
              `missing from spec.versions; ${one} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${one} and removes ${one} from status.storedVersions`,
            ),
          ],
    ),
  ];
}

function validatePreserved({ spec }: Crd, old?: Crd): FieldError[] {
  if (spec.preserveUnknownFields !== true || old?.['spec'].preserveUnknownFields === true) return [];
  const told =
    'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead';
  return [invalidValue('spec.preserveUnknownFields', true, told)];
}

/** The order in which the real server looks. */
const problemsOf = (crd: Crd, old?: Crd): FieldError[] => [
  ...validateSpec(crd['spec'] ?? {}, old?.['spec']),
  ...(old === undefined ? [] : validateFixed(crd, old)),
  ...validateNames(crd['status']?.acceptedNames ?? {}, 'status.acceptedNames', false),
  ...validateStored(crd),
  ...validateProtected(crd, old),
  ...validatePreserved(crd, old),
];

function validateFixed(crd: Crd, old: Crd): FieldError[] {
  const fixed = isEstablished(old) ? [...FIXED, ...ALWAYS_FIXED] : ALWAYS_FIXED;
  return fixed
    .filter(([, of]) => !equalObjects(of(crd['spec']), of(old['spec'])))
    .map(([name, of]) => invalidValue(`spec.${name}`, of(crd['spec']), 'field is immutable'));
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
  default(crd) {
    const { spec } = crd as any;
    if (spec === undefined) return;
    const names = (spec.names ??= {});
    if (names.kind) {
      fill(names, 'singular', names.kind.toLowerCase());
      names.singular ||= names.kind.toLowerCase();
      names.listKind ||= `${names.kind}List`;
    }
    spec.conversion ??= { strategy: 'None' };
    const version = storageVersion(crd);
    if (crd['status'] !== undefined && (crd['status'].storedVersions ?? []).length === 0 && version !== undefined)
      crd['status'].storedVersions = [version];
    const service = spec.conversion.webhook?.clientConfig?.service;
    if (service !== undefined) fill(service, 'port', 443);
  },
  validateCreate: (crd) => [...validateName(crd), ...problemsOf(crd)],
  validateUpdate: (crd, old) => problemsOf(crd, old),
  validateStatusUpdate: (crd) => validateNames(crd['status']?.acceptedNames ?? {}, 'status.acceptedNames', false),
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
