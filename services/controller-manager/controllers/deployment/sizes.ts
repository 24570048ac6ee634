// Decides how many replicas each ReplicaSet of a Deployment may have next: surge, unavailability, proportional scaling.
// Never reads pods: sizes rest on specs (what was asked) and availability on the ReplicaSets' status (what was seen).
import type { Deployment, ReplicaSet } from '../../../../lib/api/generated/types.ts';
import { scaledValue } from '../../../../lib/api/int-or-string.ts';
import { byCreation } from './revision.ts';

/** ReplicaSet by name to the number of replicas that it should get. */
export type Sizes = Map<string, number>;

export const wanted = (deployment: Deployment): number => deployment.spec.replicas ?? 1;
export const sizeOf = (set: ReplicaSet): number => set.spec.replicas ?? 1;
export const availableOf = (set: ReplicaSet): number => set.status?.availableReplicas ?? 0;
export const isRolling = (deployment: Deployment): boolean => deployment.spec.strategy?.type !== 'Recreate';

export function total(sets: readonly ReplicaSet[], count: (set: ReplicaSet) => number): number {
  return sets.reduce((sum, set) => sum + count(set), 0);
}

/** Both zero would stop the rollout for ever (25 % of 3 rounds down to none): then one pod may be unavailable. */
function fence(deployment: Deployment): { surge: number; unavailable: number } {
  const rolling = deployment.spec.strategy?.rollingUpdate;
  const surge = scaledValue(rolling?.maxSurge ?? '25%', wanted(deployment), true) ?? 0;
  const unavailable = scaledValue(rolling?.maxUnavailable ?? '25%', wanted(deployment), false) ?? 0;
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

export function maxSurge(deployment: Deployment): number {
  return isRolling(deployment) ? fence(deployment).surge : 0;
}

export function maxUnavailable(deployment: Deployment): number {
  if (!isRolling(deployment) || wanted(deployment) === 0) return 0;
  return Math.min(fence(deployment).unavailable, wanted(deployment));
}

export function minAvailable(deployment: Deployment): number {
  return wanted(deployment) - maxUnavailable(deployment);
}

/** Size of the new ReplicaSet: as many more as surge leaves room for. `all` holds it too, if it exists. */
export function nextNewSize(
  deployment: Deployment,
  all: readonly ReplicaSet[],
  newSet: ReplicaSet | undefined,
): number {
  const want = wanted(deployment);
  const now = newSet === undefined ? 0 : sizeOf(newSet);
  if (now >= want || !isRolling(deployment)) return want;
  const room = want + maxSurge(deployment) - total(all, sizeOf);
  return now + Math.max(0, Math.min(room, want - now));
}

/**
 * Sizes of the old ReplicaSets that may shrink now. Two bounds hold together: what was asked for less what the new set
 * has not delivered yet, and what is seen to be available. First go replicas that were not available anyway.
 */
export function shrinkOldSets(deployment: Deployment, newSet: ReplicaSet, oldSets: readonly ReplicaSet[]): Sizes {
  const sizes: Sizes = new Map();
  const all = [newSet, ...oldSets];
  const newUnavailable = sizeOf(newSet) - availableOf(newSet);
  let allowed = total(all, sizeOf) - minAvailable(deployment) - newUnavailable;
  if (allowed <= 0) return sizes;
  const oldest = byCreation(oldSets);
  for (const set of oldest) {
    const unhealthy = Math.min(allowed, Math.max(0, sizeOf(set) - availableOf(set)));
    if (unhealthy === 0) continue;
    sizes.set(set.metadata.name, sizeOf(set) - unhealthy);
    allowed -= unhealthy;
  }
  let spare = Math.min(allowed, total(all, availableOf) - minAvailable(deployment));
  for (const set of oldest) {
    if (spare <= 0) break;
    const size = sizes.get(set.metadata.name) ?? sizeOf(set);
    const step = Math.min(size, spare);
    if (step === 0) continue;
    sizes.set(set.metadata.name, size - step);
    spare -= step;
  }
  return sizes;
}

/** Splits a change of `spec.replicas` over the active sets in proportion to their sizes; what is left over goes to the largest. */
export function proportionalSizes(
  deployment: Deployment,
  active: readonly ReplicaSet[],
  maxBefore: (set: ReplicaSet) => number | undefined,
): Sizes {
  const allowed = wanted(deployment) > 0 ? wanted(deployment) + maxSurge(deployment) : 0;
  const toAdd = allowed - total(active, sizeOf);
  const direction = toAdd > 0 ? -1 : 1;
  const largestFirst = active.toSorted(
    (a, b) =>
      sizeOf(b) - sizeOf(a) ||
      direction * (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? ''),
  );
  const sizes: Sizes = new Map();
  let added = 0;
  for (const set of largestFirst) {
    const left = toAdd - added;
    const share = shareOf(deployment, set, maxBefore(set));
    const step = toAdd > 0 ? Math.min(share, left) : toAdd < 0 ? Math.max(share, left) : 0;
    sizes.set(set.metadata.name, sizeOf(set) + step);
    added += step;
  }
  const largest = largestFirst[0];
  if (largest !== undefined)
    sizes.set(largest.metadata.name, Math.max(0, sizes.get(largest.metadata.name)! + toAdd - added));
  return sizes;
}

function shareOf(deployment: Deployment, set: ReplicaSet, maxBefore: number | undefined): number {
  if (wanted(deployment) === 0) return -sizeOf(set);
  const base = maxBefore || deployment.status?.replicas || 0;
  if (base === 0) return 0;
  return Math.round((sizeOf(set) * (wanted(deployment) + maxSurge(deployment))) / base) - sizeOf(set);
}
