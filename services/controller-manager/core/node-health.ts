// Decides what a node's conditions and taints should be, given how long its kubelet has been silent. Never looks at pods.
import { toTime } from '../../../lib/base/clock.ts';
import type { Node, NodeCondition, Taint } from '../../../lib/api/generated/types.ts';
import { NOT_READY, UNREACHABLE } from './taints.ts';

/** What only the kubelet knows: all of it is unknown when it is silent. */
const KUBELETS_CONDITIONS = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];

export function readiness(node: Node): 'True' | 'False' | 'Unknown' {
  const status = node.status?.conditions?.find((condition) => condition.type === 'Ready')?.status;
  return status === 'True' || status === 'False' ? status : 'Unknown';
}

/** The conditions of a silent node; the same list when they say so already. */
export function silentConditions(node: Node, now: number): NodeCondition[] {
  const present = node.status?.conditions ?? [];
  const unknown = KUBELETS_CONDITIONS.map((type) => {
    const before = present.find((condition) => condition.type === type);
    if (before?.status === 'Unknown') return before;
    const time = toTime(now);
    if (before === undefined)
      return {
        type,
        status: 'Unknown',
        reason: 'NodeStatusNeverUpdated',
        message: 'Kubelet never posted node status.',
        lastHeartbeatTime: node.metadata.creationTimestamp ?? time,
        lastTransitionTime: time,
      };
    return {
      ...before,
      status: 'Unknown',
      reason: 'NodeStatusUnknown',
      message: 'Kubelet stopped posting node status.',
      lastTransitionTime: time,
    };
  });
  return [...present.filter((condition) => !KUBELETS_CONDITIONS.includes(condition.type)), ...unknown];
}

interface TaintRule {
  key: string;
  effects: string[];
  applies(node: Node): boolean;
}

const is =
  (type: string, status: string) =>
  (node: Node): boolean =>
    node.status?.conditions?.some((condition) => condition.type === type && condition.status === status) ?? false;

/** Every taint that says what the node's status says, in a form that the scheduler and evictions read. */
const TAINTS: TaintRule[] = [
  { key: NOT_READY, effects: ['NoSchedule', 'NoExecute'], applies: is('Ready', 'False') },
  { key: UNREACHABLE, effects: ['NoSchedule', 'NoExecute'], applies: (node) => readiness(node) === 'Unknown' },
  {
    key: 'node.kubernetes.io/unschedulable',
    effects: ['NoSchedule'],
    applies: (node) => node.spec?.unschedulable === true,
  },
  { key: 'node.kubernetes.io/memory-pressure', effects: ['NoSchedule'], applies: is('MemoryPressure', 'True') },
  { key: 'node.kubernetes.io/disk-pressure', effects: ['NoSchedule'], applies: is('DiskPressure', 'True') },
  { key: 'node.kubernetes.io/pid-pressure', effects: ['NoSchedule'], applies: is('PIDPressure', 'True') },
  { key: 'node.kubernetes.io/network-unavailable', effects: ['NoSchedule'], applies: is('NetworkUnavailable', 'True') },
];

/** undefined: they are right. Taints of users stay; those that are there already keep their time, from which patience is counted. */
export function taintsFor(node: Node, now: number): Taint[] | undefined {
  const present = node.spec?.taints ?? [];
  const ours = new Set(TAINTS.flatMap((rule) => rule.effects.map((effect) => `${rule.key}:${effect}`)));
  const others = present.filter((taint) => !ours.has(`${taint.key}:${taint.effect}`));
  const wanted = TAINTS.filter((rule) => rule.applies(node)).flatMap((rule) =>
    rule.effects.map(
      (effect) =>
        present.find((taint) => taint.key === rule.key && taint.effect === effect) ?? {
          key: rule.key,
          effect,
          timeAdded: toTime(now),
        },
    ),
  );
  const isSame = wanted.length + others.length === present.length && wanted.every((taint) => present.includes(taint));
  return isSame ? undefined : [...others, ...wanted];
}
