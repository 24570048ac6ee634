// Decides how a Deployment's ReplicaSets change, one step at a time, so that its rollout keeps its promises of surge and
// availability. Never touches pods: each ReplicaSet does that.
import { equalObjects } from '../../../../lib/api/equality.ts';
import type { Deployment, Pod, ReplicaSet } from '../../../../lib/api/generated/types.ts';
import { RESOURCES } from '../../../../lib/api/resource.ts';
import {
  selfKey,
  type Action,
  type Controller,
  type Key,
  type KubeObject,
  type Reconciled,
  type View,
} from '../../../../lib/reconcile/controller.ts';
import { deletionOf, eventAbout, updateOf } from '../../core/actions.ts';
import { controllerOf } from '../../core/owner.ts';
import { isTerminal } from '../../core/pod.ts';
import { isSameStatus } from '../../core/status.ts';
import {
  REVISION,
  annotationsFor,
  desiredAnnotation,
  maxAnnotation,
  nextRevision,
  replicasAnnotations,
  revisionOf,
} from './revision.ts';
import { claimSets, hasCollision, newReplicaSet, splitSets, type Sets } from './sets.ts';
import {
  isRolling,
  maxSurge,
  nextNewSize,
  proportionalSizes,
  shrinkOldSets,
  sizeOf,
  total,
  wanted,
  availableOf,
  type Sizes,
} from './sizes.ts';
import { deadlineInMs, isComplete, statusOf } from './status.ts';

