// Decides, after every step of every member, whether a promise of Raft or of the store is broken. Never repairs anything:
// a broken promise ends the run with the history that shows it.
import { crc32 } from 'node:zlib';
import { decodeConfiguration, simpleConfiguration } from '../../raft/core/configuration.ts';
import { termAt } from '../../raft/core/log.ts';
import type {
  Configuration,
  Effect,
  Entry,
  HardState,
  Index,
  Input,
  MemberId,
  Message,
  Term,
} from '../../raft/core/index.ts';
import type { RaftState } from '../../raft/core/state.ts';
import type { CommittedTxn, StoreCommitted } from '../../lib/bus/messages.ts';
import type { StateMachine } from '../../services/store/core/state-machine.ts';
import { whyOverBound } from './bounds.ts';
import { SparesInvariants } from './spares-invariants.ts';
import { changeText, type StoreModel } from './store-model.ts';

export class PromiseBroken extends Error {}

function hold(condition: boolean, message: () => string): void {
  if (!condition) throw new PromiseBroken(message());
}

/** What a member's storage says is on its disk. */
export interface OnDisk {
  hardState: HardState;
  lastIndex: Index;
  snapshotIndex: Index;
}

/** More than half of the voters, and, while the configuration is joint, of those before it as well. */
function whoDecides({ voters, outgoing }: Configuration, test: (id: MemberId) => boolean): MemberId[] | undefined {
  for (const ids of outgoing.length > 0 ? [voters, outgoing] : [voters]) {
    const some = ids.filter(test);
    if (some.length * 2 <= ids.length) return some;
  }
  return undefined;
}

interface KnownEntry {
  entry: Entry;
  checksum: number;
  termBefore: Term;
}

export class StoreInvariants {
  /** How often each was looked at: a checker that never looked proves nothing. */
  readonly checks = {
    elected: 0,
    entries: 0,
    committed: 0,
    applied: 0,
    reads: 0,
    votes: 0,
    snapshots: 0,
    published: 0,
    configurations: 0,
    spares: 0,
  };
  readonly model: StoreModel;
  /** The last that is committed. */
  configuration: Configuration;
  /** Told when another one is. */
  onConfiguration: () => void = () => {};
  private readonly leaders = new Map<Term, MemberId>();
  private readonly rafts = new Map<MemberId, Readonly<RaftState>>();
  /** By member and term: also what it said when it had already heard of a later one. */
  private readonly acknowledged = new Map<string, Index>();
  /** The same, as far as the member itself must still know it. */
  private readonly remembered = new Map<string, Index>();
  /** What was committed when a member began to doubt. */
  private readonly doubts = new Map<MemberId, Index>();
  private readonly votedFor = new Map<string, Set<MemberId>>();
  private readonly onDisk: (member: MemberId) => OnDisk | undefined;
  private readonly entries = new Map<string, KnownEntry>();
  private readonly committed: Entry[] = [];
  /** The term of the leader that committed each: Leader Completeness speaks of later terms only. */
  private readonly committedIn: Term[] = [];
  private readonly votes = new Map<string, MemberId>();
  private readonly commits = new Map<string, Index>();
  private readonly terms = new Map<MemberId, Term>();
  private readonly reads = new Map<string, Index>();
  private readonly hashes = new Map<Index, string>();
  private readonly snapshots = new Map<Index, string>();
  private readonly spares = new SparesInvariants();

  constructor(model: StoreModel, names: readonly MemberId[], onDisk: (member: MemberId) => OnDisk | undefined) {
    this.model = model;
    this.configuration = simpleConfiguration(names);
    this.onDisk = onDisk;
  }

  get highestCommit(): Index {
    return this.committed.length;
  }

