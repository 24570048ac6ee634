// Decides what an object costs of a quota, and which quotas it falls under. Never adds up a namespace (a controller does) and
// never refuses anything (admission does).
import { ownValue } from '../base/records.ts';
import type { Kind } from './kind.ts';
import { qosClassOf } from './pod/qos.ts';
import { addQuantities, compareQuantities, quantityOf, subtractQuantities } from './quantity.ts';
import type { ResourceRef } from './resource.ts';

export type Amounts = Record<string, string>;

/** Any object, or what of one a cache holds. */
type Costly = any;

/** Resources of a pod that a quota names without a prefix for requests. */
const BARE = new Set(['cpu', 'memory', 'ephemeral-storage']);
const SHORT_COUNTS = new Set(
  'pods services replicationcontrollers resourcequotas secrets configmaps persistentvolumeclaims'.split(' '),
);
const CLASS_SUFFIX = '.storageclass.storage.k8s.io/';

export const sumOf = (some: Amounts, more: Amounts): Amounts => {
  const out = { ...some };
  for (const [name, value] of Object.entries(more)) {
    const now = ownValue(out, name);
    out[name] = now === undefined ? value : addQuantities(now, value);
  }
  return out;
};

/** `some` less `others`; names that only `others` has are negative. */
export const differenceOf = (some: Amounts, others: Amounts): Amounts => {
  const out = { ...some };
  for (const [name, value] of Object.entries(others)) out[name] = subtractQuantities(ownValue(out, name) ?? '0', value);
  return out;
};

export const isPositive = (amount: string): boolean => quantityOf(amount).nanos > 0n;

/** `count/deployments.apps`, `count/pods`. */
export const countName = ({ group, resource }: Pick<ResourceRef, 'group' | 'resource'>): string =>
  `count/${resource}${group === '' ? '' : `.${group}`}`;

/** What an object uses, by the names that quotas have for it. A pod that has ended uses nothing but its place. */
export function usageOf(ref: Pick<ResourceRef, 'group' | 'resource'>, object: Costly): Amounts {
  const count: Amounts = { [countName(ref)]: '1' };
  if (ref.group !== '' || !SHORT_COUNTS.has(ref.resource)) return count;
  if (ref.resource === 'pods') return { ...count, ...(hasEnded(object) ? {} : podUsage(object)) };
  const named: Amounts = { ...count, [ref.resource]: '1' };
  if (ref.resource === 'services') return { ...named, ...serviceUsage(object) };
  return ref.resource === 'persistentvolumeclaims' ? { ...named, ...claimUsage(object) } : named;
}

function hasEnded(pod: Costly): boolean {
  const phase = pod['status']?.phase;
  return phase === 'Succeeded' || phase === 'Failed';
}

/** Containers together, or the hungriest init container where that is more; sidecars count all the time. */
export function podResources(spec: any, side: 'requests' | 'limits'): Amounts {
  const of = (container: any): Amounts => container.resources?.[side] ?? {};
  let running = (spec.containers ?? []).map(of).reduce(sumOf, {});
  let peak: Amounts = {};
  let sidecars: Amounts = {};
  for (const container of spec.initContainers ?? []) {
    if (container.restartPolicy === 'Always') {
      sidecars = sumOf(sidecars, of(container));
      peak = mostOf(peak, sidecars);
    } else peak = mostOf(peak, sumOf(sidecars, of(container)));
  }
  running = sumOf(running, sidecars);
  return sumOf(mostOf(running, peak), spec.overhead ?? {});
}

function mostOf(some: Amounts, others: Amounts): Amounts {
  const out = { ...some };
  for (const [name, value] of Object.entries(others)) {
    const most = ownValue(out, name);
    if (most === undefined || compareQuantities(value, most) > 0) out[name] = value;
  }
  return out;
}

function podUsage(pod: Costly): Amounts {
  const out: Amounts = { pods: '1' };
  for (const [name, value] of Object.entries(podResources(pod['spec'] ?? {}, 'requests'))) {
    out[`requests.${name}`] = value;
    if (BARE.has(name)) out[name] = value;
  }
  for (const [name, value] of Object.entries(podResources(pod['spec'] ?? {}, 'limits'))) out[`limits.${name}`] = value;
  return out;
}

