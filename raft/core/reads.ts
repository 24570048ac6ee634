// Decides when a read may be answered: when this member was certainly still the leader after the read arrived (Raft thesis,
// 6.4). Never reads anything, and never uses an answer for a round that began before the read did.
import { counted, type Progress } from './progress.ts';
import { configurationOf, type Leading, type RaftState } from './state.ts';
import { quorumValue } from './quorum.ts';
import { openReadRound } from './replication.ts';
import type { ReadFailure } from './types.ts';

export function readIndex(raft: RaftState, readId: number): void {
  const { leading, limits } = raft;
  if (leading === undefined) return fail(raft, readId, 'notLeader');
  if (hasLease(raft, leading)) {
    raft.emitted.push({ type: 'readReady', readId, index: raft.commit });
    return;
  }
  if (leading.readCount >= limits.pendingReads) return fail(raft, readId, 'overloaded');
  leading.readCount++;
  leading.queuedReads.push(readId);
  pumpReads(raft, leading);
}

function fail(raft: RaftState, readId: number, reason: ReadFailure): void {
  raft.emitted.push({ type: 'readFailed', readId, reason, leader: raft.leader });
}

/**
 * Starts one round for all reads that wait. While a round is out, others wait for the next: rounds are as frequent as the
 * network allows and as large as the load makes them.
 */
export function pumpReads(raft: RaftState, leading: Leading): void {
  // Until an entry of its own term is committed, a leader may not know all that was committed before (thesis 6.4, step 1).
  if (leading.queuedReads.length === 0 || leading.readRounds.length > 0 || raft.commit < leading.termStart) return;
  const readIds = leading.queuedReads;
  leading.queuedReads = [];
  leading.readRounds.push({ round: leading.round + 1, index: raft.commit, readIds });
  openReadRound(raft, leading);
  release(raft, leading);
}

/** A follower answered `round`, and so all rounds before it. Rounds only grow: an old answer cannot confirm a new read. */
export function confirmRound(raft: RaftState, progress: Progress, round: number): void {
  const leading = raft.leading!;
  if (round <= progress.ackedRound || round > leading.round) return;
  progress.ackedRound = round;
  if (raft.leaseReads) confirmLease(leading, progress, round);
  release(raft, leading);
  pumpReads(raft, leading);
}

function release(raft: RaftState, leading: Leading): void {
  if (leading.readRounds.length === 0) return;
  const confirmed = quorumValue(configurationOf(raft), (id) =>
    id === raft.id ? Infinity : counted(leading.progress.get(id), (progress) => progress.ackedRound),
  );
  while (leading.readRounds.length > 0 && leading.readRounds[0]!.round <= confirmed) {
    const { index, readIds } = leading.readRounds.shift()!;
    leading.readCount -= readIds.length;
    for (const readId of readIds) raft.emitted.push({ type: 'readReady', readId, index });
  }
}

/** The lease counts from when a round was sent, not from when it was answered. */
function confirmLease(leading: Leading, progress: Progress, round: number): void {
  const begun = leading.roundTicks.findLast((each) => each.round <= round);
  if (begun !== undefined) progress.leaseTick = Math.max(progress.leaseTick, begun.tick);
}

function hasLease(raft: RaftState, leading: Leading): boolean {
  if (!raft.leaseReads || leading.leaseLost || raft.commit < leading.termStart) return false;
  const since = quorumValue(configurationOf(raft), (id) =>
    id === raft.id ? raft.ticks : counted(leading.progress.get(id), (progress) => progress.leaseTick),
  );
  // A tenth and one tick of slack: ticks of two members are not in step, nor exactly of the same length.
  const leaseTicks = raft.electionTicks.min - Math.ceil(raft.electionTicks.min / 10) - 1;
  return since > 0 && raft.ticks - since < leaseTicks;
}

/** Forgets rounds that can extend no lease any more. */
export function pruneRounds(raft: RaftState, leading: Leading): void {
  const oldest = raft.ticks - raft.electionTicks.min;
  while (leading.roundTicks.length > 0 && leading.roundTicks[0]!.tick < oldest) leading.roundTicks.shift();
}

/** Leadership ended before these were confirmed. */
export function abandonReads(raft: RaftState, leading: Leading): void {
  for (const { readIds } of leading.readRounds) for (const id of readIds) fail(raft, id, 'leadershipLost');
  for (const id of leading.queuedReads) fail(raft, id, 'leadershipLost');
}