  /** After each step, before its effects are carried out. */
  stepped(raft: Readonly<RaftState>, input: Input, effects: readonly Effect[]): void {
    const life = `${raft.id} ${raft.incarnation}`;
    if (this.rafts.get(raft.id) !== raft) this.begins(raft);
    if (input.type === 'readIndex') this.reads.set(`${life} ${input.readId}`, this.highestCommit);
    if (input.type === 'snapshotTaken') this.snapshotIs(raft.id, input.snapshot.index, input.snapshot.hash);
    for (const effect of effects) this.effect(raft, life, effect);
    this.commit(raft, life);
    this.endsDoubt(raft);
    const wrong = whyOverBound(raft) ?? this.spares.whyBroken(raft, input, effects);
    this.checks.spares = this.spares.looked;
    hold(wrong === undefined, () => wrong!);
    const said = this.remembered.get(`${raft.id} ${raft.term}`) ?? 0;
    hold(
      said <= raft.log.lastIndex,
      () => `${raft.id} acknowledged entry ${said} in term ${raft.term}, its log ends at ${raft.log.lastIndex}`,
    );
  }

  /** A new life knows what the last one promised. */
  private begins(raft: Readonly<RaftState>): void {
    this.rafts.set(raft.id, raft);
    if (raft.doubt !== undefined || raft.damagedThrough > 0) this.forgets(raft);
    const term = this.terms.get(raft.id) ?? 0;
    hold(raft.term >= term, () => `${raft.id} begins in term ${raft.term}, it had promised something in term ${term}`);
    const vote = this.votes.get(`${raft.id} ${raft.term}`);
    hold(
      vote === undefined || vote === raft.vote,
      () => `${raft.id} begins with its vote of term ${raft.term} for '${raft.vote}', it was for ${vote}`,
    );
  }

  /** Who knows again what it has promised holds all that was committed when it began to doubt. */
  private endsDoubt(raft: Readonly<RaftState>): void {
    const since = this.doubts.get(raft.id);
    if (raft.doubt !== undefined) this.doubts.set(raft.id, since ?? this.highestCommit);
    if (raft.doubt !== undefined || since === undefined) return;
    this.doubts.delete(raft.id);
    hold(raft.commit >= since, () => `${raft.id} doubts no more at ${raft.commit}, ${since} was committed before`);
  }

  /** It says itself what it does not know any more; what the others rely on stays. */
  private forgets(raft: Readonly<RaftState>): void {
    const memories: Map<string, unknown>[] = [this.remembered];
    if (raft.doubt !== undefined) {
      this.terms.delete(raft.id);
      memories.push(this.votes, this.commits);
    }
    for (const memory of memories)
      for (const key of memory.keys()) if (key.startsWith(`${raft.id} `)) memory.delete(key);
  }

  private effect(raft: Readonly<RaftState>, life: string, effect: Effect): void {
    if (effect.type === 'append') this.append(raft, effect.entries, effect.truncateFrom);
    if (effect.type === 'leaderChanged' && effect.role === 'leader') this.elected(raft, effect.term);
    if (effect.type === 'apply') this.handedOver(raft, effect.entries);
    if (effect.type === 'installSnapshot') this.snapshotIs(raft.id, effect.snapshot.index, effect.snapshot.hash);
    if (effect.type !== 'readReady') return;
    this.checks.reads++;
    const atLeast = this.reads.get(`${life} ${effect.readId}`)!;
    hold(effect.index >= atLeast, () => `read at ${raft.id} sees ${effect.index}, ${atLeast} was committed before it`);
  }

  /** Election Safety: one leader a term. Leader Completeness: it holds everything that was committed before. */
  private elected(raft: Readonly<RaftState>, term: Term): void {
    this.checks.elected++;
    const other = this.leaders.get(term);
    hold(other === undefined || other === raft.id, () => `two leaders in term ${term}: ${other} and ${raft.id}`);
    this.leaders.set(term, raft.id);
    hold(raft.damagedThrough === 0, () => `${raft.id} leads term ${term} without entries that it has lost`);
    const disk = this.onDisk(raft.id);
    hold(
      disk === undefined || (disk.hardState.term === term && disk.hardState.vote === raft.id),
      () => `${raft.id} leads term ${term} before its own vote is on its disk`,
    );
    const few = whoDecides(
      raft.configurations.at(-1)!.configuration,
      (id) => id === raft.id || this.votedFor.get(`${id} ${term}`)?.has(raft.id) === true,
    );
    hold(few === undefined, () => `${raft.id} leads term ${term} with the votes of [${few!.join(' ')}] only`);
    this.isComplete(raft, term);
  }

