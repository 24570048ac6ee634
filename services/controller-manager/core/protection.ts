// Decides how a finalizer keeps an object that others still need: put on it while it lives, taken off when nothing holds it any
// more. Never decides what holds one.
import type { ResourceRef } from '../../../lib/api/resource.ts';
import type { KubeObject, Reconciled } from '../../../lib/reconcile/controller.ts';
import { updateOf } from './actions.ts';

export interface Protection {
  ref: ResourceRef;
  finalizer: string;
}

/** Views learn how complete they are each second: until then, who holds an object may only not be known yet. */
export const PROGRESS_MS = 1100;

/** `held`: why it must stay yet; `lasting`: what else is done as long as it is not being deleted. */
export function protect(
  { ref, finalizer }: Protection,
  object: KubeObject,
  held: () => Reconciled | undefined,
  lasting: () => Reconciled['actions'] = () => [],
): Reconciled {
  const finalizers = object.metadata.finalizers ?? [];
  const isProtected = finalizers.includes(finalizer);
  const having = (changed: string[]): Reconciled['actions'] => [
    updateOf(ref, { ...object, metadata: { ...object.metadata, finalizers: changed } }),
  ];
  if (object.metadata.deletionTimestamp === undefined)
    return isProtected
      ? { actions: lasting(), saw: 'protected' }
      : { actions: having([...finalizers, finalizer]), saw: 'not protected' };
  if (!isProtected) return { actions: [], saw: 'ending, others hold it' };
  return held() ?? { actions: having(finalizers.filter((one) => one !== finalizer)), saw: 'ending, not in use' };
}
