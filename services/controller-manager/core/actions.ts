// Decides nothing: short ways to write the actions that controllers use most. Never chooses whether to act.
import type { ResourceRef } from '../../../lib/api/resource.ts';
import type { Action, KubeObject } from '../../../lib/reconcile/controller.ts';
import { regarding } from './owner.ts';

export function eventAbout(
  ref: ResourceRef,
  object: KubeObject,
  reason: string,
  message: string,
  eventType: 'Normal' | 'Warning' = 'Normal',
): Action {
  return { type: 'event', regarding: regarding(ref, object), eventType, reason, message };
}

/** The uid makes it exact: another object that took the name meanwhile is left alone. */
export function deletionOf(
  ref: ResourceRef,
  object: KubeObject,
  options: { graceSeconds?: number; propagationPolicy?: 'Background' | 'Foreground' | 'Orphan' } = {},
): Action {
  const { namespace = '', name, uid = '' } = object.metadata;
  return { type: 'delete', ref, namespace, name, uid, ...options };
}

/** The object carries the resourceVersion that it was decided on: a stale write is refused. */
export function updateOf<T extends KubeObject>(
  ref: ResourceRef,
  object: T,
  what: 'update' | 'updateStatus' = 'update',
): Action {
  return { type: what, ref, namespace: object.metadata.namespace ?? '', name: object.metadata.name, object };
}

/** For who may not update a status but patch it. The resourceVersion in it makes it as exact as an update. */
export function statusPatchOf(ref: ResourceRef, object: KubeObject, status: object): Action {
  const { namespace = '', name, resourceVersion } = object.metadata;
  const patch = { metadata: { resourceVersion }, status };
  return {
    type: 'patch',
    ref,
    namespace,
    name,
    subresource: 'status',
    contentType: 'application/merge-patch+json',
    patch,
  };
}
