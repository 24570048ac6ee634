// Decides that nodes are better whose cpu and memory would be used alike, so that neither is left over. Never rules out.
import type { Plugin } from '../core/plugin.ts';
import { MOST_POINTS } from '../core/plugin.ts';
import { shareUsed } from '../core/shares.ts';

export const balancedAllocation: Plugin = {
  name: 'BalancedAllocation',
  prefer: {
    weight: 1,
    normalize: 'as-is',
    score: (pod, node) =>
      MOST_POINTS * (1 - Math.abs(shareUsed(pod, node, 'cpu') - shareUsed(pod, node, 'memory')) / 2),
  },
};
