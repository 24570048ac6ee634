// Decides when the configuration may change and carries a change to its end: joint, then alone, then those who left are
// let go (Raft paper, section 6). Never has two changes under way.
import { configurationOf, type RaftState } from './state.ts';
import {
  describe,
  enterJoint,
  isJoint,
  isVoter,
  leaveJoint,
  membersOf,
  sameConfiguration,
  simpleConfiguration,
  whyInvalid,
} from './configuration.ts';
import { becomeFollower } from './election.ts';
import { send } from './outbox.ts';
import { isDoubted } from './progress.ts';
import { appendConfiguration } from './proposals.ts';
import { broadcastAppends } from './replication.ts';
import { releaseSnapshots } from './snapshot-sending.ts';
import { furthestFollower } from './transfer.ts';
import type { Configuration, ConfigurationRefusal, Input, MemberId } from './types.ts';

type Change = Extract<Input, { type: 'changeConfiguration' }>;

export function changeConfiguration(raft: RaftState, change: Change): void {
  const wanted = simpleConfiguration(change.voters, change.learners);
  const refusal = whyRefused(raft, change, wanted);
  if (refusal !== undefined) {
    const [reason, message] = refusal;
    const { changeId } = change;
    raft.emitted.push({ type: 'configurationRefused', changeId, reason, message, leader: raft.leader });
    return;
  }
  // Single steps go through a joint configuration too: one rule, and one path that is always exercised.
  const index = appendConfiguration(raft, enterJoint(configurationOf(raft), wanted));
  raft.emitted.push({ type: 'configurationAccepted', changeId: change.changeId, index, term: raft.term });
}

function whyRefused(
  raft: RaftState,
  { expectedIndex }: Change,
  wanted: Configuration,
): [ConfigurationRefusal, string] | undefined {
  const { index, configuration } = raft.configurations.at(-1)!;
  const invalid = whyInvalid(wanted);
  if (raft.leading === undefined) return ['notLeader', `${raft.id} does not lead`];
  if (invalid !== '') return ['invalid', `'${describe(wanted)}': ${invalid}`];
  if (raft.leading.transfer !== undefined) return ['transferring', `leadership goes to ${raft.leading.transfer.to}`];
  // Without the own commit, a change of an earlier leader could still win elsewhere (the bug of the thesis' single-server
  // changes; joint changes that overlap have it too).
  if (raft.commit < raft.leading.termStart) return ['inProgress', `nothing was committed in term ${raft.term} yet`];
  if (isJoint(configuration) || index > raft.commit) {
    return ['inProgress', `the change to '${describe(configuration)}' at ${index} is not finished`];
  }
  if (expectedIndex !== undefined && expectedIndex !== index) {
    return ['unexpected', `the configuration is of entry ${index}, not ${expectedIndex}`];
  }
  if (sameConfiguration(configuration, wanted)) return ['noChange', `'${describe(wanted)}' is in force already`];
  const early = whoComesTooEarly(raft, wanted);
  if (early.length > 0)
    return [
      'inProgress',
      `${early.join(' ')} would vote before it is known what it has promised: it has no vote to give yet`,
    ];
  const silent = whoCannotDecide(raft, wanted);
  if (silent.length * 2 >= wanted.voters.length) {
    return [
      'inProgress',
      `of '${describe(wanted)}', ${silent.join(' ')} cannot decide now: nothing could be committed`,
    ];
  }
  return undefined;
}

/**
 * Learners that are in doubt: with one of them as a voter and one more that fails, a cluster of four could neither decide
 * anything nor lead either of them out.
 */
function whoComesTooEarly(raft: RaftState, { voters }: Configuration): MemberId[] {
  return voters.filter((id) => {
    const progress = raft.leading!.progress.get(id);
    return !isVoter(configurationOf(raft), id) && progress !== undefined && isDoubted(progress);
  });
}

/** Members that are voters already, or learners, and are not heard or in doubt of what they have promised. */
function whoCannotDecide({ id: own, leading, ticks, electionTicks }: RaftState, { voters }: Configuration): MemberId[] {
  return voters.filter((id) => {
    const progress = leading!.progress.get(id);
    if (id === own || progress === undefined) return false;
    return progress.incarnation === 0 || isDoubted(progress) || ticks - progress.heardTick >= electionTicks.min;
  });
}

/** Leader, after each commit: tells it, leaves a joint configuration that is committed, acts on one that is final. */
export function finishChange(raft: RaftState): void {
  const { index, configuration } = raft.configurations.at(-1)!;
  if (index <= raft.commit && isJoint(configuration)) {
    appendConfiguration(raft, leaveJoint(configuration)); // Its messages tell the commit index too.
    return;
  }
  broadcastAppends(raft);
  if (index > raft.commit) return;
  dismiss(raft, configuration);
  if (!isVoter(configuration, raft.id)) abdicate(raft);
}

/** Who left was still sent its own removal and this commit; now it is forgotten. */
function dismiss(raft: RaftState, configuration: Configuration): void {
  const { progress } = raft.leading!;
  const members = new Set(membersOf(configuration));
  const gone = [...progress.keys()].filter((id) => !members.has(id));
  for (const id of gone) progress.delete(id);
  raft.leading!.quickest = raft.leading!.quickest.filter((id) => members.has(id));
  if (gone.length > 0) releaseSnapshots(raft);
}

/** A leader that is no voter leads only until its removal is committed; its last act is to name a successor. */
function abdicate(raft: RaftState): void {
  const to = furthestFollower(raft);
  if (to !== '') send(raft, to, { type: 'timeoutNow' });
  becomeFollower(raft, raft.term, '');
}
