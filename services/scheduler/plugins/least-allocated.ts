// Decides that emptier nodes are better: the mean free share of cpu and memory once the pod were there. Never rules out.
import type { Plugin } from '../core/plugin.ts';
import { MOST_POINTS } from '../core/plugin.ts';
import { shareUsed } from '../core/shares.ts';

export const leastAllocated: Plugin = {
  name: 'LeastAllocated',
  prefer: {
    weight: 1,
    normalize: 'as-is',
    score: (pod, node) => MOST_POINTS * (1 - (shareUsed(pod, node, 'cpu') + shareUsed(pod, node, 'memory')) / 2),
  },
};
