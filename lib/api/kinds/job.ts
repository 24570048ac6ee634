// Decides what a Job is: how many runs, of which template, with which policies, and what of it may change. Never runs one.
import { ageOf, humanDuration } from '../age.ts';
import { equalObjects } from '../equality.ts';
import { duplicate, invalidValue, notSupported, required, tooLong, tooMany, type FieldError } from '../field-error.ts';
import { dns1123Label, isSubdomain } from '../formats.ts';
import type { Job, JobSpec, PodFailurePolicyRule } from '../generated/types.ts';
import { defineKind } from '../object.ts';
import { defaultPodSpec, fill } from '../pod/defaults.ts';
import { oneOf } from '../pod/validate-container.ts';
import { validatePodTemplate } from '../pod/validate.ts';
import { formatSelector, validateSelector } from '../selectors.ts';
import { containerCells, notNegative } from './workload.ts';

const UID_LABELS = ['batch.kubernetes.io/controller-uid', 'controller-uid'];
const NAME_LABELS = ['batch.kubernetes.io/job-name', 'job-name'];
const MOST_PARALLEL = 100_000;
const COUNTS = [
  'parallelism',
  'completions',
  'activeDeadlineSeconds',
  'backoffLimit',
  'ttlSecondsAfterFinished',
  'backoffLimitPerIndex',
  'maxFailedIndexes',
] as const;
const FIXED = [
  'selector',
  'completionMode',
  'podFailurePolicy',
  'backoffLimitPerIndex',
  'managedBy',
  'successPolicy',
] as const;

function duration(job: Job, now: number): string {
  const start = job.status?.startTime;
  if (start === undefined) return '';
  const end = job.status?.completionTime;
  return humanDuration((end === undefined ? now : Date.parse(end)) - Date.parse(start));
}

/** A finished, failed, suspended or running Job, as kubectl's STATUS column says it. */
function statusText(job: Job): string {
  const has = (type: string): boolean =>
    (job.status?.conditions ?? []).some((one) => one.type === type && one.status === 'True');
  if (has('Complete')) return 'Complete';
  if (has('Failed')) return 'Failed';
  if (job.metadata.deletionTimestamp !== undefined) return 'Terminating';
  if (has('Suspended')) return 'Suspended';
  if (has('FailureTarget')) return 'FailureTarget';
  return has('SuccessCriteriaMet') ? 'SuccessCriteriaMet' : 'Running';
}

function completionsText({ spec, status }: Job): string {
  const done = status?.succeeded ?? 0;
  if (spec.completions !== undefined) return `${done}/${spec.completions}`;
  const parallelism = spec.parallelism ?? 0;
  return parallelism > 1 ? `${done}/1 of ${parallelism}` : `${done}/1`;
}

function validateFailureRule(rule: PodFailurePolicyRule, path: string): FieldError[] {
  const errors = oneOf(`${path}.action`, rule.action, ['Count', 'FailIndex', 'FailJob', 'Ignore'], true);
  const { onExitCodes, onPodConditions = [] } = rule;
  if ((onExitCodes === undefined) === (onPodConditions.length === 0))
    errors.push(
      invalidValue(
        path,
        rule,
        onExitCodes === undefined
          ? 'specifying one of OnExitCodes and OnPodConditions is required'
          : 'specifying both OnExitCodes and OnPodConditions is not supported',
      ),
    );
  if (onPodConditions.length > 20) errors.push(tooMany(`${path}.onPodConditions`, onPodConditions.length, 20));
  if (onExitCodes === undefined) return errors;
  const at = `${path}.onExitCodes`;
  const { values = [], operator } = onExitCodes;
  errors.push(...oneOf(`${at}.operator`, operator, ['In', 'NotIn'], true));
  if (values.length === 0) errors.push(invalidValue(`${at}.values`, values, 'at least one value is required'));
  if (values.length > 255) errors.push(tooMany(`${at}.values`, values.length, 255));
  values.forEach((value, i) => {
    if (value === 0 && operator === 'In')
      errors.push(invalidValue(`${at}.values[${i}]`, value, 'must not be 0 for the In operator'));
    if (values.indexOf(value) < i) errors.push(duplicate(`${at}.values[${i}]`, value));
  });
  if (values.some((value, i) => i > 0 && values[i - 1]! > value))
    errors.push(invalidValue(`${at}.values`, values, 'must be ordered'));
  return errors;
}

