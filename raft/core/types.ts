// Decides the words of the Raft core: what a member is given (Input), what it answers (Effect), and what both speak of.
// Never holds behaviour. The algorithm starts at step.ts; messages between members are in messages.ts.
import type { Message, SnapshotChunk } from './messages.ts';

export * from './messages.ts';

/** `store-1`. The same name must never be given to a second, empty member of the same cluster. */
export type MemberId = string;
/** Positions in the log, from 1; 0 is before the first. Below 2^53. */
export type Index = number;
export type Term = number;
/** Numbers the writes of one life of a member, from 1. */
export type AppendId = number;

/** On the bus and on the disk a kind is its place in here: one more goes to the end. */
export const ENTRY_KINDS = ['data', 'configuration', 'empty'] as const;
export type EntryKind = (typeof ENTRY_KINDS)[number];
export interface Entry {
  index: Index;
  term: Term;
  kind: EntryKind;
  data: Uint8Array;
}

/** What must be on disk before a promise that rests on it leaves the member. */
export interface HardState {
  term: Term;
  /** '' = nobody yet in this term. */
  vote: MemberId;
  /** A hint that rides along with other writes: an entry up to here is committed. Never written for its own sake. */
  commit: Index;
}

/**
 * Who counts. Joint while `outgoing` is not empty: then a decision needs a majority of `voters` and one of `outgoing`.
 * A learner gets the log and counts nowhere; a voter on its way to learner is in `outgoing` and in `learners`.
 * All lists are sorted and without doubles.
 */
export interface Configuration {
  readonly voters: readonly MemberId[];
  readonly outgoing: readonly MemberId[];
  readonly learners: readonly MemberId[];
}

/** A state at `index`, whole: what a member needs that is too far behind for the log. */
export interface SnapshotDescription {
  index: Index;
  term: Term;
  /** The configuration in force at `index`. */
  configuration: Configuration;
  sizeBytes: number;
  /** Hash of all bytes in the driver's own format; equal hash, index and term = the same bytes. */
  hash: string;
}

// ---- what a member is made of -------------------------------------------------------------------------------------

/** Read-only view of the log on disk. Asked only for indexes that `appended` has confirmed and `compact` has not dropped. */
export interface LogReader {
  /** Term of the entry at `index`. */
  term(index: Index): Term | 'compacted' | 'unavailable';
  /**
   * Entries from `from` to `to` (inclusive), cut after at least one entry when `maxBytes` of data is reached.
   * 'unavailable': cannot be read now (being loaded or repaired); the core asks again later.
   */
  entries(from: Index, to: Index, maxBytes: number): Entry[] | 'compacted' | 'unavailable';
}

export interface RaftLimits {
  /** One entry: it must fit into one message of the bus. */
  entryBytes: number;
  /** Entry data in one append message; one larger entry still goes, alone. */
  appendBytes: number;
  /** Append messages that one follower may have unanswered. */
  inflightMessages: number;
  inflightBytes: number;
  /** Data that the leader holds uncommitted before it refuses proposals; a single proposal passes when there is none. */
  uncommittedBytes: number;
  /** Entry data in one `apply` effect, and in all that are not yet answered by `applied`. */
  applyBytes: number;
  applyOutstandingBytes: number;
  /** Reads that wait for confirmation. */
  pendingReads: number;
  /** Durable and applied entries that stay in memory for followers. */
  cachedBytes: number;
  snapshotChunkBytes: number;
  snapshotWindowBytes: number;
  /** Entries before the last snapshot that are kept for followers that are a little behind. */
  retainedEntries: number;
  /** Entries that a slow but living follower may hold back from compaction, beyond `retainedEntries`. */
  heldEntries: number;
  /** A leader whose oldest write is unfinished for longer hands leadership over. */
  slowDiskTicks: number;
  /** Entries that a follower may lack until the next tick while a majority is there without it; 0 = nobody is left out. */
  spareEntries: number;
}

export const DEFAULT_RAFT_LIMITS: RaftLimits = {
  entryBytes: 3_145_728,
  appendBytes: 1_048_576,
  inflightMessages: 256,
  inflightBytes: 8_388_608,
  uncommittedBytes: 67_108_864,
  applyBytes: 4_194_304,
  applyOutstandingBytes: 16_777_216,
  pendingReads: 50_000,
  cachedBytes: 16_777_216,
  snapshotChunkBytes: 65_536,
  snapshotWindowBytes: 524_288,
  retainedEntries: 5_000,
  heldEntries: 50_000,
  slowDiskTicks: 20,
  spareEntries: 0,
};

