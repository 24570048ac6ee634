// Decides how much of a node's resource would be asked for with one more pod, from 0 to 1. Never rules a node out.
import type { NodeInfo } from './node-info.ts';
import type { PodInfo } from './pod-info.ts';

export function shareUsed(pod: PodInfo, node: NodeInfo, resource: 'cpu' | 'memory'): number {
  const total = node.allocatable[resource] ?? 0;
  if (total === 0) return 1;
  const asked = (node.scoreRequested[resource] ?? 0) + (pod.scoreRequests[resource] ?? 0);
  return Math.min(1, asked / total);
}
