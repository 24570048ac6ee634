// Decides what a member remembers, how it begins, and what must always hold of it. Never decides what it does next.
import { invariant } from '../../lib/base/errors.ts';
import { configurationAt, pushConfiguration, type ConfigurationAt } from './configuration.ts';
import { termAt, type Log } from './log.ts';
import type { Progress } from './progress.ts';
import {
  DEFAULT_RAFT_LIMITS,
  type AppendId,
  type Configuration,
  type DoubtReason,
  type Effect,
  type Index,
  type MemberId,
  type RaftLimits,
  type RaftOptions,
  type Role,
  type SnapshotDescription,
  type Standing,
  type Term,
} from './types.ts';

/** A pre-election or an election that this member stands in. */
export interface Campaign {
  votes: Map<MemberId, boolean>;
  /** The write that makes the own vote durable: it counts when that is confirmed. */
  ownVoteWrite: AppendId | undefined;
}

/** Reads that one heartbeat round will confirm. */
export interface ReadRound {
  round: number;
  index: Index;
  readIds: number[];
}

export interface Transfer {
  /** Undefined: begun by the leader itself, because its disk is slow. */
  transferId: number | undefined;
  to: MemberId;
  startedTick: number;
}

/** What only a leader has; gone when it steps down. */
export interface Leading {
  progress: Map<MemberId, Progress>;
  /** The index of its empty first entry: from here on all entries are of its term. */
  termStart: Index;
  /** Followers by what they hold, most first; among equals, who held it first. */
  quickest: MemberId[];
  /** Entries were held back from a spare (spares.ts). */
  holds: boolean;
  /** What a majority was still to answer when the driver was last told that spares are left out. */
  awaited: { index: Index; round: number } | undefined;
  heartbeatElapsed: number;
  round: number;
  /** When rounds began, oldest first; kept for lease reads alone. */
  roundTicks: { round: number; tick: number }[];
  queuedReads: number[];
  readRounds: ReadRound[];
  readCount: number;
  uncommitted: { through: Index; bytes: number }[];
  uncommittedBytes: number;
  transfer: Transfer | undefined;
  /** A TimeoutNow may still be on its way: no lease read in the rest of this term. */
  leaseLost: boolean;
}

/** A snapshot that arrives in chunks. */
export interface Receiving {
  snapshot: SnapshotDescription;
  /** Bytes given to the driver, and bytes that it has staged. */
  requested: number;
  written: number;
}

/** A member that cannot say what it has promised (doubt.ts). */
export interface Doubt {
  reason: DoubtReason;
  /** Names this life in doubt. */
  nonce: number;
  /** Who said since then to be in the same doubt, and how far its log goes. */
  others: Map<MemberId, { lastTerm: Term; lastIndex: Index }>;
  /** What the leader of `term` said: this member is whole when it holds entry `through` of it, committed. */
  welcome: { term: Term; through: Index } | undefined;
}

export interface RaftState {
  readonly clusterId: string;
  readonly id: MemberId;
  /** Changes within a life only when doubt begins or ends. */
  incarnation: number;
  readonly electionTicks: { readonly min: number; readonly max: number };
  readonly heartbeatTicks: number;
  readonly leaseReads: boolean;
  readonly limits: RaftLimits;

  role: Role;
  term: Term;
  vote: MemberId;
  leader: MemberId;
  log: Log;
  commit: Index;
  /** Handed to the state machine, and held by it. */
  applying: Index;
  applied: Index;
  applyOutstanding: { through: Index; bytes: number }[];
  applyOutstandingBytes: number;
  configurations: ConfigurationAt[];
  snapshot: SnapshotDescription;
  /** Older snapshots that are still being sent. */
  heldSnapshots: Index[];

  ticks: number;
  electionElapsed: number;
  electionTimeout: number;
  /** Elections in a row in which this member voted and that nobody is known to have won. */
  votesInVain: number;
  /** Whether this term's was won is decided; it counts no more. */
  decidedTerm: Term;
  /** The bus says that the leader is gone: it is not protected any more. */
  leaderSilent: boolean;
  campaign: Campaign | undefined;
  leading: Leading | undefined;
  receiving: Receiving | undefined;
  /** When a sender was last told where to go on; not again at once, or every chunk in flight would restart it. */
  seekTick: number;
  /** '' while the disk works. */
  storageFailure: string;
  damagedThrough: Index;
  /** What was lost was of at most this term. */
  damagedTerm: Term;
  /** undefined: it knows what it has promised. */
  doubt: Doubt | undefined;
  /** Of a doubt that ended in this life: a leader that hears the question late is told so. 0 = there was none. */
  endedNonce: number;
  /** The doubt that others in the same may still hear of; '' since this member promised something. */
  formerDoubt: DoubtReason | '';
  /** State of mulberry32. */
  chance: number;

