// Decides that a cordoned node takes no new pods, unless they tolerate it. Never removes pods that are there.
import type { Plugin } from '../core/plugin.ts';
import { toleratesTaint } from '../core/tolerations.ts';

const TAINT = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

export const nodeUnschedulable: Plugin = {
  name: 'NodeUnschedulable',
  filter: ({ pod }, { node }) =>
    node?.spec?.unschedulable === true && !toleratesTaint(pod, TAINT) ? ['node(s) were unschedulable'] : [],
};
