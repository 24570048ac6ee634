// Decides which statuses of a Job may stand: what ended stays so, counters only grow, indexes are some. What is asked of a field is
// asked only when it changes. Never asks for a spec.
import { equalObjects } from '../equality.ts';
import { duplicate, GoText, invalidValue, invalidWhole, required, type FieldError } from '../field-error.ts';
import type { Job, JobStatus } from '../generated/types.ts';
import { countIndexes } from './job-rules.ts';
import { NEGATIVE } from './workload.ts';

const CONDITIONS = 'status.conditions';

const has = ({ conditions = [] }: JobStatus, type: string, status = 'True'): boolean =>
  conditions.find((one) => one.type === type)?.status === status;
const isFinished = (status: JobStatus): boolean => has(status, 'Complete') || has(status, 'Failed');
const printed = (time: string | undefined): unknown => (time === undefined ? time : GoText.time(time));

/** What the rules look at: both statuses, what changed between them, and what is wrong. */
interface Case {
  job: Job;
  now: JobStatus;
  was: JobStatus;
  changed(...fields: Array<keyof JobStatus>): boolean;
  turned(...types: string[]): boolean;
}

export function validateJobStatus(job: Job, old: Job): FieldError[] {
  const { status: now = {} } = job;
  const { status: was = {} } = old;
  const one: Case = {
    job,
    now,
    was,
    changed: (...fields) => fields.some((field) => !equalObjects(now[field], was[field])),
    turned: (...types) => types.some((type) => has(now, type) !== has(was, type)),
  };
  return [
    ...validateCounts(now),
    ...validateUncounted(now),
    ...validateCompletion(one),
    ...validateEnd(one),
    ...validateIndexes(one),
    ...validateRunning(one),
    ...validateCriteria(one),
    ...validateTransition(one),
  ];
}

function validateCounts(now: JobStatus): FieldError[] {
  return (['active', 'succeeded', 'failed', 'ready', 'terminating'] as const).flatMap((count) =>
    (now[count] ?? 0) < 0 ? [invalidValue(`status.${count}`, now[count], NEGATIVE)] : [],
  );
}

function validateUncounted({ uncountedTerminatedPods: pods }: JobStatus): FieldError[] {
  const seen = new Set<string>();
  return (['succeeded', 'failed'] as const).flatMap((list) =>
    (pods?.[list] ?? []).flatMap((uid, i) => {
      const path = `status.uncountedTerminatedPods.${list}[${i}]`;
      if (uid === '') return [invalidValue(path, uid, 'must not be empty')];
      if (seen.has(uid)) return [duplicate(path, uid)];
      seen.add(uid);
      return [];
    }),
  );
}

function validateCompletion({ now, changed, turned }: Case): FieldError[] {
  const errors: FieldError[] = [];
  const path = 'status.completionTime';
  const { completionTime, startTime } = now;
  const isComplete = has(now, 'Complete');
  if (turned('Complete', 'Failed') && isComplete && has(now, 'Failed'))
    errors.push(invalidWhole(CONDITIONS, 'cannot set Complete=True and Failed=true conditions'));
  if (turned('Complete', 'FailureTarget') && isComplete && has(now, 'FailureTarget'))
    errors.push(invalidWhole(CONDITIONS, 'cannot set Complete=True and FailureTarget=true conditions'));
  const mayDiffer = !turned('Complete') && !changed('completionTime');
  if (!mayDiffer && completionTime !== undefined && !isComplete)
    errors.push(
      invalidValue(path, printed(completionTime), 'cannot set completionTime when there is no Complete=True condition'),
    );
  if (!mayDiffer && completionTime === undefined && isComplete)
    errors.push(required(path, 'completionTime is required for Complete jobs'));
  const isBefore = startTime !== undefined && completionTime !== undefined && completionTime < startTime;
  if (changed('startTime', 'completionTime') && isBefore)
    errors.push(invalidValue(path, printed(completionTime), 'completionTime cannot be set before startTime'));
  return errors;
}

function validateEnd({ job, now, was, changed, turned }: Case): FieldError[] {
  const errors: FieldError[] = [];
  const hasEnded = isFinished(now);
  const turnsEnd = isFinished(was) !== hasEnded;
  if ((turned('Failed') || changed('failedIndexes')) && has(now, 'Failed') && !has(now, 'FailureTarget'))
    errors.push(invalidWhole(CONDITIONS, 'cannot set Failed=True condition without the FailureTarget=true condition'));
  if (turned('Complete', 'SuccessCriteriaMet') && has(now, 'Complete') && !has(now, 'SuccessCriteriaMet'))
    errors.push(
      invalidWhole(CONDITIONS, 'cannot set Complete=True condition without the SuccessCriteriaMet=true condition'),
    );
  if ((turnsEnd || changed('active')) && (now.active ?? 0) > 0 && hasEnded)
    errors.push(invalidValue('status.active', now.active, 'active>0 is invalid for finished job'));
  const isEmpty = job.spec.suspend === true && job.spec.completions === 0;
  if ((turnsEnd || changed('startTime')) && !isEmpty && now.startTime === undefined && hasEnded)
    errors.push(required('status.startTime', 'startTime is required for finished job'));
  const { succeeded = [], failed = [] } = now.uncountedTerminatedPods ?? {};
  if ((turnsEnd || changed('uncountedTerminatedPods')) && hasEnded && succeeded.length + failed.length > 0)
    errors.push(
      invalidValue(
        'status.uncountedTerminatedPods',
        printedUncounted(now.uncountedTerminatedPods),
        'uncountedTerminatedPods needs to be empty for finished job',
      ),
    );
  return errors;
}

