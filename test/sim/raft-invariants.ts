// Decides whether a set of members has broken a promise of Raft, after every step (figure 3 of the paper, and what the
// store builds on). Never repairs anything; a broken promise throws with the history that shows it.
import { configurationAt } from '../../raft/core/configuration.ts';
import { sliceLog } from '../../raft/core/log.ts';
import {
  type Effect,
  type Entry,
  type Index,
  type Input,
  type MemberId,
  type Message,
  type Term,
} from '../../raft/core/index.ts';
import type { RaftDisk } from './raft-disk.ts';
import type { RaftMember } from './raft-member.ts';

export class InvariantBroken extends Error {}

function hold(condition: boolean, message: () => string): asserts condition {
  if (!condition) throw new InvariantBroken(message());
}

/** Text that is equal only for equal entries. */
const identity = (entry: Entry): string => `${entry.index}/${entry.term}/${entry.kind}/${entry.data.join(' ')}`;

export class RaftInvariants {
  /** How often each was looked at: a checker that never looked proves nothing. */
  readonly checks = { elections: 0, entries: 0, commits: 0, applied: 0, reads: 0, votes: 0, durable: 0 };
  private readonly leaders = new Map<Term, MemberId>();
  private readonly entries = new Map<string, { identity: string; termBefore: Term }>();
  /** Entry that is committed at an index, once and for all. */
  private readonly committed: Entry[] = [];
  /** The term in which each was committed. */
  private readonly committedIn: Term[] = [];
  private readonly states = new Map<Index, number>();
  private readonly votes = new Map<string, MemberId>();
  private readonly commits = new Map<string, Index>();
  private readonly terms = new Map<MemberId, Term>();
  private readonly reads = new Map<string, Index>();
  private readonly members: () => RaftMember[];

  constructor(members: () => RaftMember[]) {
    this.members = members;
  }

  /** The highest index that any member ever knew to be committed. */
  get highestCommit(): Index {
    return this.committed.length;
  }

  /** Its disk was replaced: nobody can hold this member to what it said before, but the others to what they knew. */
  forget(id: MemberId): void {
    this.terms.delete(id);
    for (const memory of [this.votes, this.commits])
      for (const key of memory.keys()) if (key.startsWith(`${id} `)) memory.delete(key);
  }

  committedEntries(): readonly Entry[] {
    return this.committed;
  }

  /** After each step of a member, before its effects are carried out. */
  stepped(member: RaftMember, input: Input, effects: readonly Effect[]): void {
    if (input.type === 'readIndex') this.reads.set(`${member.id} ${input.readId}`, this.highestCommit);
    for (const effect of effects) this.effect(member, effect);
    this.term(member);
    this.commit(member, effects);
  }

  private effect(member: RaftMember, effect: Effect): void {
    if (effect.type === 'append') this.append(member, effect.entries, effect.truncateFrom);
    if (effect.type === 'leaderChanged' && effect.role === 'leader') this.elected(member, effect.term);
    if (effect.type === 'apply') this.handedOver(member, effect.entries);
    if (effect.type === 'readReady') this.readReady(member, effect.readId, effect.index);
  }

  /** Election Safety: at most one leader in a term. Leader Completeness: it holds every entry committed in earlier terms. */
  private elected(member: RaftMember, term: Term): void {
    this.checks.elections++;
    const other = this.leaders.get(term);
    hold(other === undefined || other === member.id, () => `two leaders in term ${term}: ${other} and ${member.id}`);
    this.leaders.set(term, member.id);
    for (const [i, entry] of this.committed.entries()) {
      // Elected by votes that were long on their way, it may lack what a later leader has committed meanwhile.
      if (this.committedIn[i]! >= term) break;
      const own = entryOf(member, entry.index);
      hold(
        own === 'compacted' || own?.term === entry.term,
        () => `${member.id} leads term ${term} without committed entry ${entry.index}/${entry.term}`,
      );
    }
  }