  /** Term and vote as the last write has them. */
  writtenTerm: Term;
  writtenVote: MemberId;
  /** undefined: it must be said again. */
  writtenStanding: Standing | undefined;
  /** Effects of the step under way, before the write is put in front of them. */
  emitted: Effect[];
  announced: { leader: MemberId; term: Term; role: Role };
}

export function createRaft(options: RaftOptions): RaftState {
  assertOptions(options);
  const { restored, id } = options;
  const raft: RaftState = {
    clusterId: options.clusterId,
    id,
    incarnation: options.incarnation,
    electionTicks: options.electionTicks,
    heartbeatTicks: options.heartbeatTicks,
    leaseReads: options.leaseReads ?? false,
    limits: { ...DEFAULT_RAFT_LIMITS, ...options.limits },
    role: 'follower',
    term: restored.hardState.term,
    vote: restored.hardState.vote,
    leader: '',
    log: restoreLog(options),
    commit: Math.max(restored.snapshot.index, Math.min(restored.hardState.commit, restored.lastIndex)),
    applying: restored.snapshot.index,
    applied: restored.snapshot.index,
    applyOutstanding: [],
    applyOutstandingBytes: 0,
    configurations: restoreConfigurations(options),
    snapshot: restored.snapshot,
    heldSnapshots: [],
    ticks: 0,
    electionElapsed: 0,
    electionTimeout: options.electionTicks.max,
    votesInVain: 0,
    decidedTerm: restored.hardState.term,
    leaderSilent: false,
    campaign: undefined,
    leading: undefined,
    receiving: undefined,
    seekTick: -Infinity,
    storageFailure: '',
    damagedThrough: restored.damagedThrough ?? 0,
    damagedTerm: restored.damagedTerm ?? restored.hardState.term,
    doubt: undefined,
    endedNonce: 0,
    formerDoubt: '',
    chance: (options.seed ^ Math.imul(options.incarnation, 0x9e3779b1)) >>> 0,
    writtenTerm: restored.hardState.term,
    writtenVote: restored.hardState.vote,
    writtenStanding: undefined,
    emitted: [],
    announced: { leader: '', term: restored.hardState.term, role: 'follower' },
  };
  raft.electionTimeout = drawFirstTimeout(raft);
  if (restored.doubt !== undefined) doubt(raft, restored.doubt);
  raft.writtenStanding = standingOf(raft);
  if (raft.damagedThrough <= raft.commit) raft.damagedThrough = 0;
  return raft;
}

/** From now on this member does not know what it has promised. */
export function doubt(raft: RaftState, reason: DoubtReason): void {
  const nonce = drawInt(raft, 2 ** 21) * 2 ** 32 + drawInt(raft, 2 ** 32);
  raft.doubt = { reason, nonce, others: new Map(), welcome: undefined };
  raft.formerDoubt = reason;
}

export function standingOf({ doubt: present, damagedThrough, damagedTerm, incarnation }: RaftState): Standing {
  const term = damagedThrough === 0 ? 0 : damagedTerm;
  return { doubt: present?.reason ?? '', damagedThrough, damagedTerm: term, incarnation };
}

/** What it is now needs no new write. */
export function isStandingWritten({
  doubt: present,
  damagedThrough,
  damagedTerm,
  writtenStanding,
}: RaftState): boolean {
  return (
    writtenStanding !== undefined &&
    (present?.reason ?? '') === writtenStanding.doubt &&
    damagedThrough === writtenStanding.damagedThrough &&
    (damagedThrough === 0 || damagedTerm === writtenStanding.damagedTerm)
  );
}

function assertOptions({ electionTicks, heartbeatTicks, restored, id, clusterId }: RaftOptions): void {
  const { snapshot, firstIndex, lastIndex, hardState } = restored;
  invariant(id !== '' && clusterId !== '', 'a member needs an id and a clusterId');
  invariant(
    heartbeatTicks > 0 && electionTicks.min > 2 * heartbeatTicks && electionTicks.max > electionTicks.min,
    'election of %..% ticks needs more than two heartbeats of % ticks',
    electionTicks.min,
    electionTicks.max,
    heartbeatTicks,
  );
  invariant(
    firstIndex >= 1 && firstIndex <= snapshot.index + 1 && lastIndex >= snapshot.index && lastIndex >= firstIndex - 1,
    'member %: the log %..% does not continue the snapshot at %',
    id,
    firstIndex,
    lastIndex,
    snapshot.index,
  );
  invariant(hardState.term >= snapshot.term, "term % is before the snapshot's %", hardState.term, snapshot.term);
}

