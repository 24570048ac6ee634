// Decides how a namespace ends: its pods are deleted, when they are gone everything else, and once nothing is left it is let go.
// Never lets go of one that may still hold something: every kind must be known up to the moment of its deletion, and every other
// server that answers behind the API must have said that it has nothing left.
import { KINDS } from '../../../lib/api/kind.ts';
import type { APIService, Namespace } from '../../../lib/api/generated/types.ts';
import { RESOURCES, type ResourceRef } from '../../../lib/api/resource.ts';
import { toTime } from '../../../lib/base/clock.ts';
import {
  selfKey,
  type Controller,
  type Key,
  type KubeObject,
  type Reconciled,
  type View,
} from '../../../lib/reconcile/controller.ts';
import { deletionOf, updateOf } from '../core/actions.ts';
import { namespaceConditions } from '../core/namespace-conditions.ts';

const FINALIZER = 'kubernetes';
const METRICS = 'metrics.k8s.io';
/** Views learn how complete they are each second. */
const PROGRESS_MS = 1100;
/** What goes within this is not told to be left. */
const TELL_AFTER_MS = 2_000;

/** What other servers behind the API have. */
export interface Elsewhere {
  /** `group/version` of those that said so. */
  groupVersions: readonly string[];
  /** Every one that should answer did. */
  isWhole: boolean;
  /** Kinds in namespaces that can be deleted. */
  kinds: readonly ResourceRef[];
}

export const NOTHING_ELSEWHERE: Elsewhere = { groupVersions: [], isWhole: true, kinds: [] };

export function namespace(kinds: readonly ResourceRef[], elsewhere: Elsewhere = NOTHING_ELSEWHERE): Controller {
  const inside = kinds.filter((ref) => ref.namespaced);
  return {
    name: 'namespace',
    kind: 'Namespace',
    account: 'namespace-controller',
    watches: [
      { ref: RESOURCES.namespaces, keys: selfKey },
      { ref: RESOURCES.apiServices, keys: endingNamespaces },
      ...inside.map((ref) => ({ ref, keys: endingNamespace })),
    ],
    reconcile(view, key, now) {
      const found = view.get<Namespace>(RESOURCES.namespaces, '', key.name);
      if (found === undefined) return { actions: [], saw: 'no such Namespace' };
      if (found.metadata.deletionTimestamp === undefined) return { actions: [], saw: 'active' };
      return end(view, found, inside, elsewhere, now);
    },
  };
}

function endingNamespace(view: View, before: KubeObject | undefined, after: KubeObject | undefined): Key[] {
  if (before !== undefined && after !== undefined) return [];
  const name = (after ?? before)!.metadata.namespace ?? '';
  const home = view.get(RESOURCES.namespaces, '', name);
  return home?.metadata.deletionTimestamp === undefined ? [] : [{ namespace: '', name }];
}

/** Another server may have come back, or be gone for good. */
function endingNamespaces(view: View): Key[] {
  return view
    .list(RESOURCES.namespaces)
    .filter(({ metadata }) => metadata.deletionTimestamp !== undefined)
    .map(({ metadata }) => ({ namespace: '', name: metadata.name }));
}

