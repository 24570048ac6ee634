// Decides who leads: when a member stands, whom it votes for, and what it becomes (Raft paper 5.2 and 5.4.1; PreVote and
// stickiness from the thesis, 9.6 and 4.2.3). Never replicates anything beyond a new leader's first, empty entry.
import { invariant } from '../../lib/base/errors.ts';
import { configurationOf, drawElectionTimeout, drawInt, type RaftState } from './state.ts';
import { configurationAt, isVoter, membersOf, votersOf } from './configuration.ts';
import { appendToLog } from './log.ts';
import { send } from './outbox.ts';
import { newProgress } from './progress.ts';
import { voteResult } from './quorum.ts';
import { abandonReads } from './reads.ts';
import { broadcastAppends } from './replication.ts';
import { releaseSnapshots } from './snapshot-sending.ts';
import { endTransfer } from './transfer.ts';
import type { AppendId, Index, MemberId, PreVote, PreVoteAnswer, Term, Vote, VoteAnswer } from './types.ts';

/** May its vote elect? Not with a disk that fails, nor while it cannot say what it has promised. */
const mayVote = (raft: RaftState): boolean => raft.storageFailure === '' && raft.doubt === undefined;

/**
 * A member that its last configuration leaves out must stand all the same until that is committed (thesis 4.2.2): its log may
 * be the longest, so that no other can win, because those still need its vote.
 */
function mayStand(raft: RaftState): boolean {
  if (!mayVote(raft) || raft.damagedThrough > 0) return false;
  const committed = configurationAt(raft.configurations, raft.commit);
  return raft.configurations.some((each) => each.index >= committed.index && isVoter(each.configuration, raft.id));
}

/** Follows `leader` ('' = unknown) in `term`. Leaving leadership ends everything that only a leader can finish. */
export function becomeFollower(raft: RaftState, term: Term, leader: MemberId): void {
  invariant(term >= raft.term, 'term would go back from % to %', raft.term, term);
  const { leading } = raft;
  const deposed = term > raft.term;
  raft.leading = raft.campaign = undefined;
  raft.role = 'follower';
  if (deposed) {
    raft.term = term;
    raft.vote = '';
  }
  raft.leader = leader;
  if (leader !== '') endInVain(raft);
  // Learning a term is no contact with a leader: resetting the clock here would let a member with an old log, which
  // cannot win, keep those silent that can.
  if (leading !== undefined || leader !== '') resetElectionClock(raft);
  if (leading === undefined) return;
  abandonReads(raft, leading);
  endTransfer(raft, leading, deposed, `${raft.id} no longer leads`);
  releaseSnapshots(raft);
}

/** A sign of life from the leader of this term. */
export function hearLeader(raft: RaftState, leader: MemberId): void {
  invariant(raft.role !== 'leader', 'two leaders in term %: % and %', raft.term, raft.id, leader);
  invariant(
    raft.leader === '' || raft.leader === leader,
    'two leaders in term %: % and %',
    raft.term,
    raft.leader,
    leader,
  );
  if (raft.role === 'follower' && raft.leader === leader) {
    raft.electionElapsed = 0;
    raft.leaderSilent = false;
  } else becomeFollower(raft, raft.term, leader);
}

function resetElectionClock(raft: RaftState): void {
  raft.electionElapsed = 0;
  raft.electionTimeout = drawElectionTimeout(raft);
  raft.leaderSilent = false;
}

/** One tick without being leader. */
export function tickElection(raft: RaftState): void {
  raft.electionElapsed++;
  if (raft.electionElapsed < raft.electionTimeout) return;
  countVoteInVain(raft);
  if (mayStand(raft)) startPreVote(raft);
  else if (raft.role === 'follower') raft.leader = '';
}

/** A pre-vote that finds no majority is no election: a cluster whose majority is gone looks for it as often as ever. */
function countVoteInVain(raft: RaftState): void {
  if (raft.leader !== '' || raft.vote === '' || raft.decidedTerm === raft.term) return;
  raft.decidedTerm = raft.term;
  raft.votesInVain++;
}

/** This term has a leader. */
function endInVain(raft: RaftState): void {
  raft.decidedTerm = raft.term;
  raft.votesInVain = 0;
}

/** The bus lost sight of the leader: stand soon, each member after a short draw, so that votes are not split. */
export function doubtLeader(raft: RaftState): void {
  // With lease reads the hint must not shorten the promise that the lease rests on.
  if (raft.leaseReads) return;
  raft.leaderSilent = true;
  const soon = raft.electionTimeout - 1 - drawInt(raft, raft.heartbeatTicks + 1);
  raft.electionElapsed = Math.max(raft.electionElapsed, soon);
}

/** Asks who would vote, without a new term: a member that was cut off must not depose a leader when it comes back. */
function startPreVote(raft: RaftState): void {
  resetElectionClock(raft);
  raft.role = 'preCandidate';
  raft.leader = '';
  raft.campaign = { votes: new Map([[raft.id, true]]), ownVoteWrite: undefined };
  const { lastIndex, lastTerm } = raft.log;
  for (const to of votersOf(configurationOf(raft))) {
    if (to !== raft.id) send(raft, to, { type: 'preVote', proposedTerm: raft.term + 1, lastIndex, lastTerm });
  }
  tally(raft);
}