function validateFailurePolicy(spec: JobSpec, path: string): FieldError[] {
  const rules = spec.podFailurePolicy?.rules ?? [];
  const errors = rules.flatMap((rule, i) => validateFailureRule(rule, `${path}.podFailurePolicy.rules[${i}]`));
  if (rules.length > 20) errors.push(tooMany(`${path}.podFailurePolicy.rules`, rules.length, 20));
  return errors;
}

function validateIndexed(spec: JobSpec, path: string): FieldError[] {
  const errors = oneOf(`${path}.completionMode`, spec.completionMode, ['Indexed', 'NonIndexed']);
  const isIndexed = spec.completionMode === 'Indexed';
  if (isIndexed && spec.completions === undefined)
    errors.push(required(`${path}.completions`, 'when completion mode is Indexed'));
  if (isIndexed && (spec.parallelism ?? 0) > MOST_PARALLEL)
    errors.push(
      invalidValue(
        `${path}.parallelism`,
        spec.parallelism,
        `must be less than or equal to ${MOST_PARALLEL} when completion mode is Indexed`,
      ),
    );
  for (const field of ['backoffLimitPerIndex', 'maxFailedIndexes', 'successPolicy'] as const)
    if (!isIndexed && spec[field] !== undefined)
      errors.push(invalidValue(`${path}.${field}`, spec[field], 'requires indexed completion mode'));
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined)
    errors.push(required(`${path}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified'));
  return errors;
}

function validateRestart(spec: JobSpec, path: string): FieldError[] {
  const at = `${path}.template.spec.restartPolicy`;
  const policy = spec.template?.spec?.restartPolicy ?? '';
  if (policy === '' || policy === 'Always') return [required(at, 'valid values: "OnFailure", "Never"')];
  if (policy !== 'OnFailure' && policy !== 'Never') return [notSupported(at, policy, ['OnFailure', 'Never'])];
  return spec.podFailurePolicy !== undefined && policy !== 'Never'
    ? [invalidValue(at, policy, 'only "Never" is supported when podFailurePolicy is specified')]
    : [];
}

function validateManager(managedBy: string | undefined, path: string): FieldError[] {
  if (managedBy === undefined) return [];
  const [domain = '', ...rest] = managedBy.split('/');
  const errors: FieldError[] = [];
  if (rest.length === 0 || rest.join('/') === '' || !isSubdomain(domain))
    errors.push(invalidValue(path, managedBy, 'must be a domain-prefixed path (such as "acme.io/foo")'));
  if (managedBy.length > 63) errors.push(tooLong(path, 63));
  return errors;
}

/** Of a Job and of a CronJob's template; `path` is where it stands. */
export function validateJobSpec(spec: JobSpec, path: string): FieldError[] {
  const replacements = spec.podFailurePolicy === undefined ? ['Failed', 'TerminatingOrFailed'] : ['Failed'];
  return [
    ...COUNTS.flatMap((count) => notNegative(spec[count], `${path}.${count}`)),
    ...validateIndexed(spec, path),
    ...validateSelector(spec.selector, `${path}.selector`),
    ...(spec.template === undefined
      ? [required(`${path}.template`)]
      : [...validatePodTemplate(spec.template, `${path}.template`), ...validateRestart(spec, path)]),
    ...oneOf(`${path}.podReplacementPolicy`, spec.podReplacementPolicy, replacements),
    ...validateFailurePolicy(spec, path),
    ...validateManager(spec.managedBy, `${path}.managedBy`),
  ];
}

function validateIndexName({ metadata, spec }: Job): FieldError[] {
  if (spec.completionMode !== 'Indexed' || (spec.completions ?? 0) <= 0) return [];
  const last = `${metadata.name}-${spec.completions! - 1}`;
  return dns1123Label(last).length === 0
    ? []
    : [invalidValue('metadata.name', metadata.name, `will not able to create pod with invalid DNS label: ${last}`)];
}

function validateFixed(spec: JobSpec, was: JobSpec, hasStarted: boolean): FieldError[] {
  const errors = FIXED.filter((field) => !equalObjects(spec[field], was[field])).map((field) =>
    invalidValue(`spec.${field}`, spec[field], 'field is immutable'),
  );
  const isIndexed = spec.completionMode === 'Indexed';
  if (spec.completions !== was.completions) {
    if (!isIndexed) errors.push(invalidValue('spec.completions', spec.completions, 'field is immutable'));
    else if (spec.completions !== spec.parallelism)
      errors.push(
        invalidValue('spec.completions', spec.completions, 'can only be modified in tandem with spec.parallelism'),
      );
  }
  // A Job that waits suspended may still be told where its pods run (queues do that).
  const open = was.suspend === true && !hasStarted;
  if (!equalObjects(templatePart(spec, open), templatePart(was, open)))
    errors.push(invalidValue('spec.template', spec.template, 'field is immutable'));
  return errors;
}

function templatePart({ template }: JobSpec, open: boolean): unknown {
  if (!open || template?.spec === undefined) return template;
  const { nodeSelector: _1, tolerations: _2, schedulingGates: _3, affinity, ...rest } = template.spec;
  const { nodeAffinity: _4, ...otherAffinity } = affinity ?? {};
  return { metadata: {}, spec: { ...rest, affinity: otherAffinity } };
}

export const job = defineKind<Job>({
  group: 'batch',
  version: 'v1',
  kind: 'Job',
  default({ metadata, spec }) {
    if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
    fill(spec, 'parallelism', 1);
    fill(spec, 'backoffLimit', spec.backoffLimitPerIndex === undefined ? 6 : 2_147_483_647);
    fill(spec, 'completionMode', 'NonIndexed');
    fill(spec, 'suspend', false);
    fill(spec, 'manualSelector', false);
    fill(spec, 'podReplacementPolicy', spec.podFailurePolicy === undefined ? 'TerminatingOrFailed' : 'Failed');
    for (const rule of spec.podFailurePolicy?.rules ?? [])
      for (const condition of rule.onPodConditions ?? []) condition.status ||= 'True';
    if (spec.template?.spec !== undefined) defaultPodSpec(spec.template.spec);
    const labels = spec.template?.metadata?.labels;
    if (Object.keys(metadata.labels ?? {}).length === 0 && labels !== undefined) metadata.labels = { ...labels };
  },
  validate: (object) => [...validateIndexName(object), ...validateJobSpec(object.spec, 'spec')],
  validateUpdate: ({ spec }, old) => validateFixed(spec, old.spec, old.status?.startTime !== undefined),
  prepareForCreate(object) {
    if (object.spec.manualSelector === true) return;
    const uid = object.metadata.uid ?? '';
    const meta = (object.spec.template.metadata ??= { name: '' });
    if (meta.name === '') delete (meta as { name?: string }).name;
    meta.labels = {
      ...meta.labels,
      ...Object.fromEntries(UID_LABELS.map((label) => [label, uid])),
      ...Object.fromEntries(NAME_LABELS.map((label) => [label, object.metadata.name ?? ''])),
    };
    object.spec.selector = { matchLabels: { [UID_LABELS[0]!]: uid } };
  },
  columns: [
    ['Name', 'string', 'name', 0],
    ['Status', 'string', '', 0],
    ['Completions', 'string', '', 0],
    ['Duration', 'string', '', 0],
    ['Age', 'string', '', 0],
    ['Containers', 'string', '', 1],
    ['Images', 'string', '', 1],
    ['Selector', 'string', '', 1],
  ],
  cells: (object, now) => [
    object.metadata.name,
    statusText(object),
    completionsText(object),
    duration(object, now),
    ageOf(object.metadata.creationTimestamp, now),
    ...containerCells(object.spec.template),
    formatSelector(object.spec.selector),
  ],
  fields: { 'status.successful': (object) => String(object.status?.succeeded ?? 0) },
});
