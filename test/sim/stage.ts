// Does: what every kind of trouble needs: who there is, who leads, who may be broken, and how an operator asks for something.
// Never decides what befalls them.
import type { StoreOperation } from '../../lib/bus/messages.ts';
import type { Configuration } from '../../raft/core/index.ts';
import { operateOnce } from './asking.ts';
import type { Machine } from './machine.ts';
import type { Prober } from './prober.ts';
import type { SimBus, SimNetwork } from './sim-bus.ts';
import type { World } from './world.ts';

export interface Stage {
  world: World;
  network: SimNetwork;
  cluster: string;
  machines: Machine[];
  /** Names on the bus that are no members. */
  clients: string[];
  operator: SimBus;
  prober: Prober;
  /** How many the cluster begins with. */
  firstMembers: number;
  /** Who counts, as far as it is committed. */
  configuration(): Configuration;
  /** Starts one more machine, with an empty disk, that is no member yet. */
  newMachine(): Machine;
}

export const up = (stage: Stage): Machine[] => stage.machines.filter((machine) => machine.isUp);
export const anyUp = (stage: Stage): Machine | undefined =>
  up(stage).length === 0 ? undefined : stage.world.pick(up(stage));
export const leader = (stage: Stage): Machine | undefined =>
  up(stage)
    .filter((machine) => machine.member?.status.role === 'leader')
    .toSorted((a, b) => b.member!.status.term - a.member!.status.term)[0];
/** Trouble for the leader is the more interesting. */
export const someone = (stage: Stage): Machine | undefined =>
  stage.world.odds(0.5) ? (leader(stage) ?? anyUp(stage)) : anyUp(stage);
export const victim = (stage: Stage): Machine | undefined =>
  stage.machines.find(({ isVictim, isRetired }) => isVictim && !isRetired);

/** Does something, and undoes it after a while. */
export function forAWhile(stage: Stage, range: [number, number], begin: () => void, end: () => void): void {
  begin();
  stage.world.after(stage.world.draw(...range), end);
}

/** Asks whoever leads now, once, and counts the answer. */
export function operate(stage: Stage, operation: StoreOperation): void {
  const member = (leader(stage) ?? stage.machines[0]!).name;
  const { cluster, operator, world, machines } = stage;
  const asking = { world, bus: operator, cluster, members: machines.map(({ name }) => name) };
  operateOnce(asking, member, operation, 6_000).then(
    (reply) => world.count(`${operation.operation}-${reply === undefined ? 'unanswered' : outcome(reply)}`),
    (error: unknown) => world.fail(error),
  );
}

const outcome = (reply: object): string => (reply as { refused?: string }).refused ?? 'done';
