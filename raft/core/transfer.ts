// Decides how leadership is handed over: stop taking proposals, bring the target up to date, tell it to stand (Raft thesis,
// 3.10). Also: when a leader's own disk is so slow that another should lead. Never forces an election that cannot be won.
import { configurationOf, type Leading, type RaftState } from './state.ts';
import { isVoter, votersOf } from './configuration.ts';
import { send } from './outbox.ts';
import { isDoubted } from './progress.ts';
import { askFollower } from './replication.ts';
import type { MemberId } from './types.ts';

/** The voter that is alive and holds most of the log; '' if none is. */
export function furthestFollower(raft: RaftState): MemberId {
  let best: MemberId = '';
  let bestMatch = -1;
  for (const id of votersOf(configurationOf(raft))) {
    const progress = raft.leading!.progress.get(id);
    if (progress === undefined || isDoubted(progress) || raft.ticks - progress.heardTick >= raft.electionTicks.min)
      continue;
    if (progress.match > bestMatch) [best, bestMatch] = [id, progress.match];
  }
  return best;
}

export function transferLeadership(raft: RaftState, transferId: number, wanted: MemberId): void {
  const refused = (reason: string, done = false): void => {
    raft.emitted.push({ type: 'transferEnded', transferId, done, reason });
  };
  if (raft.leading === undefined) return refused(`${raft.id} does not lead`);
  if (wanted === raft.id) return refused(`${raft.id} leads already`, true);
  const to = wanted === '' ? furthestFollower(raft) : wanted;
  if (to === '') return refused('no other voter is alive');
  if (!isVoter(configurationOf(raft), to)) return refused(`${to} is not a voter`);
  if (raft.leading.transfer !== undefined) return refused(`a transfer to ${raft.leading.transfer.to} is under way`);
  begin(raft, transferId, to);
}

function begin(raft: RaftState, transferId: number | undefined, to: MemberId): void {
  const { leading } = raft;
  leading!.transfer = { transferId, to, startedTick: raft.ticks };
  leading!.leaseLost = true;
  const progress = leading!.progress.get(to)!;
  if (progress.match === raft.log.lastIndex) return pursueTransfer(raft);
  askFollower(raft, to, progress);
}

/** Tells the target to stand as soon as nothing is missing there. Said again with each heartbeat: it may be lost. */
export function pursueTransfer(raft: RaftState): void {
  const { leading } = raft;
  const to = leading?.transfer?.to;
  if (to === undefined || leading!.progress.get(to)?.match !== raft.log.lastIndex) return;
  send(raft, to, { type: 'timeoutNow' });
}

/** One tick of a leader. A target that does not come forward gives the leadership back. */
export function tickTransfer(raft: RaftState, leading: Leading): void {
  const { transfer } = leading;
  if (transfer === undefined) return avoidSlowDisk(raft, leading);
  const gone = !isVoter(configurationOf(raft), transfer.to);
  if (!gone && raft.ticks - transfer.startedTick < raft.electionTicks.min) return;
  endTransfer(
    raft,
    leading,
    false,
    gone ? `${transfer.to} is no longer a voter` : `${transfer.to} did not take over in time`,
  );
}

/**
 * A write that hangs stops this member's own acknowledgements and its state machine, but not its heartbeats: without this,
 * it would lead for ever and apply nothing (etcd issue 13527). Only for one whose disk was faster with the same entries:
 * where all are slow, each election would only cost more of the time that they lack.
 */
function avoidSlowDisk(raft: RaftState, leading: Leading): void {
  const oldest = raft.log.pending[0];
  if (oldest === undefined || raft.ticks - oldest.tick <= raft.limits.slowDiskTicks) return;
  const to = furthestFollower(raft);
  if (to === '' || leading.progress.get(to)!.match < oldest.through) return;
  begin(raft, undefined, to);
}

/** The disk failed for good: name a successor and step aside at once. */
export function handOver(raft: RaftState): void {
  const to = furthestFollower(raft);
  if (to !== '') send(raft, to, { type: 'timeoutNow' });
}

export function endTransfer(raft: RaftState, leading: Leading, done: boolean, reason: string): void {
  const { transfer } = leading;
  leading.transfer = undefined;
  if (transfer?.transferId === undefined) return;
  raft.emitted.push({ type: 'transferEnded', transferId: transfer.transferId, done, reason });
}
