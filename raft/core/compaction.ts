// Decides which entries are never needed again. Never before a snapshot covers them, and as long as a follower that is a
// little behind, or that is being sent a snapshot, would be thrown back by it.
import { invariant } from '../../lib/base/errors.ts';
import { pruneConfigurations } from './configuration.ts';
import { compactLog } from './log.ts';
import type { Progress } from './progress.ts';
import { releaseSnapshots, replaceSnapshot } from './snapshot-sending.ts';
import type { RaftState } from './state.ts';
import type { Index, SnapshotDescription } from './types.ts';

/** A snapshot of the own state machine is durable. */
export function snapshotTaken(raft: RaftState, snapshot: SnapshotDescription): void {
  invariant(snapshot.index <= raft.applied, 'a snapshot at % was taken, applied is %', snapshot.index, raft.applied);
  invariant(snapshot.sizeBytes > 0, 'the snapshot at % is empty', snapshot.index);
  if (snapshot.index <= raft.snapshot.index) return; // One from a leader overtook it.
  replaceSnapshot(raft, snapshot);
  releaseSnapshots(raft);
  compact(raft);
}

export function compact(raft: RaftState): void {
  const throughIndex = compactable(raft);
  if (throughIndex <= raft.log.baseIndex || !compactLog(raft.log, throughIndex)) return;
  pruneConfigurations(raft.configurations, throughIndex);
  raft.emitted.push({ type: 'compact', throughIndex });
}

function compactable(raft: RaftState): Index {
  const { snapshot, limits, log } = raft;
  const wanted = Math.min(snapshot.index, log.durable) - limits.retainedEntries;
  let needed = wanted;
  for (const progress of raft.leading?.progress.values() ?? []) {
    if (raft.ticks - progress.heardTick < raft.electionTicks.min) needed = Math.min(needed, neededAfter(progress));
  }
  return Math.max(needed, wanted - limits.heldEntries);
}

const neededAfter = ({ transfer, match }: Progress): Index => transfer?.snapshot.index ?? match;
