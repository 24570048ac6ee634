// Decides how a process reads as a target: its role, its node, and what a store's member says of itself. Asks nobody.
import type { ActorStatus } from '../../lib/bus/messages.ts';
import { actorsOf } from '../../launcher/core/actor-files.ts';
import type { Cluster } from '../../launcher/core/cluster.ts';
import type { Target } from '../contract.ts';

/** Node of each process that belongs to one. */
export function nodesOfUnits(plan: Cluster): Map<string, string | undefined> {
  return new Map<string, string | undefined>([
    ...actorsOf(plan).map(({ instance, node }) => [instance, node] as const),
    ...plan.nodes.map((node) => [`containerd-${node}`, node] as const),
  ]);
}

export interface UnitSeen {
  name: string;
  role: string;
  state: Target['state'];
}

export function targetOf(unit: UnitSeen, node: string | undefined, said: ActorStatus | undefined): Target {
  const { role, term, commit, applied } = (said?.details ?? {}) as Partial<NonNullable<Target['store']>>;
  return {
    name: unit.name,
    role: unit.role,
    ...(node === undefined ? {} : { node }),
    state: unit.state,
    ...(unit.role === 'store' && role !== undefined
      ? { store: { role, term: Number(term), commit: Number(commit), applied: Number(applied) } }
      : {}),
  };
}

/** As a supervisor tells it. */
export function stateOfUnit({ state, pid }: { state: string; pid?: number | undefined }): Target['state'] {
  return state === 'paused' ? 'paused' : pid === undefined ? 'stopped' : 'running';
}
