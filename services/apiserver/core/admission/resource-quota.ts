// Decides whether a namespace's quotas have room for a write, and takes the room in the same transaction, so that two writers
// never share it. Never gives room back: the quota's controller counts what went.
import type { KubeObject } from '../../../../lib/api/object.ts';
import { compareQuantities } from '../../../../lib/api/quantity.ts';
import {
  boundedBy,
  differenceOf,
  isInScope,
  isPositive,
  sumOf,
  unsaid,
  usageOf,
  type Amounts,
} from '../../../../lib/api/quota.ts';
import { encodeStored, type CachedObject } from '../cache/cached-object.ts';
import { ALONE, forbiddenBy, type Companions, type WriteRequest } from '../pipeline/plan.ts';
import { keyOf } from '../storage-key.ts';

export const RESOURCE_QUOTAS = 'core/resourcequotas';

export function chargeQuotas(request: WriteRequest, object: KubeObject, old: KubeObject | undefined): Companions {
  const { info, kind, view } = request;
  if (!kind.ref.namespaced || info.subresource !== '') return ALONE;
  const ref = kind.storedAs ?? kind.ref;
  const charged: Companions = { compares: [], operations: [] };
  for (const quota of view.list(RESOURCE_QUOTAS, object.metadata.namespace ?? '')) {
    const hard: Amounts = quota.object['spec']?.hard ?? {};
    if (!isInScope(quota.object, ref, object)) continue;
    if (old === undefined) refuseUnsaid(request, object, quota, hard);
    const before = old === undefined || !isInScope(quota.object, ref, old) ? {} : usageOf(ref, old);
    const more = boundedBy(hard, differenceOf(usageOf(ref, object), before));
    const asked = Object.fromEntries(Object.entries(more).filter(([, amount]) => isPositive(amount)));
    if (Object.keys(asked).length === 0) continue;
    const used = take(request, object, quota, hard, asked);
    const key = keyOf({ stream: RESOURCE_QUOTAS, namespace: quota.namespace, name: quota.name });
    charged.compares.push({ key, revision: quota.revision });
    const status = { ...quota.object['status'], used };
    charged.operations.push({ type: 'put', key, value: encodeStored({ ...quota.object, status }) });
  }
  return charged;
}

function refuseUnsaid(request: WriteRequest, object: KubeObject, quota: CachedObject, hard: Amounts): void {
  const silent = unsaid(hard, request.kind, object);
  if (silent.size === 0) return;
  const told = [...silent].map(([name, containers]) => `${name} for: ${containers.join(',')}`).join('; ');
  throw forbiddenBy(request.kind, object.metadata.name, `failed quota: ${quota.name}: must specify ${told}`);
}

/** What is used with this write. Throws when that is more than there is. */
function take(request: WriteRequest, object: KubeObject, quota: CachedObject, hard: Amounts, asked: Amounts): Amounts {
  const { hard: known = {}, used = {} } = (quota.object['status'] ?? {}) as { hard?: Amounts; used?: Amounts };
  const names = Object.keys(asked).toSorted();
  const uncounted = names.filter((name) => known[name] === undefined || used[name] === undefined);
  if (uncounted.length > 0)
    throw forbiddenBy(
      request.kind,
      object.metadata.name,
      `status unknown for quota: ${quota.name}, resources: ${uncounted.join(',')}`,
    );
  const after = sumOf(used, asked);
  const over = names.filter((name) => compareQuantities(after[name]!, hard[name]!) > 0);
  if (over.length === 0) return after;
  const list = (amounts: Amounts): string => over.map((name) => `${name}=${amounts[name]}`).join(',');
  throw forbiddenBy(
    request.kind,
    object.metadata.name,
    `exceeded quota: ${quota.name}, requested: ${list(asked)}, used: ${list(used)}, limited: ${list(hard)}`,
  );
}
