// Decides what admission policies and their bindings are: rules in CEL, and where they hold. Never judges a write.
import { ageOf } from '../age.ts';
import {
  duplicate,
  forbidden,
  GoText,
  invalidValue,
  notSupported,
  oneOf,
  quoted,
  required,
  type FieldError,
} from '../field-error.ts';
import type { Condition, LabelSelector } from '../generated/types.ts';
import { defineKind, type KindBehaviour } from '../object.ts';
import { fill } from '../pod/defaults.ts';
import { validateSelector } from '../selectors.ts';
import { defaultMatchResources, validateExpression, validateMatchConditions } from './match-rules.ts';
import { validateConditions } from './status-rules.ts';
import { keepOtherMetadata } from './workload.ts';
import { ADMISSION, validateRule } from './webhook-configurations.ts';

const ACTIONS = ['Audit', 'Deny', 'Warn'];

interface Policy {
  metadata: { name: string; creationTimestamp?: string };
  spec?: any;
  status?: { conditions?: Condition[] };
}

function validateMatch(match: any, path: string): FieldError[] {
  if (match === undefined) return [];
  return [
    ...validateSelector(match.namespaceSelector, `${path}.namespaceSelector`),
    ...validateSelector(match.objectSelector, `${path}.objectSelector`),
    ...['resourceRules', 'excludeResourceRules'].flatMap((field) =>
      (match[field] ?? []).flatMap((rule: any, i: number) => validateRule(rule, `${path}.${field}[${i}]`)),
    ),
    ...oneOf(`${path}.matchPolicy`, match.matchPolicy, ['Equivalent', 'Exact']),
  ];
}

function validateCommon(spec: any): FieldError[] {
  const errors: FieldError[] = [];
  if (spec.matchConstraints === undefined) errors.push(required('spec.matchConstraints'));
  else if ((spec.matchConstraints.resourceRules ?? []).length === 0)
    errors.push(required('spec.matchConstraints.resourceRules'));
  (spec.variables ?? []).forEach((variable: any, i: number) => {
    const path = `spec.variables[${i}]`;
    if (!/^[A-Za-z_]\w*$/.test(variable.name ?? ''))
      errors.push(invalidValue(`${path}.name`, variable.name ?? '', 'name is not a valid CEL identifier'));
    errors.push(...validateExpression(variable.expression, `${path}.expression`));
  });
  return [
    ...errors,
    ...validateParamKind(spec.paramKind, 'spec.paramKind'),
    ...validateMatch(spec.matchConstraints, 'spec.matchConstraints'),
    ...validateMatchConditions(spec.matchConditions, 'spec.matchConditions'),
    ...oneOf('spec.failurePolicy', spec.failurePolicy, ['Fail', 'Ignore']),
  ];
}

function validateValidations({ spec = {} }: Policy): FieldError[] {
  const { validations = [], auditAnnotations = [] } = spec;
  const errors = validateCommon(spec);
  if (validations.length + auditAnnotations.length === 0)
    for (const field of ['spec.validations', 'spec.auditAnnotations'])
      errors.push(required(field, 'validations or auditAnnotations must contain at least one item'));
  validations.forEach((validation: any, i: number) => {
    const path = `spec.validations[${i}]`;
    errors.push(...validateExpression(validation.expression, `${path}.expression`, 'bool'));
    if (validation.messageExpression !== undefined)
      errors.push(...validateExpression(validation.messageExpression, `${path}.messageExpression`, 'string'));
    errors.push(...oneOf(`${path}.reason`, validation.reason, ['Forbidden', 'Invalid', 'RequestEntityTooLarge']));
  });
  auditAnnotations.forEach((annotation: any, i: number) =>
    errors.push(...validateExpression(annotation.valueExpression, `spec.auditAnnotations[${i}].valueExpression`)),
  );
  return errors;
}

const PATCHES = { ApplyConfiguration: 'applyConfiguration', JSONPatch: 'jsonPatch' } as const;

function validateMutations({ spec = {} }: Policy): FieldError[] {
  const { mutations = [] } = spec;
  const errors = validateCommon(spec);
  if (mutations.length === 0) errors.push(required('spec.mutations', 'mutations must contain at least one item'));
  mutations.forEach((mutation: any, i: number) => {
    const path = `spec.mutations[${i}]`;
    const field = PATCHES[mutation.patchType as keyof typeof PATCHES];
    if (field === undefined)
      errors.push(
        mutation.patchType
          ? notSupported(`${path}.patchType`, mutation.patchType, Object.keys(PATCHES))
          : required(`${path}.patchType`),
      );
    else if (mutation[field] === undefined)
      errors.push(required(`${path}.${field}`, `must be specified when patchType is ${mutation.patchType}`));
    else errors.push(...validateExpression(mutation[field].expression, `${path}.${field}.expression`));
  });
  if (spec.reinvocationPolicy === undefined) errors.push(required('spec.reinvocationPolicy'));
  return [...errors, ...oneOf('spec.reinvocationPolicy', spec.reinvocationPolicy, ['IfNeeded', 'Never'])];
}

