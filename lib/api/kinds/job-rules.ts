// Decides whether what a Job asks for may stand: how many runs, which failures count, what is success. Never looks at an older
// version of it, and never runs one.
import {
  duplicate,
  GoText,
  invalidValue,
  notSupported,
  oneOfIfGiven,
  required,
  tooLong,
  tooMany,
  type FieldError,
} from '../field-error.ts';
import { isSubdomain, longerThan, qualifiedName } from '../formats.ts';
import type { JobSpec, PodFailurePolicyRule, SuccessPolicyRule } from '../generated/types.ts';
import { validatePodTemplate } from '../pod/validate.ts';
import { selects, validateSelector } from '../selectors.ts';
import { notNegative } from './workload.ts';

const MOST_PARALLEL = 100_000;
const MOST_FAILED = 100_000;
/** Of more indexes than so many fewer may run, or fail. */
const MANY = 100_000;
const MOST_OF_MANY = 10_000;
const LONGEST_MANAGER = 63;
const LONGEST_INDEXES = 64 * 1024;
const MOST_RULES = 20;
const MOST_CODES = 255;
const COUNTS = [
  'parallelism',
  'completions',
  'activeDeadlineSeconds',
  'backoffLimit',
  'ttlSecondsAfterFinished',
  'backoffLimitPerIndex',
  'maxFailedIndexes',
] as const;
const ACTIONS = ['Count', 'FailIndex', 'FailJob', 'Ignore'];
const OPERATORS = ['In', 'NotIn'];
const STATUSES = ['False', 'True', 'Unknown'];

/** A value of a list: which there are is told when there is none. */
function known(value: string | undefined, path: string, supported: readonly string[]): FieldError[] {
  if (!value) return [required(path, `valid values: [${supported.map((one) => JSON.stringify(one)).join(' ')}]`)];
  return supported.includes(value) ? [] : [notSupported(path, value, supported)];
}

/** Told without its value. */
const wrong = (path: string, told: string): FieldError => ({
  code: 'FieldValueInvalid',
  path,
  message: `Invalid value: ${told}`,
});

/** Of a Job, once its selector is made. */
export function validateJobSpec(spec: JobSpec, path: string): FieldError[] {
  const { selector, template } = spec;
  const errors = validateTemplatedJobSpec(spec, path);
  if (selector === undefined) errors.push(required(`${path}.selector`));
  const unreadable = validateSelector(selector, `${path}.selector`);
  const labels = template?.metadata?.labels;
  if (unreadable.length === 0 && (selector === undefined || !selects(selector, labels)))
    unreadable.push(
      invalidValue(
        `${path}.template.metadata.labels`,
        GoText.map(labels),
        '`selector` does not match template `labels`',
      ),
    );
  return [...errors, ...unreadable];
}

