// Decides what is committed and what the state machine is given. Never counts an entry of an earlier term alone, and never
// hands over an entry that is not durable here: a snapshot of the state must not outrun its own log.
import { invariant } from '../../lib/base/errors.ts';
import { endDoubt } from './doubt.ts';
import { configurationOf, type RaftState } from './state.ts';
import { sliceLog, termAt, trimWindow } from './log.ts';
import { finishChange } from './membership.ts';
import { counted } from './progress.ts';
import { quorumValue } from './quorum.ts';
import { pumpReads } from './reads.ts';
import type { Index } from './types.ts';

/** Leader: counts who holds what. Own entries count when they are durable here, like everybody's. */
export function advanceCommit(raft: RaftState): void {
  const leading = raft.leading!;
  const { durable } = raft.log;
  const index = quorumValue(configurationOf(raft), (id) =>
    id === raft.id ? durable : counted(leading.progress.get(id), (progress) => progress.match),
  );
  // Entries of this term alone are counted (Raft paper, figure 8); all from termStart on are.
  if (index <= raft.commit || index < leading.termStart) return;
  commitThrough(raft, index);
  while (leading.uncommitted.length > 0 && leading.uncommitted[0]!.through <= index) {
    leading.uncommittedBytes -= leading.uncommitted.shift()!.bytes;
  }
  finishChange(raft);
  if (raft.leading !== undefined) pumpReads(raft, raft.leading);
}

/** Everything up to `index` is committed. */
export function commitThrough(raft: RaftState, index: Index): void {
  if (index <= raft.commit) return;
  invariant(index <= raft.log.lastIndex, "commit % is beyond the log's end %", index, raft.log.lastIndex);
  raft.commit = index;
  pumpApply(raft);
}

/**
 * A damaged member is whole again when it holds durably all that was committed of what it lost: everything up to there, or
 * a committed entry of a later term, whose leader had all of it before that entry.
 */
function endRepair(raft: RaftState, through: Index): void {
  if (raft.damagedThrough === 0) return;
  const term = termAt(raft.log, through);
  const isLater = typeof term === 'number' && term > raft.damagedTerm;
  if (isLater || through >= raft.damagedThrough) raft.damagedThrough = 0;
}

/** Hands over what is committed and durable, as far as the state machine keeps up. */
export function pumpApply(raft: RaftState): void {
  const { log, limits } = raft;
  const through = Math.min(raft.commit, log.durable);
  endRepair(raft, through);
  endDoubt(raft, through);
  while (raft.applying < through && raft.applyOutstandingBytes < limits.applyOutstandingBytes) {
    const entries = sliceLog(log, raft.applying + 1, through, limits.applyBytes);
    if (entries === 'unavailable') return; // The next tick tries again.
    invariant(entries !== 'compacted', 'entry % was compacted before it was applied', raft.applying + 1);
    raft.applying = entries.at(-1)!.index;
    const bytes = entries.reduce((sum, entry) => sum + entry.data.length, 0);
    raft.applyOutstanding.push({ through: raft.applying, bytes });
    raft.applyOutstandingBytes += bytes;
    raft.emitted.push({ type: 'apply', entries });
  }
}

/** The state machine holds everything up to `index`. */
export function receiveApplied(raft: RaftState, index: Index): void {
  if (index <= raft.applied) return; // Of a state that a snapshot has replaced.
  invariant(index <= raft.applying, '% was applied, only % was handed over', index, raft.applying);
  raft.applied = index;
  while (raft.applyOutstanding.length > 0 && raft.applyOutstanding[0]!.through <= index) {
    raft.applyOutstandingBytes -= raft.applyOutstanding.shift()!.bytes;
  }
  trimWindow(raft.log, Math.min(raft.log.durable, index), raft.limits.cachedBytes);
  pumpApply(raft);
}
