// Decides what a quota is: which resources it may bound, by which whole numbers, in which scope. Never counts what is used
// (a controller does) and never refuses anything (admission does).
import { ageOf } from '../age.ts';
import { equalObjects } from '../equality.ts';
import { invalidValue, type FieldError } from '../field-error.ts';
import { qualifiedName } from '../formats.ts';
import type { ResourceQuota } from '../generated/types.ts';
import { defineKind } from '../object.ts';
import { compareQuantities, quantityOf } from '../quantity.ts';
import { NEGATIVE } from './workload.ts';

/** Counted in whole objects under a short name of their own. */
export const COUNTED: Record<string, string> = {
  pods: 'core/pods',
  services: 'core/services',
  replicationcontrollers: 'core/replicationcontrollers',
  resourcequotas: 'core/resourcequotas',
  secrets: 'core/secrets',
  configmaps: 'core/configmaps',
  persistentvolumeclaims: 'core/persistentvolumeclaims',
};
const OTHERS = new Set(
  'cpu memory ephemeral-storage requests.cpu requests.memory requests.storage requests.ephemeral-storage limits.cpu limits.memory limits.ephemeral-storage services.nodeports services.loadbalancers'.split(
    ' ',
  ),
);
const SCOPES = new Set(
  'Terminating NotTerminating BestEffort NotBestEffort PriorityClass CrossNamespacePodAffinity'.split(' '),
);
const OPPOSITES = [
  ['Terminating', 'NotTerminating'],
  ['BestEffort', 'NotBestEffort'],
];

const isCountable = (name: string): boolean =>
  COUNTED[name] !== undefined || name.startsWith('count/') || name.startsWith('services.');

function isKnown(name: string): boolean {
  if (COUNTED[name] !== undefined || OTHERS.has(name)) return true;
  const bare = name.replace(/^(requests|limits)\./, '');
  return (bare.includes('/') || /^hugepages-./.test(bare)) && qualifiedName(bare).length === 0;
}

function validateHard(hard: Record<string, string>, path: string): FieldError[] {
  return Object.entries(hard).flatMap(([name, value]) => {
    const errors: FieldError[] = [];
    if (!isKnown(name)) errors.push(invalidValue(`${path}[${name}]`, name, 'must be a standard resource for quota'));
    if (compareQuantities(value, '0') < 0) errors.push(invalidValue(`${path}[${name}]`, value, NEGATIVE));
    if (isCountable(name) && quantityOf(value).nanos % 1_000_000_000n !== 0n)
      errors.push(invalidValue(`${path}[${name}]`, value, 'must be an integer'));
    return errors;
  });
}

function validateScopes(scopes: readonly string[]): FieldError[] {
  const errors = scopes
    .filter((scope) => !SCOPES.has(scope))
    .map(() => invalidValue('spec.scopes', scopes, 'unsupported scope'));
  if (OPPOSITES.some((pair) => pair.every((scope) => scopes.includes(scope))))
    errors.push(invalidValue('spec.scopes', scopes, 'conflicting scopes'));
  return errors;
}

/** `requests.cpu: 1/2, pods: 3/10`; limits have a column of their own. */
function usedOfHard(object: ResourceQuota, wantsLimits: boolean): string {
  const { hard = {}, used = {} } = object.status ?? {};
  return Object.keys(hard)
    .filter((name) => name.startsWith('limits.') === wantsLimits)
    .toSorted()
    .map((name) => `${name}: ${used[name] ?? '0'}/${hard[name]}`)
    .join(', ');
}

export const resourceQuota = defineKind<ResourceQuota>({
  group: '',
  version: 'v1',
  kind: 'ResourceQuota',
  validate: ({ spec }) => [...validateHard(spec?.hard ?? {}, 'spec.hard'), ...validateScopes(spec?.scopes ?? [])],
  validateUpdate: ({ spec }, { spec: was }) =>
    equalObjects(spec?.scopes, was?.scopes) ? [] : [invalidValue('spec.scopes', spec?.scopes, 'field is immutable')],
  validateStatusUpdate: ({ status }) => [
    ...validateHard(status?.hard ?? {}, 'status.hard'),
    ...validateHard(status?.used ?? {}, 'status.used'),
  ],
  columns: [
    ['Name', 'string', 'name', 0],
    ['Request', 'string', '', 0],
    ['Limit', 'string', '', 0],
    ['Age', 'string', '', 0],
  ],
  cells: (object, now) => [
    object.metadata.name,
    usedOfHard(object, false),
    usedOfHard(object, true),
    ageOf(object.metadata.creationTimestamp, now),
  ],
});