/** The same but for its selector, which a CronJob's Jobs get later; `path` is where it stands. */
export function validateTemplatedJobSpec(spec: JobSpec, path: string): FieldError[] {
  return [
    ...COUNTS.flatMap((count) => notNegative(spec[count], `${path}.${count}`)),
    ...(spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined
      ? [required(`${path}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified')]
      : []),
    ...validateManager(spec.managedBy, `${path}.managedBy`),
    ...validateMode(spec, path),
    ...validateFailurePolicy(spec, `${path}.podFailurePolicy.rules`),
    ...validateSuccessPolicy(spec, `${path}.successPolicy`),
    ...validateReplacement(spec, `${path}.podReplacementPolicy`),
    ...validatePodTemplate(spec.template ?? {}, `${path}.template`),
    ...validateRestart(spec, `${path}.template.spec.restartPolicy`),
  ];
}

function validateMode(spec: JobSpec, path: string): FieldError[] {
  const { completionMode: mode } = spec;
  const errors: FieldError[] = [];
  if (mode !== undefined && mode !== 'Indexed' && mode !== 'NonIndexed')
    errors.push(notSupported(`${path}.completionMode`, mode, ['NonIndexed', 'Indexed']));
  if (mode === 'Indexed') errors.push(...validateIndexed(spec, path));
  if (mode === undefined || mode === 'NonIndexed')
    for (const field of ['backoffLimitPerIndex', 'maxFailedIndexes'] as const)
      if (spec[field] !== undefined)
        errors.push(invalidValue(`${path}.${field}`, spec[field], 'requires indexed completion mode'));
  return errors;
}

function validateIndexed(spec: JobSpec, path: string): FieldError[] {
  const { completions, parallelism = 0, maxFailedIndexes } = spec;
  const errors: FieldError[] = [];
  const atMost = (field: 'parallelism' | 'maxFailedIndexes', most: number | string, when = ''): void =>
    void errors.push(invalidValue(`${path}.${field}`, spec[field], `must be less than or equal to ${most}${when}`));
  if (completions === undefined) errors.push(required(`${path}.completions`, 'when completion mode is Indexed'));
  if (parallelism > MOST_PARALLEL) atMost('parallelism', MOST_PARALLEL, ' when completion mode is Indexed');
  if ((maxFailedIndexes ?? 0) > (completions ?? Infinity)) atMost('maxFailedIndexes', 'completions');
  if ((maxFailedIndexes ?? 0) > MOST_FAILED) atMost('maxFailedIndexes', MOST_FAILED);
  if ((completions ?? 0) <= MANY || spec.backoffLimitPerIndex === undefined) return errors;
  const when = ` when completions are above ${MANY} and used with backoff limit per index`;
  if (maxFailedIndexes === undefined)
    errors.push(required(`${path}.maxFailedIndexes`, `must be specified when completions is above ${MANY}`));
  if (parallelism > MOST_OF_MANY) atMost('parallelism', MOST_OF_MANY, when);
  if ((maxFailedIndexes ?? 0) > MOST_OF_MANY) atMost('maxFailedIndexes', MOST_OF_MANY, when);
  return errors;
}

function validateFailurePolicy(spec: JobSpec, path: string): FieldError[] {
  if (spec.podFailurePolicy === undefined) return [];
  const { rules = [] } = spec.podFailurePolicy;
  return [
    ...(rules.length > MOST_RULES ? [tooMany(path, rules.length, MOST_RULES)] : []),
    ...rules.flatMap((rule, i) => validateFailureRule(rule, `${path}[${i}]`, spec)),
  ];
}

function validateFailureRule(rule: PodFailurePolicyRule, path: string, spec: JobSpec): FieldError[] {
  const { action, onExitCodes, onPodConditions = [] } = rule;
  const needsLimit = action === 'FailIndex' && spec.backoffLimitPerIndex === undefined;
  const errors = needsLimit
    ? [invalidValue(`${path}.action`, action, 'requires the backoffLimitPerIndex to be set')]
    : known(action, `${path}.action`, ACTIONS);
  if (onExitCodes !== undefined) errors.push(...validateExitCodes(onExitCodes, `${path}.onExitCodes`, spec));
  if (onPodConditions.length > MOST_RULES)
    errors.push(tooMany(`${path}.onPodConditions`, onPodConditions.length, MOST_RULES));
  onPodConditions.forEach(({ type = '', status }, i) => {
    const at = `${path}.onPodConditions[${i}]`;
    errors.push(...qualifiedName(type).map((told) => invalidValue(`${at}.type`, type, told)));
    errors.push(...known(status, `${at}.status`, STATUSES));
  });
  if (onExitCodes !== undefined && onPodConditions.length > 0)
    errors.push(wrong(path, 'specifying both OnExitCodes and OnPodConditions is not supported'));
  if (onExitCodes === undefined && onPodConditions.length === 0)
    errors.push(wrong(path, 'specifying one of OnExitCodes and OnPodConditions is required'));
  return errors;
}

type ExitCodes = NonNullable<PodFailurePolicyRule['onExitCodes']>;

function validateExitCodes(codes: ExitCodes, path: string, { template }: JobSpec): FieldError[] {
  const { containerName, operator, values = [] } = codes;
  const errors = known(operator, `${path}.operator`, OPERATORS);
  const containers = [...(template?.spec?.containers ?? []), ...(template?.spec?.initContainers ?? [])];
  if (containerName !== undefined && !containers.some(({ name }) => name === containerName))
    errors.push(
      invalidValue(
        `${path}.containerName`,
        containerName,
        'must be one of the container or initContainer names in the pod template',
      ),
    );
  const list = (told: string): FieldError =>
    invalidValue(
      `${path}.values`,
      GoText.bare(values.length === 0 ? '[]int32(nil)' : `[]int32{${values.join(', ')}}`),
      told,
    );
  if (values.length === 0) errors.push(list('at least one value is required'));
  else if (values.length > MOST_CODES) errors.push(tooMany(`${path}.values`, values.length, MOST_CODES));
  values.forEach((value, i) => {
    if (value === 0 && operator === 'In')
      errors.push(invalidValue(`${path}.values[${i}]`, value, 'must not be 0 for the In operator'));
    if (values.indexOf(value) < i) errors.push(duplicate(`${path}.values[${i}]`, value));
  });
  if (values.some((value, i) => i > 0 && values[i - 1]! > value)) errors.push(list('must be ordered'));
  return errors;
}

function validateSuccessPolicy(spec: JobSpec, path: string): FieldError[] {
  if (spec.successPolicy === undefined) return [];
  const { rules = [] } = spec.successPolicy;
  if (spec.completionMode !== 'Indexed')
    return [invalidValue(path, spec.successPolicy, 'requires indexed completion mode')];
  const at = `${path}.rules`;
  const none = 'at least one rules must be specified when the successPolicy is specified';
  return [
    ...(rules.length === 0 ? [required(at, none)] : []),
    ...(rules.length > MOST_RULES ? [tooMany(at, rules.length, MOST_RULES)] : []),
    ...rules.flatMap((rule, i) => validateSuccessRule(rule, `${at}[${i}]`, spec.completions ?? 0)),
  ];
}

function validateSuccessRule(rule: SuccessPolicyRule, path: string, completions: number): FieldError[] {
  const { succeededCount: count, succeededIndexes: indexes } = rule;
  const errors: FieldError[] = [];
  if (count === undefined && indexes === undefined)
    errors.push(required(path, 'at least one of succeededCount or succeededIndexes must be specified'));
  let total = 0;
  if (indexes !== undefined) {
    const at = `${path}.succeededIndexes`;
    if (indexes.length > LONGEST_INDEXES) errors.push(tooLong(at, LONGEST_INDEXES));
    const counted = countIndexes(indexes, completions);
    if (typeof counted === 'number') total = counted;
    else errors.push(invalidValue(at, indexes, `error parsing succeededIndexes: ${counted}`));
  }
  if (count === undefined) return errors;
  const at = `${path}.succeededCount`;
  errors.push(...notNegative(count, at));
  const atMost = (most: number, what: string): void =>
    void errors.push(invalidValue(at, count, `must be less than or equal to ${most} (the number of ${what})`));
  if (count > completions) atMost(completions, 'specified completions');
  if (indexes !== undefined && count > total) atMost(total, 'indexes in the specified succeededIndexes field');
  return errors;
}

/** How many there are in `0,2-4`, or what is wrong. */
export function countIndexes(text: string, completions: number): number | string {
  let [total, last] = [0, -1];
  for (const interval of text === '' ? [] : text.split(',')) {
    const limits = interval.split('-');
    if (limits.length > 2)
      return `the fragment ${JSON.stringify(interval)} violates the requirement that an index interval can have at most two parts separated by '-'`;
    for (const limit of limits) {
      if (!/^[+-]?\d+$/.test(limit)) return `cannot convert string to integer for index: ${JSON.stringify(limit)}`;
      if (Number(limit) >= completions) return `too large index: ${JSON.stringify(limit)}`;
    }
    const [first = 0, end = first] = limits.map(Number);
    if (limits.length === 2 && first >= end) return `non-increasing order, previous: ${first}, current: ${end}`;
    if (last >= first) return `non-increasing order, previous: ${last}, current: ${first}`;
    total += end - first + 1;
    last = end;
  }
  return total;
}

function validateReplacement({ podReplacementPolicy: policy, podFailurePolicy }: JobSpec, path: string): FieldError[] {
  const supported = podFailurePolicy === undefined ? ['Failed', 'TerminatingOrFailed'] : ['Failed'];
  return oneOfIfGiven(path, policy, supported);
}

function validateRestart(spec: JobSpec, path: string): FieldError[] {
  const policy = spec.template?.spec?.restartPolicy ?? '';
  if (policy === '' || policy === 'Always') return [required(path, 'valid values: "OnFailure", "Never"')];
  if (policy !== 'OnFailure' && policy !== 'Never') return [notSupported(path, policy, ['OnFailure', 'Never'])];
  return spec.podFailurePolicy !== undefined && policy !== 'Never'
    ? [invalidValue(path, policy, 'only "Never" is supported when podFailurePolicy is specified')]
    : [];
}

function validateManager(managedBy: string | undefined, path: string): FieldError[] {
  if (managedBy === undefined) return [];
  const [domain = '', ...rest] = managedBy.split('/');
  const errors: FieldError[] = [];
  if (rest.length === 0 || rest.join('/') === '' || !isSubdomain(domain))
    errors.push(invalidValue(path, managedBy, 'must be a domain-prefixed path (such as "acme.io/foo")'));
  if (longerThan([managedBy], LONGEST_MANAGER)) errors.push(tooLong(path, LONGEST_MANAGER));
  return errors;
}