function validateParamRef(ref: any, path: string): FieldError[] {
  if (ref === undefined) return [];
  const { name, selector, parameterNotFoundAction: action } = ref;
  const errors: FieldError[] = [];
  const hasName = (name ?? '') !== '';
  if (hasName && selector !== undefined)
    for (const field of ['name', 'selector'])
      errors.push(forbidden(`${path}.${field}`, 'name and selector are mutually exclusive'));
  if (!hasName && selector === undefined) errors.push(required(path, 'one of name or selector must be specified'));
  const at = `${path}.parameterNotFoundAction`;
  if ((action ?? '') === '') errors.push(required(at));
  else if (!NOT_FOUND_ACTIONS.includes(action)) errors.push(notSupported(at, action, NOT_FOUND_ACTIONS));
  return errors;
}

const NOT_FOUND_ACTIONS = ['Deny', 'Allow'];

function validateParamKind(kind: any, path: string): FieldError[] {
  if (kind === undefined) return [];
  const { apiVersion = '' } = kind;
  const errors: FieldError[] = [];
  if (apiVersion === '') errors.push(required(`${path}.apiVersion`));
  else if (apiVersion.split('/').length > 2)
    errors.push(invalidValue(`${path}.apiVersion`, apiVersion, `unexpected GroupVersion string: ${apiVersion}`));
  return (kind.kind ?? '') === '' ? [...errors, required(`${path}.kind`)] : errors;
}

function validateBinding({ spec = {} }: Policy, hasActions: boolean): FieldError[] {
  const errors = spec.policyName ? [] : [required('spec.policyName')];
  errors.push(...validateParamRef(spec.paramRef, 'spec.paramRef'));
  errors.push(...validateMatch(spec.matchResources, 'spec.matchResources'));
  if (!hasActions) return errors;
  const actions: string[] = spec.validationActions ?? [];
  const path = 'spec.validationActions';
  if (actions.length === 0) errors.push(required(path, 'at least one validation action is required'));
  actions.forEach((action, i) => {
    if (!ACTIONS.includes(action)) errors.push(notSupported(`${path}[${i}]`, action, ACTIONS));
    if (actions.indexOf(action) < i) errors.push(duplicate(`${path}[${i}]`, action));
  });
  if (actions.includes('Deny') && actions.includes('Warn'))
    errors.push(
      invalidValue(
        path,
        new GoText(`[]admissionregistration.ValidationAction{${actions.map(quoted).join(', ')}}`),
        'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
      ),
    );
  return errors;
}

function policy(kind: string, validate: (object: Policy) => FieldError[]): KindBehaviour {
  return defineKind<Policy>({
    group: ADMISSION,
    version: 'v1',
    kind,
    default({ spec }) {
      if (spec === undefined) return;
      fill(spec, 'failurePolicy', 'Fail');
      defaultMatchResources(spec.matchConstraints);
    },
    validate,
    validateStatusUpdate: ({ status }) => validateConditions(status?.conditions),
    prepareForStatusUpdate: keepOtherMetadata,
    cells: ({ metadata, spec = {} }, now) => [
      metadata.name,
      (spec.validations ?? spec.mutations ?? []).length,
      spec.paramKind === undefined ? '<unset>' : `${spec.paramKind.apiVersion}/${spec.paramKind.kind}`,
      ageOf(metadata.creationTimestamp, now),
    ],
  });
}

function paramText(ref: Policy['spec']['paramRef']): string {
  const { name = '', namespace = '', selector } = ref ?? {};
  if (name !== '') return `${namespace || '*'}/${name}`;
  return selector === undefined ? '<unset>' : selectorText(selector);
}

/** As Go prints one. */
function selectorText({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string {
  const labels = Object.keys(matchLabels)
    .toSorted()
    .map((key) => `${key}: ${matchLabels[key]},`);
  const expressions = matchExpressions.map(
    ({ key, operator, values = [] }) =>
      `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(' ')}],},`,
  );
  return `&LabelSelector{MatchLabels:map[string]string{${labels.join('')}},MatchExpressions:[]LabelSelectorRequirement{${expressions.join('')}},}`;
}

function policyBinding(kind: string): KindBehaviour {
  return defineKind<Policy>({
    group: ADMISSION,
    version: 'v1',
    kind,
    default: ({ spec }) => defaultMatchResources(spec?.matchResources),
    validate: (object) => validateBinding(object, kind.startsWith('Validating')),
    cells({ metadata, spec = {} }, now) {
      return [metadata.name, spec.policyName ?? '', paramText(spec.paramRef), ageOf(metadata.creationTimestamp, now)];
    },
  });
}

export const admissionPolicies: readonly KindBehaviour[] = [
  policy('ValidatingAdmissionPolicy', validateValidations),
  policy('MutatingAdmissionPolicy', validateMutations),
  policyBinding('ValidatingAdmissionPolicyBinding'),
  policyBinding('MutatingAdmissionPolicyBinding'),
];
