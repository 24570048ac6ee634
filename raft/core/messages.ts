// Decides the exact shape of every message between members. Never decides when one is sent, and never encodes one.
import type { DoubtReason, Entry, Index, MemberId, SnapshotDescription, Term } from './types.ts';

/** Fields are only ever added; a member that reads a higher version ignores what it does not know. */
export const RAFT_MESSAGE_VERSION = 1;

interface Header {
  version: number;
  clusterId: string;
  from: MemberId;
  to: MemberId;
  /** The sender's current term. A candidate-to-be asks in its present term and names `proposedTerm` beside it. */
  term: Term;
}

/** "Would you vote for me in `proposedTerm`?" Changes nothing at the receiver (Raft thesis, 9.6). */
export interface PreVote extends Header {
  type: 'preVote';
  proposedTerm: Term;
  lastIndex: Index;
  lastTerm: Term;
}
export interface PreVoteAnswer extends Header {
  type: 'preVoteAnswer';
  proposedTerm: Term;
  granted: boolean;
}

export interface Vote extends Header {
  type: 'vote';
  lastIndex: Index;
  lastTerm: Term;
  /** The old leader asked for this election: receivers need not protect it (thesis 4.2.3). */
  transfer: boolean;
}
export interface VoteAnswer extends Header {
  type: 'voteAnswer';
  granted: boolean;
}

export interface Append extends Header {
  type: 'append';
  prevIndex: Index;
  prevTerm: Term;
  /** Contiguous from `prevIndex + 1`; may be empty. */
  entries: Entry[];
  commit: Index;
  /** Only tells the commit index: an accepting receiver need not answer. A refusal is always answered. */
  quiet: boolean;
}
export interface AppendAnswer extends Header {
  type: 'appendAnswer';
  /** The life of the sender: a higher one than before means that it was started again, maybe with less log. */
  incarnation: number;
  outcome: AppendOutcome;
}
export type AppendOutcome =
  | { accepted: true; match: Index }
  /** `hintIndex` is the last index here that may agree with an entry of the leader at or before `prevIndex`. */
  | { accepted: false; prevIndex: Index; hintIndex: Index; hintTerm: Term };

export interface Heartbeat extends Header {
  type: 'heartbeat';
  /** Never above what the receiver is known to hold. */
  commit: Index;
  /** Counts the leader's rounds within its term; the answer repeats it. Never used twice, so an old answer proves nothing new. */
  round: number;
  /** The latest life of the receiver that the leader knows; 0 = none yet. `commit` is meant for that life alone. */
  life: number;
}
export interface HeartbeatAnswer extends Header {
  type: 'heartbeatAnswer';
  incarnation: number;
  round: number;
}

export interface SnapshotChunk extends Header {
  type: 'snapshotChunk';
  snapshot: SnapshotDescription;
  offset: number;
  data: Uint8Array;
}
export interface SnapshotChunkAnswer extends Header {
  type: 'snapshotChunkAnswer';
  incarnation: number;
  /** Which snapshot is meant. */
  snapshotIndex: Index;
  /** Bytes before this offset are written here: send from here. */
  nextOffset: number;
  /** The sender must go back (or may jump) to `nextOffset`: a chunk was lost, damaged, or is already here. */
  seek: boolean;
  /** The snapshot, or more than it, is durable here. */
  installed: boolean;
}

/** "Start an election now": the last act of a leader that hands over. */
export interface TimeoutNow extends Header {
  type: 'timeoutNow';
}

/** "I cannot know what I have promised": from a member in doubt to all it knows of, until one leads it out (doubt.ts). */
export interface Rejoin extends Header {
  type: 'rejoin';
  /** One for each life in doubt. */
  nonce: number;
  /** The life itself: it is given a higher one. */
  incarnation: number;
}
export interface RejoinAnswer extends Header {
  type: 'rejoinAnswer';
  nonce: number;
  /** The sender's own doubt, or one that it had without having promised anything since; '' = none. */
  doubt: DoubtReason | '';
  lastIndex: Index;
  lastTerm: Term;
  /** Of a leader: the life that it will hear from now on, and an entry that it appended after it was asked. Else 0. */
  incarnation: number;
  through: Index;
}

/** The hash of a sender's state machine after some entries. The core itself makes nothing of it. */
export interface StateHashes extends Header {
  type: 'stateHashes';
  /** `rest`: of what `hash` does not cover; members of older versions do not tell it. */
  hashes: { index: Index; hash: string; rest?: string }[];
}

export type Message =
  | PreVote
  | PreVoteAnswer
  | Vote
  | VoteAnswer
  | Append
  | AppendAnswer
  | Heartbeat
  | HeartbeatAnswer
  | SnapshotChunk
  | SnapshotChunkAnswer
  | TimeoutNow
  | Rejoin
  | RejoinAnswer
  | StateHashes;
export type MessageType = Message['type'];
/** A message without what `send` adds to every one of them. */
export type MessageBody = Message extends infer M ? (M extends Message ? Omit<M, keyof Header> : never) : never;