function printedUncounted(pods: JobStatus['uncountedTerminatedPods']): GoText {
  const list = (uids: string[] | undefined): string => GoText.strings(uids).text.replace('[]string', '[]types.UID');
  return GoText.bare(`batch.UncountedTerminatedPods{Succeeded:${list(pods?.succeeded)}, Failed:${list(pods?.failed)}}`);
}

function validateIndexes({ job: { spec }, now, changed }: Case): FieldError[] {
  const errors: FieldError[] = [];
  const { completedIndexes = '', failedIndexes } = now;
  const { completions, backoffLimitPerIndex } = spec;
  const parse = (field: 'completedIndexes' | 'failedIndexes', indexes: string): void => {
    const counted = countIndexes(indexes, completions ?? 0);
    if (typeof counted === 'string')
      errors.push(invalidValue(`status.${field}`, indexes, `error parsing ${field}: ${counted}`));
  };
  const [completed, failed] = [changed('completedIndexes'), changed('failedIndexes')];
  if (completed && completions !== undefined) parse('completedIndexes', completedIndexes);
  if (failed && completions !== undefined && backoffLimitPerIndex !== undefined && failedIndexes !== undefined)
    parse('failedIndexes', failedIndexes);
  if (completed && completedIndexes !== '' && spec.completionMode !== 'Indexed')
    errors.push(
      invalidValue(
        'status.completedIndexes',
        completedIndexes,
        'cannot set non-empty completedIndexes when non-indexed completion mode',
      ),
    );
  if (failed && backoffLimitPerIndex === undefined && failedIndexes !== undefined)
    errors.push(
      invalidValue(
        'status.failedIndexes',
        failedIndexes,
        'cannot set non-null failedIndexes when backoffLimitPerIndex is null',
      ),
    );
  const both = (completed || failed) && completions !== undefined ? overlap(completedIndexes, failedIndexes ?? '') : -1;
  if (both >= 0)
    errors.push(
      invalidValue(
        'status.failedIndexes',
        failedIndexes,
        `failedIndexes and completedIndexes overlap at index: ${both}`,
      ),
    );
  return errors;
}

/** The first index that stands in both; -1: none does. What is no interval is told elsewhere. */
function overlap(some: string, others: string): number {
  const intervals = (text: string): Array<readonly [first: number, last: number]> =>
    text
      .split(',')
      .map((interval) => interval.split('-').map(Number))
      .filter((limits) => limits.length <= 2 && limits.every((limit) => Number.isInteger(limit)))
      .map(([first = 0, last = first]) => [first, last] as const);
  if (some === '' || others === '') return -1;
  for (const [first, last] of intervals(some))
    for (const [from, to] of intervals(others)) if (first <= to && from <= last) return Math.max(first, from);
  return -1;
}

function validateRunning({ now, was, changed }: Case): FieldError[] {
  const errors: FieldError[] = [];
  const turnsEnd = isFinished(was) !== isFinished(now);
  if ((turnsEnd || changed('terminating')) && (now.terminating ?? 0) > 0 && isFinished(now))
    errors.push(invalidValue('status.terminating', now.terminating, 'terminating>0 is invalid for finished job'));
  if (changed('ready', 'active') && (now.ready ?? 0) > (now.active ?? 0))
    errors.push(invalidValue('status.ready', now.ready, 'cannot set more ready pods than active'));
  return errors;
}

function validateCriteria({ job, now }: Case): FieldError[] {
  const isMet = has(now, 'SuccessCriteriaMet');
  const errors = ['Failed', 'FailureTarget']
    .filter((type) => isMet && has(now, type))
    .map((type) => invalidWhole(CONDITIONS, `cannot set SuccessCriteriaMet=True and ${type}=true conditions`));
  if (job.spec.successPolicy !== undefined && !isMet && has(now, 'Complete'))
    errors.push(
      invalidWhole(CONDITIONS, 'cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True'),
    );
  return errors;
}

function validateTransition({ job: { spec }, now, was, changed }: Case): FieldError[] {
  const errors = ['Failed', 'Complete', 'FailureTarget']
    .filter((type) => has(was, type) && !has(now, type))
    .map((type) => invalidWhole(CONDITIONS, `cannot disable the terminal ${type}=True condition`));
  if ((now.failed ?? 0) < (was.failed ?? 0))
    errors.push(invalidValue('status.failed', now.failed ?? 0, 'cannot decrease the failed counter'));
  const isScalable = spec.completionMode === 'Indexed' && spec.completions === spec.parallelism;
  if (!isScalable && (now.succeeded ?? 0) < (was.succeeded ?? 0))
    errors.push(invalidValue('status.succeeded', now.succeeded ?? 0, 'cannot decrease the succeeded counter'));
  if (now.completionTime !== undefined && was.completionTime !== undefined && changed('completionTime'))
    errors.push(invalidValue('status.completionTime', printed(now.completionTime), 'completionTime cannot be mutated'));
  const isResuming = has(was, 'Suspended') && has(now, 'Suspended', 'False');
  if (changed('startTime') && !isResuming && was.startTime !== undefined && spec.suspend !== true)
    errors.push(required('status.startTime', 'startTime cannot be removed for unsuspended job'));
  if (has(was, 'SuccessCriteriaMet') && !has(now, 'SuccessCriteriaMet'))
    errors.push(invalidWhole(CONDITIONS, 'cannot disable the SuccessCriteriaMet=True condition'));
  if (has(was, 'Complete') && !has(was, 'SuccessCriteriaMet') && has(now, 'SuccessCriteriaMet'))
    errors.push(
      invalidWhole(CONDITIONS, 'cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions'),
    );
  return errors;
}
