// Decides how much the replicated state may hold. All members must use the same numbers, since each applies them by
// itself: so the leader writes those that it was given into the log. Never enforces one itself.

export interface StoreLimits {
  /** Committed transactions that stay readable. */
  historyRevisions: number;
  /** … as long as their keys and values are not more than this. */
  historyBytes: number;
  /** Keys and values alive; beyond it only what does not grow is written. */
  quotaBytes: number;
  /** Writers that are remembered; the one that was silent longest is forgotten first. */
  sessions: number;
  /** Unacknowledged answers that are remembered of one writer. */
  resultsPerSession: number;
}

export const DEFAULT_STORE_LIMITS: StoreLimits = {
  historyRevisions: 20_000,
  historyBytes: 134_217_728,
  quotaBytes: 2_147_483_648,
  sessions: 1_000,
  resultsPerSession: 10_000,
};

/** In the order in which they lie in the log: only ever added to. */
const NAMES = ['historyRevisions', 'historyBytes', 'quotaBytes', 'sessions', 'resultsPerSession'] as const;

export const limitNumbers = (limits: StoreLimits): number[] => NAMES.map((name) => limits[name]);

/** What a newer version has added is not known here, and what an older one lacks stays as it is. */
export function limitsFrom(numbers: readonly number[]): Partial<StoreLimits> {
  return Object.fromEntries(NAMES.slice(0, numbers.length).map((name, i) => [name, numbers[i]!]));
}

/** '' when they are the same. */
export function limitsDiffer(own: StoreLimits, others: StoreLimits): string {
  return NAMES.filter((name) => own[name] !== others[name])
    .map((name) => `${name} is ${own[name]} here and ${others[name]} there`)
    .join(', ');
}

/** Of one transaction as it lies in the log: it must fit in one entry and in one message. */
export const TXN_BYTES = 2_621_440;
/** Of one page of a range or of the history: at least one item is always given. */
export const PAGE_BYTES = 1_048_576;
