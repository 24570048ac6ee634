// Decides which part of the algorithm an input belongs to; this is its table of contents. Never does anything itself: no
// clock, no chance but the state's own, no I/O.
import { invariant } from '../../lib/base/errors.ts';
import { advanceCommit, pumpApply, receiveApplied } from './commit.ts';
import { compact, snapshotTaken } from './compaction.ts';
import { receiveRejoin, receiveRejoinAnswer, tickDoubt } from './doubt.ts';
import {
  becomeFollower,
  confirmOwnVote,
  doubtLeader,
  receivePreVote,
  receivePreVoteAnswer,
  receiveVote,
  receiveVoteAnswer,
  takeOver,
  tickElection,
} from './election.ts';
import { correctOldLeader, receiveAppend, receiveHeartbeat } from './following.ts';
import { confirmWrites } from './log.ts';
import { changeConfiguration } from './membership.ts';
import { flush } from './outbox.ts';
import { becomeProbe, counted } from './progress.ts';
import { propose } from './proposals.ts';
import { quorumValue } from './quorum.ts';
import { pruneRounds, readIndex } from './reads.ts';
import {
  broadcastAppends,
  broadcastHeartbeats,
  receiveAppendAnswer,
  receiveHeartbeatAnswer,
  resumeSnapshots,
  reviewSpares,
  sendHeld,
} from './replication.ts';
import { chunkFailed, chunkWritten, receiveSnapshotChunk } from './snapshot-receiving.ts';
import { receiveSnapshotChunkAnswer, releaseSnapshots } from './snapshot-sending.ts';
import { assertState, configurationOf, type Leading, type RaftState } from './state.ts';
import { handOver, pursueTransfer, tickTransfer, transferLeadership } from './transfer.ts';
import type { AppendId, Effect, Input, MemberId, Message } from './types.ts';

/** Takes one input, changes `raft` in place, and adds what must be done to `out`, in order. */
export function step(raft: RaftState, input: Input, out: Effect[]): void {
  handle(raft, input);
  flush(raft, out);
  assertState(raft);
}

function handle(raft: RaftState, input: Input): void {
  switch (input.type) {
    case 'tick':
      return tick(raft);
    case 'receive':
      return receive(raft, input.message);
    case 'propose':
      return propose(raft, input.proposalId, input.data);
    case 'appended':
      return appended(raft, input.appendId);
    case 'appendFailed':
      return appendFailed(raft, input.reason);
    case 'applied':
      return receiveApplied(raft, input.index);
    case 'readIndex':
      return readIndex(raft, input.readId);
    case 'logReadable':
      return logReadable(raft);
    case 'reviewSpares':
      return reviewSpares(raft);
    case 'changeConfiguration':
      return changeConfiguration(raft, input);
    case 'transferLeadership':
      return transferLeadership(raft, input.transferId, input.to);
    case 'snapshotTaken':
      return snapshotTaken(raft, input.snapshot);
    case 'snapshotChunkWritten':
      return chunkWritten(raft, input.index, input.hash, input.nextOffset);
    case 'snapshotChunkFailed':
      return chunkFailed(raft, input.index, input.hash);
    case 'peerDisconnected':
      return peerDisconnected(raft, input.id);
    default:
      input satisfies never;
  }
}

function tick(raft: RaftState): void {
  raft.ticks++;
  pumpApply(raft); // Entries that could not be read before.
  tickDoubt(raft);
  if (raft.leading === undefined) tickElection(raft);
  else tickLeader(raft, raft.leading);
}

function tickLeader(raft: RaftState, leading: Leading): void {
  // CheckQuorum: a leader that a quorum has not answered for an election timeout may have been replaced long ago.
  const heard = quorumValue(configurationOf(raft), (id) =>
    id === raft.id ? raft.ticks : counted(leading.progress.get(id), (progress) => progress.heardTick),
  );
  if (raft.ticks - heard >= raft.electionTicks.min) return becomeFollower(raft, raft.term, '');
  tickTransfer(raft, leading);
  pruneRounds(raft, leading);
  sendHeld(raft, leading);
  if (++leading.heartbeatElapsed < raft.heartbeatTicks) return;
  broadcastHeartbeats(raft, leading);
  resumeSnapshots(raft, leading);
  pursueTransfer(raft);
  compact(raft);
}

function logReadable(raft: RaftState): void {
  pumpApply(raft);
  if (raft.leading !== undefined) broadcastAppends(raft);
}

function appended(raft: RaftState, appendId: AppendId): void {
  confirmWrites(raft.log, appendId);
  confirmOwnVote(raft, appendId);
  if (raft.leading !== undefined) advanceCommit(raft);
  if (raft.leading !== undefined) pursueTransfer(raft);
  releaseSnapshots(raft);
  pumpApply(raft);
}

function appendFailed(raft: RaftState, reason: string): void {
  raft.storageFailure = reason || 'unknown';
  if (raft.leading !== undefined) handOver(raft);
  if (raft.role !== 'follower') becomeFollower(raft, raft.term, '');
}

function peerDisconnected(raft: RaftState, id: MemberId): void {
  const progress = raft.leading?.progress.get(id);
  if (progress?.state === 'replicate') becomeProbe(progress, progress.match + 1);
  if (raft.role === 'follower' && raft.leader === id) doubtLeader(raft);
}

function receive(raft: RaftState, message: Message): void {
  invariant(message.to === raft.id, '% was given a % for %', raft.id, message.type, message.to);
  if (message.from === raft.id || message.clusterId !== raft.clusterId) return;
  // These two look at the leader's protection before they look at the term.
  if (message.type === 'preVote') return receivePreVote(raft, message);
  if (message.type === 'vote') return receiveVote(raft, message);
  // Who is in doubt may have forgotten its term; and its answers are told by their nonce.
  if (message.type === 'rejoin') return receiveRejoin(raft, message);
  if (message.type === 'stateHashes') return;
  if (message.term < raft.term) return receiveOld(raft, message);
  if (message.term > raft.term) becomeFollower(raft, message.term, '');
  receiveCurrent(raft, message);
}

/** From an earlier term. A leader is told; anybody else will hear it from the present leader. */
function receiveOld(raft: RaftState, message: Message): void {
  const { type, from } = message;
  if (type === 'append' || type === 'heartbeat' || type === 'snapshotChunk') correctOldLeader(raft, from);
}

type Current = Exclude<Message, { type: 'preVote' | 'vote' | 'rejoin' | 'stateHashes' }>;

function receiveCurrent(raft: RaftState, message: Current): void {
  switch (message.type) {
    case 'preVoteAnswer':
      return receivePreVoteAnswer(raft, message);
    case 'voteAnswer':
      return receiveVoteAnswer(raft, message);
    case 'append':
      return receiveAppend(raft, message);
    case 'appendAnswer':
      return receiveAppendAnswer(raft, message);
    case 'heartbeat':
      return receiveHeartbeat(raft, message);
    case 'heartbeatAnswer':
      return receiveHeartbeatAnswer(raft, message);
    case 'snapshotChunk':
      return receiveSnapshotChunk(raft, message);
    case 'snapshotChunkAnswer':
      return receiveSnapshotChunkAnswer(raft, message);
    case 'timeoutNow':
      return takeOver(raft);
    case 'rejoinAnswer':
      return receiveRejoinAnswer(raft, message);
    default:
      message satisfies never;
  }
}
