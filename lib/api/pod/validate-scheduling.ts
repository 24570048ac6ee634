// Decides whether a pod spec's wishes for a node may stand: node selector, affinity, tolerations, spreading, gates. Never
// knows the nodes.
import {
  duplicate,
  forbidden,
  invalidValue,
  notSupported,
  oneOfIfGiven,
  required,
  type FieldError,
} from '../field-error.ts';
import { dns1123Label, dns1123Subdomain, labelValue, qualifiedName, type Format } from '../formats.ts';
import type {
  Affinity,
  LabelSelector,
  NodeSelector,
  NodeSelectorTerm,
  PodAffinityTerm,
  PodSpec,
  Toleration,
  TopologySpreadConstraint,
} from '../generated/types.ts';
import { validateSelector, valuesOfSet } from '../selectors.ts';

const POSITIVE = 'must be greater than zero';
const ACTIONS = ['DoNotSchedule', 'ScheduleAnyway'];
const INCLUSIONS = ['Honor', 'Ignore'];
export const TAINT_EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

export function validateTolerations(tolerations: Toleration[], path: string): FieldError[] {
  return tolerations.flatMap((toleration, i) => {
    const at = `${path}[${i}]`;
    const { key, operator, value, effect, tolerationSeconds } = toleration;
    const errors: FieldError[] = [];
    if (key) errors.push(...qualifiedName(key).map((told) => invalidValue(`${at}.key`, key, told)));
    else if (operator !== 'Exists')
      errors.push(
        invalidValue(
          `${at}.operator`,
          operator ?? '',
          'operator must be Exists when `key` is empty, which means "match all values and all keys"',
        ),
      );
    if (tolerationSeconds !== undefined && effect !== 'NoExecute')
      errors.push(
        invalidValue(`${at}.effect`, effect ?? '', "effect must be 'NoExecute' when `tolerationSeconds` is set"),
      );
    if (operator === undefined || operator === '' || operator === 'Equal') {
      const problems = labelValue(value ?? '');
      if (problems.length > 0) errors.push(invalidValue(`${at}.operator`, value, problems.join(';')));
    } else if (operator === 'Exists') {
      if (value) errors.push(invalidValue(`${at}.operator`, value, "value must be empty when `operator` is 'Exists'"));
    } else errors.push(notSupported(`${at}.operator`, operator, ['Equal', 'Exists']));
    if (effect && !TAINT_EFFECTS.includes(effect)) errors.push(notSupported(`${at}.effect`, effect, TAINT_EFFECTS));
    return errors;
  });
}

export function validateAffinity(affinity: Affinity | undefined, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const node = affinity?.nodeAffinity;
  const hard = node?.requiredDuringSchedulingIgnoredDuringExecution;
  if (hard !== undefined)
    errors.push(...validateNodeSelector(hard, `${path}.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution`));
  (node?.preferredDuringSchedulingIgnoredDuringExecution ?? []).forEach((term, i) => {
    const at = `${path}.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[${i}]`;
    errors.push(...weightAt(term.weight, at), ...validateNodeTerm(term.preference, `${at}.preference`, true));
  });
  for (const field of ['podAffinity', 'podAntiAffinity'] as const) {
    const pods = affinity?.[field];
    (pods?.requiredDuringSchedulingIgnoredDuringExecution ?? []).forEach((term, i) =>
      errors.push(...validatePodTerm(term, `${path}.${field}.requiredDuringSchedulingIgnoredDuringExecution[${i}]`)),
    );
    (pods?.preferredDuringSchedulingIgnoredDuringExecution ?? []).forEach((term, i) => {
      const at = `${path}.${field}.preferredDuringSchedulingIgnoredDuringExecution[${i}]`;
      errors.push(...weightAt(term.weight, at), ...validatePodTerm(term.podAffinityTerm, `${at}.podAffinityTerm`));
    });
  }
  return errors;
}

const weightAt = (weight: number, path: string): FieldError[] =>
  weight >= 1 && weight <= 100 ? [] : [invalidValue(`${path}.weight`, weight, 'must be in the range 1-100')];