  /**
   * Log Matching, step by step: an entry of one index and term is the same everywhere and follows the same term; by
   * induction everything before it is the same. Leader Append-Only: a leader cuts nothing.
   */
  private append(member: RaftMember, entries: readonly Entry[], truncateFrom: Index | undefined): void {
    hold(
      truncateFrom === undefined || member.raft.role !== 'leader',
      () => `leader ${member.id} cuts its own log at ${truncateFrom}`,
    );
    hold(
      truncateFrom === undefined || truncateFrom > member.applied,
      () => `${member.id} cuts its log at ${truncateFrom}, applied is ${member.applied}`,
    );
    for (const entry of entries) {
      this.checks.entries++;
      const before = entry.index === 1 ? undefined : entryOf(member, entry.index - 1);
      const termBefore = before === undefined || before === 'compacted' ? -1 : before.term;
      const known = this.entries.get(`${entry.index}/${entry.term}`);
      if (known === undefined) {
        this.entries.set(`${entry.index}/${entry.term}`, { identity: identity(entry), termBefore });
        continue;
      }
      hold(known.identity === identity(entry), () => `${member.id} has another entry at ${entry.index}/${entry.term}`);
      const follows = known.termBefore === -1 || termBefore === -1 || known.termBefore === termBefore;
      hold(follows, () => `entry ${entry.index}/${entry.term} follows term ${termBefore} at ${member.id}`);
    }
  }

  /** Terms of a member never go back, not even over a restart (of what it said). */
  private term(member: RaftMember): void {
    const before = this.terms.get(member.id) ?? 0;
    const { term } = member.disk.hardState;
    hold(term >= before, () => `the term of ${member.id} went back from ${before} to ${term}`);
    this.terms.set(member.id, term);
  }

  /** Committed once, the same for ever; and when first committed, durable on a quorum. */
  private commit(member: RaftMember, effects: readonly Effect[]): void {
    const { raft } = member;
    const life = `${member.id} ${member.incarnation}`;
    const before = this.commits.get(life) ?? 0;
    hold(raft.commit >= before, () => `the commit index of ${member.id} went back from ${before} to ${raft.commit}`);
    this.commits.set(life, raft.commit);
    for (let index = Math.max(before, raft.log.baseIndex) + 1; index <= raft.commit; index++) {
      const own = entryOf(member, index);
      if (own === 'compacted' || own === undefined) continue;
      const known = this.committed[index - 1];
      if (known !== undefined) {
        hold(known.term === own.term, () => `${member.id} commits ${index}/${own.term}, not ${index}/${known.term}`);
        continue;
      }
      hold(
        index === this.committed.length + 1,
        () => `${member.id} commits ${index} before ${this.committed.length + 1}`,
      );
      this.checks.commits++;
      this.committed.push(own);
      this.committedIn.push(raft.term);
    }
    if (raft.leading !== undefined && raft.commit > before) this.durable(member, effects);
  }

  /** What a leader calls committed is on the disks of a majority; of both, while its configuration is joint. */
  private durable(leader: RaftMember, effects: readonly Effect[]): void {
    const { raft } = leader;
    if (raft.commit < raft.leading!.termStart) return;
    if (this.members().some(({ disk }) => !isWhole(disk))) return; // A broken disk forgot what it held.
    this.checks.durable++;
    const entry = this.committed[raft.commit - 1]!;
    const byId = new Map(this.members().map((member) => [member.id, member]));
    const onMajority = (ids: readonly MemberId[]): boolean =>
      ids.length === 0 || ids.filter((id) => isDurable(byId.get(id), entry)).length > ids.length / 2;
    // The step may have appended a configuration because of the commit: either may have counted.
    const fresh = effects.flatMap((effect) => (effect.type === 'configurationChanged' ? [effect.index] : []));
    const inForce = [raft.configurations.at(-1)!, configurationAt(raft.configurations, (fresh[0] ?? Infinity) - 1)];
    hold(
      inForce.some(({ configuration: { voters, outgoing } }) => onMajority(voters) && onMajority(outgoing)),
      () => `${leader.id} committed ${raft.commit}/${entry.term} without a majority of disks`,
    );
  }

