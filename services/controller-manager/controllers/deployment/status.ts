// Decides a Deployment's status: counts, and the conditions Available and Progressing in upstream's words (kubectl
// rollout status waits for them). Never decides sizes.
import type {
  Deployment,
  DeploymentCondition,
  DeploymentStatus,
  ReplicaSet,
} from '../../../../lib/api/generated/types.ts';
import { toTime } from '../../../../lib/base/clock.ts';
import { availableOf, minAvailable, sizeOf, total, wanted } from './sizes.ts';

type Conditions = readonly DeploymentCondition[];
const NO_DEADLINE_SECONDS = 2 ** 31 - 1;

export function deadlineMs(deployment: Deployment): number | undefined {
  const seconds = deployment.spec.progressDeadlineSeconds;
  return seconds === undefined || seconds === NO_DEADLINE_SECONDS ? undefined : seconds * 1000;
}

export function conditionOf(conditions: Conditions | undefined, type: string): DeploymentCondition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

interface Say {
  type: 'Available' | 'Progressing';
  status: 'True' | 'False' | 'Unknown';
  reason: string;
  message: string;
}

/** The same status and reason again is no news; the transition time is that of the status, not of the reason. */
function withCondition(conditions: Conditions, say: Say, now: number, refresh = false): Conditions {
  const present = conditionOf(conditions, say.type);
  if (!refresh && present?.status === say.status && present.reason === say.reason) return conditions;
  const time = toTime(now);
  const transition = present?.status === say.status ? (present.lastTransitionTime ?? time) : time;
  const others = conditions.filter((condition) => condition.type !== say.type);
  return [...others, { ...say, lastUpdateTime: time, lastTransitionTime: transition }];
}

export interface Seen {
  deployment: Deployment;
  newSet: ReplicaSet | undefined;
  oldSets: readonly ReplicaSet[];
  /** True when this very reconcile creates the new ReplicaSet. */
  isNewSetCreated: boolean;
  now: number;
}

function counts(seen: Seen): DeploymentStatus {
  const { deployment, newSet, oldSets } = seen;
  const all = newSet === undefined ? oldSets : [newSet, ...oldSets];
  const available = total(all, availableOf);
  return {
    observedGeneration: deployment.metadata.generation,
    replicas: total(all, (set) => set.status?.replicas ?? 0),
    updatedReplicas: newSet?.status?.replicas ?? 0,
    readyReplicas: total(all, (set) => set.status?.readyReplicas ?? 0),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, total(all, sizeOf) - available),
    collisionCount: deployment.status?.collisionCount,
  };
}

export function isComplete(deployment: Deployment, status: DeploymentStatus | undefined): boolean {
  return (
    (status?.updatedReplicas ?? 0) === wanted(deployment) &&
    (status?.replicas ?? 0) === wanted(deployment) &&
    (status?.availableReplicas ?? 0) === wanted(deployment) &&
    (status?.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  );
}

function isProgressing(before: DeploymentStatus, after: DeploymentStatus): boolean {
  const old = (status: DeploymentStatus): number => (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (
    (after.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(after) < old(before) ||
    (after.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

/** Milliseconds left until the rollout counts as stuck; undefined where nothing is awaited. */
export function deadlineInMs(deployment: Deployment, conditions: Conditions, now: number): number | undefined {
  const limit = deadlineMs(deployment);
  const progressing = conditionOf(conditions, 'Progressing');
  if (limit === undefined || progressing === undefined || deployment.spec.paused === true) return undefined;
  if (progressing.reason === 'NewReplicaSetAvailable' || progressing.reason === 'ProgressDeadlineExceeded')
    return undefined;
  return Math.max(0, Date.parse(progressing.lastUpdateTime ?? toTime(now)) + limit - now);
}

function paused(deployment: Deployment, conditions: Conditions, now: number): Conditions {
  const present = conditionOf(conditions, 'Progressing');
  if (present?.reason === 'ProgressDeadlineExceeded') return conditions;
  const isTold = present?.reason === 'DeploymentPaused';
  if (deployment.spec.paused === true && !isTold)
    return withCondition(
      conditions,
      { type: 'Progressing', status: 'Unknown', reason: 'DeploymentPaused', message: 'Deployment is paused' },
      now,
    );
  if (deployment.spec.paused !== true && isTold)
    return withCondition(
      conditions,
      { type: 'Progressing', status: 'Unknown', reason: 'DeploymentResumed', message: 'Deployment is resumed' },
      now,
    );
  return conditions;
}

function available(seen: Seen, status: DeploymentStatus, conditions: Conditions): Conditions {
  const isEnough = (status.availableReplicas ?? 0) >= minAvailable(seen.deployment);
  const say: Say = isEnough
    ? {
        type: 'Available',
        status: 'True',
        reason: 'MinimumReplicasAvailable',
        message: 'Deployment has minimum availability.',
      }
    : {
        type: 'Available',
        status: 'False',
        reason: 'MinimumReplicasUnavailable',
        message: 'Deployment does not have minimum availability.',
      };
  return withCondition(conditions, say, seen.now);
}

function found(seen: Seen, conditions: Conditions): Conditions {
  const name = seen.newSet?.metadata.name;
  const say = { type: 'Progressing', status: 'True' } as const;
  if (seen.isNewSetCreated)
    return withCondition(
      conditions,
      { ...say, reason: 'NewReplicaSetCreated', message: `Created new replica set "${name}"` },
      seen.now,
      true,
    );
  if (seen.newSet === undefined || conditionOf(conditions, 'Progressing') !== undefined) return conditions;
  return withCondition(
    conditions,
    { ...say, reason: 'FoundNewReplicaSet', message: `Found new replica set "${name}"` },
    seen.now,
  );
}

function progressing(
  seen: Seen,
  before: DeploymentStatus,
  after: DeploymentStatus,
  conditions: Conditions,
): Conditions {
  const { deployment, newSet, now } = seen;
  const present = conditionOf(conditions, 'Progressing');
  // Once available, scaling and lost pods are no new rollout: only another template is.
  if ((after.replicas ?? 0) === (after.updatedReplicas ?? 0) && present?.reason === 'NewReplicaSetAvailable')
    return conditions;
  const what =
    newSet === undefined ? `Deployment "${deployment.metadata.name}"` : `ReplicaSet "${newSet.metadata.name}"`;
  const say = (status: 'True' | 'False', reason: string, message: string): Say => ({
    type: 'Progressing',
    status,
    reason,
    message: `${what} ${message}`,
  });
  if (isComplete(deployment, after))
    return withCondition(conditions, say('True', 'NewReplicaSetAvailable', 'has successfully progressed.'), now);
  // Each step of progress moves lastUpdateTime: the deadline counts from the last one.
  if (isProgressing(before, after))
    return withCondition(conditions, say('True', 'ReplicaSetUpdated', 'is progressing.'), now, true);
  if (deadlineInMs(deployment, conditions, now) === 0)
    return withCondition(conditions, say('False', 'ProgressDeadlineExceeded', 'has timed out progressing.'), now);
  return conditions;
}

export function statusOf(seen: Seen): DeploymentStatus {
  const { deployment } = seen;
  const before = deployment.status ?? {};
  const after = counts(seen);
  let conditions: Conditions = before.conditions ?? [];
  if (deadlineMs(deployment) === undefined)
    conditions = conditions.filter((condition) => condition.type !== 'Progressing');
  else {
    conditions = found(seen, paused(deployment, conditions, seen.now));
    if (deployment.spec.paused !== true) conditions = progressing(seen, before, after, conditions);
  }
  return { ...after, conditions: [...available(seen, after, conditions)] };
}
