// Decides what a member says of itself. Never changes it.
import type { ActorContext, StatusDetails } from '../../../lib/actor/context.ts';
import type { StoreSettings } from '../../../lib/actor/settings.ts';
import type { StoreStatus } from '../../../lib/bus/messages.ts';
import { limitsDiffer } from '../core/limits.ts';
import type { StoreMember } from './member.ts';

export function storeStatus(ctx: ActorContext<StoreSettings>, member: StoreMember): StoreStatus {
  const { status: raft, state, storage } = member;
  return {
    member: ctx.instance,
    clusterId: ctx.settings.clusterId,
    role: raft.role,
    leader: raft.leader,
    term: raft.term,
    commit: raft.commit,
    applied: state.appliedIndex,
    lastIndex: raft.lastIndex,
    revision: state.revision,
    compactedRevision: state.compactedRevision,
    keys: state.versions.liveKeys,
    logBytes: storage.log.bytes,
    fsyncP99Ms: storage.batchP99Ms,
    hash: state.hash,
    voters: [...raft.configuration.voters],
    learners: [...raft.configuration.learners],
    match: Object.fromEntries([
      ...(raft.role === 'leader' ? [[raft.id, raft.durable]] : []),
      ...raft.followers.map(({ id, match }) => [id, match]),
    ]),
    snapshotIndex: raft.snapshotIndex,
    snapshotBytes: storage.snapshots.bytes,
    liveBytes: state.versions.liveBytes,
    quotaBytes: state.limits.quotaBytes,
    leases: state.leases.size,
    alarms: alarmsOf(member),
    snapshotSent: Object.fromEntries(
      raft.followers
        .filter(({ snapshotSentBytes }) => snapshotSentBytes > 0)
        .map(({ id, snapshotSentBytes }) => [id, snapshotSentBytes]),
    ),
    alive: [
      ...(raft.role === 'leader' ? [raft.id] : []),
      ...raft.followers.filter(({ heardTicksAgo }) => heardTicksAgo < ALIVE_TICKS).map(({ id }) => id),
    ],
  };
}

function alarmsOf(member: StoreMember): string[] {
  const { state, status, repairs, states } = member;
  const repaired = repairs === '' ? '' : `this member ${repairs}`;
  return [
    repaired,
    states.difference,
    limitsAlarm(member),
    state.spaceAlarm,
    status.storageFailure === '' ? '' : `the disk failed: ${status.storageFailure}`,
  ].filter((alarm) => alarm !== '');
}

/** A leader makes its own those of all: for a moment after its election they may be on their way. */
function limitsAlarm({ limits, state, status }: StoreMember): string {
  if (status.leader === '' || status.role === 'leader') return '';
  const differ = limitsDiffer(limits, state.limits);
  return differ === ''
    ? ''
    : `this member was given other limits than the leader ${status.leader}, whose limits count: ${differ}; give all members the same`;
}

/** Heard within the longest election timeout. */
const ALIVE_TICKS = 20;

/** One line of `flotilla status`. */
export function statusDetails(member: StoreMember): StatusDetails {
  const { status: raft, state, storage } = member;
  return {
    role: raft.role,
    leader: raft.leader,
    term: raft.term,
    commit: raft.commit,
    applied: state.appliedIndex,
    revision: state.revision,
    keys: state.versions.liveKeys,
    snapshot: raft.snapshotIndex,
    logBytes: storage.log.bytes,
    snapshotBytes: storage.snapshots.bytes,
    fsyncP99Ms: Math.round(storage.batchP99Ms * 100) / 100,
    hash: state.hash,
    ...(raft.storageFailure === '' ? {} : { storageFailure: raft.storageFailure }),
    ...(state.spaceAlarm === '' ? {} : { alarm: state.spaceAlarm }),
  };
}
