// Decides which proposals enter the log, and refuses the others at once and with a reason. Never queues one, and never
// tells when it is done: the state machine sees that in what it is given to apply.
import { configurationOf, type Leading, type RaftState } from './state.ts';
import { advanceCommit } from './commit.ts';
import { adoptConfiguration } from './following.ts';
import { encodeConfiguration, membersOf } from './configuration.ts';
import { appendToLog } from './log.ts';
import { newProgress } from './progress.ts';
import { broadcastAppends } from './replication.ts';
import type { Configuration, Entry, Index, ProposalRefusal } from './types.ts';

/** All of `data`, in order and without anything between, or nothing. */
export function propose(raft: RaftState, proposalId: number, data: Uint8Array[]): void {
  const bytes = data.reduce((sum, each) => sum + each.length, 0);
  const reason = whyRefused(raft, data, bytes);
  if (reason !== undefined) {
    raft.emitted.push({ type: 'proposalRefused', proposalId, reason, leader: raft.leader });
    return;
  }
  const firstIndex = raft.log.lastIndex + 1;
  const entries = data.map((each, i): Entry => ({ index: firstIndex + i, term: raft.term, kind: 'data', data: each }));
  appendToLog(raft.log, entries);
  raft.leading!.uncommitted.push({ through: raft.log.lastIndex, bytes });
  raft.leading!.uncommittedBytes += bytes;
  raft.emitted.push({ type: 'proposalAccepted', proposalId, firstIndex, term: raft.term });
  broadcastAppends(raft);
}

function whyRefused(raft: RaftState, data: Uint8Array[], bytes: number): ProposalRefusal | undefined {
  const { leading, limits } = raft;
  if (leading === undefined) return 'notLeader';
  if (raft.storageFailure !== '') return 'storageFailed';
  if (data.length === 0) return 'empty';
  if (data.some((each) => each.length > limits.entryBytes)) return 'tooLarge';
  if (leading.transfer !== undefined) return 'transferring';
  return isOverloaded(leading, bytes, limits.uncommittedBytes) ? 'overloaded' : undefined;
}

/** A single large proposal passes when nothing else waits: otherwise it could never be done. */
function isOverloaded(leading: Leading, bytes: number, limitBytes: number): boolean {
  return leading.uncommittedBytes > 0 && leading.uncommittedBytes + bytes > limitBytes;
}

/** Leader: appends a configuration, which is in force at once, and starts to replicate to whom it adds. */
export function appendConfiguration(raft: RaftState, configuration: Configuration): Index {
  const { log } = raft;
  const index = log.lastIndex + 1;
  const entry: Entry = { index, term: raft.term, kind: 'configuration', data: encodeConfiguration(configuration) };
  appendToLog(log, [entry]);
  adoptConfiguration(raft, entry);
  addProgress(raft);
  broadcastAppends(raft);
  // A smaller quorum may have more than the old one had.
  advanceCommit(raft);
  return index;
}

function addProgress(raft: RaftState): void {
  const { progress } = raft.leading!;
  const wanted = membersOf(configurationOf(raft)).filter((id) => id !== raft.id);
  if (wanted.every((id) => progress.has(id))) return;
  // Kept in order of names, so that every loop over it is repeatable.
  const all = [...new Set([...progress.keys(), ...wanted])].sort();
  // The entry just appended is not behind them: it is what they are sent first, and their refusal tells where they stand.
  const before = raft.log.lastIndex - 1;
  raft.leading!.progress = new Map(all.map((id) => [id, progress.get(id) ?? newProgress(before, raft.ticks)]));
}
