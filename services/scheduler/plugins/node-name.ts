// Decides that a pod which names its node goes nowhere else. Never checks that the node exists.
import type { Plugin } from '../core/plugin.ts';

export const nodeName: Plugin = {
  name: 'NodeName',
  filter: ({ pod }, { name }) =>
    (pod.spec.nodeName ?? '') === '' || pod.spec.nodeName === name
      ? []
      : ["node(s) didn't match the requested node name"],
};
