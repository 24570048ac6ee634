// Decides whether a pod may be evicted: a deletion that the disruption budgets over it must allow. Never breaks a budget.
import type { KubeObject } from '../../../../lib/api/object.ts';
import { selects } from '../../../../lib/api/selectors.ts';
import { toTime } from '../../../../lib/base/clock.ts';
import { ApiError } from '../../../../lib/base/errors.ts';
import { encodeStored, type CachedObject } from '../cache/cached-object.ts';
import { keyOf } from '../storage-key.ts';
import { judgesSent, validateSent } from '../admission/index.ts';
import { planDelete, type DeleteOptions } from './delete.ts';
import { ALONE, type Companions, type Plan, type WriteRequest } from './plan.ts';

const EVICTION = { group: 'policy', version: 'v1', kind: 'Eviction' };
const BUDGETS = 'policy/poddisruptionbudgets';
const SUCCESS = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };

export function planEviction(
  request: WriteRequest,
  current: CachedObject,
  options: DeleteOptions,
  eviction: KubeObject,
): Plan {
  const pod = current.object;
  if (judgesSent(request)) validateSent(request, 'CREATE', { kind: EVICTION, object: eviction });
  const phase: string = pod['status']?.phase ?? '';
  // A pod that does no work, or goes already, disturbs no budget.
  const isFree = ['Succeeded', 'Failed', 'Pending'].includes(phase) || pod.metadata.deletionTimestamp !== undefined;
  const budget = isFree ? ALONE : spend(request, pod);
  const isGoing = pod.metadata.deletionTimestamp !== undefined;
  const plan = planDelete(request, isGoing ? current : { ...current, object: marked(request, pod) }, options);
  const hasBudget = budget.operations.length > 0;
  return {
    ...plan,
    compares: hasBudget ? [...plan.compares, ...budget.compares] : plan.compares,
    operations: hasBudget ? [...plan.operations, ...budget.operations] : plan.operations,
    code: 201,
    answer: () => SUCCESS,
  };
}

/** Why it goes, for those who look at it until it has. */
function marked({ now }: WriteRequest, pod: KubeObject): KubeObject {
  const others = ((pod['status']?.conditions ?? []) as any[]).filter(({ type }) => type !== 'DisruptionTarget');
  const condition = {
    type: 'DisruptionTarget',
    status: 'True',
    lastTransitionTime: toTime(now),
    reason: 'EvictionByEvictionAPI',
    message: 'Eviction API: evicting',
  };
  return { ...pod, status: { ...pod['status'], conditions: [...others, condition] } };
}

const isReady = (pod: KubeObject): boolean =>
  ((pod['status']?.conditions ?? []) as any[]).some(({ type, status }) => type === 'Ready' && status === 'True');

/** A pod that does not work anyway: nothing is lost with it while those that must work do, or where the budget says so. */
function mayGoIll(pod: KubeObject, { spec = {}, status = {} }: any): boolean {
  if (isReady(pod)) return false;
  if (spec.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  return (status.desiredHealthy ?? 0) > 0 && (status.currentHealthy ?? 0) >= status.desiredHealthy;
}

function spend(request: WriteRequest, pod: KubeObject): Companions {
  const budgets = [...request.view.list(BUDGETS, pod.metadata.namespace)].filter(({ object }) =>
    selects(object['spec']?.selector, pod.metadata.labels),
  );
  if (budgets.length === 0) return ALONE;
  if (budgets.length > 1)
    throw new ApiError(
      'InternalError',
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    );
  const budget = budgets[0]!;
  if (mayGoIll(pod, budget.object)) return ALONE;
  const status = budget.object['status'] ?? {};
  const isStale = (status.observedGeneration ?? 0) < (budget.object.metadata.generation ?? 0);
  if (isStale || (status.disruptionsAllowed ?? 0) <= 0) throw tooMany(budget.object, isStale);
  const next = structuredClone(budget.object);
  next['status'] = {
    ...status,
    disruptionsAllowed: status.disruptionsAllowed - 1,
    disruptedPods: { ...status.disruptedPods, [pod.metadata.name]: toTime(request.now) },
  };
  const key = keyOf({ stream: BUDGETS, namespace: budget.namespace, name: budget.name });
  return {
    compares: [{ key, revision: budget.revision }],
    operations: [{ type: 'put', key, value: encodeStored(next) }],
  };
}

function tooMany(budget: KubeObject, isStale: boolean): ApiError {
  const { desiredHealthy = 0, currentHealthy = 0 } = budget['status'] ?? {};
  const message = isStale
    ? `The disruption budget ${budget.metadata.name} is still being processed by the server.`
    : `The disruption budget ${budget.metadata.name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`;
  return new ApiError('TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.", {
    causes: [{ reason: 'DisruptionBudget', message }],
    ...(isStale ? { retryAfterSeconds: 10 } : {}),
  });
}
