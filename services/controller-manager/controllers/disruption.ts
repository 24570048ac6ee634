// Decides how many pods each disruption budget lets go at this moment: those that are healthy beyond those that must be. Never
// evicts a pod, and never counts one as healthy that the API has just let go.
import { ownValue } from '../../../lib/base/records.ts';
import type {
  Condition,
  Deployment,
  Pod,
  PodDisruptionBudget,
  PodDisruptionBudgetStatus,
  ReplicaSet,
} from '../../../lib/api/generated/types.ts';
import { scaledValue } from '../../../lib/api/int-or-string.ts';
import { RESOURCES, resourceRef, type ResourceRef } from '../../../lib/api/resource.ts';
import { selects } from '../../../lib/api/selectors.ts';
import { toTime } from '../../../lib/base/clock.ts';
import {
  selfKey,
  type Controller,
  type Key,
  type KubeObject,
  type Reconciled,
  type View,
} from '../../../lib/reconcile/controller.ts';
import { updateOf } from '../core/actions.ts';
import { controllerOf } from '../core/owner.ts';
import { isReady, isTerminating } from '../core/pod.ts';
import { isSameStatus } from '../core/status.ts';

const BUDGETS = resourceRef('policy', 'v1', 'poddisruptionbudgets');
const REPLICATION_CONTROLLERS = resourceRef('', 'v1', 'replicationcontrollers');
const STATEFUL_SETS = resourceRef('apps', 'v1', 'statefulsets');
/** An eviction that was allowed and led to no deletion counts for so long. */
const EVICTION_MS = 120_000;

type Budget = PodDisruptionBudget & KubeObject;

export const disruption: Controller = {
  name: 'disruption',
  kind: 'PodDisruptionBudget',
  account: 'disruption-controller',
  watches: [
    { ref: BUDGETS, keys: selfKey },
    { ref: RESOURCES.pods, keys: budgetsOf },
  ],
  reads: [RESOURCES.replicaSets, RESOURCES.deployments, REPLICATION_CONTROLLERS, STATEFUL_SETS],
  reconcile(view, { namespace, name }, now) {
    const budget = view.get<Budget>(BUDGETS, namespace, name);
    return budget === undefined ? { actions: [], saw: 'no such budget' } : count(view, budget, now);
  },
};

/** Those whose selector takes the pod as it was or as it is. */
function budgetsOf(view: View, before: KubeObject | undefined, after: KubeObject | undefined): Key[] {
  const namespace = (after ?? before)!.metadata.namespace ?? '';
  return view
    .list<Budget>(BUDGETS, namespace)
    .filter((budget) => [before, after].some((pod) => pod !== undefined && takes(budget, pod)))
    .map(({ metadata }) => ({ namespace, name: metadata.name }));
}

/** No selector takes nothing, an empty one everything. */
const takes = ({ spec }: Budget, pod: KubeObject): boolean =>
  spec?.selector !== undefined && selects(spec.selector, pod.metadata.labels);

function count(view: View, budget: Budget, now: number): Reconciled {
  const { namespace = '' } = budget.metadata;
  const pods = view.list<Pod>(RESOURCES.pods, namespace).filter((pod) => takes(budget, pod));
  const { disruptedPods, againInMs } = disrupted(budget, pods, now);
  const expected = expectedOf(view, budget, pods);
  const again = againInMs === undefined ? {} : { againInMs };
  const status = 'problem' in expected ? failed(budget, expected.problem, now) : counted();
  const saw = `${pods.length} pods, ${status.disruptionsAllowed ?? 0} may go`;
  if (isSameStatus(status, budget.status)) return { actions: [], saw, ...again };
  return { actions: [updateOf(BUDGETS, { ...budget, status }, 'updateStatus')], saw, ...again };

  function counted(): PodDisruptionBudgetStatus {
    const { expectedPods, desiredHealthy } = expected as Expected;
    const currentHealthy = pods.filter(
      (pod) => !isTerminating(pod) && ownValue(disruptedPods, pod.metadata.name) === undefined && isReady(pod),
    ).length;
    const disruptionsAllowed = expectedPods <= 0 ? 0 : Math.max(0, currentHealthy - desiredHealthy);
    return {
      ...base(budget, now, disruptionsAllowed > 0 ? 'SufficientPods' : 'InsufficientPods', ''),
      currentHealthy,
      desiredHealthy,
      expectedPods,
      disruptionsAllowed,
      ...(Object.keys(disruptedPods).length === 0 ? {} : { disruptedPods }),
    };
  }
}

