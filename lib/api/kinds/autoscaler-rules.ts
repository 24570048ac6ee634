// Decides which metrics and which behaviour an autoscaler may have. Never measures or scales anything.
import { forbidden, invalidValue, notSupported, required, type FieldError } from '../field-error.ts';
import { dns1123Label, pathSegment } from '../formats.ts';
import type { HPAScalingRules, AutoscalingV2MetricSpec as MetricSpec, MetricTarget } from '../generated/types.ts';
import { compareQuantities } from '../quantity.ts';

type Block = 'object' | 'external' | 'pods' | 'resource' | 'containerResource';
/** In the order in which upstream looks at them. */
const BLOCKS: Readonly<Record<Block, string>> = {
  object: 'Object',
  external: 'External',
  pods: 'Pods',
  resource: 'Resource',
  containerResource: 'ContainerResource',
};
const SOURCES = Object.values(BLOCKS).toSorted();

/** Whatever kind is scaled or measured. */
export function validateReference(ref: { kind?: string; name?: string } | undefined, path: string): FieldError[] {
  return (['kind', 'name'] as const).flatMap((field) => named(ref?.[field], `${path}.${field}`, ''));
}

function named(value: string | undefined, path: string, detail: string): FieldError[] {
  if (value === undefined || value === '') return [required(path, detail)];
  return pathSegment(value).map((told) => invalidValue(path, value, told));
}

const isPositive = (amount: string | number): boolean => compareQuantities(amount, 0) > 0;

function validateTarget(target: Partial<MetricTarget>, path: string): FieldError[] {
  const { type = '', value, averageValue, averageUtilization } = target;
  const errors = type === '' ? [required(`${path}.type`, 'must specify a metric target type')] : [];
  if (!['Utilization', 'Value', 'AverageValue'].includes(type))
    errors.push(invalidValue(`${path}.type`, type, 'must be either Utilization, Value, or AverageValue'));
  for (const [field, amount] of Object.entries({ value, averageValue }))
    if (amount !== undefined && !isPositive(amount))
      errors.push(invalidValue(`${path}.${field}`, amount, 'must be positive'));
  if (averageUtilization !== undefined && averageUtilization < 1)
    errors.push(invalidValue(`${path}.averageUtilization`, averageUtilization, 'must be greater than 0'));
  return errors;
}

/** How a source's target must be told, beside being right in itself. */
function validateAim(block: Block, target: Partial<MetricTarget>, path: string): FieldError[] {
  const { value, averageValue, averageUtilization } = target;
  const isUnset = value === undefined && averageValue === undefined;
  const average = `${path}.averageValue`;
  if (block === 'object') return isUnset ? [required(average, 'must set either a target value or averageValue')] : [];
  if (block === 'pods')
    return averageValue === undefined ? [required(average, 'must specify a positive target averageValue')] : [];
  if (block === 'external') {
    if (isUnset) return [required(average, 'must set either a target value for metric or a per-pod target')];
    return value !== undefined && averageValue !== undefined
      ? [forbidden(`${path}.value`, 'may not set both a target value for metric and a per-pod target')]
      : [];
  }
  const told = 'a target raw value and a target utilization';
  if (averageUtilization === undefined && averageValue === undefined)
    return [required(`${path}.averageUtilization`, 'must set either a target raw value or a target utilization')];
  return averageUtilization !== undefined && averageValue !== undefined
    ? [forbidden(average, `may not set both ${told}`)]
    : [];
}

function validateSource(block: Block, source: any, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (block === 'object') errors.push(...validateReference(source.describedObject, `${path}.describedObject`));
  if (block === 'object' || block === 'external' || block === 'pods')
    errors.push(...named(source.metric?.name, `${path}.metric.name`, 'must specify a metric name'));
  else if (!source.name) errors.push(required(`${path}.name`, 'must specify a resource name'));
  if (block === 'containerResource') {
    const { container = '' } = source;
    if (container === '') errors.push(required(`${path}.container`, 'must specify a container'));
    else errors.push(...dns1123Label(container).map((told) => invalidValue(`${path}.container`, container, told)));
  }
  const target = (source.target ?? {}) as Partial<MetricTarget>;
  return [...errors, ...validateTarget(target, `${path}.target`), ...validateAim(block, target, `${path}.target`)];
}

function validateMetric(metric: MetricSpec, path: string): FieldError[] {
  const type = metric.type ?? '';
  const errors = type === '' ? [required(`${path}.type`, 'must specify a metric source type')] : [];
  const unknown = SOURCES.includes(type) ? [] : [notSupported(`${path}.type`, type, SOURCES)];
  errors.push(...unknown);
  const blocks = Object.keys(BLOCKS) as Block[];
  const present = blocks.filter((block) => metric[block] !== undefined);
  const [first] = present;
  if (first !== undefined) errors.push(...validateSource(first, metric[first], `${path}.${first}`));
  const wanted = blocks.find((block) => BLOCKS[block] === type);
  if (wanted !== undefined && metric[wanted] === undefined)
    errors.push(required(`${path}.${wanted}`, 'must populate information for the given metric source'));
  errors.push(...unknown);
  if (present.length === 1) return errors;
  const others = present.filter((block) => block !== wanted);
  return [
    ...errors,
    ...others.map((block) => forbidden(`${path}.${block}`, 'must populate the given metric source only')),
  ];
}

export const validateMetrics = (metrics: readonly MetricSpec[]): FieldError[] =>
  metrics.flatMap((metric, i) => validateMetric(metric, `spec.metrics[${i}]`));

const LONGEST_WINDOW_SECONDS = 3600;
const LONGEST_PERIOD_SECONDS = 1800;
const SELECTIONS = ['Disabled', 'Max', 'Min'];
const POLICIES = ['Percent', 'Pods'];

export function validateScalingRules(rules: HPAScalingRules | undefined, path: string): FieldError[] {
  if (rules === undefined) return [];
  const errors: FieldError[] = [];
  const { stabilizationWindowSeconds: window, selectPolicy, policies = [] } = rules;
  const refuse = (told: string): number =>
    errors.push(invalidValue(`${path}.stabilizationWindowSeconds`, window, told));
  if (window !== undefined && window < 0) refuse('must be greater than or equal to zero');
  if (window !== undefined && window > LONGEST_WINDOW_SECONDS)
    refuse(`must be less than or equal to ${LONGEST_WINDOW_SECONDS}`);
  if (selectPolicy !== undefined && !SELECTIONS.includes(selectPolicy))
    errors.push(notSupported(`${path}.selectPolicy`, selectPolicy, SELECTIONS));
  if (policies.length === 0) errors.push(required(`${path}.policies`, 'must specify at least one Policy'));
  policies.forEach((policy, i) => errors.push(...validatePolicy(policy, `${path}.policies[${i}]`)));
  return errors;
}

function validatePolicy(policy: { type?: string; value?: number; periodSeconds?: number }, path: string): FieldError[] {
  const { type = '', value = 0, periodSeconds: seconds = 0 } = policy;
  const errors = POLICIES.includes(type) ? [] : [notSupported(`${path}.type`, type, POLICIES)];
  if (value <= 0) errors.push(invalidValue(`${path}.value`, value, 'must be greater than zero'));
  if (seconds <= 0) errors.push(invalidValue(`${path}.periodSeconds`, seconds, 'must be greater than zero'));
  if (seconds > LONGEST_PERIOD_SECONDS)
    errors.push(
      invalidValue(`${path}.periodSeconds`, seconds, `must be less than or equal to ${LONGEST_PERIOD_SECONDS}`),
    );
  return errors;
}
