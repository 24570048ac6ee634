// Decides who controls an object, by its owner references. Never looks an owner up.
import type { ResourceRef } from '../../../lib/api/resource.ts';
import { apiVersionOf } from '../../../lib/api/resource.ts';
import type { OwnerReference } from '../../../lib/api/generated/types.ts';
import type { KubeObject } from '../../../lib/reconcile/controller.ts';

export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((owner) => owner.controller === true);
}

export function isControlledBy(object: KubeObject, owner: KubeObject): boolean {
  return controllerOf(object)?.uid === owner.metadata.uid;
}

/** The reference that makes `owner` the controller of what carries it. */
export function controllerReference(ref: ResourceRef, owner: KubeObject): OwnerReference {
  return {
    apiVersion: apiVersionOf(ref),
    kind: ref.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** The object as events name it: lists and watches leave kind and apiVersion out. */
export function regarding<T extends KubeObject>(ref: ResourceRef, object: T): T & { apiVersion: string; kind: string } {
  return { ...object, apiVersion: apiVersionOf(ref), kind: ref.kind };
}
