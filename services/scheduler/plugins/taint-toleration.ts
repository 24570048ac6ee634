// Decides that a node's taints keep away pods that do not tolerate them, and are avoided where they only ask for it. A
// node that is not ready says so by taints, too. Never evicts.
import type { Taint } from '../../../lib/api/generated/types.ts';
import type { NodeInfo } from '../core/node-info.ts';
import type { Plugin } from '../core/plugin.ts';
import type { PodInfo } from '../core/pod-info.ts';
import { toleratesTaint } from '../core/tolerations.ts';

function untolerated({ pod }: PodInfo, { node }: NodeInfo, effects: readonly string[]): Taint[] {
  return (node?.spec?.taints ?? []).filter((taint) => effects.includes(taint.effect) && !toleratesTaint(pod, taint));
}

export const taintToleration: Plugin = {
  name: 'TaintToleration',
  filter(pod, node) {
    const [taint] = untolerated(pod, node, ['NoSchedule', 'NoExecute']);
    return taint === undefined ? [] : [`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`];
  },
  prefer: {
    weight: 3,
    score: (pod, node) => untolerated(pod, node, ['PreferNoSchedule']).length,
    normalize: 'least',
  },
};
