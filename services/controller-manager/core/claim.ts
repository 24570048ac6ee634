// Decides which objects belong to a controller by selector and owner reference: adopts orphans that match, releases its
// own that match no longer. Never takes what another controller owns.
import type { ResourceRef } from '../../../lib/api/resource.ts';
import type { Action, KubeObject } from '../../../lib/reconcile/controller.ts';
import { controllerOf, controllerReference } from './owner.ts';

export interface Claim<T> {
  /** Owned now, or by the actions. */
  mine: T[];
  actions: Action[];
}

export interface Claimer {
  ownerRef: ResourceRef;
  owner: KubeObject;
  /** Of the claimed. */
  ref: ResourceRef;
  matches(labels: Record<string, string>): boolean;
}

export function claim<T extends KubeObject>(who: Claimer, candidates: readonly T[]): Claim<T> {
  const out: Claim<T> = { mine: [], actions: [] };
  const isOwnerLeaving = who.owner.metadata.deletionTimestamp !== undefined;
  for (const object of candidates) {
    const controller = controllerOf(object);
    const matches = who.matches(object.metadata.labels ?? {});
    if (controller?.uid === who.owner.metadata.uid) {
      if (matches) out.mine.push(object);
      else if (!isOwnerLeaving) out.actions.push(release(who, object));
    } else if (
      controller === undefined &&
      matches &&
      !isOwnerLeaving &&
      object.metadata.deletionTimestamp === undefined
    ) {
      out.mine.push(object);
      out.actions.push(adopt(who, object));
    }
  }
  return out;
}

/** The resourceVersion makes it exact: two claimers cannot both win. */
function patchOwners(who: Claimer, object: KubeObject, ownerReferences: object[]): Action {
  return {
    type: 'patch',
    ref: who.ref,
    namespace: object.metadata.namespace ?? '',
    name: object.metadata.name,
    contentType: 'application/merge-patch+json',
    patch: {
      metadata: { uid: object.metadata.uid, resourceVersion: object.metadata.resourceVersion, ownerReferences },
    },
  };
}

function adopt(who: Claimer, object: KubeObject): Action {
  const others = object.metadata.ownerReferences ?? [];
  return patchOwners(who, object, [...others, controllerReference(who.ownerRef, who.owner)]);
}

function release(who: Claimer, object: KubeObject): Action {
  const others = (object.metadata.ownerReferences ?? []).filter((owner) => owner.uid !== who.owner.metadata.uid);
  return patchOwners(who, object, others);
}
