// Decides what `rollout` says of a Deployment: its progress, its revisions, the way back. Never waits or writes.
import { UsageError } from './resources.ts';

export interface DeploymentLike {
  metadata: { name: string; generation?: number; annotations?: Record<string, string>; uid?: string };
  spec: {
    replicas?: number;
    paused?: boolean;
    selector: { matchLabels?: Record<string, string> };
    template: { metadata?: { labels?: Record<string, string> } };
  };
  status?: {
    observedGeneration?: number;
    replicas?: number;
    updatedReplicas?: number;
    availableReplicas?: number;
    conditions?: Array<{ type: string; status: string; reason?: string }>;
  };
}

export interface ReplicaSetLike {
  metadata: {
    name: string;
    annotations?: Record<string, string>;
    ownerReferences?: Array<{ uid: string; controller?: boolean }>;
  };
  spec: { template: { metadata?: { labels?: Record<string, string> }; spec: unknown } };
}

export const REVISION = 'deployment.kubernetes.io/revision';
export const CHANGE_CAUSE = 'kubernetes.io/change-cause';

export interface RolloutProgress {
  text: string;
  done: boolean;
  /** It will not get further by itself. */
  failed?: boolean;
}

/** kubectl's sentences, in its order. */
export function rolloutProgress(deployment: DeploymentLike): RolloutProgress {
  const { metadata, spec, status = {} } = deployment;
  const name = metadata.name;
  if ((metadata.generation ?? 0) > (status.observedGeneration ?? 0))
    return { text: 'Waiting for deployment spec update to be observed...', done: false };
  const progressing = status.conditions?.find((condition) => condition.type === 'Progressing');
  if (progressing?.reason === 'ProgressDeadlineExceeded')
    return { text: `deployment "${name}" exceeded its progress deadline`, done: true, failed: true };
  const wanted = spec.replicas ?? 1;
  const { replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = status;
  const waiting = (what: string): RolloutProgress => ({
    text: `Waiting for deployment "${name}" rollout to finish: ${what}...`,
    done: false,
  });
  if (updatedReplicas < wanted) return waiting(`${updatedReplicas} out of ${wanted} new replicas have been updated`);
  if (replicas > updatedReplicas) return waiting(`${replicas - updatedReplicas} old replicas are pending termination`);
  if (availableReplicas < updatedReplicas)
    return waiting(`${availableReplicas} of ${updatedReplicas} updated replicas are available`);
  return { text: `deployment "${name}" successfully rolled out`, done: true };
}

/** Revisions of a Deployment, oldest first. */
export function revisionsOf<R extends ReplicaSetLike>(
  deployment: DeploymentLike,
  sets: readonly R[],
): Array<{ revision: number; set: R }> {
  return sets
    .filter((set) => set.metadata.ownerReferences?.some((owner) => owner.uid === deployment.metadata.uid) === true)
    .map((set) => ({ revision: Number(set.metadata.annotations?.[REVISION] ?? 0), set }))
    .filter(({ revision }) => revision > 0)
    .sort((a, b) => a.revision - b.revision);
}

/** The revision to go back to: the one asked for, or the last before the present one. */
export function undoTarget<R extends ReplicaSetLike>(
  deployment: DeploymentLike,
  sets: readonly R[],
  toRevision: number,
): R {
  const revisions = revisionsOf(deployment, sets);
  if (toRevision > 0) {
    const found = revisions.find(({ revision }) => revision === toRevision);
    if (found === undefined) throw new UsageError(`unable to find specified revision ${toRevision} in history`);
    return found.set;
  }
  const previous = revisions.at(-2);
  if (previous === undefined)
    throw new UsageError(`no rollout history found for deployment "${deployment.metadata.name}"`);
  return previous.set;
}

/** The pod template of a revision without the label that its ReplicaSet added. */
export function templateOf(set: ReplicaSetLike): object {
  const { 'pod-template-hash': _hash, ...labels } = set.spec.template.metadata?.labels ?? {};
  return { ...set.spec.template, metadata: { ...set.spec.template.metadata, labels } };
}
