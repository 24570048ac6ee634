// Decides what the leader sends to each follower and what it learns from the answers (Raft paper 5.3). Never decides what
// a follower keeps (following.ts), nor what commits (commit.ts).
import { invariant } from '../../lib/base/errors.ts';
import { advanceCommit } from './commit.ts';
import { lastIndexWithTermAtMost, sliceLog, termAt } from './log.ts';
import { send } from './outbox.ts';
import {
  advanceMatch,
  becomeProbe,
  becomeReplicate,
  forgetLife,
  mayAppend,
  sentEntries,
  type Progress,
} from './progress.ts';
import { confirmRound } from './reads.ts';
import { pumpSnapshot, startSnapshot } from './snapshot-sending.ts';
import { isMajorityLate, isSpare, mayWait, rank, watchMajority } from './spares.ts';
import type { Leading, RaftState } from './state.ts';
import { pursueTransfer } from './transfer.ts';
import type { AppendAnswer, Entry, HeartbeatAnswer, MemberId } from './types.ts';

/** Sends whatever may be sent to everybody that should have it now. */
export function broadcastAppends(raft: RaftState): void {
  for (const [id, progress] of raft.leading!.progress) offerAppends(raft, id, progress);
}

/** Sends what a follower lacks, unless it can wait. */
function offerAppends(raft: RaftState, id: MemberId, progress: Progress): void {
  const leading = raft.leading!;
  if (!mayWait(raft, leading, id, progress)) return sendAppends(raft, id, progress);
  leading.holds = true;
  watchMajority(raft, leading);
}

/** What was held back goes out. */
export function sendHeld(raft: RaftState, leading: Leading): void {
  if (!leading.holds) return;
  leading.holds = false;
  for (const [id, progress] of leading.progress) sendAppends(raft, id, progress);
}

/** A majority should have answered by now. If it has not, all are asked. */
export function reviewSpares(raft: RaftState): void {
  const { leading } = raft;
  if (leading === undefined || !isMajorityLate(raft, leading)) return;
  sendHeld(raft, leading);
  if (leading.readRounds.length === 0) return;
  for (const [to, progress] of leading.progress) sendHeartbeat(raft, leading, to, progress);
}

/** Fills the pipeline to one follower; when there is nothing to fill it with, tells it a new commit index. */
export function sendAppends(raft: RaftState, id: MemberId, progress: Progress): void {
  while (progress.next <= raft.log.lastIndex && mayAppend(progress, raft.limits)) {
    if (!sendEntries(raft, id, progress)) return;
  }
  const tellable = Math.min(raft.commit, progress.next - 1);
  if (progress.state === 'replicate' && progress.toldCommit < tellable) sendEmpty(raft, id, progress, true);
}

/** One message with entries. False if that is not possible now. */
function sendEntries(raft: RaftState, id: MemberId, progress: Progress): boolean {
  const { log, limits } = raft;
  const prevTerm = termAt(log, progress.next - 1);
  const entries =
    typeof prevTerm === 'string' ? prevTerm : sliceLog(log, progress.next, log.lastIndex, limits.appendBytes);
  if (entries === 'unavailable') return false; // The next heartbeat answer tries again.
  if (entries === 'compacted' || typeof prevTerm === 'string') {
    startSnapshot(raft, id, progress);
    return false;
  }
  sendAppend(raft, id, progress, { entries, prevTerm, quiet: false });
  if (progress.state === 'probe') progress.probing = true;
  else sentEntries(progress, entries.at(-1)!.index, sizeOf(entries));
  return true;
}

/** Asks a follower at once where it stands, when waiting for the next heartbeat would be too long. */
export function askFollower(raft: RaftState, id: MemberId, progress: Progress): void {
  sendAppends(raft, id, progress);
  if (progress.state === 'replicate') sendEmpty(raft, id, progress, false);
}

/** No entries: a question whether the logs agree up to here, or (quiet) only the commit index. */
function sendEmpty(raft: RaftState, id: MemberId, progress: Progress, quiet: boolean): void {
  const prevTerm = termAt(raft.log, progress.next - 1);
  if (prevTerm === 'compacted') return startSnapshot(raft, id, progress);
  if (prevTerm === 'unavailable') return;
  sendAppend(raft, id, progress, { entries: [], prevTerm, quiet });
}

function sendAppend(
  raft: RaftState,
  to: MemberId,
  progress: Progress,
  { entries, prevTerm, quiet }: { entries: Entry[]; prevTerm: number; quiet: boolean },
): void {
  const prevIndex = progress.next - 1;
  const commit = Math.min(raft.commit, prevIndex + entries.length);
  progress.toldCommit = Math.max(progress.toldCommit, commit);
  send(raft, to, { type: 'append', prevIndex, prevTerm, entries, commit, quiet });
}

const sizeOf = (entries: readonly Entry[]): number => entries.reduce((sum, entry) => sum + entry.data.length, 0);

