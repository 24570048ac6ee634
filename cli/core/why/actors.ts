// Decides whether an actor that something waits for is there at all. Never asks it.
import { stuck, type Answer, type Facts } from './facts.ts';

/** undefined: one of them runs and leads, or nothing is known of them (a cluster without a home here). */
export function absent(facts: Facts, actor: string): string | undefined {
  const all = facts.actors.filter((one) => one.actor === actor);
  if (all.length === 0) return undefined;
  const alive = all.filter(({ answers }) => answers);
  if (alive.length > 0) return undefined;
  return all.map(({ instance, state }) => `${instance} is ${state === 'running' ? 'silent' : state}`).join(', ');
}

export function actorDown(facts: Facts, actor: string, waits: string): Answer | undefined {
  const why = absent(facts, actor);
  if (why === undefined) return undefined;
  const instances = facts.actors.filter((one) => one.actor === actor).map(({ instance }) => instance);
  return stuck(
    `${actor}-down`,
    `${waits} the ${actor}, and none is running`,
    [why],
    [`flotilla start ${instances[0]!}`, `flotilla status tells its state, its log is named there`],
  );
}

/** The kubelet of one node. */
export function kubeletOf(
  facts: Facts,
  node: string,
): { instance: string; state: string; answers: boolean } | undefined {
  return facts.actors.find(({ instance }) => instance === `kubelet-${node}`);
}

export function noQuorum(facts: Facts): Answer | undefined {
  if (facts.noQuorum === undefined) return undefined;
  const members = facts.actors.filter(({ actor }) => actor === 'store');
  const down = members.filter(({ answers }) => !answers).map(({ instance }) => instance);
  return stuck(
    'no-quorum',
    'every change waits for a majority of the stores, and there is none',
    [facts.noQuorum, ...(down.length === 0 ? [] : [`not there: ${down.join(', ')}`])],
    [down.length === 0 ? 'flotilla store status' : `flotilla start ${down.join(' ')}`],
  );
}
