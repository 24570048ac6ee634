// Decides which plugins place pods, in the order in which they rule nodes out (cheap and telling ones first): one line
// each. Never runs one.
import type { Plugin } from '../core/plugin.ts';
import { balancedAllocation } from './balanced-allocation.ts';
import { leastAllocated } from './least-allocated.ts';
import { nodeAffinity } from './node-affinity.ts';
import { nodeName } from './node-name.ts';
import { nodePorts } from './node-ports.ts';
import { nodeResourcesFit } from './node-resources-fit.ts';
import { nodeUnschedulable } from './node-unschedulable.ts';
import { ownerSpread } from './owner-spread.ts';
import { taintToleration } from './taint-toleration.ts';

export const PLUGINS: readonly Plugin[] = [
  nodeUnschedulable,
  nodeName,
  taintToleration,
  nodeAffinity,
  nodePorts,
  nodeResourcesFit,
  ownerSpread,
  leastAllocated,
  balancedAllocation,
];
