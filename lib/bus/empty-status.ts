// Decides what the status of a member of the store holds of which nothing is known. Never says why.
import type { StoreStatus } from './messages.ts';

export function emptyStatus(member: string, clusterId: string, role: string): StoreStatus {
  return {
    member,
    clusterId,
    role,
    leader: '',
    term: 0,
    commit: 0,
    applied: 0,
    lastIndex: 0,
    revision: 0,
    compactedRevision: 0,
    keys: 0,
    logBytes: 0,
    fsyncP99Ms: 0,
    hash: '',
    voters: [],
    learners: [],
    match: {},
    snapshotIndex: 0,
    snapshotBytes: 0,
    liveBytes: 0,
    quotaBytes: 0,
    leases: 0,
    alarms: [],
    snapshotSent: {},
    alive: [],
  };
}
