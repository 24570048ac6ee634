// Decides what a CronJob is: a schedule that can be read, a time zone that exists, and a Job's template. Never starts one.
import { ageOf } from '../age.ts';
import { GoText, invalidValue, notSupported, oneOf, required, type FieldError } from '../field-error.ts';
import type { CronJob, JobSpec } from '../generated/types.ts';
import { defineKind } from '../object.ts';
import { defaultPodSpec, fill } from '../pod/defaults.ts';
import { podWarnings } from '../pod/warnings.ts';
import { containerCells, notNegative } from './workload.ts';
import { validateTemplatedJobSpec } from './job-rules.ts';

/** A Job's name gets a number of ten digits and a dash. */
const LONGEST_NAME = 52;
const MACROS = new Set('@yearly @annually @monthly @weekly @daily @midnight @hourly'.split(' '));
const NAMES: Record<string, readonly string[]> = {
  month: 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' '),
  weekday: 'sun mon tue wed thu fri sat'.split(' '),
};
const FIELDS: ReadonlyArray<[low: number, high: number, names?: string]> = [
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12, 'month'],
  [0, 7, 'weekday'],
];

/** What is wrong with a schedule, in the words of the parser that Kubernetes uses; undefined: nothing. */
export function scheduleProblem(schedule: string): string | undefined {
  if (schedule.startsWith('@every ')) {
    return /^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(schedule.slice(7))
      ? undefined
      : `failed to parse duration ${schedule}: time: invalid duration ${JSON.stringify(schedule.slice(7))}`;
  }
  if (schedule.startsWith('@')) return MACROS.has(schedule) ? undefined : `unrecognized descriptor: ${schedule}`;
  const parts = schedule.trim().split(/\s+/).filter(Boolean);
  if (parts.length !== 5) return `expected exactly 5 fields, found ${parts.length}: [${parts.join(' ')}]`;
  for (const [i, part] of parts.entries()) {
    const problem = part
      .split(',')
      .map((range) => rangeProblem(range, FIELDS[i]!))
      .find(Boolean);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function rangeProblem(text: string, [low, high, names]: (typeof FIELDS)[number]): string | undefined {
  const [range = '', step, ...more] = text.split('/');
  if (more.length > 0) return `too many slashes: ${text}`;
  if (step !== undefined && !/^\d+$/.test(step)) return `failed to parse int from ${step}: invalid syntax`;
  if (step !== undefined && Number(step) === 0) return `step of range should be a positive number: ${text}`;
  if (range === '*' || range === '?') return undefined;
  const ends = range.split('-');
  if (ends.length > 2) return `too many hyphens: ${text}`;
  const numbers = ends.map((end) => numberOf(end, names));
  const bad = ends.find((_, i) => numbers[i] === undefined);
  if (bad !== undefined)
    return `failed to parse int from ${bad}: strconv.Atoi: parsing ${JSON.stringify(bad)}: invalid syntax`;
  const [from, to = from] = numbers as [number, number?];
  if (from < low) return `beginning of range (${from}) below minimum (${low}): ${text}`;
  if (to > high) return `end of range (${to}) above maximum (${high}): ${text}`;
  return from > to ? `beginning of range (${from}) beyond end of range (${to}): ${text}` : undefined;
}

function numberOf(text: string, names: string | undefined): number | undefined {
  if (/^\d{1,4}$/.test(text)) return Number(text);
  const found = names === undefined ? -1 : NAMES[names]!.indexOf(text.toLowerCase());
  return found < 0 ? undefined : found + (names === 'month' ? 1 : 0);
}

function validateSchedule(schedule: string): FieldError[] {
  if (schedule === '') return [required('spec.schedule')];
  if (/\b(CRON_)?TZ=/.test(schedule))
    return [
      invalidValue('spec.schedule', schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'),
    ];
  const problem = scheduleProblem(schedule);
  return problem === undefined ? [] : [invalidValue('spec.schedule', schedule, problem)];
}

function validateTimeZone(zone: string | undefined): FieldError[] {
  if (zone === undefined) return [];
  const refuse = (why: string): FieldError[] => [invalidValue('spec.timeZone', zone, why)];
  if (zone === '') return refuse('must be nil or non-empty string');
  if (zone.toLowerCase() === 'local')
    return refuse('must be an explicit time zone as defined in https://www.iana.org/time-zones');
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return [];
  } catch {
    return refuse(`unknown time zone ${zone}`);
  }
}

export const cronJob = defineKind<CronJob>({
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
  validate({ metadata, spec }) {
    const path = 'spec.jobTemplate.spec';
    const inner = spec.jobTemplate?.spec;
    const errors: FieldError[] = [];
    if ((metadata.name ?? '').length > LONGEST_NAME)
      errors.push(invalidValue('metadata.name', metadata.name, `must be no more than ${LONGEST_NAME} characters`));
    errors.push(
      ...validateSchedule(spec.schedule ?? ''),
      ...notNegative(spec.startingDeadlineSeconds, 'spec.startingDeadlineSeconds'),
      ...oneOf('spec.concurrencyPolicy', spec.concurrencyPolicy, ['Allow', 'Forbid', 'Replace'], true),
      ...notNegative(spec.successfulJobsHistoryLimit, 'spec.successfulJobsHistoryLimit'),
      ...notNegative(spec.failedJobsHistoryLimit, 'spec.failedJobsHistoryLimit'),
      ...validateTimeZone(spec.timeZone),
    );
    errors.push(...validateTemplatedJobSpec(inner ?? ({} as JobSpec), path));
    if (inner?.selector !== undefined)
      errors.push(
        invalidValue(`${path}.selector`, GoText.labelSelector(inner.selector), '`selector` will be auto-generated'),
      );
    if (inner?.manualSelector === true) errors.push(notSupported(`${path}.manualSelector`, true, ['nil', 'false']));
    return errors;
  },
  warnings: ({ spec }) => podWarnings(spec.jobTemplate?.spec?.template?.spec, 'spec.jobTemplate.spec.template.spec'),
  cells: ({ metadata, spec, status }, now) => [
    metadata.name,
    spec.schedule ?? '',
    spec.timeZone ?? '<none>',
    spec.suspend === true ? 'True' : 'False',
    (status?.active ?? []).length,
    status?.lastScheduleTime === undefined ? '<none>' : ageOf(status.lastScheduleTime, now),
    ageOf(metadata.creationTimestamp, now),
    ...containerCells(spec.jobTemplate?.spec?.template),
    '<none>',
  ],
});
