// Decides how a member that cannot say what it has promised (an empty, copied or damaged directory) comes back without
// voting twice: it takes no part until a leader has brought it past an entry that a majority committed without it. Never
// guesses a term, a vote or an entry. Why this is enough: docs/decisions/0010-a-member-in-doubt.md.
import { isVoter, membersOf, votersOf } from './configuration.ts';
import { appendToLog } from './log.ts';
import { send } from './outbox.ts';
import { forgetLife, type Progress } from './progress.ts';
import { broadcastAppends } from './replication.ts';
import { configurationOf, doubt, type Doubt, type RaftState } from './state.ts';
import type { DoubtReason, Index, Rejoin, RejoinAnswer } from './types.ts';

/** Lives that a leader gives out are above all that began by themselves, and grow with the term. */
const LIVES_PER_TERM = 2 ** 20;

/** In doubt, a member answers nothing to a leader that has not heard of it: it would be counted. */
export function mayAnswer(raft: RaftState): boolean {
  return raft.doubt === undefined || raft.doubt.welcome?.term === raft.term;
}

/**
 * The leader has heard a later life of this member than the one it lives: its directory is an older one, put back. Or the leader
 * has heard only now what this life asked before it knew: then the same question brings what it was given.
 */
export function learnLife(raft: RaftState, life: number): void {
  if (raft.doubt !== undefined || life <= raft.incarnation) return;
  const { endedNonce: nonce, incarnation } = raft;
  if (nonce > 0) send(raft, raft.leader, { type: 'rejoin', nonce, incarnation });
  else doubt(raft, 'lost');
}

function end(raft: RaftState, own: Doubt): void {
  raft.doubt = undefined;
  raft.endedNonce = own.nonce;
}

/** Asks all it knows of, until a leader answers. */
export function tickDoubt(raft: RaftState): void {
  if (raft.doubt === undefined || mayAnswer(raft)) return;
  if (raft.ticks % raft.heartbeatTicks !== 0) return;
  const others = new Set([...membersOf(configurationOf(raft)), raft.leader]);
  for (const to of others)
    if (to !== raft.id && to !== '')
      send(raft, to, { type: 'rejoin', nonce: raft.doubt.nonce, incarnation: raft.incarnation });
  endTogether(raft, raft.doubt);
}

export function receiveRejoin(raft: RaftState, { from, nonce, incarnation: life }: Rejoin): void {
  const progress = raft.leading?.progress.get(from);
  const welcome = progress === undefined ? undefined : welcomed(raft, progress, nonce, life);
  const { lastIndex, lastTerm } = raft.log;
  const { incarnation = 0, through = 0 } = welcome ?? {};
  send(raft, from, { type: 'rejoinAnswer', nonce, doubt: shared(raft), lastIndex, lastTerm, incarnation, through });
  // Behind the answer: before it, the follower takes nothing.
  if (raft.leading !== undefined) broadcastAppends(raft);
}

/** The doubt that this member has, or has ended together with others without promising anything since. */
function shared(raft: RaftState): DoubtReason | '' {
  // Votes do not matter: whoever was born at the same time may have died before it had begun, and waits for this word. Who was
  // added to a cluster that is there, under the name of a first member, is not one of those.
  const isEmpty = raft.log.lastIndex === 0 && raft.damagedThrough === 0 && isVoter(configurationOf(raft), raft.id);
  if (raft.doubt === undefined && isEmpty) return 'newborn';
  return raft.formerDoubt === 'newborn' && !isEmpty ? '' : raft.formerDoubt;
}

/** Nothing that an earlier life of the follower said counts from here on, nor what this one says until it is whole. */
function welcomed(raft: RaftState, progress: Progress, nonce: number, life: number): Progress['doubt'] {
  progress.heardTick = raft.ticks;
  if (progress.doubt?.nonce === nonce) return progress.doubt;
  // Old questions that arrive late must not make the log grow.
  const isTooSoon = progress.doubt !== undefined && raft.ticks - progress.doubt.tick < raft.heartbeatTicks;
  if (isTooSoon || raft.storageFailure !== '') return undefined;
  const incarnation = Math.max(progress.incarnation + 2, life + 1, raft.term * LIVES_PER_TERM);
  forgetLife(progress, incarnation);
  progress.doubt = { nonce, incarnation, through: appendBarrier(raft), tick: raft.ticks };
  return progress.doubt;
}

/** An entry that cannot be older than the question. */
function appendBarrier(raft: RaftState): Index {
  const index = raft.log.lastIndex + 1;
  appendToLog(raft.log, [{ index, term: raft.term, kind: 'empty', data: new Uint8Array() }]);
  return index;
}

export function receiveRejoinAnswer(raft: RaftState, message: RejoinAnswer): void {
  const { doubt: own } = raft;
  if (own === undefined && message.nonce === raft.endedNonce) return outlive(raft, message.incarnation);
  if (own === undefined || own.nonce !== message.nonce) return;
  const { from, lastTerm, lastIndex, incarnation, through, term } = message;
  if (message.doubt === own.reason) own.others.set(from, { lastTerm, lastIndex });
  else own.others.delete(from);
  if (incarnation > raft.incarnation && through > 0) {
    raft.incarnation = incarnation;
    own.welcome = { term, through };
  }
  endTogether(raft, own);
}

/**
 * Every voter there is has the same doubt, and nobody leads. All newborn, or with a log that never held anything: the cluster
 * begins. All copied: nothing better is
 * left anywhere, so that the newest of their logs is the truth; each votes only for one that goes as far.
 */
function endTogether(raft: RaftState, own: Doubt): void {
  if (own.reason === 'lost') return;
  const voters = votersOf(configurationOf(raft));
  if (!voters.includes(raft.id) || !voters.every((id) => id === raft.id || own.others.has(id))) return;
  for (const { lastTerm, lastIndex } of own.others.values()) remember(raft, lastTerm, lastIndex);
  if (own.reason === 'newborn') spendVote(raft);
  end(raft, own);
}

/**
 * Others have begun, and may have asked for a vote that a life before this one gave and forgot. Who asked was in that term, and
 * so is this member since it was answered: it votes again in the next.
 */
function spendVote(raft: RaftState): void {
  if (raft.term > 0 && raft.vote === '') raft.vote = raft.id;
}

/** The life that it was given, while it has known its promises all along: the next one is not doubted. */
function outlive(raft: RaftState, incarnation: number): void {
  if (incarnation < raft.incarnation) return;
  raft.incarnation = incarnation + 1;
  raft.writtenStanding = undefined;
}

/** Votes only for a log that goes as far as this position, until it has been there. */
function remember(raft: RaftState, term: number, index: Index): void {
  const { log, damagedThrough, damagedTerm } = raft;
  const isNewer = (a: number, b: Index): boolean => term > a || (term === a && index > b);
  if (!isNewer(log.lastTerm, log.lastIndex) || (damagedThrough > 0 && !isNewer(damagedTerm, damagedThrough))) return;
  raft.damagedThrough = index;
  raft.damagedTerm = term;
}

/** Everything up to `through` is committed and durable here: is that all that this member can ever have promised? */
export function endDoubt(raft: RaftState, through: Index): void {
  const { doubt: own } = raft;
  if (own?.welcome?.term !== raft.term || through < own.welcome.through) return;
  end(raft, own);
  raft.formerDoubt = '';
  raft.damagedThrough = 0;
  // The leader counts this life again.
  raft.incarnation++;
}
