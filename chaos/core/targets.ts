// Decides which processes a word means: a role, a role with a number or a node, a name, `leader`, `follower`, `all`.
// Never looks at the cluster: what there is is an argument, and so is chance.
import type { Chance } from '../../lib/base/chance.ts';
import type { Target } from '../contract.ts';

export class TargetError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'TargetError';
  }
}

/**
 * `store/1`, `kubelet/node-2`, `store-1`: that one. `store`: every store. `store/any`: one of them. `leader`, `follower`:
 * by what the members say of themselves, of several followers one. `node/node-2`: everything on it. Several words with
 * commas between them. Each target once, in the order of the words.
 */
export function resolveTargets(targets: readonly Target[], text: string, chance: Chance): Target[] {
  const words = text.split(',').map((word) => word.trim());
  if (words.some((word) => word === ''))
    throw new TargetError(`a target is missing in ${JSON.stringify(text)}: ${whatThereIs(targets)}`);
  return [...new Set(words.flatMap((word) => resolveWord(targets, word, chance)))];
}

function resolveWord(targets: readonly Target[], word: string, chance: Chance): Target[] {
  if (word === 'all') return [...targets];
  if (word === 'leader') return [leaderOf(targets)];
  if (word === 'follower') return [followerOf(targets, chance)];
  const named = targets.filter(({ name }) => name === word);
  if (named.length > 0) return named;
  const slash = word.indexOf('/');
  const found =
    slash < 0 ? ofRole(targets, word) : ofPart(targets, word.slice(0, slash), word.slice(slash + 1), chance);
  if (found.length > 0) return found;
  throw new TargetError(`there is no target ${JSON.stringify(word)}: ${whatThereIs(targets)}`);
}

/** Cut off from the others a member may still think that it leads: the one with the highest term does. */
function leaderOf(targets: readonly Target[]): Target {
  const leaders = membersIn(targets, 'leader').toSorted((a, b) => b.store!.term - a.store!.term);
  if (leaders[0] === undefined) throw new TargetError(`no member of the store leads now: ${membersText(targets)}`);
  return leaders[0];
}

function followerOf(targets: readonly Target[], chance: Chance): Target {
  const followers = membersIn(targets, 'follower');
  if (followers.length === 0) throw new TargetError(`no member of the store follows now: ${membersText(targets)}`);
  return followers[chance.int(followers.length)]!;
}

function membersIn(targets: readonly Target[], role: string): Target[] {
  return targets.filter(({ state, store }) => state === 'running' && store?.role === role);
}

function ofRole(targets: readonly Target[], role: string): Target[] {
  return targets.filter((target) => hasRole(target, role));
}

function ofPart(targets: readonly Target[], role: string, part: string, chance: Chance): Target[] {
  if (role === 'node') return targets.filter(({ node }) => node === part || node === `node-${part}`);
  const all = ofRole(targets, role);
  if (part === 'any') return all.length === 0 ? [] : [all[chance.int(all.length)]!];
  const exact = all.filter(({ name, node }) => name === `${role}-${part}` || node === part);
  return exact.length > 0 ? exact : all.filter(({ node }) => node === `node-${part}`);
}

/** The bus is a nats-server, but nobody calls it that. */
function hasRole(target: Target, role: string): boolean {
  return target.role === role || (target.role === 'nats-server' && role === 'nats');
}

function membersText(targets: readonly Target[]): string {
  const members = targets.filter(({ role }) => role === 'store');
  if (members.length === 0) return 'there is no store';
  return members
    .map(({ name, state, store }) => `${name} is ${store?.role ?? (state === 'running' ? 'silent' : state)}`)
    .join(', ');
}

/** What a person could have said. */
function whatThereIs(targets: readonly Target[]): string {
  const nodes = [...new Set(targets.flatMap(({ node }) => node ?? []))];
  const byRole = Map.groupBy(targets, ({ role }) => (role === 'nats-server' ? 'nats' : role));
  const roles = [...byRole].map(([role, members]) => {
    const parts = members.map(({ name, node }) => node ?? name.slice(role.length + 1)).filter((part) => part !== '');
    return parts.length === 0 ? role : `${role}/${parts.join('|')}`;
  });
  const store = byRole.has('store') ? ['leader', 'follower'] : [];
  const onNodes = nodes.length === 0 ? [] : [`node/${nodes.join('|')}`];
  return `there are ${[...roles, ...onNodes, ...store, 'all'].join(', ')}`;
}
