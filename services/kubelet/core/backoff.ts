// Decides how long something that failed must wait: a container's restart, an image's pull, any call to the runtime.
// Never waits itself.

const FIRST_RESTART_MS = 10_000;
const LONGEST_RESTART_MS = 300_000;
/** A container that ran this long is forgiven. */
const FORGIVEN_AFTER_MS = 2 * LONGEST_RESTART_MS;

/** What is remembered of a container's crashes. */
export interface RestartBackoff {
  delayMs: number;
  /** When the container that `delayMs` was set for was started. */
  updatedAtMs: number;
}

/** Milliseconds that a container which ended at `finishedAtMs` has still to wait. The first restart is at once. */
export function restartDueInMs(backoff: RestartBackoff | undefined, finishedAtMs: number, now: number): number {
  if (backoff === undefined || finishedAtMs - backoff.updatedAtMs > FORGIVEN_AFTER_MS) return 0;
  return Math.max(0, finishedAtMs + backoff.delayMs - now);
}

/** To be remembered when a restart begins. */
export function afterRestart(backoff: RestartBackoff | undefined, finishedAtMs: number, now: number): RestartBackoff {
  if (backoff === undefined || finishedAtMs - backoff.updatedAtMs > FORGIVEN_AFTER_MS)
    return { delayMs: FIRST_RESTART_MS, updatedAtMs: now };
  return { delayMs: Math.min(backoff.delayMs * 2, LONGEST_RESTART_MS), updatedAtMs: now };
}

/** A call that failed: what it was told, and when it may be made again. */
export interface Failure {
  reason: string;
  message: string;
  count: number;
  atMs: number;
  retryAtMs: number;
}

interface RetryRule {
  firstMs: number;
  longestMs: number;
}

const RETRIES: Record<string, RetryRule> = {
  ErrImagePull: { firstMs: 10_000, longestMs: 300_000 },
  InvalidImageName: { firstMs: 10_000, longestMs: 300_000 },
  ErrImageNeverPull: { firstMs: 10_000, longestMs: 300_000 },
  ImageInspectError: { firstMs: 10_000, longestMs: 300_000 },
  CreateContainerConfigError: { firstMs: 2_000, longestMs: 30_000 },
  CreateContainerError: { firstMs: 2_000, longestMs: 60_000 },
  FailedMount: { firstMs: 500, longestMs: 120_000 },
  FailedCreatePodSandBox: { firstMs: 1_000, longestMs: 60_000 },
  /** The runtime or the API does not answer: it may be back at any moment. */
  Unavailable: { firstMs: 500, longestMs: 5_000 },
};
const OTHER: RetryRule = { firstMs: 1_000, longestMs: 30_000 };

export function afterFailure(before: Failure | undefined, reason: string, message: string, now: number): Failure {
  const rule = RETRIES[reason] ?? OTHER;
  const count = (before?.count ?? 0) + 1;
  const delayMs = Math.min(rule.firstMs * 2 ** Math.min(count - 1, 20), rule.longestMs);
  return { reason, message, count, atMs: now, retryAtMs: now + delayMs };
}

const IMAGE_REASONS = new Set(['ErrImagePull', 'ImageInspectError', 'RegistryUnavailable']);

/** The failure itself is shown for a second; then that it is waited for. */
export function shownReason(failure: Failure, now: number): string {
  return IMAGE_REASONS.has(failure.reason) && now - failure.atMs >= 1000 ? 'ImagePullBackOff' : failure.reason;
}

/** When `shownReason` will say something else; undefined: it will not. */
export function shownReasonChangesInMs(failure: Failure, now: number): number | undefined {
  const sinceMs = now - failure.atMs;
  return IMAGE_REASONS.has(failure.reason) && sinceMs < 1000 ? 1000 - sinceMs : undefined;
}
