// Decides in which order the effects of one step leave: the write first, then what may depend on it. Never decides what
// they are.
import { invariant } from '../../lib/base/errors.ts';
import { beginWrite, unwritten } from './log.ts';
import { isStandingWritten, standingOf, type RaftState } from './state.ts';
import {
  RAFT_MESSAGE_VERSION,
  type AppendId,
  type Effect,
  type HardState,
  type MemberId,
  type MessageBody,
  type Standing,
} from './types.ts';

/** Stands for "the last write begun" until the step ends and its number is known. */
const LAST_WRITE = -1;

/**
 * Messages that promise something about this member's disk: a vote, an entry kept, a snapshot kept. A request for votes
 * promises too: a candidate that forgot its term would ask for it again with a shorter log, and the votes of its former
 * life would count. Heartbeats and refusals promise nothing, so a hanging disk does not silence a member.
 */
function promises(body: MessageBody): boolean {
  switch (body.type) {
    case 'vote':
      return true;
    case 'voteAnswer':
      return body.granted;
    case 'appendAnswer':
      return body.outcome.accepted;
    case 'snapshotChunkAnswer':
      return body.installed;
    case 'preVote':
    case 'preVoteAnswer':
    case 'append':
    case 'heartbeat':
    case 'heartbeatAnswer':
    case 'snapshotChunk':
    case 'timeoutNow':
    case 'rejoin':
    case 'rejoinAnswer':
    case 'stateHashes':
      return false;
    default:
      return body satisfies never;
  }
}

export function send(raft: RaftState, to: MemberId, body: MessageBody): void {
  invariant(to !== raft.id && to !== '', "a % was addressed to '%'", body.type, to);
  const message = {
    version: RAFT_MESSAGE_VERSION,
    clusterId: raft.clusterId,
    from: raft.id,
    to,
    term: raft.term,
    ...body,
  };
  const afterAppend = promises(body) ? LAST_WRITE : undefined;
  if (afterAppend !== undefined) raft.formerDoubt = '';
  raft.emitted.push({ type: 'send', message, afterAppend });
}

/** Ends a step: the write that it needs, if any, then everything else that it emitted. */
export function flush(raft: RaftState, out: Effect[]): void {
  const write = takeWrite(raft);
  if (write !== undefined) out.push(write);
  const last: AppendId | undefined = raft.log.pending.at(-1)?.appendId;
  for (const effect of raft.emitted) {
    if (effect.type === 'send' && effect.afterAppend === LAST_WRITE) effect.afterAppend = last;
    out.push(effect);
  }
  raft.emitted = [];
  announce(raft, out);
}

function takeWrite(raft: RaftState): Effect | undefined {
  const { log } = raft;
  const hardStateChanged = raft.term !== raft.writtenTerm || raft.vote !== raft.writtenVote;
  const entries = unwritten(log);
  const standing = takeStanding(raft);
  if (
    !hardStateChanged &&
    standing === undefined &&
    entries.length === 0 &&
    log.truncateFrom === undefined &&
    log.install === undefined
  ) {
    return undefined;
  }
  const hardState: HardState = { term: raft.term, vote: raft.vote, commit: raft.commit };
  raft.writtenTerm = raft.term;
  raft.writtenVote = raft.vote;
  const { install, truncateFrom } = log;
  log.install = log.truncateFrom = undefined;
  const appendId = beginWrite(log, raft.ticks);
  if (install !== undefined) {
    log.installing = appendId;
    invariant(entries.length === 0, 'entries were appended in the step that installs snapshot %', install.index);
    return { type: 'installSnapshot', appendId, snapshot: install, hardState, standing };
  }
  return { type: 'append', appendId, truncateFrom, entries, hardState, standing };
}

/** What changed of it must be durable before the next promise: a member must not come back in doubt after it has voted. */
function takeStanding(raft: RaftState): Standing | undefined {
  if (isStandingWritten(raft)) return undefined;
  raft.writtenStanding = standingOf(raft);
  return raft.writtenStanding;
}

function announce(raft: RaftState, out: Effect[]): void {
  const { leader, term, role, announced } = raft;
  if (announced.leader === leader && announced.term === term && announced.role === role) return;
  raft.announced = { leader, term, role };
  out.push({ type: 'leaderChanged', leader, term, role });
}
