// Decides what Jobs and CronJobs are as far as their defaults and table lines go. Never runs one; their full rules come with
// their controllers.
import { ageOf, humanDuration } from '../age.ts';
import type { CronJob, Job } from '../generated/types.ts';
import { defineKind, type KindBehaviour } from '../object.ts';
import { defaultPodSpec, fill } from '../pod/defaults.ts';
import { validatePodTemplate } from '../pod/validate.ts';
import { formatSelector } from '../selectors.ts';
import { containerCells, notNegative } from './workload.ts';

const UID_LABELS = ['batch.kubernetes.io/controller-uid', 'controller-uid'];
const NAME_LABELS = ['batch.kubernetes.io/job-name', 'job-name'];

function duration(job: Job, now: number): string {
  const start = job.status?.startTime;
  if (start === undefined) return '';
  const end = job.status?.completionTime;
  return humanDuration((end === undefined ? now : Date.parse(end)) - Date.parse(start));
}

const job = defineKind<Job>({
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
    if (spec.template?.spec !== undefined) defaultPodSpec(spec.template.spec);
    const labels = spec.template?.metadata?.labels;
    if (Object.keys(metadata.labels ?? {}).length === 0 && labels !== undefined) metadata.labels = { ...labels };
  },
  validate: ({ spec }) => [
    ...notNegative(spec.parallelism, 'spec.parallelism'),
    ...notNegative(spec.completions, 'spec.completions'),
    ...notNegative(spec.backoffLimit, 'spec.backoffLimit'),
    ...notNegative(spec.activeDeadlineSeconds, 'spec.activeDeadlineSeconds'),
    ...notNegative(spec.ttlSecondsAfterFinished, 'spec.ttlSecondsAfterFinished'),
    ...validatePodTemplate(spec.template, 'spec.template'),
  ],
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
  cells: (object, now) => [
    object.metadata.name,
    `${object.status?.succeeded ?? 0}/${object.spec.completions ?? 1}`,
    duration(object, now),
    ageOf(object.metadata.creationTimestamp, now),
    ...containerCells(object.spec.template),
    formatSelector(object.spec.selector),
  ],
  fields: { 'status.successful': (object) => String(object.status?.succeeded ?? 0) },
});

const cronJob = defineKind<CronJob>({
  group: 'batch',
  version: 'v1',
  kind: 'CronJob',
  default({ spec }) {
    fill(spec, 'concurrencyPolicy', 'Allow');
    fill(spec, 'suspend', false);
    fill(spec, 'successfulJobsHistoryLimit', 3);
    fill(spec, 'failedJobsHistoryLimit', 1);
    const template = spec.jobTemplate?.spec?.template?.spec;
    if (template !== undefined) defaultPodSpec(template);
  },
});

export const batch: readonly KindBehaviour[] = [job, cronJob];
