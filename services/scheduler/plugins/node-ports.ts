// Decides that no two pods of a node hold the same port of the host. Never chooses ports.
import type { Plugin } from '../core/plugin.ts';
import { portsClash } from '../core/pod-info.ts';

export const nodePorts: Plugin = {
  name: 'NodePorts',
  filter({ hostPorts }, { pods }) {
    if (hostPorts.length === 0) return [];
    const taken = [...pods.values()].flatMap((other) => other.hostPorts);
    const isTaken = hostPorts.some((port) => taken.some((other) => portsClash(port, other)));
    return isTaken ? ["node(s) didn't have free ports for the requested pod ports"] : [];
  },
};