function startElection(raft: RaftState, transfer: boolean): void {
  resetElectionClock(raft);
  raft.role = 'candidate';
  raft.leader = '';
  raft.term++;
  raft.vote = raft.id;
  // The new term makes this step write: with the next number.
  raft.campaign = { votes: new Map(), ownVoteWrite: raft.log.nextAppendId };
  const { lastIndex, lastTerm } = raft.log;
  for (const to of votersOf(configurationOf(raft))) {
    if (to !== raft.id) send(raft, to, { type: 'vote', lastIndex, lastTerm, transfer });
  }
}

/** The leader asks this member to take over: no PreVote, the leader itself gives up its protection. */
export function takeOver(raft: RaftState): void {
  if (raft.role !== 'leader' && raft.role !== 'candidate' && mayStand(raft)) startElection(raft, true);
}

/** A write is durable: perhaps the one with the own vote. */
export function confirmOwnVote(raft: RaftState, appendId: AppendId): void {
  const { campaign } = raft;
  if (campaign?.ownVoteWrite === undefined || appendId < campaign.ownVoteWrite) return;
  campaign.ownVoteWrite = undefined;
  campaign.votes.set(raft.id, true);
  tally(raft);
}

function tally(raft: RaftState): void {
  const result = voteResult(configurationOf(raft), raft.campaign!.votes);
  if (result === 'pending') return;
  if (result === 'lost') return becomeFollower(raft, raft.term, '');
  if (raft.role === 'preCandidate') startElection(raft, false);
  else becomeLeader(raft);
}

function becomeLeader(raft: RaftState): void {
  invariant(raft.role === 'candidate' && raft.vote === raft.id, 'a % cannot become leader', raft.role);
  const { lastIndex } = raft.log;
  raft.role = 'leader';
  raft.leader = raft.id;
  endInVain(raft);
  raft.campaign = undefined;
  raft.leading = {
    progress: new Map(),
    termStart: lastIndex + 1,
    heartbeatElapsed: 0,
    round: 0,
    roundTicks: [],
    quickest: [],
    holds: false,
    awaited: undefined,
    queuedReads: [],
    readRounds: [],
    readCount: 0,
    uncommitted: [],
    uncommittedBytes: 0,
    transfer: undefined,
    leaseLost: false,
  };
  for (const id of membersOf(configurationOf(raft))) {
    if (id !== raft.id) raft.leading.progress.set(id, newProgress(lastIndex, raft.ticks));
  }
  // Entries of earlier terms commit only behind one of this term (Raft paper 5.4.2, figure 8).
  appendToLog(raft.log, [{ index: lastIndex + 1, term: raft.term, kind: 'empty', data: new Uint8Array() }]);
  broadcastAppends(raft);
}

/** Did this member hear from a leader so lately that it must not help to depose it? */
function protectsLeader(raft: RaftState): boolean {
  if (raft.role === 'leader') return true; // It would have stepped down by CheckQuorum otherwise.
  const { min } = raft.electionTicks;
  // A lease may rest on a promise that this member made before it was started again.
  if (raft.leaseReads && raft.ticks < min) return true;
  return raft.leader !== '' && !raft.leaderSilent && raft.electionElapsed < min;
}

/**
 * Raft paper 5.4.1: the later last term, then the longer log. A member that lost entries compares with the log that it once
 * had too: its vote then promises the same as before the damage, and two damaged members can still elect the third.
 */
function isUpToDate({ log, damagedTerm, damagedThrough }: RaftState, candidate: PreVote | Vote): boolean {
  const isNoOlder = (term: Term, index: Index): boolean =>
    candidate.lastTerm > term || (candidate.lastTerm === term && candidate.lastIndex >= index);
  return isNoOlder(log.lastTerm, log.lastIndex) && (damagedThrough === 0 || isNoOlder(damagedTerm, damagedThrough));
}

/** Before any change of term: a protected leader is protected from the term of a candidate too. */
export function receivePreVote(raft: RaftState, message: PreVote): void {
  if (protectsLeader(raft)) return;
  if (message.term > raft.term) becomeFollower(raft, message.term, '');
  const { proposedTerm } = message;
  const granted = mayVote(raft) && proposedTerm > raft.term && isUpToDate(raft, message);
  send(raft, message.from, { type: 'preVoteAnswer', proposedTerm, granted });
}

export function receiveVote(raft: RaftState, message: Vote): void {
  if (!message.transfer && protectsLeader(raft)) return;
  if (message.term > raft.term) becomeFollower(raft, message.term, '');
  const free = raft.vote === message.from || (raft.vote === '' && raft.leader === '');
  const granted = mayVote(raft) && message.term === raft.term && free && isUpToDate(raft, message);
  if (granted) {
    raft.vote = message.from;
    resetElectionClock(raft);
  }
  send(raft, message.from, { type: 'voteAnswer', granted });
}

export function receivePreVoteAnswer(raft: RaftState, message: PreVoteAnswer): void {
  if (raft.role !== 'preCandidate' || message.proposedTerm !== raft.term + 1) return;
  raft.campaign!.votes.set(message.from, message.granted);
  tally(raft);
}

export function receiveVoteAnswer(raft: RaftState, message: VoteAnswer): void {
  if (raft.role !== 'candidate') return;
  raft.campaign!.votes.set(message.from, message.granted);
  tally(raft);
}