function serviceUsage(service: Costly): Amounts {
  const { type, ports = [], allocateLoadBalancerNodePorts } = service['spec'] ?? {};
  const hasNodePorts = type === 'NodePort' || (type === 'LoadBalancer' && allocateLoadBalancerNodePorts !== false);
  return {
    'services.nodeports': String(hasNodePorts ? ports.length : 0),
    'services.loadbalancers': type === 'LoadBalancer' ? '1' : '0',
  };
}

function claimUsage(claim: Costly): Amounts {
  const { storageClassName, resources } = claim['spec'] ?? {};
  const size: string = resources?.requests?.storage ?? '0';
  const out: Amounts = { 'requests.storage': size };
  if (!storageClassName) return out;
  return {
    ...out,
    [`${storageClassName}${CLASS_SUFFIX}requests.storage`]: size,
    [`${storageClassName}${CLASS_SUFFIX}persistentvolumeclaims`]: '1',
  };
}

/** Whether a quota with scopes is about this object: scopes choose among pods. */
export function isInScope(quota: Costly, ref: Pick<ResourceRef, 'group' | 'resource'>, object: Costly): boolean {
  const scopes: string[] = quota['spec']?.scopes ?? [];
  const selected: any[] = quota['spec']?.scopeSelector?.matchExpressions ?? [];
  if (scopes.length + selected.length === 0) return true;
  if (ref.group !== '' || ref.resource !== 'pods') return false;
  return (
    scopes.every((scopeName) => isScope({ scopeName, operator: 'Exists' }, object)) &&
    selected.every((one) => isScope(one, object))
  );
}

function isScope({ scopeName, operator, values = [] }: any, pod: Costly): boolean {
  const spec = pod['spec'] ?? {};
  switch (scopeName) {
    case 'Terminating':
      return spec.activeDeadlineSeconds !== undefined;
    case 'NotTerminating':
      return spec.activeDeadlineSeconds === undefined;
    case 'BestEffort':
      return qosClassOf(spec) === 'BestEffort';
    case 'NotBestEffort':
      return qosClassOf(spec) !== 'BestEffort';
    case 'CrossNamespacePodAffinity':
      return namesOtherNamespaces(spec.affinity);
    case 'PriorityClass': {
      const name: string = spec.priorityClassName ?? '';
      if (operator === 'Exists') return name !== '';
      if (operator === 'DoesNotExist') return name === '';
      return values.includes(name) === (operator === 'In');
    }
    default:
      return false;
  }
}

function namesOtherNamespaces(affinity: any): boolean {
  const terms = ['podAffinity', 'podAntiAffinity'].flatMap((side) => [
    ...(affinity?.[side]?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(affinity?.[side]?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((one: any) => one.podAffinityTerm),
  ]);
  return terms.some((term) => (term?.namespaces ?? []).length > 0 || term?.namespaceSelector !== undefined);
}

/** Only the amounts that a quota bounds. */
export function boundedBy(hard: Amounts, amounts: Amounts): Amounts {
  return Object.fromEntries(Object.entries(amounts).filter(([name]) => Object.hasOwn(hard, name)));
}

/** What of a pod's containers a quota needs to know and they do not say: `requests.cpu` to names of containers. */
export function unsaid(hard: Amounts, kind: Pick<Kind, 'ref'>, pod: Costly): Map<string, string[]> {
  const out = new Map<string, string[]>();
  if (kind.ref.group !== '' || kind.ref.resource !== 'pods') return out;
  for (const name of Object.keys(hard).toSorted()) {
    const match = /^(?:(requests|limits)\.)?(cpu|memory)$/.exec(name);
    if (match === null) continue;
    const side = match[1] ?? 'requests';
    const silent = [...(pod['spec']?.containers ?? []), ...(pod['spec']?.initContainers ?? [])]
      .filter((container: any) => container.resources?.[side]?.[match[2]!] === undefined)
      .map((container: any) => String(container.name));
    if (silent.length > 0) out.set(name, silent);
  }
  return out;
}
