// Decides which configurations exist and how one becomes another: always through a joint one, in force from the moment
// its entry is appended, and undone when that entry is cut off. Never decides whether a change may begin (membership.ts).
import { invariant } from '../../lib/base/errors.ts';
import type { Configuration, Entry, Index, MemberId } from './types.ts';

/** A configuration and the entry that brought it. */
export interface ConfigurationAt {
  index: Index;
  configuration: Configuration;
}

const sorted = (ids: Iterable<MemberId>): MemberId[] => [...new Set(ids)].sort();

export function simpleConfiguration(voters: readonly MemberId[], learners: readonly MemberId[] = []): Configuration {
  return { voters: sorted(voters), outgoing: [], learners: sorted(learners) };
}

export const isJoint = (configuration: Configuration): boolean => configuration.outgoing.length > 0;

export function isVoter(configuration: Configuration, id: MemberId): boolean {
  return configuration.voters.includes(id) || configuration.outgoing.includes(id);
}

/** Asked several times in each step, of one that lives for months: a configuration is never changed, only replaced. */
const MEMBERS = new WeakMap<Configuration, readonly MemberId[]>();
const VOTERS = new WeakMap<Configuration, readonly MemberId[]>();

function remembered(
  by: WeakMap<Configuration, readonly MemberId[]>,
  configuration: Configuration,
  make: (configuration: Configuration) => MemberId[],
): readonly MemberId[] {
  let ids = by.get(configuration);
  if (ids === undefined) by.set(configuration, (ids = make(configuration)));
  return ids;
}

/** Everybody who is sent the log, sorted: the order of every loop over members, so that runs are repeatable. */
export function membersOf(configuration: Configuration): readonly MemberId[] {
  return remembered(MEMBERS, configuration, ({ voters, outgoing, learners }) =>
    sorted([...voters, ...outgoing, ...learners]),
  );
}

export function votersOf(configuration: Configuration): readonly MemberId[] {
  return remembered(VOTERS, configuration, ({ voters, outgoing }) => sorted([...voters, ...outgoing]));
}

/** C(old,new) of the paper: decisions need both majorities until it is left. */
export function enterJoint(old: Configuration, wanted: Configuration): Configuration {
  invariant(!isJoint(old) && !isJoint(wanted), 'a joint configuration cannot be joined again: %', describe(old));
  return { voters: wanted.voters, outgoing: old.voters, learners: wanted.learners };
}

export function leaveJoint(joint: Configuration): Configuration {
  invariant(isJoint(joint), 'only a joint configuration can be left: %', describe(joint));
  return { voters: joint.voters, outgoing: [], learners: joint.learners };
}

/** Why `wanted` can never be a configuration; '' if it can. */
export function whyInvalid(wanted: Configuration): string {
  if (wanted.voters.length === 0) return 'a configuration needs at least one voter';
  if (membersOf(wanted).some((id) => id === '')) return 'a member needs a name';
  const both = wanted.voters.find((id) => wanted.learners.includes(id));
  return both === undefined ? '' : `${both} cannot be a voter and a learner`;
}

export function sameConfiguration(a: Configuration, b: Configuration): boolean {
  return describe(a) === describe(b);
}

/** `a b c`, joint `a b d & a b c`, with learners `a b c learners d`. */
export function describe(configuration: Configuration): string {
  const { voters, outgoing, learners } = configuration;
  const joint = outgoing.length > 0 ? ` & ${outgoing.join(' ')}` : '';
  return `${voters.join(' ')}${joint}${learners.length > 0 ? ` learners ${learners.join(' ')}` : ''}`;
}

/** JSON, not msgpack: rare, and readable in a dump of the log for as long as the cluster lives. */
export function encodeConfiguration(configuration: Configuration): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(configuration));
}

/** Undefined for bytes that are no configuration. */
export function decodeConfiguration(data: Uint8Array): Configuration | undefined {
  try {
    return toConfiguration(JSON.parse(new TextDecoder().decode(data)));
  } catch {
    return undefined;
  }
}

/** The configuration in an unknown value, or undefined. */
export function toConfiguration(value: unknown): Configuration | undefined {
  const { voters, outgoing, learners } = (value ?? {}) as Partial<Record<keyof Configuration, unknown>>;
  return isIdList(voters) && isIdList(outgoing) && isIdList(learners) ? { voters, outgoing, learners } : undefined;
}

function isIdList(value: unknown): value is MemberId[] {
  return (
    Array.isArray(value) &&
    value.every((id, i) => typeof id === 'string' && id !== '' && (i === 0 || (value[i - 1] as string) < id))
  );
}

/** The stack after an entry was appended: on top lies what is in force. */
export function pushConfiguration(stack: ConfigurationAt[], entry: Entry): void {
  const configuration = decodeConfiguration(entry.data);
  invariant(configuration !== undefined, 'entry % of kind configuration holds none', entry.index);
  invariant(stack.at(-1)!.index < entry.index, 'configuration % is not newer than %', entry.index, stack.at(-1)!.index);
  stack.push({ index: entry.index, configuration });
}

/** The log was cut at `from`: configurations of lost entries are undone. True if the one in force changed. */
export function popConfigurations(stack: ConfigurationAt[], from: Index): boolean {
  const before = stack.length;
  while (stack.length > 1 && stack.at(-1)!.index >= from) stack.pop();
  return stack.length !== before;
}

/** The configuration in force at `index`. */
export function configurationAt(stack: readonly ConfigurationAt[], index: Index): ConfigurationAt {
  const found = stack.findLast((each) => each.index <= index);
  invariant(found !== undefined, 'no configuration is known at index %: the oldest is of %', index, stack[0]?.index);
  return found;
}

/** Forgets what lies before the log's beginning, bar the one that was in force there. */
export function pruneConfigurations(stack: ConfigurationAt[], baseIndex: Index): void {
  while (stack.length > 1 && stack[1]!.index <= baseIndex) stack.shift();
}