/**
 * Why a member cannot know what it has promised: 'newborn' (its directory was empty), 'copied' (its directory is a copy of
 * another one, perhaps an old one), 'lost' (term, vote or the end of its log cannot be read, or a leader knows of a later
 * life than its own).
 */
export type DoubtReason = 'newborn' | 'copied' | 'lost';

/** What a member lacks of what it may have promised. Remembered over restarts until it is made good. */
export interface Standing {
  /** '' = it knows its promises. */
  doubt: DoubtReason | '';
  /** See Restored; 0 = no entry is missing. */
  damagedThrough: Index;
  damagedTerm: Term;
  /** The life that says so: the next one is higher. */
  incarnation: number;
}

/** What storage found at start. An empty member passes its first configuration as a snapshot at index 0, term 0. */
export interface Restored {
  hardState: HardState;
  /** The last durable snapshot; the state machine starts from it, and `apply` goes on at its index + 1. */
  snapshot: SnapshotDescription;
  /** First entry that the reader can give; `lastIndex + 1` when the log is empty. */
  firstIndex: Index;
  lastIndex: Index;
  /** Every entry of kind 'configuration' in the log, oldest first. */
  configurationEntries: Entry[];
  /**
   * Entries up to here were durable once and are lost or unreadable, while term and vote are certain. Until a leader has
   * repaired them this member does not campaign, and votes only for who has a log as new as its own once was: any other
   * leader could lack what this member had promised to keep.
   */
  damagedThrough?: Index;
  /** Term of the entry at `damagedThrough`, or a bound on it; the hard state's if not given. */
  damagedTerm?: Term;
  /** It cannot say what it has promised: it takes no part until a leader has shown that nothing of it is missing. */
  doubt?: DoubtReason | undefined;
}

export interface RaftOptions {
  clusterId: string;
  id: MemberId;
  /** Higher at each start of the member, from disk. */
  incarnation: number;
  /** Any integer; two members should not share it. */
  seed: number;
  /** Bounds of the randomised election timeout, and the promise of stickiness: `min` ticks without a leader. */
  electionTicks: { min: number; max: number };
  heartbeatTicks: number;
  limits?: Partial<RaftLimits>;
  /** Answer reads from the leader's lease, without a round: trusts that ticks run equally fast on all members. Default off. */
  leaseReads?: boolean;
  restored: Restored;
  reader: LogReader;
}

// ---- what happens to a member -------------------------------------------------------------------------------------

/** Everything a member can learn. `step` takes one at a time; the same inputs always give the same effects. */
export type Input =
  | { type: 'tick' }
  /** Must have passed `decodeMessage` of raft/transport: the core trusts its shape, not its content. */
  | { type: 'receive'; message: Message }
  /** One entry for each item of `data` (at least one; owned by the core from now on), all or none. Answered by proposalAccepted or proposalRefused, at once. */
  | { type: 'propose'; proposalId: number; data: Uint8Array[] }
  /** This write and all before it are durable (cumulative, in order). */
  | { type: 'appended'; appendId: AppendId }
  /** The write failed and nothing after it will succeed: this member stops promising and takes no more entries. */
  | { type: 'appendFailed'; appendId: AppendId; reason: string }
  /** The state machine holds everything up to `index` (of `apply` or of `installSnapshot`). */
  | { type: 'applied'; index: Index }
  | { type: 'readIndex'; readId: number }
  /** Something that was 'unavailable' can be read now. A hint: without it the core asks again with its next heartbeat. */
  | { type: 'logReadable' }
  /** The wanted end state. `expectedIndex`: refuse unless the present configuration is the one of that entry. */
  | {
      type: 'changeConfiguration';
      changeId: number;
      voters: MemberId[];
      learners: MemberId[];
      expectedIndex?: Index;
    }
  /** Answers sparesLeftOut, when a majority should have answered. Without it, a slow follower is made good for at the next tick. */
  | { type: 'reviewSpares' }
  /** To '' = to the follower that is furthest. Answered by transferEnded. */
  | { type: 'transferLeadership'; transferId: number; to: MemberId }
  /** A snapshot of the own state machine is durable. Described by `describeSnapshot` before its bytes were written. */
  | { type: 'snapshotTaken'; snapshot: SnapshotDescription }
  /**
   * Answers writeSnapshotChunk: bytes before `nextOffset` are staged. When that is all of them, they are also durable
   * and their hash is right.
   */
  | { type: 'snapshotChunkWritten'; index: Index; hash: string; nextOffset: number }
  /** Answers writeSnapshotChunk: it could not be written, or the whole has the wrong hash. The stage was emptied. */
  | { type: 'snapshotChunkFailed'; index: Index; hash: string; reason: string }
  /** The bus says that this member's connection ended. A hint: false or late ones cost an election at worst. */
  | { type: 'peerDisconnected'; id: MemberId };

