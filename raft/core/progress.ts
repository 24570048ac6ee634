// Decides what the leader believes of one follower, and how much it may send to it: probe until the logs are known to
// agree, then replicate in a bounded pipeline, or send a snapshot. Never sends anything itself.
import { invariant } from '../../lib/base/errors.ts';
import type { Index, RaftLimits, SnapshotDescription } from './types.ts';

/** One unanswered append message. */
interface Inflight {
  lastIndex: Index;
  bytes: number;
}

export interface SnapshotTransfer {
  snapshot: SnapshotDescription;
  /** Bytes that the follower has staged, and bytes that were sent. */
  acked: number;
  sent: number;
  /** Tick of the last sign of progress. */
  movedTick: number;
}

export interface Progress {
  state: 'probe' | 'replicate' | 'snapshot';
  /** Durable at the follower, and the same as here. */
  match: Index;
  /** Next to send. Always above `match`. */
  next: Index;
  /** In probe: one message is unanswered. */
  probing: boolean;
  inflight: Inflight[];
  inflightBytes: number;
  /** The commit index that it was last told. */
  toldCommit: Index;
  /** `match` at the last heartbeat answer: no movement in between means that something was lost. */
  matchAtHeartbeat: Index;
  /** In ticks of the leader; CheckQuorum counts who was heard within an election timeout. */
  heardTick: number;
  /** The highest heartbeat round that it answered, and the tick in which that round began. */
  ackedRound: number;
  leaseTick: number;
  /** The life that it last spoke from; 0 = not heard yet. */
  incarnation: number;
  transfer: SnapshotTransfer | undefined;
  /** It said that it does not know what it has promised; what it says in the life `incarnation` counts for nothing. */
  doubt: { nonce: number; incarnation: number; through: Index; tick: number } | undefined;
}

export function newProgress(lastIndex: Index, tick: number): Progress {
  return {
    state: 'probe',
    match: 0,
    next: lastIndex + 1,
    probing: false,
    inflight: [],
    inflightBytes: 0,
    toldCommit: 0,
    matchAtHeartbeat: 0,
    heardTick: tick,
    ackedRound: 0,
    leaseTick: 0,
    incarnation: 0,
    transfer: undefined,
    doubt: undefined,
  };
}

/** In doubt of its promises, as far as this leader knows: sent the log like a learner. */
export const isDoubted = ({ doubt, incarnation }: Progress): boolean => doubt?.incarnation === incarnation;

/** What a follower has reached, for a majority: nothing if it is in doubt. */
export function counted(progress: Progress | undefined, reached: (progress: Progress) => number): number {
  return progress === undefined || isDoubted(progress) ? 0 : reached(progress);
}

function clearInflight(progress: Progress): void {
  progress.inflight = [];
  progress.inflightBytes = 0;
  progress.probing = false;
  progress.transfer = undefined;
}

export function becomeProbe(progress: Progress, next: Index): void {
  clearInflight(progress);
  progress.state = 'probe';
  progress.next = Math.max(next, progress.match + 1);
  progress.toldCommit = Math.min(progress.toldCommit, progress.match);
}

export function becomeReplicate(progress: Progress): void {
  clearInflight(progress);
  progress.state = 'replicate';
  progress.next = progress.match + 1;
}

export function becomeSnapshot(progress: Progress, snapshot: SnapshotDescription, tick: number): void {
  invariant(snapshot.index > progress.match, 'snapshot % is not ahead of match %', snapshot.index, progress.match);
  clearInflight(progress);
  progress.state = 'snapshot';
  progress.transfer = { snapshot, acked: 0, sent: 0, movedTick: tick };
}

/** The follower began a new life, maybe with less log: nothing that it said before counts. */
export function forgetLife(progress: Progress, incarnation: number): void {
  progress.match = 0;
  progress.matchAtHeartbeat = 0;
  progress.toldCommit = 0;
  progress.ackedRound = 0;
  progress.leaseTick = 0;
  becomeProbe(progress, progress.next);
  progress.incarnation = incarnation;
}

/** May another append with entries leave now? */
export function mayAppend(progress: Progress, limits: RaftLimits): boolean {
  if (progress.state === 'probe') return !progress.probing;
  if (progress.state === 'snapshot') return false;
  return progress.inflight.length < limits.inflightMessages && progress.inflightBytes < limits.inflightBytes;
}

/** Entries up to `lastIndex` left for a follower in replicate. */
export function sentEntries(progress: Progress, lastIndex: Index, bytes: number): void {
  progress.next = lastIndex + 1;
  progress.inflight.push({ lastIndex, bytes });
  progress.inflightBytes += bytes;
}

/** The follower holds everything up to `match`. True if that is news. */
export function advanceMatch(progress: Progress, match: Index): boolean {
  while (progress.inflight.length > 0 && progress.inflight[0]!.lastIndex <= match) {
    progress.inflightBytes -= progress.inflight.shift()!.bytes;
  }
  progress.next = Math.max(progress.next, match + 1);
  if (match <= progress.match) return false;
  progress.match = match;
  return true;
}
