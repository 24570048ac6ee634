// Decides what speaks against each node for a pod that fits nowhere, in words for people. Never decides for the
// scheduler: where the two differ, its own message stands.
import { ownValue } from '../../../lib/base/records.ts';
import { quantityToMilli } from '../../../lib/api/quantity.ts';
import { matchesLabels, type Operator } from '../../../lib/api/selectors.ts';
import type { Node, Pod } from '../../../lib/api/generated/types.ts';

type Resources = Record<string, string | number>;

export function reasonsAgainst(pod: Pod, node: Node, podsOfAll: readonly Pod[]): string[] {
  const against = [
    ...(node.spec?.unschedulable === true ? ['is cordoned'] : []),
    ...taints(pod, node),
    ...selector(pod, node),
    ...affinity(pod, node),
  ];
  return against.length > 0 ? against : room(pod, node, podsOfAll);
}

function taints(pod: Pod, node: Node): string[] {
  const tolerations = pod.spec.tolerations ?? [];
  return (node.spec?.taints ?? [])
    .filter(({ effect }) => effect === 'NoSchedule' || effect === 'NoExecute')
    .filter(
      (taint) =>
        !tolerations.some(
          ({ key, operator = 'Equal', value = '', effect }) =>
            (effect === undefined || effect === '' || effect === taint.effect) &&
            (key === undefined || key === '' ? operator === 'Exists' : key === taint.key) &&
            (operator === 'Exists' || value === (taint.value ?? '')),
        ),
    )
    .map(
      ({ key, value = '', effect }) =>
        `has the taint ${key}${value === '' ? '' : `=${value}`}:${effect}, which the pod does not tolerate`,
    );
}

function selector(pod: Pod, node: Node): string[] {
  const labels = node.metadata.labels ?? {};
  return Object.entries(pod.spec.nodeSelector ?? {})
    .filter(([key, value]) => labels[key] !== value)
    .map(
      ([key, value]) =>
        `has ${ownValue(labels, key) === undefined ? `no label ${key}` : `${key}=${labels[key]}`}, the pod asks for ${key}=${value}`,
    );
}

const OPERATORS: Record<string, Operator> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
  Gt: 'gt',
  Lt: 'lt',
};

function affinity(pod: Pod, node: Node): string[] {
  const terms = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  if (terms === undefined) return [];
  const labels = { ...node.metadata.labels };
  const isMet = terms.some(({ matchExpressions = [], matchFields = [] }) => {
    const onLabels = matchExpressions.map(({ key, operator, values = [] }) => ({
      key,
      operator: OPERATORS[operator]!,
      values,
    }));
    const onFields = matchFields.every(
      ({ operator, values = [] }) => values.includes(node.metadata.name) === (operator === 'In'),
    );
    return onFields && matchesLabels(onLabels, labels);
  });
  return isMet ? [] : [`does not match the pod's node affinity`];
}

/** What the pod asks for, beside what is left. */
function room(pod: Pod, node: Node, all: readonly Pod[]): string[] {
  const own = all.filter(
    ({ spec, status }) =>
      spec.nodeName === node.metadata.name && status?.phase !== 'Succeeded' && status?.phase !== 'Failed',
  );
  const offers = (node.status?.allocatable ?? {}) as Resources;
  const asked = requests(pod);
  const taken = own.map(requests);
  const short = Object.entries(asked).flatMap(([resource, amount]) => {
    const offered = offers[resource] === undefined ? 0 : quantityToMilli(offers[resource]);
    const used = taken.reduce((sum, each) => sum + (each[resource] ?? 0), 0);
    return amount > offered - used
      ? [
          `has ${amountText(resource, Math.max(0, offered - used))} of ${amountText(resource, offered)} ${resource} left, the pod asks for ${amountText(resource, amount)}`,
        ]
      : [];
  });
  const most = Number(offers['pods'] ?? Number.POSITIVE_INFINITY);
  return own.length >= most ? [`runs ${own.length} pods, as many as it may`, ...short] : short;
}

/** In thousandths. */
function requests(pod: Pod): Record<string, number> {
  const sum: Record<string, number> = {};
  const add = (resources: Resources, into: (a: number, b: number) => number): void => {
    for (const [name, value] of Object.entries(resources)) sum[name] = into(sum[name] ?? 0, quantityToMilli(value));
  };
  for (const { resources } of pod.spec.containers) add((resources?.requests ?? {}) as Resources, (a, b) => a + b);
  for (const { resources } of pod.spec.initContainers ?? []) add((resources?.requests ?? {}) as Resources, Math.max);
  return sum;
}

function amountText(resource: string, milli: number): string {
  if (resource === 'cpu') return milli % 1000 === 0 ? String(milli / 1000) : `${milli}m`;
  const value = milli / 1000;
  if (resource !== 'memory' && resource !== 'ephemeral-storage') return String(value);
  return value >= 2 ** 30 ? `${(value / 2 ** 30).toFixed(1)}Gi` : `${Math.round(value / 2 ** 20)}Mi`;
}
