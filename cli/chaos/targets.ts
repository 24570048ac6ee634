// Decides which faults a command's words are, once the targets are known. Never does one.
import type { Fault, Target } from '../../chaos/contract.ts';
import { speakToEachOther } from '../../chaos/core/orders.ts';
import { resolveTargets } from '../../chaos/core/targets.ts';
import { UsageError } from '../core/resources.ts';
import type { FaultsFor } from './inflict.ts';

/** The node that `node/node-2` names; undefined: the words mean something else. */
export function nodeIn(text: string, targets: readonly Target[]): string | undefined {
  const part = /^node\/(.+)$/.exec(text)?.[1];
  return targets.find(({ node }) => node !== undefined && (node === part || node === `node-${part}`))?.node;
}

/** One fault for each process that the words mean. */
export function onEach(text: string, faultOf: (target: Target) => Fault): FaultsFor {
  return (targets, chance) => resolveTargets(targets, text, chance).map(faultOf);
}

/** As `onEach`, without those that are down already, unless all are: then that is what will be said. */
export function onEachRunning(text: string, faultOf: (target: Target) => Fault): FaultsFor {
  return (targets, chance) => {
    const found = resolveTargets(targets, text, chance);
    const running = found.filter(({ state }) => state !== 'stopped');
    return (running.length === 0 ? found : running).map(faultOf);
  };
}

/** Only actors can break themselves from inside: of `all` or a node, those; of anything else, a refusal. */
export function onEachActor(text: string, faultOf: (target: Target) => Fault): FaultsFor {
  return (targets, chance) => {
    const found = resolveTargets(targets, text, chance);
    const actors = found.filter(({ role }) => role !== 'nats-server' && role !== 'containerd');
    if (actors.length === 0)
      throw new UsageError(
        `${found.map(({ name }) => name).join(', ')}: no actor, so its messages and its clock cannot be broken; kill, pause and restart can`,
      );
    return actors.map(faultOf);
  };
}

/** Every actor of one side from every one of the other that it ever speaks to. */
export function pairsOf(a: string, b: string, oneWay: boolean): FaultsFor {
  return (targets, chance) => {
    const [from, to] = [resolveTargets(targets, a, chance), resolveTargets(targets, b, chance)];
    const pairs = from.flatMap((one) => to.filter((other) => other !== one).map((other) => [one, other] as const));
    const parted = withoutTwins(pairs).filter(([one, other]) => speakToEachOther(one.role, other.role));
    if (parted.length === 0)
      throw new UsageError(
        `there is nothing to part: ${names(from)} and ${names(to)} never speak to each other (the map is lib/bus/README.md)`,
      );
    return parted.map(([one, other]) => ({ type: 'partition', from: one.name, to: other.name, oneWay }));
  };

  /** Where the sides overlap a pair would be parted twice. One way, each direction is a pair of its own. */
  function withoutTwins(pairs: ReadonlyArray<readonly [Target, Target]>): Array<readonly [Target, Target]> {
    const seen = new Set<string>();
    return pairs.filter(([one, other]) => {
      const key = oneWay ? `${one.name} ${other.name}` : [one.name, other.name].toSorted().join(' ');
      return seen.has(key) ? false : seen.add(key);
    });
  }
}

function names(targets: readonly Target[]): string {
  return targets.map(({ name }) => name).join(', ');
}
