// Decides what a namespace uses of each of its quotas: everything that is there, counted anew. Never refuses a write (admission
// does, and takes room at once); this gives back what went, and begins to count for a new quota.
import { equalObjects } from '../../../lib/api/equality.ts';
import type { ResourceQuota } from '../../../lib/api/generated/types.ts';
import { addQuantities } from '../../../lib/api/quantity.ts';
import { boundedBy, countName, isInScope, sumOf, usageOf, type Amounts } from '../../../lib/api/quota.ts';
import { resourceRef, type ResourceRef } from '../../../lib/api/resource.ts';
import {
  selfKey,
  type Controller,
  type Key,
  type KubeObject,
  type Reconciled,
  type View,
} from '../../../lib/reconcile/controller.ts';
import { updateOf } from '../core/actions.ts';

const QUOTAS = resourceRef('', 'v1', 'resourcequotas');
/** Views learn how complete they are each second. */
const PROGRESS_MS = 1100;
const PLURAL_NAMES = new Set(
  'services replicationcontrollers resourcequotas secrets configmaps persistentvolumeclaims'.split(' '),
);

export function resourceQuota(kinds: readonly ResourceRef[]): Controller {
  const counted = kinds.filter((ref) => ref.namespaced && !isQuota(ref));
  return {
    name: 'resourcequota',
    kind: 'ResourceQuota',
    account: 'resourcequota-controller',
    watches: [
      { ref: QUOTAS, keys: selfKey },
      ...counted.map((ref) => ({
        ref,
        keys: (view: View, before: KubeObject | undefined, after: KubeObject | undefined) =>
          quotasOf(view, ref, before, after),
      })),
    ],
    reconcile(view, key) {
      const quota = view.get<ResourceQuota & KubeObject>(QUOTAS, key.namespace, key.name);
      return quota === undefined
        ? { actions: [], saw: 'no such ResourceQuota' }
        : count(view, quota, [...counted, QUOTAS]);
    },
  };
}

const isQuota = ({ group, resource }: ResourceRef): boolean => group === '' && resource === 'resourcequotas';

/** A change that uses more or less. What admission charged already costs one look that changes nothing. */
function quotasOf(view: View, ref: ResourceRef, before: KubeObject | undefined, after: KubeObject | undefined): Key[] {
  const namespace = (after ?? before)!.metadata.namespace ?? '';
  const quotas = view.list(QUOTAS, namespace);
  if (quotas.length === 0) return [];
  const usage = (object: KubeObject | undefined): Amounts => (object === undefined ? {} : usageOf(ref, object));
  if (before !== undefined && after !== undefined && equalObjects(usage(before), usage(after))) return [];
  return quotas.map(({ metadata }) => ({ namespace, name: metadata.name }));
}

/** Only the kinds that a quota bounds are looked through. */
function concerns(hard: Amounts, ref: ResourceRef): boolean {
  if (hard[countName(ref)] !== undefined) return true;
  if (ref.group !== '') return false;
  const names = Object.keys(hard);
  if (ref.resource === 'pods')
    return names.some((name) => name === 'pods' || /^(requests\.|limits\.|cpu$|memory$|ephemeral-storage$)/.test(name));
  if (!PLURAL_NAMES.has(ref.resource)) return false;
  if (hard[ref.resource] !== undefined) return true;
  if (ref.resource === 'services') return names.some((name) => name.startsWith('services.'));
  return ref.resource === 'persistentvolumeclaims' && names.some((name) => name.includes('storage'));
}

function count(view: View, quota: ResourceQuota & KubeObject, refs: readonly ResourceRef[]): Reconciled {
  const hard = (quota.spec?.hard ?? {}) as Amounts;
  const namespace = quota.metadata.namespace ?? '';
  const counted = refs.filter((ref) => concerns(hard, ref));
  const told = Object.keys(hard).toSorted().join(', ');
  // Room that was taken with a write must not be given back because the write was not seen yet.
  const version = Number(quota.metadata.resourceVersion);
  if (!counted.every((ref) => view.revision(ref) >= version))
    return { actions: [], saw: told, why: 'what it counts may only not be known yet', againInMs: PROGRESS_MS };
  let used: Amounts = Object.fromEntries(Object.keys(hard).map((name) => [name, '0']));
  for (const ref of counted)
    for (const object of view.list(ref, namespace))
      if (isInScope(quota, ref, object)) used = sumOf(used, boundedBy(hard, usageOf(ref, object)));
  const status = { hard, used: canonical(used) };
  if (equalObjects(status, quota.status ?? {})) return { actions: [], saw: told, why: 'counted right' };
  return { actions: [updateOf(QUOTAS, { ...quota, status }, 'updateStatus')], saw: told };
}

const canonical = (amounts: Amounts): Amounts =>
  Object.fromEntries(Object.entries(amounts).map(([name, value]) => [name, addQuantities(value, '0')]));
