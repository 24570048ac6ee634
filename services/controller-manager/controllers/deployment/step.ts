// Decides how the changes of one reconcile become actions: each ReplicaSet is written once, events follow what they tell
// of, the status comes last. Never decides a size.
import { equalObjects } from '../../../../lib/api/equality.ts';
import type { Deployment, ReplicaSet } from '../../../../lib/api/generated/types.ts';
import { RESOURCES } from '../../../../lib/api/resource.ts';
import type { Action, Reconciled, View } from '../../../../lib/reconcile/controller.ts';
import { deletionOf, eventAbout, updateOf } from '../../core/actions.ts';
import { isSameStatus } from '../../core/status.ts';
import { REVISION, annotationsFor, byRevision, nextRevision, replicasAnnotations } from './revision.ts';
import { hasCollision, newReplicaSet, type Sets } from './sets.ts';
import { maxSurge, nextNewSize, sizeOf, wanted, type Sizes } from './sizes.ts';
import { deadlineInMs, statusOf } from './status.ts';

export class Step {
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
    const surplus = byRevision(kept).slice(0, Math.max(0, kept.length - limit));
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
