// Decides whether a pod spec's wishes for a node may stand: node selector, affinity, tolerations, spreading, gates. Never
// knows the nodes.
import { duplicate, invalidValue, notSupported, required, type FieldError } from '../field-error.ts';
import { dns1123Subdomain, labelValue, qualifiedName } from '../formats.ts';
import type { Affinity, NodeSelectorTerm, PodAffinityTerm, PodSpec, Toleration } from '../generated/types.ts';
import { validateLabels } from '../metadata.ts';
import { validateSelector } from '../selectors.ts';

const EFFECTS = ['NoExecute', 'NoSchedule', 'PreferNoSchedule'];

export function validateScheduling(spec: PodSpec): FieldError[] {
  return [
    ...validateLabels(spec.nodeSelector, 'spec.nodeSelector'),
    ...validateAffinity(spec.affinity, 'spec.affinity'),
    ...validateTolerations(spec.tolerations ?? [], 'spec.tolerations'),
    ...validateSpread(spec),
    ...validateGates(spec),
    ...(spec.nodeName
      ? dns1123Subdomain(spec.nodeName).map((told) => invalidValue('spec.nodeName', spec.nodeName, told))
      : []),
  ];
}

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
    if (operator === undefined || operator === '' || operator === 'Equal')
      errors.push(...labelValue(value ?? '').map((told) => invalidValue(`${at}.operator`, value, told)));
    else if (operator === 'Exists') {
      if (value)
        errors.push(invalidValue(`${at}.operator`, toleration, "value must be empty when `operator` is 'Exists'"));
    } else errors.push(notSupported(`${at}.operator`, operator, ['Equal', 'Exists']));
    if (effect && !EFFECTS.includes(effect)) errors.push(notSupported(`${at}.effect`, effect, EFFECTS));
    return errors;
  });
}

function validateAffinity(affinity: Affinity | undefined, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const node = affinity?.nodeAffinity;
  const hard = node?.requiredDuringSchedulingIgnoredDuringExecution;
  if (hard !== undefined) {
    const at = `${path}.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms`;
    const terms = hard.nodeSelectorTerms ?? [];
    if (terms.length === 0) errors.push(required(at, 'must have at least one node selector term'));
    terms.forEach((term, i) => errors.push(...validateNodeTerm(term, `${at}[${i}]`)));
  }
  (node?.preferredDuringSchedulingIgnoredDuringExecution ?? []).forEach((term, i) => {
    const at = `${path}.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[${i}]`;
    errors.push(...weightAt(term.weight, at), ...validateNodeTerm(term.preference, `${at}.preference`));
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

export function validateNodeTerm(term: NodeSelectorTerm, path: string): FieldError[] {
  const errors: FieldError[] = [];
  (term.matchExpressions ?? []).forEach((expression, i) => {
    const at = `${path}.matchExpressions[${i}]`;
    const { key, operator, values = [] } = expression;
    if (operator === 'In' || operator === 'NotIn') {
      if (values.length === 0)
        errors.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values.length > 0)
        errors.push({
          ...required(`${at}.values`),
          code: 'FieldValueForbidden',
          message: "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        });
    } else if (operator === 'Gt' || operator === 'Lt') {
      if (values.length !== 1)
        errors.push(required(`${at}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'"));
    } else errors.push(invalidValue(`${at}.operator`, operator, 'not a valid selector operator'));
    errors.push(...qualifiedName(key).map((told) => invalidValue(`${at}.key`, key, told)));
  });
  (term.matchFields ?? []).forEach((field, i) => {
    const at = `${path}.matchFields[${i}]`;
    if (field.key !== 'metadata.name')
      errors.push(invalidValue(`${at}.key`, field.key, 'not a valid field selector key'));
    if (!['In', 'NotIn'].includes(field.operator))
      errors.push(invalidValue(`${at}.operator`, field.operator, 'not a valid selector operator'));
    else if ((field.values ?? []).length !== 1)
      errors.push(
        required(`${at}.values`, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"),
      );
  });
  return errors;
}

function validatePodTerm(term: PodAffinityTerm, path: string): FieldError[] {
  const errors = [
    ...validateSelector(term.labelSelector, `${path}.labelSelector`),
    ...validateSelector(term.namespaceSelector, `${path}.namespaceSelector`),
  ];
  if (!term.topologyKey) errors.push(required(`${path}.topologyKey`, 'can not be empty'));
  else
    errors.push(
      ...qualifiedName(term.topologyKey).map((told) => invalidValue(`${path}.topologyKey`, term.topologyKey, told)),
    );
  return errors;
}

function validateSpread(spec: PodSpec): FieldError[] {
  const seen = new Set<string>();
  return (spec.topologySpreadConstraints ?? []).flatMap((constraint, i) => {
    const at = `spec.topologySpreadConstraints[${i}]`;
    const { maxSkew, topologyKey, whenUnsatisfiable } = constraint;
    const errors: FieldError[] = [];
    if (maxSkew <= 0) errors.push(invalidValue(`${at}.maxSkew`, maxSkew, 'must be greater than zero'));
    if (!topologyKey) errors.push(required(`${at}.topologyKey`, 'can not be empty'));
    if (!['DoNotSchedule', 'ScheduleAnyway'].includes(whenUnsatisfiable))
      errors.push(notSupported(`${at}.whenUnsatisfiable`, whenUnsatisfiable, ['DoNotSchedule', 'ScheduleAnyway']));
    const pair = `{${topologyKey}, ${whenUnsatisfiable}}`;
    if (seen.has(pair)) errors.push(duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, pair));
    seen.add(pair);
    return [...errors, ...validateSelector(constraint.labelSelector, `${at}.labelSelector`)];
  });
}

function validateGates(spec: PodSpec): FieldError[] {
  const seen = new Set<string>();
  return (spec.schedulingGates ?? []).flatMap(({ name }, i) => {
    const at = `spec.schedulingGates[${i}]`;
    const errors = qualifiedName(name).map((told) => invalidValue(at, name, told));
    if (seen.has(name)) errors.push(duplicate(at, name));
    seen.add(name);
    return errors;
  });
}
