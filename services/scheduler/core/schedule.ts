// Decides where one pod goes: the best of the nodes that no plugin rules out, or every reason against each. Never binds.
import type { Chance } from '../../../lib/base/chance.ts';
import type { Snapshot } from './cluster-state.ts';
import type { NodeInfo } from './node-info.ts';
import { MOST_POINTS, type Plugin, type Score } from './plugin.ts';
import type { PodInfo } from './pod-info.ts';

/** In a large cluster the best of this many fitting nodes is good enough: cost a pod does not grow with the nodes. */
export const ENOUGH_NODES = 100;

export type Decision =
  | { node: string; feasible: number; points: Record<string, number> }
  /** Reason to the number of nodes that it rules out. */
  | { reasons: Map<string, number>; nodes: number };

export function schedule(snapshot: Snapshot, pod: PodInfo, plugins: readonly Plugin[], chance: Chance): Decision {
  const { feasible, reasons } = findFeasible(snapshot, pod, plugins, chance);
  if (feasible.length === 0) return { reasons, nodes: snapshot.nodes.length };
  const totals = feasible.map(() => 0);
  const points = new Map<string, number[]>();
  for (const { name, prefer } of plugins) {
    if (prefer === undefined) continue;
    const own = normalized(prefer, feasible, pod);
    points.set(name, own);
    own.forEach((value, i) => (totals[i]! += value * prefer.weight));
  }
  const best = pickHighest(totals, chance);
  return {
    node: feasible[best]!.name,
    feasible: feasible.length,
    points: Object.fromEntries([...points].map(([name, own]) => [name, Math.round(own[best]!)])),
  };
}

/** Starts anywhere, so that a large cluster's nodes all get their turn. */
function findFeasible(
  snapshot: Snapshot,
  pod: PodInfo,
  plugins: readonly Plugin[],
  chance: Chance,
): { feasible: NodeInfo[]; reasons: Map<string, number> } {
  const { nodes } = snapshot;
  const feasible: NodeInfo[] = [];
  const reasons = new Map<string, number>();
  const first = nodes.length > ENOUGH_NODES ? chance.int(nodes.length) : 0;
  for (let i = 0; i < nodes.length && feasible.length < ENOUGH_NODES; i++) {
    const node = nodes[(first + i) % nodes.length]!;
    const against = reasonsAgainst(pod, node, plugins);
    if (against.length === 0) feasible.push(node);
    for (const reason of against) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  return { feasible, reasons };
}

/** The first plugin that says no speaks for all, as upstream: later ones may assume what earlier ones checked. */
function reasonsAgainst(pod: PodInfo, node: NodeInfo, plugins: readonly Plugin[]): string[] {
  for (const plugin of plugins) {
    const against = plugin.filter?.(pod, node) ?? [];
    if (against.length > 0) return against;
  }
  return [];
}

function normalized(prefer: Score, nodes: readonly NodeInfo[], pod: PodInfo): number[] {
  const raw = nodes.map((node) => prefer.score(pod, node));
  if (prefer.normalize === 'as-is') return raw;
  const highest = Math.max(...raw);
  if (highest === 0) return raw.map(() => (prefer.normalize === 'least' ? MOST_POINTS : 0));
  const scaled = raw.map((value) => (value * MOST_POINTS) / highest);
  return prefer.normalize === 'most' ? scaled : scaled.map((value) => MOST_POINTS - value);
}

/** Ties are broken by chance, or equal nodes would fill up in the order of their names. */
function pickHighest(totals: readonly number[], chance: Chance): number {
  const highest = Math.max(...totals);
  const tied = totals.flatMap((total, i) => (total === highest ? [i] : []));
  return tied[tied.length === 1 ? 0 : chance.int(tied.length)]!;
}

/** `0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu.` */
export function unschedulableMessage(decision: { reasons: Map<string, number>; nodes: number }): string {
  if (decision.nodes === 0) return 'no nodes available to schedule pods';
  const told = [...decision.reasons].map(([reason, count]) => `${count} ${reason}`).toSorted();
  return `0/${decision.nodes} nodes are available: ${told.join(', ')}.`;
}
