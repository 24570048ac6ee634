// Decides which of the machine's blocks a new cluster gets, so that it meets no route, address or other cluster that is
// there. Never looks at the machine (observe.ts does).
import { blockOf, overlap, type Block } from '../../lib/base/ipv4.ts';
import { MAX_INDEX, planNetwork } from './plan.ts';

/** One IPv4 destination that the machine knows, and by which device. */
export interface Taken {
  cidr: string;
  device: string;
}

/** What is in the way of this cluster at this index; its own leftovers are not. */
export function conflictsOf(cluster: string, index: number, taken: readonly Taken[]): Taken[] {
  const plan = planNetwork({ cluster, index, nodes: [] });
  const wanted = [plan.fabric.cidr, plan.podCidr, plan.serviceCidr].map((cidr) => blockOf(cidr)!);
  return taken.filter(({ cidr, device }) => {
    const block = blockOf(cidr.includes('/') ? cidr : `${cidr}/32`);
    return block !== undefined && device !== plan.host.device && meets(block, wanted);
  });
}

/** A default route, or half of one (VPNs add 0/1 and 128/1), covers everything and is in nobody's way. */
function meets(block: Block, wanted: readonly Block[]): boolean {
  return block.bits > 1 && wanted.some((each) => overlap(block, each));
}

/** The first free index; `preferred` (say, a persisted one) goes first. */
export function chooseIndex(cluster: string, taken: readonly Taken[], preferred = 0): number {
  const order = [preferred, ...Array.from({ length: MAX_INDEX + 1 }, (_, index) => index)];
  const free = order.find((index) => conflictsOf(cluster, index, taken).length === 0);
  if (free !== undefined) return free;
  const first = conflictsOf(cluster, preferred, taken)[0]!;
  throw new Error(
    `no free network for cluster ${cluster}: all ${MAX_INDEX + 1} are taken; network ${preferred} by ${first.cidr} on ${first.device}`,
  );
}
