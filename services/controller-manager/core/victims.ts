// Decides which pods of a set go first when there are too many: those that are missed least, in upstream's order. Never
// draws chance: of two that are equal in everything the name decides.
import type { Pod } from '../../../lib/api/generated/types.ts';
import { isReady, readySince } from './pod.ts';

const PHASE_RANK: Record<string, number> = { Pending: 0, Unknown: 1, Running: 2 };

interface Ranked {
  pod: Pod;
  /** One key a rule; the smaller goes first. */
  keys: number[];
}

function restarts(pod: Pod): number {
  return (pod.status?.containerStatuses ?? []).reduce((most, one) => Math.max(most, one.restartCount), 0);
}

function deletionCost(pod: Pod): number {
  const text = pod.metadata.annotations?.['controller.kubernetes.io/pod-deletion-cost'] ?? '0';
  return /^-?(0|[1-9]\d*)$/.test(text) ? Number(text) : 0;
}

function rank(pod: Pod, neighbours: number): Ranked {
  const created = Date.parse(pod.metadata.creationTimestamp ?? '') || 0;
  return {
    pod,
    keys: [
      pod.spec.nodeName === undefined || pod.spec.nodeName === '' ? 0 : 1,
      PHASE_RANK[pod.status?.phase ?? 'Pending'] ?? 1,
      isReady(pod) ? 1 : 0,
      deletionCost(pod),
      -neighbours,
      -(readySince(pod) ?? 0),
      -restarts(pod),
      -created,
    ],
  };
}

function compare(a: Ranked, b: Ranked): number {
  for (const [i, key] of a.keys.entries()) if (key !== b.keys[i]) return key - b.keys[i]!;
  return a.pod.metadata.name < b.pod.metadata.name ? -1 : 1;
}

/** `related`: active pods whose company on a node counts, the candidates among them. */
export function victims(pods: readonly Pod[], related: readonly Pod[], count: number): Pod[] {
  const onNode = new Map<string, number>();
  for (const pod of related) {
    const node = pod.spec.nodeName ?? '';
    if (node !== '') onNode.set(node, (onNode.get(node) ?? 0) + 1);
  }
  return pods
    .map((pod) => rank(pod, onNode.get(pod.spec.nodeName ?? '') ?? 0))
    .toSorted(compare)
    .slice(0, count)
    .map(({ pod }) => pod);
}
