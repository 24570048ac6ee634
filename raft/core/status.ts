// Decides what an operator is shown of a member. Never changes it.
import { configurationAt } from './configuration.ts';
import { isDoubted } from './progress.ts';
import { configurationOf, type RaftState } from './state.ts';
import type { Configuration, DoubtReason, Index, MemberId, Role, Term } from './types.ts';

export interface FollowerStatus {
  id: MemberId;
  state: 'probe' | 'replicate' | 'snapshot';
  match: Index;
  heardTicksAgo: number;
  /** It does not know what it has promised: it has the log, and counts for nothing yet. */
  inDoubt: boolean;
  /** Of the snapshot that it is being sent; 0 otherwise. */
  snapshotSentBytes: number;
}

export interface RaftStatus {
  id: MemberId;
  role: Role;
  term: Term;
  leader: MemberId;
  commit: Index;
  applied: Index;
  durable: Index;
  firstIndex: Index;
  lastIndex: Index;
  snapshotIndex: Index;
  configuration: Configuration;
  configurationIndex: Index;
  configurationCommitted: boolean;
  uncommittedBytes: number;
  pendingReads: number;
  /** '' while the disk works. */
  storageFailure: string;
  /** Entries up to here are awaited from a leader before this member votes again; 0 = none. */
  damagedThrough: Index;
  /** '' = it knows what it has promised; otherwise it takes no part until a leader has brought it up to date. */
  doubt: DoubtReason | '';
  incarnation: number;
  /** Empty unless leader. */
  followers: FollowerStatus[];
}

export function raftStatus(raft: RaftState): RaftStatus {
  const { log, leading } = raft;
  const configurationIndex = configurationAt(raft.configurations, log.lastIndex).index;
  return {
    id: raft.id,
    role: raft.role,
    term: raft.term,
    leader: raft.leader,
    commit: raft.commit,
    applied: raft.applied,
    durable: log.durable,
    firstIndex: log.baseIndex + 1,
    lastIndex: log.lastIndex,
    snapshotIndex: raft.snapshot.index,
    configuration: configurationOf(raft),
    configurationIndex,
    configurationCommitted: configurationIndex <= raft.commit,
    uncommittedBytes: leading?.uncommittedBytes ?? 0,
    pendingReads: leading?.readCount ?? 0,
    storageFailure: raft.storageFailure,
    damagedThrough: raft.damagedThrough,
    doubt: raft.doubt?.reason ?? '',
    incarnation: raft.incarnation,
    followers: [...(leading?.progress ?? [])].map(([id, progress]) => ({
      id,
      state: progress.state,
      match: progress.match,
      inDoubt: isDoubted(progress),
      heardTicksAgo: raft.ticks - progress.heardTick,
      snapshotSentBytes: progress.transfer?.acked ?? 0,
    })),
  };
}