function end(
  view: View,
  home: Namespace,
  inside: readonly ResourceRef[],
  elsewhere: Elsewhere,
  now: number,
): Reconciled {
  const finalizers = home.spec?.finalizers ?? [];
  if (!finalizers.includes(FINALIZER)) return { actions: [], saw: 'ending, others hold it' };
  const left = inside.flatMap((ref) => view.list(ref, home.metadata.name).map((object) => ({ ref, object })));
  const byKind = Map.groupBy(left, ({ ref }) => ref.resource);
  const saw = `ending, ${left.length === 0 ? 'nothing left' : [...byKind].map(([kind, all]) => `${all.length} ${kind}`).join(', ')}`;
  // Upstream's OrderedNamespaceDeletion: what guards pods, like a NetworkPolicy, stays for as long as they do.
  const pods = left.filter(({ ref }) => ref.group === '' && ref.resource === RESOURCES.pods.resource);
  if (pods.length === 0 && !isKnown(view, RESOURCES.pods, home))
    return { actions: [], saw, why: 'pods may only not be known yet', againInMs: PROGRESS_MS };
  const inTurn = pods.length > 0 ? pods : left;
  const untouched = inTurn.filter(({ object }) => object.metadata.deletionTimestamp === undefined);
  if (untouched.length > 0)
    return {
      actions: untouched.map(({ ref, object }) => deletionOf(ref, object, { propagationPolicy: 'Background' })),
      saw,
    };
  const others = otherServers(view);
  const silent = others.filter(({ isAvailable }) => !isAvailable).map(({ groupVersion }) => groupVersion);
  if (left.length > 0) return { ...telling(view, home, { objects: inTurn, silent }, now), saw };
  if (silent.length > 0) return { ...telling(view, home, { objects: [], silent }, now), saw };
  const unasked = others.filter(({ groupVersion }) => !elsewhere.groupVersions.includes(groupVersion));
  if (unasked.length > 0)
    return { actions: [], saw, why: `${unasked[0]!.groupVersion} was not asked yet`, againInMs: PROGRESS_MS };
  if (!inside.every((ref) => isKnown(view, ref, home)))
    return { actions: [], saw, why: 'something may only not be known yet', againInMs: PROGRESS_MS };
  const object = { ...home, spec: { ...home.spec, finalizers: finalizers.filter((name) => name !== FINALIZER) } };
  const { name } = home.metadata;
  return {
    actions: [
      // Each fails as long as something is left, and then it is not let go.
      ...elsewhere.kinds.map((ref) => ({ type: 'empty' as const, ref, namespace: name })),
      { type: 'update', ref: RESOURCES.namespaces, namespace: '', name, subresource: 'finalize', object },
    ],
    saw,
  };
}

/** Whether the view has this kind up to what is known of the namespace: nothing comes into it after that. */
const isKnown = (view: View, ref: ResourceRef, home: Namespace): boolean =>
  view.revision(ref) >= Number(home.metadata.resourceVersion);

/** In its status, once it is clear that it does not go by itself at once; and not each time that one of many things went. */
function telling(
  view: View,
  home: Namespace,
  leftovers: Parameters<typeof namespaceConditions>[1],
  now: number,
): Pick<Reconciled, 'actions' | 'why' | 'againInMs'> {
  const why =
    leftovers.silent.length > 0
      ? `${leftovers.silent.join(', ')} does not say what it has`
      : 'what is left is on its way out';
  const conditions = namespaceConditions(home.status?.conditions ?? [], leftovers, toTime(now));
  if (conditions === undefined) return { actions: [], why };
  const sinceMs = now - (view.seenAt(RESOURCES.namespaces, '', home.metadata.name) ?? now);
  if (sinceMs < TELL_AFTER_MS) return { actions: [], why, againInMs: TELL_AFTER_MS - sinceMs };
  const object = { ...home, status: { ...home.status, conditions } };
  return { actions: [updateOf(RESOURCES.namespaces, object, 'updateStatus')], why };
}

interface OtherServer {
  groupVersion: string;
  isAvailable: boolean;
}

/** As the API takes them: an APIService for what it serves itself counts for nothing. */
const otherServers = (view: View): OtherServer[] =>
  view.list<APIService & KubeObject>(RESOURCES.apiServices).flatMap((service) => otherServerOf(service) ?? []);

export function otherServerOf({ spec, status }: APIService): OtherServer | undefined {
  const { group = '', version = '' } = spec ?? {};
  if (spec?.service === undefined || isOwn(group, version)) return undefined;
  const isAvailable = (status?.conditions ?? []).some((one) => one.type === 'Available' && one.status === 'True');
  return { groupVersion: `${group}/${version}`, isAvailable };
}

const isOwn = (group: string, version: string): boolean =>
  group !== METRICS && KINDS.some(({ ref }) => ref.group === group && ref.version === version);