// ---- what a member wants done -------------------------------------------------------------------------------------

export type Role = 'follower' | 'preCandidate' | 'candidate' | 'leader';
export type ProposalRefusal = 'notLeader' | 'overloaded' | 'transferring' | 'storageFailed' | 'empty' | 'tooLarge';
export type ReadFailure = 'notLeader' | 'leadershipLost' | 'overloaded';
export type ConfigurationRefusal =
  | 'notLeader'
  | 'transferring'
  /** The last change is not finished, or this leader has not committed in its term yet: try again soon. */
  | 'inProgress'
  | 'unexpected'
  | 'noChange'
  | 'invalid';

/**
 * Everything a member can want, in the order in which it must be begun. Writes (`append`, `installSnapshot`) are done
 * one after the other, may be grouped under one fsync, and are confirmed by `appended`. A `send` with `afterAppend`
 * leaves only when that write is confirmed, all others at once; nothing else waits for the disk.
 */
export type Effect =
  | AppendEffect
  | {
      type: 'installSnapshot';
      appendId: AppendId;
      /** The staged one: becomes the state machine, and the log ends with it (every entry is dropped). */
      snapshot: SnapshotDescription;
      hardState: HardState;
      standing?: Standing | undefined;
    }
  | { type: 'send'; message: Message; afterAppend: AppendId | undefined }
  /** Who is not needed for a majority was not sent or asked what others were: give `reviewSpares` after the time of a slow answer. */
  | { type: 'sparesLeftOut' }
  /** Fill in `lengthBytes` of the snapshot `message.snapshot` from `message.offset`, then send. Lost ones are asked for again. */
  | { type: 'sendSnapshotChunk'; message: SnapshotChunkHead; lengthBytes: number }
  /** Stage these bytes. At offset 0 an older stage is dropped. Answer with snapshotChunkWritten or snapshotChunkFailed. */
  | { type: 'writeSnapshotChunk'; snapshot: SnapshotDescription; offset: number; data: Uint8Array; last: boolean }
  /** Committed, durable here, in order, without gaps: hand to the state machine, then `applied`. All kinds are included. */
  | { type: 'apply'; entries: Entry[] }
  /** Entries up to `throughIndex` will never be read again. */
  | { type: 'compact'; throughIndex: Index }
  /** The snapshot at `index` is no longer sent to anyone and is not the last: it may be deleted. */
  | { type: 'releaseSnapshot'; index: Index }
  /** Entries [firstIndex, firstIndex + n) of `term`; done when `apply` brings that index with that term, lost when with another. */
  | { type: 'proposalAccepted'; proposalId: number; firstIndex: Index; term: Term }
  | { type: 'proposalRefused'; proposalId: number; reason: ProposalRefusal; leader: MemberId }
  /** Linearizable once the state machine has applied `index`. */
  | { type: 'readReady'; readId: number; index: Index }
  | { type: 'readFailed'; readId: number; reason: ReadFailure; leader: MemberId }
  /** `leader` is '' while unknown. */
  | { type: 'leaderChanged'; leader: MemberId; term: Term; role: Role }
  /** In force since the entry at `index` was appended, or again in force because a later one was cut off. */
  | { type: 'configurationChanged'; index: Index; configuration: Configuration }
  | { type: 'configurationAccepted'; changeId: number; index: Index; term: Term }
  | { type: 'configurationRefused'; changeId: number; reason: ConfigurationRefusal; message: string; leader: MemberId }
  | { type: 'transferEnded'; transferId: number; done: boolean; reason: string };

export interface AppendEffect {
  type: 'append';
  appendId: AppendId;
  /** Drop entries from here on before `entries` are written. */
  truncateFrom: Index | undefined;
  /** Contiguous; may be empty when only `hardState` changed. */
  entries: Entry[];
  hardState: HardState;
  /** Given when it changed. */
  standing?: Standing | undefined;
}

export type SnapshotChunkHead = Omit<SnapshotChunk, 'data'>;