/** Nothing is let go while it is not known how many there should be. */
function failed(budget: Budget, message: string, now: number): PodDisruptionBudgetStatus {
  return { ...budget.status, ...base(budget, now, 'SyncFailed', message), disruptionsAllowed: 0 };
}

function base(
  budget: Budget,
  now: number,
  reason: string,
  message: string,
): Pick<PodDisruptionBudgetStatus, 'observedGeneration' | 'conditions'> {
  const observedGeneration = budget.metadata.generation ?? 0;
  const status = reason === 'SufficientPods' ? 'True' : 'False';
  const had = budget.status?.conditions ?? [];
  const before = had.find(({ type }) => type === 'DisruptionAllowed');
  const condition: Condition = {
    type: 'DisruptionAllowed',
    status,
    observedGeneration,
    lastTransitionTime: before?.status === status ? (before.lastTransitionTime ?? toTime(now)) : toTime(now),
    reason,
    message,
  };
  return { observedGeneration, conditions: [...had.filter((one) => one !== before), condition] };
}

/** Pods that the API let go and that are still there, for as long as their deletion may be on its way. */
function disrupted(
  { status }: Budget,
  pods: readonly Pod[],
  now: number,
): { disruptedPods: Record<string, string>; againInMs?: number } {
  const disruptedPods: Record<string, string> = {};
  let againInMs: number | undefined;
  for (const pod of pods) {
    const at = ownValue(status?.disruptedPods, pod.metadata.name);
    if (at === undefined || isTerminating(pod)) continue;
    const leftMs = Date.parse(at) + EVICTION_MS - now;
    if (!(leftMs > 0)) continue;
    disruptedPods[pod.metadata.name] = at;
    againInMs = Math.min(againInMs ?? Infinity, leftMs);
  }
  return { disruptedPods, ...(againInMs === undefined ? {} : { againInMs }) };
}

interface Expected {
  expectedPods: number;
  desiredHealthy: number;
}

function expectedOf(view: View, { spec = {} }: Budget, pods: readonly Pod[]): Expected | { problem: string } {
  const { minAvailable, maxUnavailable } = spec;
  if (maxUnavailable === undefined && typeof minAvailable !== 'string')
    return { expectedPods: pods.length, desiredHealthy: minAvailable ?? 0 };
  const scale = scaleOf(view, pods);
  if (typeof scale === 'string') return { problem: scale };
  const part = scaledValue(maxUnavailable ?? minAvailable!, scale, true) ?? 0;
  return { expectedPods: scale, desiredHealthy: maxUnavailable === undefined ? part : Math.max(0, scale - part) };
}

/** How many pods their controllers want; those without one do not count. A text: why that is not known. */
function scaleOf(view: View, pods: readonly Pod[]): number | string {
  const scales = new Map<string, number>();
  for (const pod of pods) {
    const owner = controllerOf(pod);
    if (owner === undefined || scales.has(owner.uid)) continue;
    const found = controllerScale(view, pod.metadata.namespace ?? '', owner);
    if (found === undefined) return `found no controllers for pod ${JSON.stringify(pod.metadata.name)}`;
    // The sets of one Deployment want together what it wants.
    scales.set(owner.uid, 0);
    scales.set(found.uid, found.replicas);
  }
  return [...scales.values()].reduce((sum, replicas) => sum + replicas, 0);
}

const KINDS: Readonly<Record<string, ResourceRef>> = {
  ReplicaSet: RESOURCES.replicaSets,
  ReplicationController: REPLICATION_CONTROLLERS,
  StatefulSet: STATEFUL_SETS,
};

type Scaled = KubeObject & Pick<ReplicaSet, 'spec'>;

function controllerScale(
  view: View,
  namespace: string,
  owner: { kind: string; name: string; uid: string },
): { uid: string; replicas: number } | undefined {
  const ref = KINDS[owner.kind];
  const found = ref === undefined ? undefined : view.get<Scaled>(ref, namespace, owner.name);
  if (found?.metadata.uid !== owner.uid) return undefined;
  const above = owner.kind === 'ReplicaSet' ? controllerOf(found!) : undefined;
  const deployment =
    above?.kind === 'Deployment'
      ? view.get<Deployment & KubeObject>(RESOURCES.deployments, namespace, above.name)
      : undefined;
  const wants = deployment !== undefined && deployment.metadata.uid === above?.uid ? deployment : found!;
  return { uid: wants.metadata.uid!, replicas: wants.spec?.replicas ?? 1 };
}