export const deployment: Controller = {
  name: 'deployment',
  kind: 'Deployment',
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

/** Its controller; for an orphan, every Deployment of the namespace, as any of them may adopt it. */
function deploymentsOfSet(view: View, before: KubeObject | undefined, after: KubeObject | undefined): Key[] {
  const object = (after ?? before)!;
  const owner = controllerOf(object);
  const namespace = object.metadata.namespace ?? '';
  if (owner !== undefined) return owner.kind === 'Deployment' ? [{ namespace, name: owner.name }] : [];
  return view.list(RESOURCES.deployments, namespace).map((one) => ({ namespace, name: one.metadata.name }));
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
  if (isSaturated)
    for (const set of active)
      if (set !== newSet) step.resize(set, 0);
      else if (isRolling(deployment)) step.resizeAll(proportionalSizes(deployment, active, maxAnnotation));
      // A strategy changed in mid-rollout: sizes stay, but are marked as meant for the new count, or this would never end.
      else for (const set of active) step.resize(set, sizeOf(set));
}

/** What one reconcile is about to do: changes of each ReplicaSet meet here, so that each is written once. */
class Step {
  readonly view: View;
  readonly deployment: Deployment;
  readonly newSet: ReplicaSet | undefined;
  readonly oldSets: readonly ReplicaSet[];
  readonly #now: number;
  readonly #changed = new Map<string, ReplicaSet>();
  readonly #creations: Action[] = [];
  readonly #deletions: Action[] = [];
  readonly #events: Action[] = [];
  #created: ReplicaSet | undefined;
  #revision: string | undefined;
  #collisionCount: number | undefined;
  #why: string | undefined;
  isResizing = false;

  constructor(view: View, deployment: Deployment, sets: Sets, now: number) {
    this.view = view;
    this.deployment = deployment;
    this.newSet = sets.newSet;
    this.oldSets = sets.oldSets;
    this.#now = now;
  }

  get all(): ReplicaSet[] {
    return this.newSet === undefined ? [...this.oldSets] : [...this.oldSets, this.newSet];
  }

  waitFor(why: string): false {
    this.#why = why;
    return false;
  }

  createNewSet(): void {
    const { deployment } = this;
    if (hasCollision(this.view, deployment)) {
      this.#collisionCount = (deployment.status?.collisionCount ?? 0) + 1;
      this.#why = `another ReplicaSet has the name of the new one: hashing again with collisionCount ${this.#collisionCount}`;
      return;
    }
    const set = newReplicaSet(deployment);
    const size = nextNewSize(deployment, this.all, undefined);
    const revision = nextRevision(this.oldSets);
    set.spec.replicas = size;
    set.metadata.annotations = { ...annotationsFor(deployment, {}, revision), ...this.#replicasAnnotations() };
    this.#created = set;
    this.#revision = String(revision);
    this.#creations.push({
      type: 'create',
      ref: RESOURCES.replicaSets,
      namespace: deployment.metadata.namespace ?? '',
      object: set,
    });
    if (size > 0) this.#say(`Scaled up replica set ${set.metadata.name} to ${size}`);
  }

  /** A template that came back (undo) makes its old ReplicaSet the newest revision. */
  keepAnnotations(): void {
    const set = this.newSet!;
    const annotations = annotationsFor(this.deployment, set.metadata.annotations ?? {}, nextRevision(this.oldSets));
    this.#change(set, { annotations, minReadySeconds: this.deployment.spec.minReadySeconds });
    this.#revision = annotations[REVISION];
  }

  resize(set: ReplicaSet, size: number): void {
    const before = sizeOf(set);
    const annotations = { ...this.#current(set).metadata.annotations, ...this.#replicasAnnotations() };
    if (before === size) return void (size > 0 && this.#change(set, { annotations }));
    this.isResizing = true;
    this.#change(set, { annotations, replicas: size });
    this.#say(`Scaled ${size > before ? 'up' : 'down'} replica set ${set.metadata.name} to ${size} from ${before}`);
  }

  resizeAll(sizes: Sizes): void {
    for (const set of this.all) {
      const size = sizes.get(set.metadata.name);
      if (size !== undefined) this.resize(set, size);
    }
  }

  /** Old, empty ReplicaSets beyond revisionHistoryLimit go, the oldest revisions first. */
  cleanUp(): void {
    const limit = this.deployment.spec.revisionHistoryLimit;
    if (limit === undefined) return;
    const kept = this.oldSets.filter((set) => set.metadata.deletionTimestamp === undefined);
    const surplus = kept.toSorted((a, b) => revisionOf(a) - revisionOf(b)).slice(0, Math.max(0, kept.length - limit));
    const isIdle = (set: ReplicaSet): boolean =>
      sizeOf(set) === 0 &&
      (set.status?.replicas ?? 0) === 0 &&
      (set.metadata.generation ?? 0) <= (set.status?.observedGeneration ?? 0);
    this.#deletions.push(...surplus.filter(isIdle).map((set) => deletionOf(RESOURCES.replicaSets, set)));
  }

  finish(): Omit<Reconciled, 'saw'> {
    const status = this.#statusAction();
    const updates = [...this.#changed.values()].map((set) => updateOf(RESOURCES.replicaSets, set));
    const actions = [...this.#creations, ...updates, ...this.#deletions, ...this.#events, ...status.actions];
    return {
      actions,
      ...(status.againInMs === undefined ? {} : { againInMs: status.againInMs }),
      ...(this.#why !== undefined ? { why: this.#why } : actions.length === 0 ? { why: 'nothing to change' } : {}),
    };
  }

  /** The revision travels with the status: both in one write, as upstream does. */
  #statusAction(): { actions: Action[]; againInMs?: number } {
    const { deployment } = this;
    const status = statusOf({
      deployment,
      newSet: this.newSet ?? this.#created,
      oldSets: this.oldSets,
      isNewSetCreated: this.#created !== undefined,
      now: this.#now,
    });
    if (this.#collisionCount !== undefined) status.collisionCount = this.#collisionCount;
    // A second late: the API keeps times in whole seconds.
    const deadline = deadlineInMs(deployment, status.conditions ?? [], this.#now);
    const again = deadline === undefined ? {} : { againInMs: deadline + 1000 };
    const annotations = {
      ...deployment.metadata.annotations,
      ...(this.#revision === undefined ? {} : { [REVISION]: this.#revision }),
    };
    if (isSameStatus(status, deployment.status) && equalObjects(annotations, deployment.metadata.annotations))
      return { actions: [], ...again };
    const object = { ...deployment, metadata: { ...deployment.metadata, annotations }, status };
    return { actions: [updateOf(RESOURCES.deployments, object, 'updateStatus')], ...again };
  }

  #replicasAnnotations(): Record<string, string> {
    return replicasAnnotations(wanted(this.deployment), wanted(this.deployment) + maxSurge(this.deployment));
  }

  #current(set: ReplicaSet): ReplicaSet {
    return this.#changed.get(set.metadata.name) ?? set;
  }

  #change(
    set: ReplicaSet,
    to: { annotations: Record<string, string>; replicas?: number; minReadySeconds?: number | undefined },
  ): void {
    const current = this.#current(set);
    const next: ReplicaSet = {
      ...current,
      metadata: { ...current.metadata, annotations: to.annotations },
      spec: {
        ...current.spec,
        ...(to.replicas === undefined ? {} : { replicas: to.replicas }),
        ...('minReadySeconds' in to ? { minReadySeconds: to.minReadySeconds } : {}),
      },
    };
    const isSame =
      equalObjects(next.metadata.annotations, set.metadata.annotations) &&
      sizeOf(next) === sizeOf(set) &&
      (next.spec.minReadySeconds ?? 0) === (set.spec.minReadySeconds ?? 0);
    if (isSame) this.#changed.delete(set.metadata.name);
    else this.#changed.set(set.metadata.name, next);
  }

  #say(message: string): void {
    this.#events.push(eventAbout(RESOURCES.deployments, this.deployment, 'ScalingReplicaSet', message));
  }
}
