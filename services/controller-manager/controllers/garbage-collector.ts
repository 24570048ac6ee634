// Decides what goes because its owners went: background, foreground and orphan deletion by owner references, one loop a
// kind. Never deletes because an owner was not seen yet: absence counts only once the view of the owner's kind is complete
// up to the dependent's own revision, and an owner existed before what names it.
import { equalObjects } from '../../../lib/api/equality.ts';
import type { OwnerReference } from '../../../lib/api/generated/types.ts';
import type { ResourceRef } from '../../../lib/api/resource.ts';
import type {
  Action,
  Controller,
  Key,
  KubeObject,
  Reconciled,
  View,
  Watch,
} from '../../../lib/reconcile/controller.ts';
import { deletionOf } from '../core/actions.ts';

export const FOREGROUND = 'foregroundDeletion';
export const ORPHAN = 'orphan';
/** Views learn how complete they are each second. */
const PROGRESS_MS = 1100;

export function garbageCollectors(kinds: readonly ResourceRef[]): Controller[] {
  return kinds.map((ref) => new Collector(ref, kinds).controller());
}

const isLeaving = (object: KubeObject): boolean => object.metadata.deletionTimestamp !== undefined;
const hasFinalizer = (object: KubeObject, name: string): boolean => object.metadata.finalizers?.includes(name) ?? false;
const owners = (object: KubeObject | undefined): OwnerReference[] => object?.metadata.ownerReferences ?? [];
const keyOf = (object: KubeObject): Key => ({ namespace: object.metadata.namespace ?? '', name: object.metadata.name });
const groupOf = (apiVersion: string): string => (apiVersion.includes('/') ? apiVersion.split('/')[0]! : '');

type OwnerState = 'there' | 'gone' | 'waiting' | 'unproven';

class Collector {
  readonly #ref: ResourceRef;
  readonly #kinds: readonly ResourceRef[];

  constructor(ref: ResourceRef, kinds: readonly ResourceRef[]) {
    this.#ref = ref;
    this.#kinds = kinds;
  }

