// Decides by nodeSelector and node affinity: required terms rule out, preferred ones score. Never looks at other pods.
import type { NodeInfo } from '../core/node-info.ts';
import { matchesTerm } from '../core/node-selector.ts';
import type { Plugin } from '../core/plugin.ts';
import type { PodInfo } from '../core/pod-info.ts';

function matches({ pod }: PodInfo, { node }: NodeInfo): boolean {
  if (node === undefined) return false;
  const labels = node.metadata.labels ?? {};
  if (!Object.entries(pod.spec.nodeSelector ?? {}).every(([key, value]) => labels[key] === value)) return false;
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || required.nodeSelectorTerms.some((term) => matchesTerm(node, term));
}

function preference({ pod }: PodInfo, { node }: NodeInfo): number {
  const preferred = pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  // A preferred term without requirements matches every node, unlike a required one.
  const holds = ({ preference: term }: (typeof preferred)[number]): boolean =>
    (term.matchExpressions ?? []).length + (term.matchFields ?? []).length === 0 ||
    (node !== undefined && matchesTerm(node, term));
  return preferred.filter(holds).reduce((sum, term) => sum + term.weight, 0);
}

export const nodeAffinity: Plugin = {
  name: 'NodeAffinity',
  filter: (pod, node) => (matches(pod, node) ? [] : ["node(s) didn't match Pod's node affinity/selector"]),
  prefer: { weight: 2, score: preference, normalize: 'most' },
};
