// Decides which faults a wish is, once its targets are known. Never chooses the targets: the resolver does.
import type { Fault, MessageRule, Target } from '../contract.ts';
import type { FaultWish } from './scenario.ts';

/** What a word means now. */
export type Resolve = (word: string) => Target[];

/** What carries messages where the wish does not say: everything that a member or an actor says and hears. */
const ALL_SUBJECTS = '>';

/** Throws when the words mean nothing here. */
export function faultsOf(wish: FaultWish, resolve: Resolve): Fault[] {
  const { fault, target } = wish;
  const node = /^node\/(.+)$/.exec(target)?.[1];
  if (node !== undefined && (fault === 'kill' || fault === 'cut'))
    return [{ type: fault === 'kill' ? 'kill-node' : 'cut-node', node }];
  const units = resolve(target).map(({ name }) => name);
  if (fault === 'partition') {
    const others = resolve(wish.to ?? '').map(({ name }) => name);
    const pairs = units.flatMap((from) => others.filter((to) => to !== from).map((to) => ({ from, to })));
    if (pairs.length === 0)
      throw new Error(`partition ${target} from ${wish.to}: on both sides stands only ${units.join(', ')}`);
    return pairs.map(({ from, to }) => ({ type: 'partition', from, to, oneWay: wish.oneWay ?? false }));
  }
  return units.map((unit) => faultOf(wish, unit));
}

function faultOf(wish: FaultWish, unit: string): Fault {
  switch (wish.fault) {
    case 'kill':
    case 'pause':
    case 'restart':
      return { type: wish.fault, unit };
    case 'drop':
    case 'delay':
    case 'duplicate':
    case 'reorder':
      return { type: 'messages', instance: unit, rule: ruleOf(wish, wish.fault) };
    case 'disk-full':
      return { type: 'disk', instance: unit, disk: { full: true } };
    case 'slow-disk':
      return { type: 'disk', instance: unit, disk: { slowMs: wish.delayMs ?? 0 } };
    case 'bit-flip':
      return { type: 'bit-flip', instance: unit, chance: wish.probability ?? 0.5 };
    case 'skew':
      return { type: 'clock', instance: unit, skewMs: wish.skewMs ?? 0 };
    case 'cut':
    case 'partition':
      throw new Error(`${wish.fault} ${wish.target}: only a node can be cut, as node/NAME`);
  }
}

function ruleOf(wish: FaultWish, action: MessageRule['action']): MessageRule {
  const { subject = ALL_SUBJECTS, direction, peer, probability, delayMs } = wish;
  return {
    subject,
    action,
    ...(direction === undefined ? {} : { direction }),
    ...(peer === undefined ? {} : { peer }),
    ...(probability === undefined ? {} : { probability }),
    ...(delayMs === undefined ? {} : { delayMs }),
  };
}
