// Decides the shape of a scheduler plugin: it rules nodes out, or scores those that are left, or both. Never decides alone.
import type { NodeInfo } from './node-info.ts';
import type { PodInfo } from './pod-info.ts';

export interface Score {
  weight: number;
  /** Any number; `normalize` brings all nodes' to 0..100. */
  score(pod: PodInfo, node: NodeInfo): number;
  /** `as-is`: already 0..100; `most`: the highest gets 100; `least`: the highest gets 0. */
  normalize: 'as-is' | 'most' | 'least';
}

export interface Plugin {
  name: string;
  /** Why the pod cannot go there, in upstream's words; none: it can. */
  filter?(pod: PodInfo, node: NodeInfo): string[];
  prefer?: Score;
}

export const MOST_POINTS = 100;
