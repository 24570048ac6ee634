// Decides which followers are spares: a leader needs the answers of a majority, those of the others only cost it, them and
// the bus their work. Spares are sent what is new later, several entries together; all are asked when a majority is late.
// Never decides what is sent (replication.ts), nor how long "late" is: the driver waits, and the next tick ends every wait.
import { isJoint } from './configuration.ts';
import { isDoubted, type Progress } from './progress.ts';
import { configurationOf, type Leading, type RaftState } from './state.ts';
import type { MemberId } from './types.ts';

/** A majority that answers is there without this follower. */
export function isSpare(raft: RaftState, leading: Leading, id: MemberId): boolean {
  const configuration = configurationOf(raft);
  // In these no time should be lost, or a majority is more than it seems.
  if (raft.limits.spareEntries === 0 || leading.transfer !== undefined || isJoint(configuration)) return false;
  if (raft.commit < leading.termStart) return false;
  const { voters, learners } = configuration;
  // Who has just been removed is sent that, and is forgotten before the next tick.
  if (!voters.includes(id) && !learners.includes(id)) return false;
  let needed = (voters.length >> 1) + (voters.includes(raft.id) ? 0 : 1);
  for (const each of leading.quickest) {
    if (needed === 0 || each === id) break;
    if (voters.includes(each) && isQuick(leading.progress.get(each))) needed--;
  }
  return needed === 0;
}

const isQuick = (progress: Progress | undefined): boolean => progress?.state === 'replicate' && !isDoubted(progress);

/** May what is new wait for this follower? Not if it lacks too much, or is being asked where it stands. */
export function mayWait(raft: RaftState, leading: Leading, id: MemberId, progress: Progress): boolean {
  const lacks = raft.log.lastIndex - progress.next + 1;
  if (progress.state !== 'replicate' || lacks === 0 || lacks > raft.limits.spareEntries) return false;
  return isSpare(raft, leading, id);
}

/** A follower holds more than before: it comes before all who hold less. So who is late is passed, and is a spare. */
export function rank({ limits }: RaftState, { quickest, progress }: Leading, id: MemberId): void {
  if (limits.spareEntries === 0) return;
  const { match } = progress.get(id)!;
  const from = quickest.indexOf(id);
  if (from !== -1) quickest.splice(from, 1);
  const to = quickest.findIndex((each) => progress.get(each)!.match < match);
  quickest.splice(to === -1 ? quickest.length : to, 0, id);
}

/** Somebody was left out: whether a majority is late is asked again in a while. */
export function watchMajority(raft: RaftState, leading: Leading): void {
  if (leading.awaited !== undefined) return;
  leading.awaited = { index: raft.log.lastIndex, round: leading.round };
  raft.emitted.push({ type: 'sparesLeftOut' });
}

/**
 * That while is over. True if a majority is late with what was new then: whoever was asked and has not answered comes last from
 * now on, so that the next question goes to others.
 */
export function isMajorityLate(raft: RaftState, leading: Leading): boolean {
  const { awaited, readRounds, quickest } = leading;
  leading.awaited = undefined;
  if (awaited === undefined) return false;
  const isReading = readRounds.length > 0 && readRounds[0]!.round <= awaited.round;
  const isWriting = raft.commit < awaited.index;
  if (!isReading && !isWriting) {
    if (raft.commit < raft.log.lastIndex || readRounds.length > 0) watchMajority(raft, leading);
    return false;
  }
  const isSilent = (id: MemberId): boolean => {
    const { match, ackedRound } = leading.progress.get(id)!;
    return (
      !isSpare(raft, leading, id) && ((isWriting && match < awaited.index) || (isReading && ackedRound < awaited.round))
    );
  };
  const silent = quickest.filter(isSilent);
  leading.quickest = [...quickest.filter((id) => !silent.includes(id)), ...silent];
  return true;
}
