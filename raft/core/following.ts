// Decides what a follower keeps of what the leader sends, and what it answers (Raft paper 5.3). Never cuts off what is
// committed, and never acknowledges before the write that it waits for.
import { invariant } from '../../lib/base/errors.ts';
import { commitThrough } from './commit.ts';
import { popConfigurations, pushConfiguration } from './configuration.ts';
import { learnLife, mayAnswer } from './doubt.ts';
import { hearLeader } from './election.ts';
import { appendToLog, hasEntry, lastIndexWithTermAtMost, termAt, truncateLog } from './log.ts';
import { send } from './outbox.ts';
import type { RaftState } from './state.ts';
import type { Append, Entry, Heartbeat, MemberId, Term } from './types.ts';

export function receiveAppend(raft: RaftState, message: Append): void {
  hearLeader(raft, message.from);
  if (!mayAnswer(raft)) return;
  if (raft.storageFailure !== '') return;
  const { from, prevIndex, prevTerm, entries } = message;
  // What is committed here is in the leader's log: an old message, and the answer moves the leader on.
  if (prevIndex < raft.commit) return accept(raft, from, raft.commit);
  const ownTerm = prevIndex <= raft.log.lastIndex ? termAt(raft.log, prevIndex) : undefined;
  if (ownTerm === 'unavailable') return; // The leader asks again with its next heartbeat.
  if (ownTerm !== prevTerm) return refuse(raft, message);
  keep(raft, entries, prevTerm);
  const match = prevIndex + entries.length;
  commitThrough(raft, Math.min(message.commit, match));
  if (!message.quiet) accept(raft, from, match);
}

/** Adds what is new, after cutting off what contradicts it. Entries that are here already are left alone. */
function keep(raft: RaftState, entries: readonly Entry[], prevTerm: Term): void {
  const first = entries.findIndex((entry) => !hasEntry(raft.log, entry.index, entry.term));
  if (first === -1) return;
  const { index } = entries[first]!;
  if (index <= raft.log.lastIndex) {
    invariant(index > raft.commit, 'the leader contradicts committed entry %', index);
    truncateLog(raft.log, index, first === 0 ? prevTerm : entries[first - 1]!.term);
    if (popConfigurations(raft.configurations, index)) announceConfiguration(raft);
  }
  const fresh = entries.slice(first);
  appendToLog(raft.log, fresh);
  for (const entry of fresh) if (entry.kind === 'configuration') adoptConfiguration(raft, entry);
}

/** In force from now on, committed or not. */
export function adoptConfiguration(raft: RaftState, entry: Entry): void {
  pushConfiguration(raft.configurations, entry);
  announceConfiguration(raft);
}

export function announceConfiguration(raft: RaftState): void {
  raft.emitted.push({ type: 'configurationChanged', ...raft.configurations.at(-1)! });
}

function accept(raft: RaftState, to: MemberId, match: number): void {
  send(raft, to, { type: 'appendAnswer', incarnation: raft.incarnation, outcome: { accepted: true, match } });
}

function refuse(raft: RaftState, { from, prevIndex, prevTerm }: Append): void {
  const hint = lastIndexWithTermAtMost(raft.log, prevIndex, prevTerm);
  const outcome = { accepted: false as const, prevIndex, hintIndex: hint.index, hintTerm: hint.term };
  send(raft, from, { type: 'appendAnswer', incarnation: raft.incarnation, outcome });
}

export function receiveHeartbeat(raft: RaftState, { from, commit, round, life }: Heartbeat): void {
  hearLeader(raft, from);
  learnLife(raft, life);
  if (!mayAnswer(raft)) return;
  // The leader never tells more than it knows to be here; what it knows of an earlier life, with more log, is not it.
  if (life === raft.incarnation) commitThrough(raft, Math.min(commit, raft.log.lastIndex));
  send(raft, from, { type: 'heartbeatAnswer', incarnation: raft.incarnation, round });
}

/** Word from a leader of an earlier term: the answer carries the present one, so that it steps down. */
export function correctOldLeader(raft: RaftState, to: MemberId): void {
  send(raft, to, { type: 'heartbeatAnswer', incarnation: raft.incarnation, round: 0 });
}
