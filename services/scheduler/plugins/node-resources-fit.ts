// Decides that the requests of a node's pods never exceed what it offers. Never looks at what pods really use.
import type { Plugin } from '../core/plugin.ts';

export const nodeResourcesFit: Plugin = {
  name: 'NodeResourcesFit',
  filter({ requests }, { allocatable, requested, pods }) {
    const reasons = pods.size + 1 > (allocatable['pods'] ?? 0) ? ['Too many pods'] : [];
    for (const [name, amount] of Object.entries(requests)) {
      const free = (allocatable[name] ?? 0) - (requested[name] ?? 0);
      if (amount > 0 && amount > free) reasons.push(`Insufficient ${name}`);
    }
    return reasons;
  },
};
