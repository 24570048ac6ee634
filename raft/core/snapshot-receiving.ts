// Decides which chunks of a snapshot are staged, where the sender should go on, and when the whole replaces the log (Raft
// paper, section 7). Never takes one that is not ahead of what is committed here.
import { invariant } from '../../lib/base/errors.ts';
import { sameConfiguration } from './configuration.ts';
import { mayAnswer } from './doubt.ts';
import { hearLeader } from './election.ts';
import { announceConfiguration } from './following.ts';
import { commitThrough } from './commit.ts';
import { resetLog, termAt } from './log.ts';
import { send } from './outbox.ts';
import { replaceSnapshot } from './snapshot-sending.ts';
import { configurationOf, type RaftState, type Receiving } from './state.ts';
import type { Index, SnapshotChunk, SnapshotDescription } from './types.ts';

export function receiveSnapshotChunk(raft: RaftState, { from, snapshot, offset, data }: SnapshotChunk): void {
  hearLeader(raft, from);
  if (!mayAnswer(raft)) return;
  if (raft.storageFailure !== '') return;
  if (snapshot.index <= raft.commit) return answer(raft, snapshot.index, { installed: true });
  // What is staged is being installed: the first chunk of another would take its place. The sender tries again.
  if (raft.log.installing !== undefined || offset + data.length > snapshot.sizeBytes) return;
  const receiving = matchingStage(raft, snapshot, offset);
  if (offset !== receiving?.requested) return seek(raft, snapshot.index, receiving);
  receiving.requested += data.length;
  const last = receiving.requested === snapshot.sizeBytes;
  raft.emitted.push({ type: 'writeSnapshotChunk', snapshot, offset, data, last });
}

/** The stage that this chunk belongs to. A different snapshot takes its place, if it comes from its beginning. */
function matchingStage(raft: RaftState, snapshot: SnapshotDescription, offset: number): Receiving | undefined {
  const staged = raft.receiving?.snapshot;
  if (staged?.index === snapshot.index && staged.hash === snapshot.hash) return raft.receiving;
  if (offset !== 0) return undefined;
  raft.receiving = { snapshot, requested: 0, written: 0 };
  return raft.receiving;
}

/**
 * A chunk is missing, or is here already: a new leader, or one that was started again, may go on where the last stopped.
 * Said once in a while only, for each chunk in flight would make the sender begin again.
 */
function seek(raft: RaftState, snapshotIndex: Index, receiving: Receiving | undefined): void {
  if (receiving?.requested !== receiving?.written || raft.ticks - raft.seekTick < raft.heartbeatTicks) return;
  raft.seekTick = raft.ticks;
  answer(raft, snapshotIndex, { nextOffset: receiving?.written ?? 0, seek: true });
}

function answer(
  raft: RaftState,
  snapshotIndex: Index,
  {
    nextOffset = 0,
    seek: back = false,
    installed = false,
  }: { nextOffset?: number; seek?: boolean; installed?: boolean },
): void {
  if (raft.leader === '' || raft.leading !== undefined) return;
  const { incarnation } = raft;
  send(raft, raft.leader, {
    type: 'snapshotChunkAnswer',
    incarnation,
    snapshotIndex,
    nextOffset,
    seek: back,
    installed,
  });
}

export function chunkWritten(raft: RaftState, index: Index, hash: string, nextOffset: number): void {
  const { receiving } = raft;
  if (receiving?.snapshot.index !== index || receiving.snapshot.hash !== hash) return; // Another took its place.
  invariant(
    nextOffset <= receiving.requested,
    '% bytes of snapshot % are staged, % were given',
    nextOffset,
    index,
    receiving.requested,
  );
  receiving.written = nextOffset;
  if (nextOffset === receiving.snapshot.sizeBytes) install(raft, receiving.snapshot);
  else answer(raft, index, { nextOffset });
}

/** The leader notices that nothing moves, begins again, and is told to go to 0. */
export function chunkFailed(raft: RaftState, index: Index, hash: string): void {
  if (raft.receiving?.snapshot.index === index && raft.receiving.snapshot.hash === hash) raft.receiving = undefined;
}

function install(raft: RaftState, snapshot: SnapshotDescription): void {
  raft.receiving = undefined;
  if (snapshot.index > raft.commit) {
    const own = snapshot.index <= raft.log.lastIndex ? termAt(raft.log, snapshot.index) : undefined;
    // Entries behind it may have been promised: they are not thrown away for a failed look. The leader sends it again.
    if (own === 'unavailable') return;
    // The log reached the same entry while the chunks came: what follows it stays.
    if (own === snapshot.term) commitThrough(raft, snapshot.index);
    else replaceState(raft, snapshot);
  }
  answer(raft, snapshot.index, { installed: true });
}

/** From here on this member is what the snapshot says; nothing of its own log after the commit index is right. */
function replaceState(raft: RaftState, snapshot: SnapshotDescription): void {
  invariant(raft.leading === undefined, 'a leader would replace its log by snapshot %', snapshot.index);
  const before = configurationOf(raft);
  resetLog(raft.log, snapshot, raft.commit);
  raft.configurations = [{ index: snapshot.index, configuration: snapshot.configuration }];
  raft.commit = raft.applying = snapshot.index;
  raft.applyOutstanding = [];
  raft.applyOutstandingBytes = 0;
  if (!sameConfiguration(before, snapshot.configuration)) announceConfiguration(raft);
  replaceSnapshot(raft, snapshot);
}
