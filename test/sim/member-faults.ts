// Does: changes who is a member while other trouble goes on, as an operator would: adds, replaces, removes, adds again under
// the same name with an empty disk. Never changes anything by itself: the store's own membership code does.
import type { StoreOperation } from '../../lib/bus/messages.ts';
import { isolate } from './network-faults.ts';
import { leader, operate, type Stage } from './stage.ts';

/** More would be slow, and show nothing more. */
const MOST_EXTRA = 2;
const FEWEST_VOTERS = 3;

/** A machine that is no member and has an empty disk; undefined: there are enough already. */
function newcomer({ world, machines, configuration, newMachine, firstMembers }: Stage): string | undefined {
  const { voters, outgoing, learners } = configuration();
  const members = new Set([...voters, ...outgoing, ...learners]);
  if (members.size >= firstMembers + MOST_EXTRA) return undefined;
  const waiting = machines.filter(({ name, isRetired, wasMember }) => !members.has(name) && (isRetired || !wasMember));
  if (waiting.length === 0) return newMachine().name;
  const machine = world.pick(waiting);
  if (machine.isRetired) {
    world.count('member-began-anew');
    machine.begin();
  }
  return machine.name;
}

function add(stage: Stage, change: (member: string) => StoreOperation): string | undefined {
  const member = newcomer(stage);
  if (member !== undefined) operate(stage, change(member));
  return member;
}

export const addMember = (stage: Stage): boolean =>
  add(stage, (member) => ({ operation: 'addMember', member })) !== undefined;

export function replaceMember(stage: Stage): boolean {
  const replaces = stage.world.pick(stage.configuration().voters);
  return add(stage, (member) => ({ operation: 'addMember', member, replaces })) !== undefined;
}

/** Often the leader: its last act is to commit that it is gone. */
export function removeMember(stage: Stage): boolean {
  const { world, configuration } = stage;
  const { voters, outgoing, learners } = configuration();
  if (outgoing.length > 0) return false;
  const from = voters.length > FEWEST_VOTERS ? [...voters, ...learners] : learners;
  if (from.length === 0) return false;
  const own = leader(stage)?.name;
  const member = own !== undefined && from.includes(own) && world.odds(0.4) ? own : world.pick(from);
  operate(stage, { operation: 'removeMember', member });
  return true;
}

/** Cut off while it catches up, or in the moment of its promotion. */
export function cutOffLearner(stage: Stage): boolean {
  const { world, configuration } = stage;
  const learner = configuration().learners[0] ?? add(stage, (member) => ({ operation: 'addMember', member }));
  if (learner === undefined) return false;
  world.after(world.draw(1, 400), () => isolate(stage, [learner], world.odds(0.3), [100, 3_000]));
  return true;
}