  /** Elected by votes that were long on their way, it may lack what a later leader has committed meanwhile. */
  private isComplete(raft: Readonly<RaftState>, term: Term): void {
    for (let index = raft.log.baseIndex + 1; index <= this.committed.length; index++) {
      if (this.committedIn[index - 1]! >= term) return;
      const own = index <= raft.log.lastIndex ? termAt(raft.log, index) : undefined;
      const right = this.committed[index - 1]!.term;
      hold(
        own === right || own === 'compacted' || own === 'unavailable',
        () => `${raft.id} leads term ${term} without committed entry ${index}/${right} (has ${own})`,
      );
    }
  }

  /** Log Matching: an entry of one index and term is the same everywhere and follows the same term. */
  private append(raft: Readonly<RaftState>, entries: readonly Entry[], truncateFrom: Index | undefined): void {
    hold(
      truncateFrom === undefined || raft.role !== 'leader',
      () => `leader ${raft.id} cuts its own log at ${truncateFrom}`,
    );
    hold(
      truncateFrom === undefined || truncateFrom > raft.applied,
      () => `${raft.id} cuts its log at ${truncateFrom}, applied is ${raft.applied}`,
    );
    for (const [i, entry] of entries.entries()) {
      this.checks.entries++;
      const termBefore = i > 0 ? entries[i - 1]!.term : termAt(raft.log, entry.index - 1);
      const known = this.entries.get(`${entry.index}/${entry.term}`);
      const checksum = crc32(entry.data, entry.kind.length);
      if (known === undefined) {
        const before = typeof termBefore === 'string' ? -1 : termBefore;
        this.entries.set(`${entry.index}/${entry.term}`, { entry, checksum, termBefore: before });
        continue;
      }
      hold(known.checksum === checksum, () => `${raft.id} has another entry at ${entry.index}/${entry.term}`);
      const follows = known.termBefore === -1 || typeof termBefore === 'string' || known.termBefore === termBefore;
      hold(follows, () => `entry ${entry.index}/${entry.term} follows term ${termBefore} at ${raft.id}`);
    }
  }

  /** Commit never goes back in a life, and what is committed once is committed for ever. */
  private commit(raft: Readonly<RaftState>, life: string): void {
    const before = this.commits.get(life) ?? 0;
    if (raft.commit === before) return;
    hold(raft.commit > before, () => `the commit index of ${raft.id} went back from ${before} to ${raft.commit}`);
    this.commits.set(life, raft.commit);
    // Raft paper 5.4.2: what is behind it may be older, but it is an entry of its own term that a leader counts.
    const counted = termAt(raft.log, raft.commit);
    hold(
      raft.leading === undefined || before === 0 || counted === raft.term || typeof counted === 'string',
      () => `${raft.id} leads term ${raft.term} and commits ${raft.commit} of term ${counted}`,
    );
    if (raft.leading !== undefined && before > 0) this.isHeld(raft);
    for (let index = Math.max(before, raft.log.baseIndex) + 1; index <= raft.commit; index++) {
      const term = termAt(raft.log, index);
      if (typeof term === 'string') continue;
      const known = this.committed[index - 1];
      if (known === undefined) this.learn(raft, index, term);
      else hold(known.term === term, () => `${raft.id} commits ${index}/${term}, not ${index}/${known.term}`);
    }
  }