  controller(): Controller {
    return {
      name: 'garbage-collector',
      kind: this.#ref.kind,
      account: 'generic-garbage-collector',
      watches: this.#kinds.map((other) => this.#watch(other)),
      reconcile: (view, key) => {
        const object = view.get(this.#ref, key.namespace, key.name);
        return object === undefined ? { actions: [], saw: 'gone' } : this.#reconcile(view, object);
      },
    };
  }

  #watch(other: ResourceRef): Watch {
    return {
      ref: other,
      keys: (view, before, after) => [
        ...(other === this.#ref && isOwnNews(before, after) ? [keyOf(after!)] : []),
        ...this.#dependents(view, before, after),
        ...this.#leavingOwners(view, before, after),
      ],
    };
  }

  /** An owner went, or began to: what depends on it is looked at. */
  #dependents(view: View, before: KubeObject | undefined, after: KubeObject | undefined): Key[] {
    const isNews =
      after === undefined ||
      (isLeaving(after) && !equalObjects(before?.metadata.finalizers, after.metadata.finalizers));
    const began = after !== undefined && isLeaving(after) && (before === undefined || !isLeaving(before));
    if (!isNews && !began) return [];
    return view.dependentsOf(this.#ref, (after ?? before)!.metadata.uid ?? '').map(keyOf);
  }

  /** A dependent went, or was let go: owners that wait for that are looked at. */
  #leavingOwners(view: View, before: KubeObject | undefined, after: KubeObject | undefined): Key[] {
    if (before === undefined || owners(before).length === 0) return [];
    if (after !== undefined && equalObjects(before.metadata.ownerReferences, after.metadata.ownerReferences)) return [];
    return owners(before)
      .filter((owner) => owner.kind === this.#ref.kind && groupOf(owner.apiVersion) === this.#ref.group)
      .map((owner) => ({ namespace: this.#ref.namespaced ? (before.metadata.namespace ?? '') : '', name: owner.name }))
      .filter((key) => isLeavingKey(view, this.#ref, key));
  }

  #reconcile(view: View, object: KubeObject): Reconciled {
    if (!isLeaving(object))
      return owners(object).length === 0 ? { actions: [], saw: 'no owners' } : this.#judge(view, object);
    if (hasFinalizer(object, ORPHAN)) return this.#orphan(view, object);
    if (hasFinalizer(object, FOREGROUND)) return this.#foreground(view, object);
    return { actions: [], saw: 'on its way out' };
  }

  #judge(view: View, object: KubeObject): Reconciled {
    const states = owners(object).map((owner) => ({ owner, state: this.#stateOf(view, object, owner) }));
    const saw = `owners: ${states.map(({ owner, state }) => `${owner.kind} ${owner.name} ${state}`).join(', ')}`;
    const having = (state: OwnerState): boolean => states.some((one) => one.state === state);
    if (having('unproven'))
      return { actions: [], saw, why: 'an owner may only not be known yet', againInMs: PROGRESS_MS };
    if (!having('gone') && !having('waiting')) return { actions: [], saw };
    if (having('there')) {
      const kept = states.filter(({ state }) => state === 'there').map(({ owner }) => owner);
      return { actions: [patchMetadata(this.#ref, object, { ownerReferences: kept })], saw };
    }
    return {
      actions: [deletionOf(this.#ref, object, { propagationPolicy: this.#policy(view, object, having('waiting')) })],
      saw,
    };
  }

  #policy(view: View, object: KubeObject, isOwnerWaiting: boolean): 'Background' | 'Foreground' | 'Orphan' {
    if (hasFinalizer(object, ORPHAN)) return 'Orphan';
    if (hasFinalizer(object, FOREGROUND)) return 'Foreground';
    return isOwnerWaiting && this.#dependentsOf(view, object).length > 0 ? 'Foreground' : 'Background';
  }

  #stateOf(view: View, object: KubeObject, owner: OwnerReference): OwnerState {
    const ref = this.#kinds.find((kind) => kind.kind === owner.kind && kind.group === groupOf(owner.apiVersion));
    // A kind that is not ours to judge, or a reference across scopes that no look-up can resolve: hands off.
    if (ref === undefined || (ref.namespaced && !this.#ref.namespaced)) return 'there';
    const found = view.get(ref, ref.namespaced ? (object.metadata.namespace ?? '') : '', owner.name);
    if (found?.metadata.uid === owner.uid)
      return isLeaving(found) && hasFinalizer(found, FOREGROUND) ? 'waiting' : 'there';
    return view.revision(ref) >= Number(object.metadata.resourceVersion) ? 'gone' : 'unproven';
  }

  #dependentsOf(view: View, object: KubeObject): Array<{ ref: ResourceRef; dependent: KubeObject }> {
    return this.#kinds.flatMap((ref) =>
      view.dependentsOf(ref, object.metadata.uid ?? '').map((dependent) => ({ ref, dependent })),
    );
  }

  #isComplete(view: View, object: KubeObject): boolean {
    return this.#kinds.every((ref) => view.revision(ref) >= Number(object.metadata.resourceVersion));
  }

  /** Dependents end themselves, each by its own loop; the owner goes when the last that blocks it has. */
  #foreground(view: View, object: KubeObject): Reconciled {
    const blocking = this.#blockersOf(view, object).filter(
      (dependent) => !this.#waitsFor(view, dependent, object, new Set()),
    );
    const saw = `foreground deletion, ${blocking.length} dependents block it`;
    return blocking.length > 0
      ? { actions: [], saw, why: 'dependents go first' }
      : this.#letGo(view, object, FOREGROUND, saw);
  }

  #blockersOf(view: View, object: KubeObject): KubeObject[] {
    return this.#dependentsOf(view, object)
      .map(({ dependent }) => dependent)
      .filter((dependent) =>
        owners(dependent).some((owner) => owner.uid === object.metadata.uid && owner.blockOwnerDeletion === true),
      );
  }

  /** In a circle of owners each would wait for the next for ever: the first that sees it closed goes. */
  #waitsFor(view: View, dependent: KubeObject, object: KubeObject, seen: Set<string>): boolean {
    const { uid = '' } = dependent.metadata;
    if (seen.has(uid) || !isLeaving(dependent) || !hasFinalizer(dependent, FOREGROUND)) return false;
    seen.add(uid);
    return this.#blockersOf(view, dependent).some(
      (next) => next.metadata.uid === object.metadata.uid || this.#waitsFor(view, next, object, seen),
    );
  }

  #orphan(view: View, object: KubeObject): Reconciled {
    const dependents = this.#dependentsOf(view, object);
    const saw = `orphaning deletion, ${dependents.length} dependents`;
    if (dependents.length === 0) return this.#letGo(view, object, ORPHAN, saw);
    const actions = dependents.map(({ ref, dependent }) =>
      patchMetadata(ref, dependent, {
        ownerReferences: owners(dependent).filter((owner) => owner.uid !== object.metadata.uid),
      }),
    );
    return { actions, saw };
  }

  #letGo(view: View, object: KubeObject, finalizer: string, saw: string): Reconciled {
    if (!this.#isComplete(view, object))
      return { actions: [], saw, why: 'a dependent may only not be known yet', againInMs: PROGRESS_MS };
    const finalizers = (object.metadata.finalizers ?? []).filter((name) => name !== finalizer);
    return { actions: [patchMetadata(this.#ref, object, { finalizers })], saw };
  }
}

/** Only what owner references and deletion rest on wakes its own loop: most changes are of neither. */
function isOwnNews(before: KubeObject | undefined, after: KubeObject | undefined): boolean {
  if (after === undefined) return false;
  const matters = owners(after).length > 0 || (isLeaving(after) && (after.metadata.finalizers ?? []).length > 0);
  return (
    matters &&
    (before === undefined ||
      isLeaving(before) !== isLeaving(after) ||
      !equalObjects(before.metadata.ownerReferences, after.metadata.ownerReferences) ||
      !equalObjects(before.metadata.finalizers, after.metadata.finalizers))
  );
}

function isLeavingKey(view: View, ref: ResourceRef, key: Key): boolean {
  const owner = view.get(ref, key.namespace, key.name);
  return owner !== undefined && isLeaving(owner);
}

function patchMetadata(ref: ResourceRef, object: KubeObject, metadata: object): Action {
  const { namespace = '', name, uid, resourceVersion } = object.metadata;
  return {
    type: 'patch',
    ref,
    namespace,
    name,
    contentType: 'application/merge-patch+json',
    patch: { metadata: { uid, resourceVersion, ...metadata } },
  };
}
