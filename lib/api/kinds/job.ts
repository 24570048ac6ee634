// Decides what a Job is: how many runs, of which template, with which policies, and what of it may change. Never runs one.
import { ageOf, humanDuration } from '../age.ts';
import { equalObjects } from '../equality.ts';
import { GoText, invalidValue, type FieldError } from '../field-error.ts';
import { dns1123Label } from '../formats.ts';
import type { Job, JobSpec } from '../generated/types.ts';
import { defineKind } from '../object.ts';
import { defaultPodSpec, fill } from '../pod/defaults.ts';
import { podWarnings } from '../pod/warnings.ts';
import { formatSelector, selects, validateSelector } from '../selectors.ts';
import { validateJobSpec } from './job-rules.ts';
import { validateJobStatus } from './job-status.ts';
import { containerCells } from './workload.ts';

const UID_LABELS = ['batch.kubernetes.io/controller-uid', 'controller-uid'];
const NAME_LABELS = ['batch.kubernetes.io/job-name', 'job-name'];
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

/** A selector that was not chosen selects by what the Job's pods alone have. */
function validateGenerated({ metadata, spec }: Job): FieldError[] {
  if (spec.manualSelector === true || spec.selector === undefined) return [];
  const labels = {
    ...Object.fromEntries(UID_LABELS.map((label) => [label, metadata.uid ?? ''])),
    ...Object.fromEntries(NAME_LABELS.map((label) => [label, metadata.name])),
  };
  if (selects(spec.selector, labels) || validateSelector(spec.selector, '').length > 0) return [];
  return [invalidValue('spec.selector', GoText.labelSelector(spec.selector), '`selector` not auto-generated')];
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
  validate: (object) => [
    ...validateGenerated(object),
    ...validateJobSpec(object.spec, 'spec'),
    ...validateIndexName(object),
  ],
  validateUpdate: ({ spec }, old) => validateFixed(spec, old.spec, old.status?.startTime !== undefined),
  validateStatusUpdate: validateJobStatus,
  prepareForCreate(object) {
    if (object.spec.manualSelector === true) return;
    const uid = object.metadata.uid ?? '';
    const meta = (object.spec.template.metadata ??= { name: '' });
    if (meta.name === '') delete (meta as { name?: string }).name;
    const isTemplates = equalObjects(object.metadata.labels, meta.labels);
    meta.labels = {
      ...meta.labels,
      ...Object.fromEntries(UID_LABELS.map((label) => [label, uid])),
      ...Object.fromEntries(NAME_LABELS.map((label) => [label, object.metadata.name ?? ''])),
    };
    // Labels that were the template's are the template's still.
    if (isTemplates) object.metadata.labels = { ...meta.labels };
    object.spec.selector = {
      ...object.spec.selector,
      matchLabels: { ...object.spec.selector?.matchLabels, [UID_LABELS[0]!]: uid },
    };
  },
  warnings: ({ spec }) => podWarnings(spec?.template?.spec, 'spec.template.spec'),
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