  /** What a leader calls committed a majority has on disk, or has said so in this term. */
  private isHeld({ id: own, term, commit, configurations }: Readonly<RaftState>): void {
    const holds = (id: MemberId): boolean =>
      commit <= (id === own ? (this.onDisk(id)?.lastIndex ?? commit) : (this.acknowledged.get(`${id} ${term}`) ?? 0));
    const few = whoDecides(configurations.at(-1)!.configuration, holds);
    hold(few === undefined, () => `${own} commits ${commit} in term ${term}, which only [${few!.join(' ')}] hold`);
  }

  private learn(raft: Readonly<RaftState>, index: Index, term: Term): void {
    this.checks.committed++;
    hold(index === this.committed.length + 1, () => `${raft.id} commits ${index} after ${this.committed.length}`);
    const known = this.entries.get(`${index}/${term}`);
    hold(known !== undefined, () => `${raft.id} commits ${index}/${term}, which nobody ever appended`);
    const { entry } = known!;
    this.committed.push(entry);
    this.committedIn.push(raft.term);
    if (entry.kind === 'configuration') this.reconfigured(entry);
    this.model.apply(entry.kind === 'data' ? entry.data : undefined);
  }

  /** A change goes through a joint configuration, and the next begins where the last ended. */
  private reconfigured({ index, data }: Entry): void {
    this.checks.configurations++;
    const before = this.configuration;
    const next = decodeConfiguration(data)!;
    const isNext =
      before.outgoing.length > 0
        ? next.outgoing.length === 0 && next.voters.join() === before.voters.join()
        : next.outgoing.join() === before.voters.join();
    hold(isNext, () => `configuration ${index} is ${JSON.stringify(next)} after ${JSON.stringify(before)}`);
    this.configuration = next;
    this.onConfiguration();
  }

  /** State Machine Safety, on the entries … */
  private handedOver(raft: Readonly<RaftState>, entries: readonly Entry[]): void {
    for (const { index, term, kind, data } of entries) {
      const right = this.entries.get(`${index}/${this.committed[index - 1]?.term}`);
      const same = right?.entry.term === term && right.checksum === crc32(data, kind.length);
      hold(right === undefined || same, () => `${raft.id} applies ${index}/${term}, committed is another`);
    }
  }

  /** … and on the whole state, whenever a member has applied something. */
  stateIs(member: MemberId, state: StateMachine): void {
    const disk = this.onDisk(member);
    const end = disk === undefined ? Infinity : Math.max(disk.lastIndex, disk.snapshotIndex);
    hold(state.appliedIndex <= end, () => `${member} has applied ${state.appliedIndex}, its disk ends at ${end}`);
    const { appliedIndex, revision, hash } = state;
    const known = this.hashes.get(appliedIndex);
    if (known === hash) return;
    this.checks.applied++;
    const right = this.model.revisionAt[appliedIndex];
    hold(
      right === undefined || right === revision,
      () => `${member} is at revision ${revision} after entry ${appliedIndex}, right is ${right}`,
    );
    hold(known === undefined, () => `the state of ${member} at ${appliedIndex} has hash ${hash}, another had ${known}`);
    this.hashes.set(appliedIndex, hash);
  }

  /** Snapshots of one index are the same bytes, whoever took them: state, history and sessions. */
  private snapshotIs(member: MemberId, index: Index, hash: string): void {
    this.checks.snapshots++;
    const known = this.snapshots.get(index);
    hold(known === undefined || known === hash, () => `the snapshot of ${member} at ${index} differs from another's`);
    this.snapshots.set(index, hash);
  }

