// Decides how a Deployment's ReplicaSets change, one step at a time, so that its rollout keeps its promises of surge and
// availability. Never touches pods: each ReplicaSet does that.
import type { Deployment, Pod, ReplicaSet } from '../../../../lib/api/generated/types.ts';
import { RESOURCES } from '../../../../lib/api/resource.ts';
import { selects } from '../../../../lib/api/selectors.ts';
import {
  selfKey,
  type Controller,
  type Key,
  type KubeObject,
  type Reconciled,
  type View,
} from '../../../../lib/reconcile/controller.ts';
import { eventAbout } from '../../core/actions.ts';
import { controllerOf } from '../../core/owner.ts';
import { isTerminal } from '../../core/pod.ts';
import { desiredAnnotation, maxAnnotation } from './revision.ts';
import { claimSets, splitSets, type Sets } from './sets.ts';
import {
  availableOf,
  isRolling,
  nextNewSize,
  proportionalSizes,
  shrinkOldSets,
  sizeOf,
  total,
  wanted,
} from './sizes.ts';
import { isComplete } from './status.ts';
import { Step } from './step.ts';

export const deployment: Controller = {
  name: 'deployment',
  kind: 'Deployment',
  account: 'deployment-controller',
  watches: [
    { ref: RESOURCES.deployments, keys: selfKey },
    { ref: RESOURCES.replicaSets, keys: deploymentsOfSet },
    { ref: RESOURCES.pods, keys: deploymentOfGonePod },
  ],
  reconcile(view, key, now) {
    const found = view.get<Deployment>(RESOURCES.deployments, key.namespace, key.name);
    return found === undefined ? { actions: [], saw: 'no such Deployment' } : reconcile(view, found, now);
  },
};

/** Its controller before and after; for an orphan, every Deployment that would adopt it. */
function deploymentsOfSet(view: View, before: KubeObject | undefined, after: KubeObject | undefined): Key[] {
  const namespace = (after ?? before)!.metadata.namespace ?? '';
  const owners = [before, after].flatMap((set) => (set === undefined ? [] : (controllerOf(set) ?? [])));
  const names = new Set(owners.filter((owner) => owner.kind === 'Deployment').map(({ name }) => name));
  if (after !== undefined && controllerOf(after) === undefined)
    for (const one of view.list<Deployment>(RESOURCES.deployments, namespace))
      if (selects(one.spec.selector, after.metadata.labels ?? {})) names.add(one.metadata.name);
  return [...names].map((name) => ({ namespace, name }));
}

/** Recreate waits for the last old pod to be gone; only that is news to a Deployment. */
function deploymentOfGonePod(view: View, before: KubeObject | undefined, after: KubeObject | undefined): Key[] {
  if (before === undefined || (after !== undefined && !isTerminal(after as Pod))) return [];
  const owner = controllerOf(before);
  if (owner?.kind !== 'ReplicaSet') return [];
  const namespace = before.metadata.namespace ?? '';
  const set = view.get(RESOURCES.replicaSets, namespace, owner.name);
  const name = set === undefined ? undefined : controllerOf(set)?.name;
  const waiting = name === undefined ? undefined : view.get<Deployment>(RESOURCES.deployments, namespace, name);
  return waiting === undefined || isRolling(waiting) ? [] : [{ namespace, name: waiting.metadata.name }];
}

function reconcile(view: View, deployment: Deployment, now: number): Reconciled {
  const selector = deployment.spec.selector;
  if (Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0)
    return {
      actions: [
        eventAbout(
          RESOURCES.deployments,
          deployment,
          'SelectingAll',
          'This deployment is selecting all pods. A non-empty selector is required.',
          'Warning',
        ),
      ],
      saw: 'an empty selector',
    };
  const claimed = claimSets(view, deployment);
  const sets = splitSets(deployment, claimed.mine);
  const saw = describe(deployment, sets);
  // The claimed objects change under our hands: decide on them after they did.
  if (claimed.actions.length > 0) return { actions: claimed.actions, saw };
  const step = new Step(view, deployment, sets, now);
  if (deployment.metadata.deletionTimestamp === undefined) roll(step);
  return { ...step.finish(), saw };
}

function describe(deployment: Deployment, { newSet, oldSets }: Sets): string {
  const tell = (set: ReplicaSet): string => `${availableOf(set)} of ${sizeOf(set)} available`;
  const old = oldSets.filter((set) => sizeOf(set) > 0);
  return [
    `${wanted(deployment)} wanted`,
    newSet === undefined ? 'no ReplicaSet of its template' : `new ReplicaSet ${newSet.metadata.name}: ${tell(newSet)}`,
    ...(old.length === 0 ? [] : [`${old.length} old: ${total(old, availableOf)} of ${total(old, sizeOf)} available`]),
  ].join(', ');
}

function roll(step: Step): void {
  const { deployment, newSet, oldSets } = step;
  const isScaled = step.all.some(
    (set) => sizeOf(set) > 0 && (desiredAnnotation(set) ?? wanted(deployment)) !== wanted(deployment),
  );
  if (deployment.spec.paused === true || isScaled) {
    if (newSet !== undefined) step.keepAnnotations();
    scale(step);
    if (deployment.spec.paused === true) step.cleanUp();
    return;
  }
  if (!isRolling(deployment) && !canRecreate(step)) return;
  if (newSet === undefined) return step.createNewSet();
  step.keepAnnotations();
  step.resize(newSet, nextNewSize(deployment, step.all, newSet));
  if (step.isResizing) return;
  if (isRolling(deployment)) step.resizeAll(shrinkOldSets(deployment, newSet, oldSets));
  if (!step.isResizing && isComplete(deployment, deployment.status)) step.cleanUp();
}

/** Recreate: nothing new before everything old is gone, terminating pods too. */
function canRecreate(step: Step): boolean {
  const active = step.oldSets.filter((set) => sizeOf(set) > 0);
  for (const set of active) step.resize(set, 0);
  if (active.length > 0) return false;
  if (total(step.oldSets, (set) => set.status?.replicas ?? 0) > 0)
    return step.waitFor('old replicas are still counted');
  const isRunning = step.oldSets.some((set) =>
    step.view.ownedBy<Pod>(RESOURCES.pods, set.metadata.uid ?? '').some((pod) => !isTerminal(pod)),
  );
  return isRunning ? step.waitFor('old pods are still there') : true;
}

/** `spec.replicas` changed, or the rollout is paused: sizes follow without a step of the rollout. */
function scale(step: Step): void {
  const { deployment, newSet, oldSets } = step;
  const active = step.all.filter((set) => sizeOf(set) > 0);
  const only = active.length === 0 ? (newSet ?? oldSets.at(-1)) : active.length === 1 ? active[0] : undefined;
  if (only !== undefined) return step.resize(only, wanted(deployment));
  if (active.length === 0) return;
  const isSaturated =
    newSet !== undefined &&
    desiredAnnotation(newSet) === wanted(deployment) &&
    sizeOf(newSet) === wanted(deployment) &&
    availableOf(newSet) === wanted(deployment);
  if (isSaturated) {
    for (const set of active) if (set !== newSet) step.resize(set, 0);
  } else if (isRolling(deployment)) {
    step.resizeAll(proportionalSizes(deployment, active, maxAnnotation));
  } else {
    // A strategy changed in mid-rollout: sizes stay, but are marked as meant for the new count, or this would never end.
    for (const set of active) step.resize(set, sizeOf(set));
  }
}
