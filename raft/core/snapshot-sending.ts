// Decides which part of a snapshot a follower is sent next. Never reads one: the driver fills in the bytes. A window of
// chunks is out at a time, the follower says where it stands, and a sender that loses its way goes back there.
import { invariant } from '../../lib/base/errors.ts';
import { becomeProbe, becomeSnapshot, type Progress } from './progress.ts';
import { acceptedThrough, hearFollower } from './replication.ts';
import type { RaftState } from './state.ts';
import { RAFT_MESSAGE_VERSION, type MemberId, type SnapshotChunkAnswer, type SnapshotDescription } from './types.ts';

/** The log no longer reaches back to what this follower needs. */
export function startSnapshot(raft: RaftState, id: MemberId, progress: Progress): void {
  const { snapshot, log } = raft;
  invariant(
    snapshot.index >= log.baseIndex && snapshot.index > 0,
    'no snapshot covers the log before %',
    log.baseIndex,
  );
  // A follower that has not answered for long gets no bytes: it may be gone.
  if (raft.ticks - progress.heardTick >= raft.electionTicks.min) return;
  becomeSnapshot(progress, snapshot, raft.ticks);
  sendChunks(raft, id, progress);
}

/** Fills the window. */
function sendChunks(raft: RaftState, to: MemberId, progress: Progress): void {
  const transfer = progress.transfer!;
  const { snapshot } = transfer;
  while (transfer.sent < snapshot.sizeBytes && transfer.sent - transfer.acked < raft.limits.snapshotWindowBytes) {
    const lengthBytes = Math.min(raft.limits.snapshotChunkBytes, snapshot.sizeBytes - transfer.sent);
    sendChunk(raft, to, snapshot, transfer.sent, lengthBytes);
    transfer.sent += lengthBytes;
  }
}

function sendChunk(
  raft: RaftState,
  to: MemberId,
  snapshot: SnapshotDescription,
  offset: number,
  lengthBytes: number,
): void {
  const head = { version: RAFT_MESSAGE_VERSION, clusterId: raft.clusterId, from: raft.id, to, term: raft.term };
  raft.emitted.push({
    type: 'sendSnapshotChunk',
    message: { ...head, type: 'snapshotChunk', snapshot, offset },
    lengthBytes,
  });
}

export function receiveSnapshotChunkAnswer(raft: RaftState, message: SnapshotChunkAnswer): void {
  const { from, incarnation, snapshotIndex, installed } = message;
  const progress = hearFollower(raft, from, incarnation);
  if (progress?.transfer?.snapshot.index !== snapshotIndex) return;
  if (installed) finish(raft, from, progress);
  else progressed(raft, from, progress, message);
}

function progressed(
  raft: RaftState,
  id: MemberId,
  progress: Progress,
  { nextOffset, seek }: SnapshotChunkAnswer,
): void {
  const transfer = progress.transfer!;
  if (nextOffset > transfer.snapshot.sizeBytes) return;
  if (seek) transfer.acked = transfer.sent = nextOffset;
  else {
    transfer.acked = Math.max(transfer.acked, nextOffset);
    transfer.sent = Math.max(transfer.sent, transfer.acked);
  }
  transfer.movedTick = raft.ticks;
  sendChunks(raft, id, progress);
}

function finish(raft: RaftState, id: MemberId, progress: Progress): void {
  const { index } = progress.transfer!.snapshot;
  becomeProbe(progress, index + 1);
  acceptedThrough(raft, id, progress, index);
  releaseSnapshots(raft);
}

/** With each heartbeat: a transfer that stands still for an election timeout starts again from what was confirmed. */
export function pumpSnapshot(raft: RaftState, id: MemberId, progress: Progress): void {
  const transfer = progress.transfer!;
  if (raft.ticks - transfer.movedTick < raft.electionTicks.min) return;
  transfer.movedTick = raft.ticks;
  if (raft.ticks - progress.heardTick >= raft.electionTicks.min) return;
  const { snapshotChunkBytes } = raft.limits;
  // Everything is staged there but it has not said so, or its answer was lost: the last chunk again makes it speak.
  const { snapshot, acked } = transfer;
  if (acked === snapshot.sizeBytes) {
    const offset = Math.max(0, snapshot.sizeBytes - snapshotChunkBytes);
    return sendChunk(raft, id, snapshot, offset, snapshot.sizeBytes - offset);
  }
  transfer.sent = transfer.acked;
  sendChunks(raft, id, progress);
}

/** A newer snapshot took the place of the last one, which may still be on its way to somebody. */
export function replaceSnapshot(raft: RaftState, snapshot: SnapshotDescription): void {
  if (raft.snapshot.index > 0) raft.heldSnapshots.push(raft.snapshot.index);
  raft.snapshot = snapshot;
}

/** Lets go of old snapshots that nobody is sent any more, and that a crash could not make the last one again. */
export function releaseSnapshots(raft: RaftState): void {
  if (raft.heldSnapshots.length === 0 || raft.log.install !== undefined || raft.log.installing !== undefined) return;
  const sending = new Set<number>();
  for (const { transfer } of raft.leading?.progress.values() ?? []) if (transfer) sending.add(transfer.snapshot.index);
  for (const index of raft.heldSnapshots) {
    if (!sending.has(index)) raft.emitted.push({ type: 'releaseSnapshot', index });
  }
  raft.heldSnapshots = raft.heldSnapshots.filter((index) => sending.has(index));
}