  /** What a member says when it leaves: one vote a term over all its lives, and never of an older term. */
  said(message: Message): void {
    if (message.type === 'preVote' || message.type === 'preVoteAnswer') return;
    const { from, term } = message;
    if (message.type === 'vote') this.vote(from, term, from);
    if (message.type === 'voteAnswer' && message.granted) this.vote(from, term, message.to);
    if (message.type === 'append' || message.type === 'heartbeat' || message.type === 'snapshotChunk')
      hold(
        this.leaders.get(term) === from,
        () => `${from} speaks as the leader of term ${term}, which is ${this.leaders.get(term)}`,
      );
    // Only what must be durable before it is said binds the next life; the rest may be forgotten.
    const kept = message.type === 'appendAnswer' && message.outcome.accepted ? message.outcome.match : undefined;
    const installed = message.type === 'snapshotChunkAnswer' && message.installed ? message.snapshotIndex : undefined;
    const voted = message.type === 'vote' || (message.type === 'voteAnswer' && message.granted);
    const binding = voted || kept !== undefined || installed !== undefined;
    if (!binding) return;
    const before = this.terms.get(from) ?? 0;
    hold(term >= before, () => `${from} speaks in term ${term} after it had promised something in term ${before}`);
    this.terms.set(from, term);
    if (kept !== undefined) this.keeps(from, message.to, term, kept);
    if (installed !== undefined) this.keeps(from, message.to, term, installed);
    const disk = this.onDisk(from);
    if (disk === undefined) return;
    const { hardState, lastIndex, snapshotIndex } = disk;
    hold(
      hardState.term >= term,
      () => `${from} sends a ${message.type} of term ${term}, its disk knows ${hardState.term}`,
    );
    const end = Math.max(lastIndex, snapshotIndex);
    const promised = kept ?? installed ?? 0;
    hold(promised <= end, () => `${from} says that it holds entry ${promised}, its disk ends at ${end}`);
  }

  /** What a follower says that it holds is the leader's own entry, and stays for the rest of the term. */
  private keeps(from: MemberId, to: MemberId, term: Term, match: Index): void {
    const [own, leader] = [this.rafts.get(from), this.rafts.get(to)];
    // In doubt it has the entry, and must not be counted for it.
    if (own === undefined || own.doubt !== undefined) return;
    const before = this.acknowledged.get(`${from} ${term}`) ?? 0;
    this.acknowledged.set(`${from} ${term}`, Math.max(before, match));
    this.remembered.set(`${from} ${term}`, Math.max(this.remembered.get(`${from} ${term}`) ?? 0, match));
    if (leader?.term !== term || leader.leading === undefined || own.term !== term) return;
    hold(match <= leader.log.lastIndex, () => `${from} says that it holds entry ${match}, which ${to} has not got`);
    const terms = [own, leader].map(({ log }) => (match <= log.lastIndex ? termAt(log, match) : 0));
    hold(
      terms[0] === terms[1] || terms.some((each) => typeof each === 'string'),
      () => `${from} says that it holds entry ${match} of ${to}: it is of term ${terms[0]}, there of term ${terms[1]}`,
    );
  }

  private vote(member: MemberId, term: Term, to: MemberId): void {
    this.checks.votes++;
    const id = `${member} ${term}`;
    const before = this.votes.get(id);
    hold(before === undefined || before === to, () => `${member} votes for ${before} and ${to} in term ${term}`);
    this.votes.set(id, to);
    this.votedFor.set(id, (this.votedFor.get(id) ?? new Set()).add(to));
  }

  /** A leader's word about commits is the truth, in order and without a gap. */
  published({ member, previous, txns }: StoreCommitted): void {
    this.checks.published++;
    // An empty one is a bookmark: everything up to it can be read.
    hold(
      previous <= this.model.revision,
      () => `${member} publishes after revision ${previous}, the last is ${this.model.revision}`,
    );
    for (const [i, txn] of txns.entries()) {
      const said = `${member} publishes revision ${txn.revision}`;
      hold(txn.revision === previous + i + 1, () => `${said} as number ${i + 1} after ${previous}`);
      this.isTrue(txn, said);
    }
  }

  isTrue(txn: CommittedTxn, said: string): void {
    const right = this.model.txns[txn.revision];
    const same =
      right !== undefined &&
      right.span === txn.cause.span &&
      right.changes.join('\n') === txn.changes.map(changeText).join('\n');
    hold(same, () => `${said} as ${JSON.stringify(txn)}, right is ${JSON.stringify(right)}`);
  }
}
