// Decides when finished pods are too many to keep: beyond the threshold the oldest go. Never touches a pod that runs.
import { RESOURCES } from '../../../lib/api/resource.ts';
import type { Pod } from '../../../lib/api/generated/types.ts';
import type { Controller, Key, KubeObject, View } from '../../../lib/reconcile/controller.ts';
import { deletionOf } from '../core/actions.ts';
import { isTerminal, isTerminating } from '../core/pod.ts';

/** kube-controller-manager's --terminated-pod-gc-threshold. */
const THRESHOLD = 12_500;
/** All pods are one key: what matters is how many there are. */
const ALL: Key = { namespace: '', name: 'finished-pods' };

export function terminatedPodGc(threshold = THRESHOLD): Controller {
  return {
    name: 'terminated-pod-gc',
    kind: 'Pod',
    account: 'pod-garbage-collector',
    watches: [{ ref: RESOURCES.pods, keys: allWhenFinished }],
    reconcile(view) {
      const finished = view.list<Pod>(RESOURCES.pods).filter((pod) => isTerminal(pod) && !isTerminating(pod));
      const oldest = finished
        .toSorted((a, b) => (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? ''))
        .slice(0, Math.max(0, finished.length - threshold));
      return {
        actions: oldest.map((pod) => deletionOf(RESOURCES.pods, pod, { graceSeconds: 0 })),
        saw: `${finished.length} finished pods, ${threshold} may stay`,
      };
    },
  };
}

function allWhenFinished(_view: View, before: KubeObject | undefined, after: KubeObject | undefined): Key[] {
  const isNews =
    after !== undefined && isTerminal(after as Pod) && (before === undefined || !isTerminal(before as Pod));
  return isNews ? [ALL] : [];
}
