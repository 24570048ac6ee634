// Decides for how long a pod may stay on a node that wants it gone. Never writes a taint.
import type { Taint, Toleration } from '../../../lib/api/generated/types.ts';
import { tolerates } from '../../../lib/api/tolerations.ts';

export const NOT_READY = 'node.kubernetes.io/not-ready';
export const UNREACHABLE = 'node.kubernetes.io/unreachable';

/**
 * Milliseconds since 1970 at which the pod must go; undefined: it may stay. Node health gets `defaultSeconds` of patience
 * from pods that say nothing about it (admission usually says it for them).
 */
export function evictionTime(
  taints: readonly Taint[],
  tolerations: readonly Toleration[],
  defaultSeconds: number,
  now: number,
): number | undefined {
  const times = taints
    .filter((taint) => taint.effect === 'NoExecute')
    .map((taint) => leaveAt(taint, tolerations, defaultSeconds, now));
  const first = Math.min(...times.map((time) => time ?? Number.POSITIVE_INFINITY));
  return Number.isFinite(first) ? first : undefined;
}

function leaveAt(
  taint: Taint,
  tolerations: readonly Toleration[],
  defaultSeconds: number,
  now: number,
): number | undefined {
  const added = taint.timeAdded === undefined ? now : Date.parse(taint.timeAdded);
  const matching = tolerations.filter((toleration) => tolerates(toleration, taint));
  const isHealth = taint.key === NOT_READY || taint.key === UNREACHABLE;
  if (matching.length === 0) return isHealth ? added + defaultSeconds * 1000 : now;
  const limits = matching.flatMap(({ tolerationSeconds }) =>
    tolerationSeconds === undefined ? [] : [tolerationSeconds],
  );
  return limits.length === 0 ? undefined : added + Math.max(0, Math.min(...limits)) * 1000;
}
