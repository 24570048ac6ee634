// Decides which pods nobody is left to end: those of a node that no longer exists, and those that were deleted before they
// had one. Never deletes on a first look: a node that registers again within the quarantine finds its pods.
import { RESOURCES } from '../../../lib/api/resource.ts';
import type { Pod, PodCondition } from '../../../lib/api/generated/types.ts';
import { toTime } from '../../../lib/base/clock.ts';
import type { Controller, Key, KubeObject, Reconciled, View } from '../../../lib/reconcile/controller.ts';
import { deletionOf, statusPatchOf } from '../core/actions.ts';
import { isTerminating, podCondition } from '../core/pod.ts';

const PROGRESS_MS = 1100;
const REASON = 'DeletionByPodGC';

export function podGc(options: { quarantineSeconds: number }): Controller {
  return {
    name: 'pod-gc',
    kind: 'Pod',
    account: 'pod-garbage-collector',
    watches: [
      { ref: RESOURCES.pods, keys: keyOfHomeless },
      { ref: RESOURCES.nodes, keys: keysOfNode },
    ],
    reconcile(view, key, now) {
      const pod = view.get<Pod>(RESOURCES.pods, key.namespace, key.name);
      if (pod === undefined) return { actions: [], saw: 'no such Pod' };
      return reconcile(view, pod, now, options.quarantineSeconds * 1000);
    },
  };
}

const nodeOf = (pod: Pod): string => pod.spec.nodeName ?? '';

function keyOfHomeless(view: View, _before: KubeObject | undefined, after: KubeObject | undefined): Key[] {
  const pod = after as Pod | undefined;
  if (pod === undefined) return [];
  const isHomeless = nodeOf(pod) === '' ? isTerminating(pod) : view.get(RESOURCES.nodes, '', nodeOf(pod)) === undefined;
  return isHomeless ? [{ namespace: pod.metadata.namespace ?? '', name: pod.metadata.name }] : [];
}

/** A node came or went. */
function keysOfNode(view: View, before: KubeObject | undefined, after: KubeObject | undefined): Key[] {
  if (before !== undefined && after !== undefined) return [];
  const { name } = (after ?? before)!.metadata;
  return view
    .list<Pod>(RESOURCES.pods)
    .filter((pod) => nodeOf(pod) === name && (after === undefined || mark(pod) !== undefined))
    .map((pod) => ({ namespace: pod.metadata.namespace ?? '', name: pod.metadata.name }));
}

function mark(pod: Pod): PodCondition | undefined {
  const condition = podCondition(pod, 'DisruptionTarget');
  return condition?.reason === REASON ? condition : undefined;
}

function reconcile(view: View, pod: Pod, now: number, quarantineMs: number): Reconciled {
  if (nodeOf(pod) === '')
    return isTerminating(pod)
      ? { actions: [deletionOf(RESOURCES.pods, pod, { graceSeconds: 0 })], saw: 'deleted before it had a node' }
      : { actions: [], saw: 'waits for a node' };
  if (view.get(RESOURCES.nodes, '', nodeOf(pod)) !== undefined) return forgive(pod);
  const saw = `its node ${nodeOf(pod)} does not exist`;
  if (view.revision(RESOURCES.nodes) < Number(pod.metadata.resourceVersion))
    return { actions: [], saw, why: 'nodes are not known up to this pod’s change', againInMs: PROGRESS_MS };
  const marked = mark(pod);
  if (marked === undefined) return { ...condemn(pod, now), saw, againInMs: quarantineMs };
  const leftMs = Date.parse(marked.lastTransitionTime ?? toTime(now)) + quarantineMs - now;
  if (leftMs > 0) return { actions: [], saw, why: 'the node may come back', againInMs: leftMs };
  return { actions: [deletionOf(RESOURCES.pods, pod, { graceSeconds: 0 })], saw };
}

function condemn(pod: Pod, now: number): Pick<Reconciled, 'actions'> {
  const time = toTime(now);
  const others = (pod.status?.conditions ?? [])
    .filter((condition) => condition.type !== 'DisruptionTarget')
    .map((condition) =>
      condition.type === 'Ready' && condition.status === 'True'
        ? { ...condition, status: 'False', lastTransitionTime: time }
        : condition,
    );
  const condition: PodCondition = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: REASON,
    message: 'PodGC: node no longer exists',
    lastTransitionTime: time,
  };
  return { actions: [statusPatchOf(RESOURCES.pods, pod, { conditions: [...others, condition] })] };
}

function forgive(pod: Pod): Reconciled {
  const saw = `its node ${nodeOf(pod)} exists`;
  if (mark(pod) === undefined) return { actions: [], saw };
  const conditions = (pod.status?.conditions ?? []).filter((condition) => condition.type !== 'DisruptionTarget');
  return {
    actions: [statusPatchOf(RESOURCES.pods, pod, { conditions })],
    saw,
  };
}
