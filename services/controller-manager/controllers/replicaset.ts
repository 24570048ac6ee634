// Decides which pods of a ReplicaSet are created and which go, so that as many are active as it asks for. Never changes a
// pod that stays.
import { RESOURCES } from '../../../lib/api/resource.ts';
import type { Pod, ReplicaSet, ReplicaSetStatus } from '../../../lib/api/generated/types.ts';
import { selects } from '../../../lib/api/selectors.ts';
import { toTime } from '../../../lib/base/clock.ts';
import {
  selfKey,
  type Action,
  type Controller,
  type Key,
  type KubeObject,
  type Reconciled,
  type View,
} from '../../../lib/reconcile/controller.ts';
import { deletionOf, eventAbout, updateOf } from '../core/actions.ts';
import { claim } from '../core/claim.ts';
import { nameSuffix } from '../core/hash.ts';
import { controllerOf, controllerReference } from '../core/owner.ts';
import { availableInMs, isActive, isReady } from '../core/pod.ts';
import { isSameStatus } from '../core/status.ts';
import { victims } from '../core/victims.ts';

/** As upstream: one reconcile does not flood the API; the next follows at once. */
const BURST = 500;
const FAILURE = 'ReplicaFailure';

export const replicaset: Controller = {
  name: 'replicaset',
  kind: 'ReplicaSet',
  account: 'replicaset-controller',
  watches: [
    { ref: RESOURCES.replicaSets, keys: selfKey },
    { ref: RESOURCES.pods, keys: setsOfPod },
  ],
  reconcile(view, key, now) {
    const found = view.get<ReplicaSet>(RESOURCES.replicaSets, key.namespace, key.name);
    return found === undefined ? { actions: [], saw: 'no such ReplicaSet' } : reconcile(view, found, now);
  },
  refused(view, key, refusals, now) {
    const found = view.get<ReplicaSet>(RESOURCES.replicaSets, key.namespace, key.name);
    const refusal = refusals.find(({ action }) => action.type === 'create');
    return found === undefined || refusal === undefined ? [] : tellRefusal(view, found, refusal.message, now);
  },
};

/** Its controller before and after; for an orphan, every ReplicaSet that would adopt it. */
function setsOfPod(view: View, before: KubeObject | undefined, after: KubeObject | undefined): Key[] {
  const namespace = (after ?? before)!.metadata.namespace ?? '';
  const owners = new Set([before, after].flatMap((pod) => (pod === undefined ? [] : (controllerOf(pod) ?? []))));
  const keys = [...owners].filter((owner) => owner.kind === 'ReplicaSet').map(({ name }) => ({ namespace, name }));
  if (after === undefined || controllerOf(after) !== undefined) return keys;
  const adopters = view
    .list<ReplicaSet>(RESOURCES.replicaSets, namespace)
    .filter((set) => selects(set.spec.selector, after.metadata.labels ?? {}));
  return [...keys, ...adopters.map((set) => ({ namespace, name: set.metadata.name }))];
}

function reconcile(view: View, set: ReplicaSet, now: number): Reconciled {
  const namespace = set.metadata.namespace ?? '';
  const who = {
    ownerRef: RESOURCES.replicaSets,
    owner: set,
    ref: RESOURCES.pods,
    matches: (labels: Record<string, string>) => selects(set.spec.selector, labels),
  };
  const candidates = view.list<Pod>(RESOURCES.pods, namespace).filter(isActive);
  const claimed = claim(who, candidates);
  const want = set.spec.replicas ?? 1;
  const saw = `${want} wanted, ${claimed.mine.length} active, ${claimed.mine.filter(isReady).length} ready`;
  // What was just claimed changes under our hands: decide on it after it did.
  if (claimed.actions.length > 0) return { actions: claimed.actions, saw };
  const changes = set.metadata.deletionTimestamp === undefined ? manage(view, set, claimed.mine) : [];
  const status = statusOf(set, claimed.mine, now);
  const actions = isSameStatus(status, set.status)
    ? changes
    : [...changes, updateOf(RESOURCES.replicaSets, { ...set, status }, 'updateStatus')];
  const again = nextAvailableInMs(set, claimed.mine, now);
  return {
    actions,
    saw,
    ...(actions.length === 0 ? { why: 'as many as wanted' } : {}),
    ...(again === undefined ? {} : { againInMs: again }),
  };
}

