// Decides which revision a ReplicaSet is, and what of its Deployment's annotations it carries (kubectl rollout history and
// undo read them). Never decides sizes.
import type { Deployment, ReplicaSet } from '../../../../lib/api/generated/types.ts';

export const REVISION = 'deployment.kubernetes.io/revision';
const REVISION_HISTORY = 'deployment.kubernetes.io/revision-history';
const DESIRED = 'deployment.kubernetes.io/desired-replicas';
const MAX = 'deployment.kubernetes.io/max-replicas';
const NOT_COPIED = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  'deprecated.deployment.rollback.to',
  REVISION,
  REVISION_HISTORY,
  DESIRED,
  MAX,
]);

/** Oldest first; of the same second, by name, so that the order is always the same. */
export function byCreation(sets: readonly ReplicaSet[]): ReplicaSet[] {
  const key = (set: ReplicaSet): string => `${set.metadata.creationTimestamp ?? ''}/${set.metadata.name}`;
  return sets.toSorted((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
}

const LARGEST = 2n ** 63n - 1n;

/** Revisions are 64 bits wide, as upstream's: a number would lose the last digits of great ones, and count no further. */
export function revisionOf({ metadata: { annotations } }: Pick<ReplicaSet, 'metadata'>): bigint {
  const text = annotations?.[REVISION] ?? '0';
  const revision = /^\d+$/.test(text) ? BigInt(text) : 0n;
  return revision > LARGEST ? 0n : revision;
}

/** Oldest first. */
export function byRevision(sets: readonly ReplicaSet[]): ReplicaSet[] {
  const order = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);
  return sets.toSorted((a, b) => order(revisionOf(a), revisionOf(b)));
}

export function nextRevision(oldSets: readonly ReplicaSet[]): bigint {
  return oldSets.map(revisionOf).reduce((most, one) => (one > most ? one : most), 0n) + 1n;
}

/** What the new ReplicaSet's annotations should be: the Deployment's own, and the revision, which never goes back. */
export function annotationsFor(
  deployment: Deployment,
  present: Record<string, string>,
  revision: bigint,
): Record<string, string> {
  const copied = Object.entries(deployment.metadata.annotations ?? {}).filter(([key]) => !NOT_COPIED.has(key));
  const out = { ...present, ...Object.fromEntries(copied) };
  const before = revisionOf({ metadata: { name: '', annotations: present } });
  if (before >= revision) return out;
  out[REVISION] = String(revision);
  if (before > 0n) out[REVISION_HISTORY] = [present[REVISION_HISTORY], String(before)].filter(Boolean).join(',');
  return out;
}

/** Proportional scaling needs to know what the sizes were meant for when they were set. */
export function replicasAnnotations(desired: number, max: number): Record<string, string> {
  return { [DESIRED]: String(desired), [MAX]: String(max) };
}

const numberIn = (set: ReplicaSet, key: string): number | undefined => {
  const text = set.metadata.annotations?.[key];
  return text === undefined || !/^\d+$/.test(text) ? undefined : Number(text);
};
export const desiredAnnotation = (set: ReplicaSet): number | undefined => numberIn(set, DESIRED);
export const maxAnnotation = (set: ReplicaSet): number | undefined => numberIn(set, MAX);
