// Decides when a ServiceCIDR is ready, and when one that is being deleted may go: once no address that was given out of it would be
// left in no range. Never gives an address out, and never trusts a view of addresses that is older than the deletion.
import type { Condition, IPAddress, ServiceCIDR } from '../../../lib/api/generated/types.ts';
import { containsIp } from '../../../lib/api/ip-range.ts';
import { RESOURCES } from '../../../lib/api/resource.ts';
import { toTime } from '../../../lib/base/clock.ts';
import {
  selfKey,
  type Controller,
  type Key,
  type KubeObject,
  type Reconciled,
  type View,
} from '../../../lib/reconcile/controller.ts';
import { statusPatchOf } from '../core/actions.ts';
import { PROGRESS_MS, protect, type Protection } from '../core/protection.ts';

const SERVICE_CIDRS = RESOURCES.serviceCidrs;
const PROTECTION: Protection = { ref: SERVICE_CIDRS, finalizer: 'networking.k8s.io/service-cidr-finalizer' };

const READY = { status: 'True', reason: '', message: 'Kubernetes Service CIDR is ready' };
const TERMINATING = {
  status: 'False',
  reason: 'Terminating',
  message: 'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR',
};

type Range = ServiceCIDR & KubeObject;

export const serviceCidr: Controller = {
  name: 'service-cidr',
  kind: 'ServiceCIDR',
  account: 'service-cidrs-controller',
  watches: [
    { ref: SERVICE_CIDRS, keys: rangesBeside },
    { ref: RESOURCES.ipAddresses, keys: endingRangesOf },
  ],
  reconcile(view, { name }, now) {
    const range = view.get<Range>(SERVICE_CIDRS, '', name);
    if (range === undefined) return { actions: [], saw: 'no such range' };
    return protect(
      PROTECTION,
      range,
      () => heldBy(view, range, now),
      () => conditionActions(range, READY, now),
    );
  },
};

function heldBy(view: View, range: Range, now: number): Reconciled | undefined {
  if (view.revision(RESOURCES.ipAddresses) < Number(range.metadata.resourceVersion))
    return { actions: [], saw: 'ending', why: 'an address may only not be known yet', againInMs: PROGRESS_MS };
  const orphan = orphanOf(view, range);
  if (orphan === undefined) return undefined;
  return { actions: conditionActions(range, TERMINATING, now), saw: 'ending', why: `${orphan} is given out of it` };
}

/** An address that is in this range and would then be in none. */
function orphanOf(view: View, range: Range): string | undefined {
  const others = view
    .list<Range>(SERVICE_CIDRS)
    .filter(({ metadata }) => metadata.name !== range.metadata.name && metadata.deletionTimestamp === undefined);
  return view
    .list<IPAddress & KubeObject>(RESOURCES.ipAddresses)
    .map(({ metadata }) => metadata.name)
    .find((ip) => holds(range, ip) && !others.some((other) => holds(other, ip)));
}

const holds = ({ spec }: Range, ip: string): boolean => (spec?.cidrs ?? []).some((text) => containsIp(text, ip));

function conditionActions(range: Range, wanted: Omit<Condition, 'type' | 'lastTransitionTime'>, now: number) {
  const present = (range.status?.conditions ?? []).find(({ type }) => type === 'Ready');
  if (present?.status === wanted.status && present.message === wanted.message) return [];
  const others = (range.status?.conditions ?? []).filter(({ type }) => type !== 'Ready');
  const conditions = [...others, { type: 'Ready', ...wanted, lastTransitionTime: toTime(now) }];
  return [statusPatchOf(SERVICE_CIDRS, range, { conditions })];
}

/** A range that comes may let another go. */
function rangesBeside(view: View, before: KubeObject | undefined, after: KubeObject | undefined): Key[] {
  return [...selfKey(view, before, after), ...endingRanges(view)];
}

/** Only an address that goes lets go of a range. */
function endingRangesOf(view: View, _before: KubeObject | undefined, after: KubeObject | undefined): Key[] {
  return after === undefined ? endingRanges(view) : [];
}

const endingRanges = (view: View): Key[] =>
  view
    .list<Range>(SERVICE_CIDRS)
    .filter(({ metadata }) => metadata.deletionTimestamp !== undefined)
    .map(({ metadata }) => ({ namespace: '', name: metadata.name }));