export function validateNodeSelector({ nodeSelectorTerms: terms = [] }: NodeSelector, path: string): FieldError[] {
  const at = `${path}.nodeSelectorTerms`;
  if (terms.length === 0) return [required(at, 'must have at least one node selector term')];
  return terms.flatMap((term, i) => validateNodeTerm(term, `${at}[${i}]`));
}

/** `mayHaveAnyValue`: what is only preferred finds no node at worst. */
function validateNodeTerm(term: NodeSelectorTerm, path: string, mayHaveAnyValue = false): FieldError[] {
  const errors: FieldError[] = [];
  (term.matchExpressions ?? []).forEach((expression, i) => {
    const at = `${path}.matchExpressions[${i}]`;
    const { key, operator, values = [] } = expression;
    errors.push(...(valuesOfSet(operator, values, `${at}.values`) ?? valuesOfComparison(operator, values, at)));
    errors.push(...qualifiedName(key).map((told) => invalidValue(`${at}.key`, key, told)));
    if (!mayHaveAnyValue) errors.push(...validateValues(values, labelValue, at));
  });
  (term.matchFields ?? []).forEach((field, i) => {
    const at = `${path}.matchFields[${i}]`;
    const { key, operator, values = [] } = field;
    if (operator !== 'In' && operator !== 'NotIn')
      errors.push(invalidValue(`${at}.operator`, operator, 'not a valid selector operator'));
    else if (values.length !== 1)
      errors.push(
        required(`${at}.values`, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"),
      );
    if (key === 'metadata.name') errors.push(...validateValues(values, dns1123Subdomain, at));
    else errors.push(invalidValue(`${at}.key`, key, 'not a valid field selector key'));
  });
  return errors;
}

function valuesOfComparison(operator: string, values: readonly string[], path: string): FieldError[] {
  if (operator !== 'Gt' && operator !== 'Lt')
    return [invalidValue(`${path}.operator`, operator, 'not a valid selector operator')];
  return values.length === 1
    ? []
    : [required(`${path}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'")];
}

const validateValues = (values: readonly string[], format: Format, path: string): FieldError[] =>
  values.flatMap((value, j) => format(value).map((told) => invalidValue(`${path}.values[${j}]`, value, told)));

function validatePodTerm(term: PodAffinityTerm, path: string): FieldError[] {
  const { labelSelector, topologyKey = '' } = term;
  return [
    ...validateSelector(labelSelector, `${path}.labelSelector`),
    ...validateSelector(term.namespaceSelector, `${path}.namespaceSelector`),
    ...(term.namespaces ?? []).flatMap((name) =>
      dns1123Label(name).map((told) => invalidValue(`${path}.namespace`, name, told)),
    ),
    ...validateLabelKeys(term.matchLabelKeys, labelSelector, `${path}.matchLabelKeys`),
    ...validateLabelKeys(term.mismatchLabelKeys, labelSelector, `${path}.mismatchLabelKeys`),
    ...validateKeysTwice(term, path),
    ...(topologyKey === '' ? [required(`${path}.topologyKey`, 'can not be empty')] : []),
    ...qualifiedName(topologyKey).map((told) => invalidValue(`${path}.topologyKey`, topologyKey, told)),
  ];
}

function validateLabelKeys(
  keys: readonly string[] = [],
  selector: LabelSelector | undefined,
  path: string,
): FieldError[] {
  if (keys.length === 0) return [];
  if (selector === undefined) return [forbidden(path, 'must not be specified when labelSelector is not set')];
  return keys.flatMap((key, i) => qualifiedName(key).map((told) => invalidValue(`${path}[${i}]`, key, told)));
}

/** A key that is matched in two ways; the strategy has written those of matchLabelKeys into the selector before. */
function validateKeysTwice(term: PodAffinityTerm, path: string): FieldError[] {
  const { labelSelector: selector, matchLabelKeys = [], mismatchLabelKeys = [] } = term;
  const seen = new Set(Object.keys(selector?.matchLabels ?? {}));
  const errors: FieldError[] = [];
  for (const { key } of selector?.matchExpressions ?? []) {
    const i = matchLabelKeys.lastIndexOf(key);
    if (i >= 0 && seen.has(key))
      errors.push(invalidValue(`${path}[${i}]`, key, 'exists in both matchLabelKeys and labelSelector'));
    seen.add(key);
  }
  matchLabelKeys.forEach((key, i) => {
    if (mismatchLabelKeys.includes(key))
      errors.push(
        invalidValue(`${path}.matchLabelKeys[${i}]`, key, 'exists in both matchLabelKeys and mismatchLabelKeys'),
      );
  });
  return errors;
}

export function validateSpread(spec: PodSpec): FieldError[] {
  const constraints = spec.topologySpreadConstraints ?? [];
  return constraints.flatMap((constraint, i) => {
    const at = `spec.topologySpreadConstraints[${i}]`;
    const { maxSkew, topologyKey = '', whenUnsatisfiable = '', labelSelector } = constraint;
    const errors: FieldError[] = [];
    if (maxSkew <= 0) errors.push(invalidValue(`${at}.maxSkew`, maxSkew, POSITIVE));
    if (topologyKey === '') errors.push(required(`${at}.topologyKey`, 'can not be empty'));
    if (!ACTIONS.includes(whenUnsatisfiable))
      errors.push(notSupported(`${at}.whenUnsatisfiable`, whenUnsatisfiable, ACTIONS));
    const isPair = (other: typeof constraint): boolean =>
      (other.topologyKey ?? '') === topologyKey && (other.whenUnsatisfiable ?? '') === whenUnsatisfiable;
    if (constraints.slice(i + 1).some(isPair))
      errors.push(duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, `{${topologyKey}, ${whenUnsatisfiable}}`));
    return [
      ...errors,
      ...validateMinDomains(constraint, at),
      ...oneOfIfGiven(`${at}.nodeAffinityPolicy`, constraint.nodeAffinityPolicy, INCLUSIONS),
      ...oneOfIfGiven(`${at}.nodeTaintsPolicy`, constraint.nodeTaintsPolicy, INCLUSIONS),
      ...validateSpreadKeys(constraint.matchLabelKeys, labelSelector, `${at}.matchLabelKeys`),
      ...validateSelector(labelSelector, `${at}.labelSelector`),
    ];
  });
}

function validateMinDomains(constraint: TopologySpreadConstraint, path: string): FieldError[] {
  const { minDomains, whenUnsatisfiable = '' } = constraint;
  const at = `${path}.minDomains`;
  if (minDomains === undefined) return [];
  const errors = minDomains <= 0 ? [invalidValue(at, minDomains, POSITIVE)] : [];
  if (whenUnsatisfiable !== 'DoNotSchedule')
    errors.push(
      invalidValue(
        at,
        minDomains,
        `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`,
      ),
    );
  return errors;
}

function validateSpreadKeys(
  keys: readonly string[] = [],
  selector: LabelSelector | undefined,
  path: string,
): FieldError[] {
  if (keys.length === 0) return [];
  const selected = new Set([
    ...Object.keys(selector?.matchLabels ?? {}),
    ...(selector?.matchExpressions ?? []).map(({ key }) => key),
  ]);
  const errors = selector === undefined ? [forbidden(path, 'must not be specified when labelSelector is not set')] : [];
  keys.forEach((key, i) => {
    errors.push(...qualifiedName(key).map((told) => invalidValue(`${path}[${i}]`, key, told)));
    if (selected.has(key))
      errors.push(invalidValue(`${path}[${i}]`, key, 'exists in both matchLabelKeys and labelSelector'));
  });
  return errors;
}

export function validateGates(spec: PodSpec): FieldError[] {
  const seen = new Set<string>();
  const errors = (spec.readinessGates ?? []).flatMap(({ conditionType = '' }, i) =>
    qualifiedName(conditionType).map((told) =>
      invalidValue(`spec.readinessGates[${i}].conditionType`, conditionType, told),
    ),
  );
  (spec.schedulingGates ?? []).forEach(({ name = '' }, i) => {
    const at = `spec.schedulingGates[${i}]`;
    errors.push(...qualifiedName(name).map((told) => invalidValue(at, name, told)));
    if (seen.has(name)) errors.push(duplicate(at, name));
    seen.add(name);
  });
  return errors;
}
