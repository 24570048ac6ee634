// Decides which correctness bugs of etcd are made again in our own code, each under its upstream number: those that its
// robustness tests list, and those that Jepsen found. Never one of a part that this store has not (authentication, bbolt):
// such a bug is made again in what stands in its place.
import type { FaultName } from '../store-faults.ts';
import type { Plant } from './plants.ts';

export interface UpstreamBug {
  /** Of etcd-io/etcd. */
  number: number;
  /** As it was reported. */
  title: string;
  plant: Plant;
}

const CRASHES = ['fuse-disk', 'fuse-disk-done', 'fuse-timer', 'killed', 'power-cut', 'cut-off-one'] as const;
const WATCHES = ['watch-from-zero', 'watch-from-compacted', 'watch-from-future', 'compact', 'cut-off-one'] as const;
const READERS = ['compact', 'connection-lost', 'client-connection-lost', 'bus-restart', 'leader-cut-off'] as const;

interface Change {
  file: string;
  find: string;
  put: string;
  faults: readonly FaultName[];
  members?: number;
  leases?: boolean;
}

function bug(number: number, title: string, { file, find, put, faults, members = 3, leases }: Change): UpstreamBug {
  const world = { members, troubleMs: 6_000, faults, ...(leases === undefined ? {} : { leases }) };
  return { number, title, plant: { name: `etcd-${number}`, file, find, put, world } };
}

// prettier-ignore
export const UPSTREAM_BUGS: readonly UpstreamBug[] = [
  bug(13_766, 'inconsistent revision after a crash: the applied index was saved before the entry was applied (postmortem of 3.5)', {
    file: 'services/store/core/snapshot.ts', find: '.number(VERSION).number(appliedIndex)', put: '.number(VERSION).number(appliedIndex + 1)', faults: CRASHES }),
  bug(14_370, 'a cluster of one loses an acknowledged write in a crash', {
    file: 'raft/core/commit.ts', find: 'id === raft.id ? durable :', put: 'id === raft.id ? raft.log.lastIndex :', faults: ['power-cut', 'fuse-disk', 'disk-slow'], members: 1 }),
  bug(14_685, 'a crash while the store is made smaller leaves data and index of different times', {
    file: 'raft/core/compaction.ts', find: 'Math.min(snapshot.index, log.durable) - limits.retainedEntries', put: 'Math.min(raft.applied, log.durable) - limits.retainedEntries', faults: CRASHES }),
  bug(15_220, 'a progress notification tells of a revision whose events have not been sent', {
    file: 'services/store/edge/publisher.ts', find: 'this.say({ previous: revision,', put: 'this.say({ previous: revision + 1,', faults: READERS }),
  bug(15_271, 'a watch travels back in time after a partition: a member that is behind goes on with it', {
    file: 'services/store/edge/serve.ts', find: "query.query === 'history' ? query.since : 0;", put: "query.query === 'history' ? 0 : 0;", faults: ['watch-from-future', 'watch-from-compacted', 'cut-off-one', 'disk-slow'] }),
  bug(17_247, 'an event of a watch is sent twice', {
    file: 'services/store/edge/publisher.ts', find: '    this.current.clear();\n    this.published = this.through;', put: '    this.current.clear();', faults: READERS }),
  bug(17_529, 'events are lost when the stream of a watch starves: a short page is called the whole', {
    file: 'services/store/core/state-machine.ts', find: '        return { txns, revision: this.revision, more: true };', put: '        return { txns, revision: this.revision, more: false };', faults: WATCHES }),
  bug(17_780, 'the revision goes back after a crash: it is taken from what compaction has left', {
    file: 'services/store/core/snapshot.ts', find: '.number(appliedIndex).number(revision).number(compactedRevision)', put: '.number(appliedIndex).number(Math.max(compactedRevision, revision - 1)).number(compactedRevision)', faults: [...CRASHES, 'compact'] }),
  bug(18_089, 'a watch loses the event at which the history was compacted', {
    file: 'services/store/core/state-machine.ts', find: "if (since < this.compactedRevision) return 'compacted';", put: "if (since + 1 < this.compactedRevision) return 'compacted';\n    since = Math.max(since, this.compactedRevision);", faults: WATCHES }),
  bug(18_667, 'what a transaction does depends on what a member has forgotten already', {
    file: 'services/store/core/state-machine.ts', find: 'if (current !== revision) return', put: 'if (current !== revision && current > this.compactedRevision - (this.history.lastRevision & 1)) return', faults: [...READERS, 'killed'] }),
  bug(19_179, 'a watch from the revision of a compaction misses a deletion', {
    file: 'services/store/core/state-machine.ts', find: '      txns.push(committedOf(txn));', put: "      if (revision !== this.compactedRevision + 1 || txn.changes.some(({ version }) => version.value !== undefined)) txns.push(committedOf(txn));", faults: WATCHES }),
  bug(20_221, 'a watch from a future revision is told of old events', {
    file: 'services/store/core/state-machine.ts', find: "if (since < this.compactedRevision) return 'compacted';", put: "if (since < this.compactedRevision) return 'compacted';\n    since = Math.min(since, Math.max(this.compactedRevision, this.revision - 1));", faults: WATCHES }),
  bug(20_418, 'a linearizable read is old when a process was paused: an answer of an earlier round confirms it', {
    file: 'raft/core/reads.ts', find: 'leading.readRounds.push({ round: leading.round + 1,', put: 'leading.readRounds.push({ round: leading.round,', faults: ['clock-drift', 'paused', 'leader-cut-off', 'cut-off-one-way', 'weather-slow', 'weather-doubles'] }),
  bug(14_098, 'a member does not start again after it lost writes that were not synced', {
    file: 'raft/storage/record.ts', find: 'if (record.last) {', put: 'if (record.last || true) {', faults: ['power-cut-in-write', 'killed', 'all-killed', 'weather-slow'] }),
  bug(14_102, 'flipped bits of the log are served', {
    file: 'raft/storage/record.ts', find: "if (bytes.readUInt32LE(offset + 8) !== crc32(bytes.subarray(body, body + length + 1))) return 'payload';", put: '', faults: ['bit-flip-log', 'bit-flip-snapshot', 'killed', 'power-cut', 'leader-cut-off'] }),
  bug(14_890, 'a client that asks again is served twice', {
    file: 'services/store/core/sessions.ts', find: 'return session.results.get(sequence) ?? (', put: 'return (', faults: ['weather-doubles', 'weather-slow', 'killed', 'leader-cut-off'] }),
  bug(11_456, 'a lock is given without a look whether its lease still lives', {
    file: 'services/store/core/state-machine.ts', find: '|| this.leases.living(put.lease) !== undefined) continue;', put: '|| true) continue;', faults: ['paused', 'weather-slow', 'leader-cut-off', 'clock-drift'], leases: true }),
];