  /** State Machine Safety: no two members apply different entries at one index; checked on the entries here. */
  private handedOver(member: RaftMember, entries: readonly Entry[]): void {
    for (const entry of entries) {
      this.checks.applied++;
      hold(isDurable(member, entry), () => `${member.id} applies ${identity(entry)}, which its disk does not hold`);
      const known = this.committed[entry.index - 1];
      hold(
        known === undefined || identity(known) === identity(entry),
        () => `${member.id} applies ${identity(entry)}, committed is ${identity(known!)}`,
      );
    }
  }

  /** … and on the whole state, when it was applied. */
  state(member: RaftMember): void {
    const known = this.states.get(member.applied);
    hold(known === undefined || known === member.state, () => `the state at ${member.applied} differs at ${member.id}`);
    this.states.set(member.applied, member.state);
  }

  /** A read sees everything that was committed before it was asked. */
  private readReady(member: RaftMember, readId: number, index: Index): void {
    this.checks.reads++;
    const atLeast = this.reads.get(`${member.id} ${readId}`)!;
    hold(index >= atLeast, () => `read ${readId} at ${member.id} sees ${index}, ${atLeast} was committed before it`);
  }

  /** A member promises its vote once a term, whatever happens to it, and says so only when its disk knows it. */
  sent(member: RaftMember, message: Message): void {
    if (message.type === 'voteAnswer' && message.granted) this.vote(member, message.term, message.to);
    if (message.type === 'snapshotChunkAnswer' && message.installed) this.installed(member, message.snapshotIndex);
    if (message.type === 'vote') this.vote(member, message.term, member.id);
    if (message.type === 'appendAnswer' && message.outcome.accepted) {
      const { match } = message.outcome;
      hold(match <= member.disk.lastIndex, () => `${member.id} acknowledges ${match}, its disk ends before`);
    }
  }

  /** A snapshot that a member says it has, its disk has. */
  private installed(member: RaftMember, index: Index): void {
    const { disk } = member;
    hold(
      disk.snapshot.description.index >= index || disk.lastIndex >= index,
      () => `${member.id} says that snapshot ${index} is installed, its disk has not got it`,
    );
  }

  private vote(member: RaftMember, term: Term, to: MemberId): void {
    this.checks.votes++;
    const key = `${member.id} ${term}`;
    const before = this.votes.get(key);
    hold(before === undefined || before === to, () => `${member.id} votes for ${before} and ${to} in term ${term}`);
    hold(member.disk.hardState.term >= term, () => `${member.id} votes in term ${term}, its disk does not know it`);
    this.votes.set(key, to);
  }
}

/** Holds everything that it ever promised to hold. */
export const isWhole = ({ standing }: RaftDisk): boolean => standing.doubt === '' && standing.damagedThrough === 0;

function isDurable(member: RaftMember | undefined, entry: Entry): boolean {
  if (member === undefined) return false;
  const { disk } = member;
  if (entry.index < disk.firstIndex) return disk.snapshot.description.index >= entry.index;
  return entry.index <= disk.lastIndex && disk.entry(entry.index).term === entry.term;
}

/** The entry in a member's log, whether on disk or in memory. */
export function entryOf(member: RaftMember, index: Index): Entry | 'compacted' | undefined {
  const { log } = member.raft;
  if (index > log.lastIndex) return undefined;
  if (index <= log.baseIndex) return 'compacted';
  const found = sliceLog({ ...log, reader: readsAnyway(member) }, index, index, 0);
  return typeof found === 'string' ? 'compacted' : found[0];
}

/** The checker sees the disk even while the member cannot read it. */
const readsAnyway = ({ disk }: RaftMember): RaftMember['raft']['log']['reader'] => ({
  term: (index) => disk.entry(index).term,
  entries: (from) => [disk.entry(from)],
});
