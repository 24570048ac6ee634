// Decides what an operator is shown of a member. Never changes it.
import { configurationAt } from './configuration.ts';
import { configurationOf, type RaftState } from './state.ts';
import type { Configuration, Index, MemberId, Role, Term } from './types.ts';

export interface FollowerStatus {
  id: MemberId;
  state: 'probe' | 'replicate' | 'snapshot';
  match: Index;
  heardTicksAgo: number;
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
    followers: [...(leading?.progress ?? [])].map(([id, progress]) => ({
      id,
      state: progress.state,
      match: progress.match,
      heardTicksAgo: raft.ticks - progress.heardTick,
      snapshotSentBytes: progress.transfer?.acked ?? 0,
    })),
  };
}
