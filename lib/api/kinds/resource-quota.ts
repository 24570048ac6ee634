// Decides what a quota is: which resources it may bound, by which whole numbers, in which scope. Never counts what is used
// (a controller does) and never refuses anything (admission does).
import { ownValue } from '../../base/records.ts';
import { ageOf } from '../age.ts';
import { equalObjects } from '../equality.ts';
import { GoText, invalidValue, required, type FieldError } from '../field-error.ts';
import type { ResourceQuota } from '../generated/types.ts';
import { defineKind } from '../object.ts';
import { validateAmount, validateStandardName } from '../pod/validate-resources.ts';

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

function isKnown(name: string): boolean {
  if (ownValue(COUNTED, name) !== undefined || OTHERS.has(name)) return true;
  return name.includes('/') || /^(requests\.)?hugepages-/.test(name);
}

function validateHard(hard: Record<string, string>, path: string): FieldError[] {
  return Object.entries(hard).flatMap(([name, value]) => {
    const errors: FieldError[] = [];
    const at = `${path}[${name}]`;
    errors.push(...validateStandardName(name, at));
    if (!isKnown(name)) errors.push(invalidValue(at, GoText.bare(name), 'must be a standard resource for quota'));
    return [...errors, ...validateAmount(name, value, at)];
  });
}

/** Of pods: how many, and what they ask for. The others are not of the kind that scopes choose among. */
const POD_RESOURCE = /^((requests\.|limits\.)?(cpu|memory)|pods)$/;

/** Whether a quota of this scope may bound this: without requests and limits there is nothing to add up but the pods. */
function isBoundable(scope: string, name: string): boolean {
  const isStandard = ownValue(COUNTED, name) !== undefined || OTHERS.has(name) || /^(requests\.)?hugepages-/.test(name);
  if (!isStandard) return true;
  return scope === 'BestEffort' ? name === 'pods' : POD_RESOURCE.test(name);
}

/** What is wrong with a set of scopes that bounds these names, in upstream's words. */
function scopeProblems(scopes: readonly string[], names: readonly string[]): string[] {
  const each = scopes.flatMap((scope) => [
    ...(SCOPES.has(scope) ? [] : ['unsupported scope']),
    ...names.filter((name) => !isBoundable(scope, name)).map(() => 'unsupported scope applied to resource'),
  ]);
  const conflicts = OPPOSITES.filter((pair) => pair.every((scope) => scopes.includes(scope)));
  return [...each, ...conflicts.map(() => 'conflicting scopes')];
}

type Spec = NonNullable<ResourceQuota['spec']>;

const goScopes = (scopes: readonly string[]): GoText =>
  GoText.bare(GoText.strings(scopes).text.replace('[]string', '[]core.ResourceQuotaScope'));

function validateScopes({ scopes = [], hard = {} }: Spec): FieldError[] {
  return scopeProblems(scopes, Object.keys(hard).toSorted()).map((told) =>
    invalidValue('spec.scopes', goScopes(scopes), told),
  );
}

const SELECTOR = 'spec.scopeSelector.matchExpressions';
const OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist'];

function validateSelector({ scopeSelector, hard = {} }: Spec): FieldError[] {
  if (scopeSelector === undefined) return [];
  const expressions = scopeSelector.matchExpressions ?? [];
  const names = Object.keys(hard).toSorted();
  const errors = expressions.flatMap(({ scopeName, operator, values = [] }): FieldError[] => {
    const isWhole = scopeName !== 'PriorityClass' && SCOPES.has(scopeName);
    const wantsValues = operator === 'In' || operator === 'NotIn';
    return [
      ...scopeProblems([scopeName], names).map((told) =>
        told === 'unsupported scope'
          ? invalidValue(`${SELECTOR}.scopeName`, scopeName, told)
          : invalidValue(SELECTOR, scopeSelector, told),
      ),
      ...(isWhole && operator !== 'Exists'
        ? [
            invalidValue(
              `${SELECTOR}.operator`,
              operator,
              "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity",
            ),
          ]
        : []),
      ...(wantsValues && values.length === 0
        ? [
            required(
              `${SELECTOR}.values`,
              "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
            ),
          ]
        : []),
      ...(!wantsValues && OPERATORS.includes(operator) && values.length > 0
        ? [
            invalidValue(
              `${SELECTOR}.values`,
              GoText.strings(values),
              "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector",
            ),
          ]
        : []),
      ...(OPERATORS.includes(operator)
        ? []
        : [invalidValue(`${SELECTOR}.operator`, operator, 'not a valid selector operator')]),
    ];
  });
  const scopes = expressions.map(({ scopeName }) => scopeName);
  if (OPPOSITES.some((pair) => pair.every((scope) => scopes.includes(scope))))
    errors.push(invalidValue('spec.scopeSelector.matchExpressions', scopes, 'conflicting scopes'));
  return errors;
}

/** `requests.cpu: 1/2, pods: 3/10`; limits have a column of their own. */
function usedOfHard(object: ResourceQuota, wantsLimits: boolean): string {
  const { hard = {}, used = {} } = object.status ?? {};
  return Object.keys(hard)
    .filter((name) => name.startsWith('limits.') === wantsLimits)
    .toSorted()
    .map((name) => `${name}: ${ownValue(used, name) ?? '0'}/${hard[name]}`)
    .join(', ');
}

export const resourceQuota = defineKind<ResourceQuota>({
  group: '',
  version: 'v1',
  kind: 'ResourceQuota',
  returnsDeletedObject: true,
  validate: ({ spec = {} }) => [
    ...validateHard(spec.hard ?? {}, 'spec.hard'),
    ...validateScopes(spec),
    ...validateSelector(spec),
  ],
  validateUpdate: ({ spec }, { spec: was }) =>
    equalObjects(spec?.scopes, was?.scopes) ? [] : [invalidValue('spec.scopes', spec?.scopes, 'field is immutable')],
  validateStatusUpdate: ({ status }) => [
    ...validateHard(status?.hard ?? {}, 'status.hard'),
    ...validateHard(status?.used ?? {}, 'status.used'),
  ],
  cells: (object, now) => [
    object.metadata.name,
    usedOfHard(object, false),
    usedOfHard(object, true),
    ageOf(object.metadata.creationTimestamp, now),
  ],
});
