// Decides which bugs the simulation must be able to find: one line each, what stands in the code and what is put there
// instead. Never holds one that changes nothing anybody could see.

import type { FaultName } from '../store-faults.ts';

export interface Plant {
  name: string;
  file: string;
  find: string;
  put: string;
  /** In a world of only such trouble it is seen soon; in others it would take thousands of seeds. */
  world?: { members?: number; troubleMs?: number; leases?: boolean; faults: readonly FaultName[] };
}

const POWER = {
  faults: ['all-power-cut', 'majority-power-cut', 'fuse-disk', 'fuse-disk-done', 'disk-slow', 'leader-cut-off'],
} as const;
/** Batches are torn in the middle, on members that start again and again. */
const TORN = {
  members: 3,
  troubleMs: 8_000,
  faults: ['power-cut-in-write', 'killed', 'all-killed', 'weather-slow'],
} as const;
/** Leaders that are cut off or die while their words are still on the way. */
const DEPOSED = { members: 3, troubleMs: 8_000, faults: ['leader-cut-off', 'killed', 'weather-slow'] } as const;
const POWER_CUTS = { members: 3, troubleMs: 8_000, faults: ['all-power-cut', 'majority-power-cut'] } as const;
const FIGURE_8 = {
  members: 5,
  faults: ['leader-with-few', 'leader-cut-off', 'fuse-bus', 'killed', 'weather-slow'],
} as const;
/** Leaders that are cut off again and again: logs part, and what would mend them is late or lost. */
const PARTED = { members: 3, troubleMs: 9_000, faults: ['leader-cut-off', 'weather-slow', 'weather-loss'] } as const;
const STALE = {
  faults: ['clock-drift', 'paused', 'leader-cut-off', 'cut-off-one-way', 'weather-slow', 'weather-doubles'],
} as const;
const REPLAYS = {
  faults: ['weather-doubles', 'weather-slow', 'weather-reorders', 'killed', 'leader-cut-off'],
} as const;
const SNAPSHOTS = {
  faults: ['cut-off-one', 'leader-cut-off', 'power-cut', 'weather-slow', 'disk-slow', 'fuse-disk'],
} as const;
const LATE = { faults: ['weather-doubles', 'weather-slow', 'killed', 'all-killed', 'fuse-disk'] } as const;
const BEHIND = { members: 3, troubleMs: 12_000, faults: ['cut-off-one', 'disk-slow'] } as const;
/** Whoever is added needs a snapshot. */
const NEW_VOTERS = {
  members: 3,
  troubleMs: 6_000,
  faults: ['bit-flip-snapshot', 'member-added', 'member-replaced', 'cut-off-one'],
} as const;
const CHANGES = {
  members: 3,
  troubleMs: 8_000,
  faults: ['member-added', 'member-removed', 'member-replaced', 'weather-slow', 'disk-slow'],
} as const;
const FORGETS = {
  faults: ['compact', 'connection-lost', 'client-connection-lost', 'bus-restart', 'cut-off-one'],
} as const;
const BIT_ROT = { faults: ['bit-flip-log', 'bit-flip-snapshot', 'killed', 'power-cut', 'leader-cut-off'] } as const;
/** One member forgets, and those that remember are cut off or die. */
const AMNESIA = {
  members: 3,
  troubleMs: 8_000,
  faults: ['wiped', 'leader-cut-off', 'cut-off-one', 'majority-power-cut', 'killed', 'cut-pair'],
} as const;
const OLD_COPY = {
  members: 3,
  troubleMs: 8_000,
  faults: ['old-directory-put-back', 'leader-cut-off', 'cut-off-one', 'majority-power-cut', 'killed', 'cut-pair'],
} as const;
const DAMAGE = {
  members: 3,
  troubleMs: 8_000,
  faults: ['bit-flip-log', 'killed', 'leader-cut-off', 'cut-off-one', 'majority-power-cut', 'cut-pair'],
} as const;
const WRONG = { members: 3, faults: ['state-wrong-in-memory', 'compact'] } as const;
const WRONG_COUNTS = {
  members: 3,
  troubleMs: 10_000,
  faults: ['entry-applied-wrongly', 'cut-pair', 'cut-off-one', 'compact'],
} as const;
const BIRTH = { members: 3, troubleMs: 2_500, faults: ['cluster-half-born'] } as const;

