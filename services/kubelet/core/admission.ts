// Decides whether this node can take a pod that was bound to it: two schedulers, or a node that shrank, may have been
// wrong. Never ends a pod that runs already.
import type { Pod } from '../../../lib/api/generated/types.ts';
import { podRequestsOf } from './resources.ts';
import type { Verdict } from './pod-state.ts';

export interface NodeRoom {
  cpuMillis: number;
  memoryBytes: number;
  maxPods: number;
  labels: Readonly<Record<string, string>>;
}

/** `others`: pods that have been admitted and have not ended. undefined: it may run. */
export function refusalOf(pod: Pod, others: readonly Pod[], room: NodeRoom): Verdict | undefined {
  const selector = Object.entries(pod.spec.nodeSelector ?? {});
  if (selector.some(([key, value]) => room.labels[key] !== value))
    return {
      reason: 'NodeAffinity',
      message: "Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
    };
  if (others.length >= room.maxPods) return outOf('pods', 1, others.length, room.maxPods);
  const asked = podRequestsOf(pod.spec);
  const used = others.map(({ spec }) => podRequestsOf(spec));
  const usedCpu = used.reduce((sum, { cpuMillis }) => sum + cpuMillis, 0);
  const usedMemory = used.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
  if (asked.cpuMillis > 0 && usedCpu + asked.cpuMillis > room.cpuMillis)
    return outOf('cpu', asked.cpuMillis, usedCpu, room.cpuMillis);
  if (asked.memoryBytes > 0 && usedMemory + asked.memoryBytes > room.memoryBytes)
    return outOf('memory', asked.memoryBytes, usedMemory, room.memoryBytes);
  return undefined;
}

function outOf(resource: string, requested: number, used: number, capacity: number): Verdict {
  return {
    reason: `OutOf${resource}`,
    message: `Pod was rejected: Node didn't have enough resource: ${resource}, requested: ${requested}, used: ${used}, capacity: ${capacity}`,
  };
}