/** Whom an answer is from; undefined if it is of no use any more. Learns that the follower lives, and which life it is. */
export function hearFollower(raft: RaftState, from: MemberId, incarnation: number): Progress | undefined {
  const progress = raft.leading?.progress.get(from);
  if (progress === undefined || incarnation < progress.incarnation) return undefined;
  progress.heardTick = raft.ticks;
  if (progress.incarnation === 0) progress.incarnation = incarnation;
  if (incarnation > progress.incarnation) forgetLife(progress, incarnation);
  return progress;
}

export function receiveAppendAnswer(raft: RaftState, { from, incarnation, outcome }: AppendAnswer): void {
  const progress = hearFollower(raft, from, incarnation);
  if (progress === undefined) return;
  if (outcome.accepted) acceptedThrough(raft, from, progress, outcome.match);
  else refused(raft, from, progress, outcome);
}

/** The follower holds our log up to `match`. */
export function acceptedThrough(raft: RaftState, from: MemberId, progress: Progress, match: number): void {
  invariant(
    match <= raft.log.lastIndex,
    "% claims entry %, the leader's log ends at %",
    from,
    match,
    raft.log.lastIndex,
  );
  const news = advanceMatch(progress, match);
  if (progress.state === 'probe' && (news || match === progress.match)) becomeReplicate(progress);
  // A snapshot is no longer needed when what it lacked is in our log again.
  if (progress.state === 'snapshot' && match >= progress.transfer!.snapshot.index) becomeReplicate(progress);
  if (news) {
    rank(raft, raft.leading!, from);
    advanceCommit(raft);
  }
  if (raft.leading === undefined) return; // The commit may have ended a leadership.
  offerAppends(raft, from, progress);
  pursueTransfer(raft);
}

/**
 * The logs disagree at `prevIndex`. The follower named the last entry that may agree; nothing of ours after the last
 * index of at most its term can, so a whole term is skipped in one round trip.
 */
function refused(
  raft: RaftState,
  from: MemberId,
  progress: Progress,
  { prevIndex, hintIndex, hintTerm }: { prevIndex: number; hintIndex: number; hintTerm: number },
): void {
  if (progress.state === 'snapshot' || prevIndex <= progress.match) return; // An old answer.
  if (progress.state === 'probe' && progress.next - 1 !== prevIndex) return; // Of an earlier probe.
  const { index } = hintTerm > 0 ? lastIndexWithTermAtMost(raft.log, hintIndex, hintTerm) : { index: hintIndex };
  // In replicate the match is certain, and only later messages were lost.
  becomeProbe(progress, progress.state === 'replicate' ? progress.match + 1 : Math.min(prevIndex, index + 1));
  probe(raft, from, progress);
}

function probe(raft: RaftState, id: MemberId, progress: Progress): void {
  if (progress.next <= raft.log.lastIndex) return sendAppends(raft, id, progress);
  sendEmpty(raft, id, progress, false);
  progress.probing = true;
}

export function receiveHeartbeatAnswer(raft: RaftState, { from, incarnation, round }: HeartbeatAnswer): void {
  const progress = hearFollower(raft, from, incarnation);
  if (progress === undefined) return;
  repairAfterLoss(raft, from, progress);
  confirmRound(raft, progress, round);
}

/** A follower that answers but whose match stood still since the last heartbeat has lost something on the way. */
function repairAfterLoss(raft: RaftState, id: MemberId, progress: Progress): void {
  const stoodStill = progress.match === progress.matchAtHeartbeat;
  progress.matchAtHeartbeat = progress.match;
  if (progress.state === 'probe') {
    progress.probing = false;
    probe(raft, id, progress);
  } else if (progress.state === 'replicate' && progress.match < raft.log.lastIndex && stoodStill) {
    // Asks about the end of what was sent: the refusal, or the match, tells what was lost.
    sendEmpty(raft, id, progress, false);
  }
}

/** Keeps authority, tells commit indexes, and opens a round that confirms reads. */
export function broadcastHeartbeats(raft: RaftState, leading: Leading): void {
  leading.heartbeatElapsed = 0;
  beginRound(raft, leading);
  for (const [to, progress] of leading.progress) sendHeartbeat(raft, leading, to, progress);
}

/** Opens a round for reads alone: spares are left out of it, and have their heartbeats at the usual time. */
export function openReadRound(raft: RaftState, leading: Leading): void {
  beginRound(raft, leading);
  for (const [to, progress] of leading.progress) {
    if (isSpare(raft, leading, to)) watchMajority(raft, leading);
    else sendHeartbeat(raft, leading, to, progress);
  }
}

function beginRound(raft: RaftState, leading: Leading): void {
  const round = ++leading.round;
  if (raft.leaseReads && leading.roundTicks.at(-1)?.tick !== raft.ticks)
    leading.roundTicks.push({ round, tick: raft.ticks });
}

function sendHeartbeat(raft: RaftState, { round }: Leading, to: MemberId, { match, incarnation }: Progress): void {
  send(raft, to, { type: 'heartbeat', commit: Math.min(raft.commit, match), round, life: incarnation });
}

/** What a heartbeat's worth of ticks brings beside the heartbeat. */
export function resumeSnapshots(raft: RaftState, leading: Leading): void {
  for (const [id, progress] of leading.progress) {
    if (progress.state === 'snapshot') pumpSnapshot(raft, id, progress);
  }
}