type PlantWorld = NonNullable<Plant['world']>;

const plant = (name: string, file: string, find: string, put: string, world?: PlantWorld): Plant =>
  world === undefined ? { name, file, find, put } : { name, file, find, put, world };
const core = (name: string, file: string, find: string, put: string, world?: PlantWorld): Plant =>
  plant(name, `raft/core/${file}`, find, put, world);
const disk = (name: string, file: string, find: string, put: string, world?: PlantWorld): Plant =>
  plant(name, `raft/storage/${file}`, find, put, world);
const state = (name: string, file: string, find: string, put: string, world?: PlantWorld): Plant =>
  plant(name, `services/store/core/${file}`, find, put, world);
const edge = (name: string, file: string, find: string, put: string, world?: PlantWorld): Plant =>
  plant(name, `services/store/edge/${file}`, find, put, world);

// prettier-ignore
export const PLANTS: readonly Plant[] = [
  // ---- the algorithm ----
  core('commit-counts-old-terms', 'commit.ts', 'if (index <= raft.commit || index < leading.termStart) return;', 'if (index <= raft.commit) return;', FIGURE_8),
  core('commit-counts-unsynced-own-entries', 'commit.ts', 'id === raft.id ? durable :', 'id === raft.id ? raft.log.lastIndex :', POWER),
  core('commit-without-majority', 'quorum.ts', 'values[(ids.length - 1) >> 1]!', 'values[(ids.length + 1) >> 1]!'),
  core('election-without-majority', 'quorum.ts', 'const needed = (ids.length >> 1) + 1;', 'const needed = ids.length >> 1;'),
  core('vote-sent-before-durable', 'outbox.ts', 'return body.granted;', 'return false;', POWER),
  core('request-for-votes-before-durable', 'outbox.ts', "case 'vote':\n      return true;", "case 'vote':\n      return false;", POWER),
  core('ack-sent-before-durable', 'outbox.ts', 'return body.outcome.accepted;', 'return false;', POWER),
  core('installed-said-before-durable', 'outbox.ts', 'return body.installed;', 'return false;', SNAPSHOTS),
  core('vote-for-anybody-again', 'election.ts', "(raft.vote === '' && raft.leader === '')", 'true', FIGURE_8),
  core('vote-for-shorter-log', 'election.ts', 'candidate.lastTerm > term || (candidate.lastTerm === term && candidate.lastIndex >= index);', 'candidate.lastTerm >= term || index < 0;'),
  core('vote-for-older-log', 'election.ts', 'candidate.lastTerm > term || (candidate.lastTerm === term && candidate.lastIndex >= index);', 'candidate.lastIndex >= index || term < 0;', DEPOSED),
  core('vote-kept-into-next-term', 'election.ts', "    raft.vote = '';\n", ''),
  core('higher-term-ignored', 'step.ts', "if (message.term > raft.term) becomeFollower(raft, message.term, '');", ''),
  core('lower-term-heard', 'step.ts', 'if (message.term < raft.term) return receiveOld(raft, message);', ''),
  core('term-before-not-compared', 'following.ts', 'if (ownTerm !== prevTerm) return refuse(raft, message);', 'if (ownTerm === undefined) return refuse(raft, message);', FIGURE_8),
  core('half-born-cluster-waits-for-ever', 'doubt.ts', 'const isEmpty = raft.log', 'const isEmpty = raft.term === 0 && raft.log', BIRTH),
  core('contradicting-entries-kept', 'following.ts', '!hasEntry(raft.log, entry.index, entry.term)', 'entry.index > raft.log.lastIndex'),
  core('old-append-cuts-newer-entries', 'following.ts', 'const first = entries.findIndex((entry) => !hasEntry(raft.log, entry.index, entry.term));', 'const first = entries.length - 1;'),
  core('heartbeat-tells-too-much', 'replication.ts', 'commit: Math.min(raft.commit, match), round', 'commit: Math.max(raft.commit, match - match), round', PARTED),
  core('read-without-a-round', 'reads.ts', 'if (!raft.leaseReads || leading.leaseLost || raft.commit < leading.termStart) return false;', 'return raft.commit >= leading.termStart;', STALE),
  core('read-confirmed-by-older-round', 'reads.ts', 'leading.readRounds.push({ round: leading.round + 1,', 'leading.readRounds.push({ round: leading.round,', STALE),
  core('read-before-first-commit-of-term', 'reads.ts', ' || raft.commit < leading.termStart) return;', ') return;'),
  core('read-confirmed-by-one', 'reads.ts', 'id === raft.id ? Infinity : counted(leading.progress.get(id), (progress) => progress.ackedRound),', 'Infinity,', STALE),
  core('compacts-what-no-snapshot-covers', 'compaction.ts', 'Math.min(snapshot.index, log.durable) - limits.retainedEntries', 'Math.min(raft.applied, log.durable) - limits.retainedEntries'),
  core('cut-entries-still-confirmed', 'log.ts', '  clampWrites(log, from - 1);\n', ''),
  // ---- followers that a majority does not need ----
  core('read-round-counts-as-heartbeat', 'replication.ts', '  beginRound(raft, leading);\n  for (const [to, progress] of leading.progress) {', '  beginRound(raft, leading);\n  leading.heartbeatElapsed = 0;\n  for (const [to, progress] of leading.progress) {'),
  core('held-back-over-a-tick', 'step.ts', '  sendHeld(raft, leading);\n', ''),
  core('spare-counts-as-if-it-held-all', 'commit.ts', '(progress) => progress.match)', "(progress) => (leading.holds && progress.state === 'replicate' ? raft.log.lastIndex : progress.match))"),
  core('spare-counts-as-if-it-had-answered', 'reads.ts', 'counted(leading.progress.get(id), (progress) => progress.ackedRound)', 'leading.quickest.indexOf(id) > 0 ? Infinity : counted(leading.progress.get(id), (progress) => progress.ackedRound)', STALE),
  core('late-majority-not-noticed', 'replication.ts', '!isMajorityLate(raft, leading)) return;', '!isMajorityLate(raft, leading) || raft.ticks > 0) return;', LATE),
  core('late-write-not-noticed', 'spares.ts', 'const isWriting = raft.commit < awaited.index;', 'const isWriting = raft.commit < 0;', LATE),
  core('late-read-not-noticed', 'spares.ts', 'const isReading = readRounds.length > 0', 'const isReading = readRounds.length < 0', STALE),
  core('late-majority-looked-for-once', 'spares.ts', '  leading.awaited = undefined;\n  if', '  if'),
  core('follower-in-doubt-is-quick', 'spares.ts', "=> progress?.state === 'replicate' && !isDoubted(progress);", "=> progress?.state === 'replicate';", AMNESIA),
  core('follower-in-probe-is-quick', 'spares.ts', "=> progress?.state === 'replicate' && !isDoubted(progress);", '=> progress !== undefined && !isDoubted(progress);', LATE),
  core('learner-is-quick', 'spares.ts', 'if (voters.includes(each) && isQuick', 'if (isQuick', CHANGES),
  core('leader-that-is-no-voter-counts-itself', 'spares.ts', '(voters.includes(raft.id) ? 0 : 1)', '0', CHANGES),
  core('spares-while-joint', 'spares.ts', ' || isJoint(configuration)) return false;', ') return false;', CHANGES),
  edge('nobody-asks-whether-a-majority-is-late', 'member.ts', "if (!this.stopped) this.input({ type: 'reviewSpares' });", "if (this.stopped) this.input({ type: 'reviewSpares' });"),
  // ---- a member that cannot know what it has promised ----
  core('doubted-member-counts', 'progress.ts', 'doubt?.incarnation === incarnation;', 'doubt?.incarnation === -1 && incarnation > 0;', AMNESIA),
  core('doubted-member-votes', 'election.ts', "raft.storageFailure === '' && raft.doubt === undefined;", "raft.storageFailure === '';", AMNESIA),
  core('doubt-ends-with-the-welcome', 'doubt.ts', ' || through < own.welcome.through) return;', ') return;', AMNESIA),
  core('damaged-member-votes-by-what-is-left', 'election.ts', '(damagedThrough === 0 || isNoOlder(damagedTerm, damagedThrough))', '(damagedThrough === 0 || isNoOlder(0, 0))', DAMAGE),
  disk('empty-directory-trusted', 'open-log.ts', "doubt: isNewborn ? 'newborn' : ''", "doubt: ''", AMNESIA),
  disk('copied-directory-trusted', 'open-log.ts', "place !== '' && place !== known;", "place === 'somewhere';", OLD_COPY),
  disk('doubt-forgotten-at-restart', 'segmented-log.ts', "isMissingNothing(standing)\n", 'true\n', AMNESIA),
  edge('wrong-state-stays', 'state-exchange.ts', "if (verdict.found === 'wrong') return contradicted(verdict.text);", '', WRONG),
  state('sessions-in-no-hash', 'rest-hash.ts', '[history, sessions, leases]', '[history, leases]', WRONG_COUNTS),
  state('leases-in-no-hash', 'rest-hash.ts', '[history, sessions, leases]', '[history, sessions]', WRONG_COUNTS),
  edge('rest-of-the-hash-not-heard', 'state-exchange.ts', 'hash: hash + rest', 'hash: hash + rest.slice(16)', WRONG_COUNTS),
  state('session-row-of-a-snapshot-differs', 'snapshot.ts', '  if (!reader.done) session.openedAt = reader.number();\n', '', SNAPSHOTS),
  edge('snapshot-of-a-state-of-its-own-counts', 'snapshotter.ts', "if (answer === 'agreed' || (answer === 'silent' && this.wanted > 0))", 'if (answer.length > 0)', WRONG_COUNTS),
  // ---- the disk ----
  disk('fsync-of-log-skipped', 'segmented-log.ts', '    await segment.file.datasync();\n    segment.end = after;', '    segment.end = after;', POWER),
  disk('vote-not-persisted', 'segmented-log.ts', 'hardStateRecord(write.hardState, standing', "hardStateRecord({ ...write.hardState, vote: '' }, standing", POWER),
  disk('term-not-persisted', 'storage.ts', 'const changed = hardState.term !== before.term || hardState.vote !== before.vote || effect.standing !== undefined;', 'const changed = effect.standing !== undefined;'),
  disk('hard-state-lost-at-rotation', 'segmented-log.ts', '{ ...this.header, hardState, standing }', "{ ...this.header, hardState: { term: 0, vote: '', commit: 0 }, standing }"),
  disk('name-of-the-next-segment-not-synced', 'segment-file.ts', '      await this.disk.syncDirectory(this.directory);\n', '', POWER),
  disk('header-of-a-segment-not-synced', 'segment-file.ts', '  await file.datasync();\n  segment.end', '  segment.end', POWER),
  disk('segment-that-lies-ready-stays', 'read-segments.ts', 'last.scan.records.length > 1) return;', 'last.scan.records.length >= 0) return;', POWER),
  disk('snapshot-name-not-synced', 'snapshot-files.ts', '    await this.disk.syncDirectory(this.directory);\n    this.known.set', '    this.known.set', POWER_CUTS),
  disk('snapshot-bytes-not-synced', 'snapshot-files.ts', '    await file.datasync();\n', '', POWER),
  disk('half-batch-kept', 'record.ts', 'if (record.last) {', 'if (record.last || true) {', TORN),
  disk('payload-checksum-ignored', 'record.ts', "if (bytes.readUInt32LE(offset + 8) !== crc32(bytes.subarray(body, body + length + 1))) return 'payload';", '', BIT_ROT),
  disk('incarnation-not-counted', 'open-log.ts', 'const incarnation = replayed.incarnation + 1;', 'const incarnation = replayed.incarnation;'),
  // ---- the state machine ----
  state('retry-applied-twice', 'sessions.ts', 'return session.results.get(sequence) ?? (', 'return ('),
  state('answers-not-remembered', 'state-machine.ts', '    this.sessions.remember(session!, sequence, outcome);\n', ''),
  state('acknowledged-answers-executed-again', 'sessions.ts', "(sequence <= session.acknowledged ? 'forgotten' : undefined)", 'undefined', REPLAYS),
  state('forgotten-session-taken-for-new', 'sessions.ts', 'acknowledged === 0 && since >= this.forgottenThrough;', 'acknowledged === 0;', REPLAYS),
  state('sessions-not-in-snapshot', 'snapshot.ts', '    yield* sessions;\n', ''),
  state('acknowledged-not-in-snapshot', 'snapshot.ts', 'out.text(name).number(session.acknowledged)', 'out.text(name).number(0)', LATE),
  state('compare-lets-newer-pass', 'state-machine.ts', 'if (current !== revision) return', 'if (current > revision) return'),
  state('quota-ignored', 'state-machine.ts', 'if (growth <= 0) return undefined;', 'if (growth <= 1e9) return undefined;'),
  state('creation-forgotten', 'versions.ts', 'before === 0 ? revision : this.createRevisionOf(before)', 'revision'),
  state('pruned-too-much', 'versions.ts', '    this.rows.setInt(version, OLDER, 0);\n', '    const top = this.newestOf(this.keyNumberOf(version));\n    if (this.olderOf(top) === version) this.rows.setInt(top, OLDER, 0);\n    this.rows.setInt(version, OLDER, 0);\n', FORGETS),
  state('history-misses-the-first', 'state-machine.ts', 'for (let revision = since + 1; revision <= this.revision; revision++)', 'for (let revision = Math.max(since + 1, this.compactedRevision + 2); revision <= this.revision; revision++)', FORGETS),
  state('compacted-history-served', 'state-machine.ts', "if (since < this.compactedRevision) return 'compacted';", 'since = Math.max(since, this.compactedRevision);', FORGETS),
  state('page-ends-too-early', 'state-machine.ts', 'return { items, revision: at, more: true };', 'return { items, revision: at, more: false };'),
  // ---- who is answered what ----
  edge('acknowledged-when-proposed', 'proposals.ts', "if (effect.type === 'proposalAccepted') this.byIndex.set", "if (effect.type === 'proposalAccepted') for (const write of writes) settle(write, { results: [] });\n    if (effect.type === 'proposalAccepted') this.byIndex.set"),
  edge('range-of-a-state-that-is-behind', 'serve.ts', 'if (member.state.revision >= revision) return go();', 'if (member.state.revision >= 0) return go();'),
  edge('promise-sent-at-once', 'durable-gate.ts', 'if (afterAppend === undefined || afterAppend <= this.#durable) this.#send(message);', 'if (afterAppend !== -1) this.#send(message);', POWER),
  edge('commits-published-twice', 'publisher.ts', '    this.current.clear();\n    this.published = this.through;', '    this.published = this.through;'),
  edge('snapshot-installed-before-durable', 'applier.ts', '    await durable;\n', '', SNAPSHOTS),
  edge('damaged-snapshot-sent-for-ever', 'chunk-sender.ts', 'if (message.offset === 0 && this.begun === index) this.verify(message.snapshot);', '', NEW_VOTERS),
  edge('snapshot-parts-overtake', 'chunk-sender.ts', 'this.leaving = this.leaving.then(async () => {', 'void Promise.resolve().then(async () => {', BEHIND),
];