/** Upstream's words: an event at each try, a condition as long as it lasts; the counts are told all the same. */
function tellRefusal(view: View, set: ReplicaSet, why: string, now: number): Action[] {
  const event = eventAbout(RESOURCES.replicaSets, set, 'FailedCreate', `Error creating: ${why}`, 'Warning');
  const pods = view.ownedBy<Pod>(RESOURCES.pods, set.metadata.uid ?? '').filter(isActive);
  const status = statusOf(set, pods, now);
  const conditions = status.conditions ?? [];
  if (!conditions.some(({ type }) => type === FAILURE))
    status.conditions = [
      ...conditions,
      { type: FAILURE, status: 'True', reason: 'FailedCreate', message: why, lastTransitionTime: toTime(now) },
    ];
  if (isSameStatus(status, set.status)) return [event];
  return [event, updateOf(RESOURCES.replicaSets, { ...set, status }, 'updateStatus')];
}

function manage(view: View, set: ReplicaSet, pods: readonly Pod[]): Action[] {
  const missing = (set.spec.replicas ?? 1) - pods.length;
  if (missing > 0) return creations(view, set, Math.min(missing, BURST));
  if (missing < 0) return deletions(view, set, pods, Math.min(-missing, BURST));
  return [];
}

/**
 * Names come from the set's uid and version, not from chance: a create whose answer was lost, or that a deposed leader
 * also makes, meets the pod that is already there. Each change of the status brings new names.
 */
function freshNames(view: View, set: ReplicaSet, count: number): string[] {
  const { namespace = '', name, uid, resourceVersion } = set.metadata;
  const names = new Set<string>();
  const stem = name.slice(0, 253 - 6);
  for (let i = 0; names.size < count; i++) {
    const candidate = `${stem}-${nameSuffix(`${uid}/${resourceVersion}/${i}`)}`;
    if (view.get(RESOURCES.pods, namespace, candidate) === undefined) names.add(candidate);
  }
  return [...names];
}

function creations(view: View, set: ReplicaSet, count: number): Action[] {
  const names = freshNames(view, set, count);
  const { template } = set.spec;
  const create = (name: string): Action => ({
    type: 'create',
    ref: RESOURCES.pods,
    namespace: set.metadata.namespace ?? '',
    object: {
      metadata: {
        name,
        generateName: `${set.metadata.name}-`,
        namespace: set.metadata.namespace,
        labels: template?.metadata?.labels,
        annotations: template?.metadata?.annotations,
        finalizers: template?.metadata?.finalizers,
        ownerReferences: [controllerReference(RESOURCES.replicaSets, set)],
      },
      spec: template?.spec,
    },
  });
  return [
    ...names.map(create),
    ...names.map((name) => eventAbout(RESOURCES.replicaSets, set, 'SuccessfulCreate', `Created pod: ${name}`)),
  ];
}

function deletions(view: View, set: ReplicaSet, pods: readonly Pod[], count: number): Action[] {
  const chosen = victims(pods, relatedPods(view, set), count);
  return [
    ...chosen.map((pod) => deletionOf(RESOURCES.pods, pod)),
    ...chosen.map((pod) =>
      eventAbout(RESOURCES.replicaSets, set, 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`),
    ),
  ];
}

/** Pods of all ReplicaSets of the same Deployment: where two of them share a node, one of them goes first. */
function relatedPods(view: View, set: ReplicaSet): Pod[] {
  const owner = controllerOf(set);
  const sets = owner === undefined ? [set] : view.ownedBy<ReplicaSet>(RESOURCES.replicaSets, owner.uid);
  return sets.flatMap((one) => view.ownedBy<Pod>(RESOURCES.pods, one.metadata.uid ?? '')).filter(isActive);
}

function statusOf(set: ReplicaSet, pods: readonly Pod[], now: number): ReplicaSetStatus {
  const labels = Object.entries(set.spec.template?.metadata?.labels ?? {});
  const isFullyLabeled = (pod: Pod): boolean => labels.every(([key, value]) => pod.metadata.labels?.[key] === value);
  const minReadySeconds = set.spec.minReadySeconds ?? 0;
  // As many as wanted: what kept them from being made does not any more.
  const isWhole = pods.length >= (set.spec.replicas ?? 1);
  const conditions = set.status?.conditions?.filter(({ type }) => !isWhole || type !== FAILURE);
  return {
    replicas: pods.length,
    fullyLabeledReplicas: pods.filter(isFullyLabeled).length,
    readyReplicas: pods.filter(isReady).length,
    availableReplicas: pods.filter((pod) => availableInMs(pod, minReadySeconds, now) === 0).length,
    observedGeneration: set.metadata.generation,
    ...(conditions === undefined ? {} : { conditions }),
  };
}

function nextAvailableInMs(set: ReplicaSet, pods: readonly Pod[], now: number): number | undefined {
  const waits = pods
    .map((pod) => availableInMs(pod, set.spec.minReadySeconds ?? 0, now))
    .filter((ms): ms is number => ms !== undefined && ms > 0);
  return waits.length === 0 ? undefined : Math.min(...waits);
}