function restoreLog({ restored, reader }: RaftOptions): Log {
  const { snapshot, firstIndex, lastIndex } = restored;
  const known = (index: Index): Term | undefined => {
    if (index === 0) return 0;
    if (index === snapshot.index) return snapshot.term;
    const term = reader.term(index);
    return typeof term === 'number' ? term : undefined;
  };
  const lastTerm = known(lastIndex);
  invariant(lastTerm !== undefined, 'storage cannot tell the term of its last entry %', lastIndex);
  return {
    reader,
    baseIndex: firstIndex - 1,
    baseTerm: known(firstIndex - 1),
    window: [],
    windowStart: lastIndex + 1,
    windowBytes: 0,
    lastIndex,
    lastTerm,
    written: lastIndex,
    durable: lastIndex,
    truncateFrom: undefined,
    install: undefined,
    installing: undefined,
    pending: [],
    nextAppendId: 1,
  };
}

function restoreConfigurations({ restored }: RaftOptions): ConfigurationAt[] {
  const { snapshot, configurationEntries, lastIndex } = restored;
  const stack = [{ index: snapshot.index, configuration: snapshot.configuration }];
  for (const entry of configurationEntries) {
    if (entry.index > snapshot.index && entry.index <= lastIndex) pushConfiguration(stack, entry);
  }
  return stack;
}

/** The configuration in force: the latest in the log, committed or not (Raft paper, section 6). */
export const configurationOf = (raft: RaftState): Configuration => raft.configurations.at(-1)!.configuration;

/** mulberry32 in the state itself, so that a run is repeated by its inputs alone. An integer in [0, below). */
export function drawInt(raft: RaftState, below: number): number {
  raft.chance = (raft.chance + 0x6d2b79f5) >>> 0;
  let t = Math.imul(raft.chance ^ (raft.chance >>> 15), raft.chance | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * below);
}

/**
 * Twice as long after each election in vain, at most eight times: where disks need longer for a vote than members wait, every
 * election would be ended by the next one, for ever.
 */
export function drawElectionTimeout(raft: RaftState): number {
  const { min, max } = raft.electionTicks;
  return (min + drawInt(raft, max - min + 1)) << Math.min(raft.votesInVain, 3);
}

/**
 * Of a life: a leader that lives is heard within a heartbeat or two, and a pre-vote deposes nobody. So a cluster that was started
 * again as a whole leads itself soon after the second of three is there. With lease reads the life before may have promised
 * a leader not to stand for as long as ever.
 */
function drawFirstTimeout(raft: RaftState): number {
  if (raft.leaseReads) return drawElectionTimeout(raft);
  const soonest = 2 * raft.heartbeatTicks;
  return soonest + drawInt(raft, raft.electionTicks.min - soonest + 1);
}

/**
 * What goes into the description of a snapshot of the state machine at `index` (at most what was applied). Undefined:
 * the log cannot tell now. Must be asked before the entry is compacted.
 */
export function describeSnapshot(
  raft: RaftState,
  index: Index,
): Pick<SnapshotDescription, 'index' | 'term' | 'configuration'> | undefined {
  invariant(index <= raft.applied, 'a snapshot at % was asked, applied is %', index, raft.applied);
  const term = index === raft.snapshot.index ? raft.snapshot.term : termAt(raft.log, index);
  if (typeof term === 'string') return undefined;
  return { index, term, configuration: configurationAt(raft.configurations, index).configuration };
}

/** Checked after each step, in production too: cheap, and a member that fails it must not go on promising. */
export function assertState(raft: RaftState): void {
  const wrong = wrongOf(raft);
  invariant(wrong === '', '%', wrong);
}

/** '' as long as all is as it must be: then no text and no list of values is made. */
function wrongOf(raft: RaftState): string {
  const { log, commit, applying, applied, term, role, leader } = raft;
  const { baseIndex, durable, lastIndex } = log;
  if (applied > applying || applying > commit || commit > lastIndex)
    return `positions out of order: ${positions(raft)}`;
  if (durable > lastIndex || log.written !== lastIndex) return `unwritten entries: ${positions(raft)}`;
  if (baseIndex > commit || baseIndex > raft.snapshot.index) return `compacted too far: ${positions(raft)}`;
  if (log.windowStart + log.window.length !== lastIndex + 1) return `the window does not end at ${lastIndex}`;
  if (log.lastTerm > term) return `the log has term ${log.lastTerm}, the member ${term}`;
  if (term !== raft.writtenTerm || raft.vote !== raft.writtenVote) return `term ${term} is not written`;
  if (raft.doubt !== undefined && role !== 'follower') return `a ${role} in doubt of what it has promised`;
  if ((role === 'leader') !== (raft.leading !== undefined)) return `a ${role} with the wrong memory`;
  if (role === 'leader' && leader !== raft.id) return `a leader that follows ${leader}`;
  const campaigning = role === 'candidate' || role === 'preCandidate';
  return campaigning === (raft.campaign !== undefined) ? '' : `a ${role} with the wrong campaign`;
}

const positions = ({ log, commit, applying, applied }: RaftState): string =>
  `applied ${applied}, applying ${applying}, commit ${commit}, durable ${log.durable}, last ${log.lastIndex}`;
