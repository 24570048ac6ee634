// Decides what of the segments on the disk is the log: cuts a torn tail, ends an interrupted rotation, joins the log to the
// snapshot, and begins anew behind damage. Never guesses: what contradicts itself is taken out of the way (salvage.ts).
import { invariant } from '../../lib/base/errors.ts';
import { decodeConfiguration, votersOf } from '../core/configuration.ts';
import type { Configuration, DoubtReason, Entry, HardState, Index, Standing, Term } from '../core/types.ts';
import { isElsewhere } from './assess.ts';
import { DamagedError, type Disk } from './disk.ts';
import { EntryTable } from './entry-table.ts';
import { decodeRecord, NOTHING_MISSING, type LogRecord, type SegmentHeader } from './log-record.ts';
import { scan, type Scan, type ScannedRecord } from './record.ts';
import { finishSalvage, resumeSalvage, salvage } from './salvage.ts';
import {
  createSegment,
  SegmentedLog,
  segmentName,
  type LogOptions,
  type LogWrite,
  type Segment,
} from './segmented-log.ts';

export interface LogIdentity {
  clusterId: string;
  member: string;
  firstConfiguration: Configuration;
  /** An empty directory may be one that was emptied: the member is in doubt until others vouch for it. */
  isNewborn?: boolean;
}

export interface OpenedLog {
  log: SegmentedLog;
  incarnation: number;
  standing: Standing;
  firstConfiguration: Configuration;
  configurationEntries: Entry[];
  /** What was cut, if anything. */
  tornTail: string | undefined;
  /** What was found damaged and taken out of the way, if anything. */
  damage: string | undefined;
}

/** The last durable one, or index 0. */
export interface LastSnapshot {
  index: Index;
  term: Term;
  configuration?: Configuration;
}

const SEGMENT_NAME = /^log-(\d{10})\.segment$/;
/** An empty file: its name says that there was a log here, and the file itself which directory this is. */
const MARK_NAME = 'log.begun';
const NO_HARD_STATE: HardState = { term: 0, vote: '', commit: 0 };

/** Throws DamagedError only when there is nobody who could give back what is lost. */
export async function openLog(
  disk: Disk,
  directory: string,
  identity: LogIdentity,
  snapshot: LastSnapshot,
  options: LogOptions,
): Promise<OpenedLog> {
  await resumeSalvage(disk, directory);
  try {
    return await openWhole(disk, directory, identity, snapshot, options);
  } catch (error) {
    if (!(error instanceof DamagedError)) throw error;
    const { isNewborn: _, ...own } = identity;
    await salvage(disk, directory, own, error, { snapshots: false, configuration: snapshot.configuration });
    return { ...(await openWhole(disk, directory, identity, snapshot, options)), damage: error.message };
  }
}

/** Throws DamagedError for whatever contradicts itself. */
async function openWhole(
  disk: Disk,
  directory: string,
  identity: LogIdentity,
  snapshot: LastSnapshot,
  options: LogOptions,
): Promise<OpenedLog> {
  const files: ReadSegment[] = [];
  try {
    await readSegments(disk, directory, files);
    return await openRead(disk, directory, identity, snapshot, options, files);
  } catch (error) {
    for (const { file } of files) await file.close().catch(() => undefined);
    throw error;
  }
}

async function openRead(
  disk: Disk,
  directory: string,
  identity: LogIdentity,
  snapshot: LastSnapshot,
  options: LogOptions,
  files: ReadSegment[],
): Promise<OpenedLog> {
  await endInterruptedRotation(disk, directory, files);
  const fresh = files.length === 0 || (files.length === 1 && neverBegun(files[0]!.scan));
  const wasHere = (await disk.list(directory)).includes(MARK_NAME);
  if (fresh && wasHere)
    throw new DamagedError(
      directory,
      'this member has kept a log in it, which is gone with everything that it promised',
    );
  if (fresh && (snapshot.index > 0 || (files[0] !== undefined && files[0].number > 1)))
    throw new DamagedError(directory, `the log of snapshot ${snapshot.index} is missing`);
  const {
    begin,
    place: known,
    ...opened
  } = fresh
    ? await createLog(disk, directory, identity, options, files)
    : await restoreLog(disk, directory, identity, snapshot, options, files);
  // What the page cache still held of a killed process is counted as durable from here on: make it so. The write below
  // does it for the last file; an `end` record may be as young in the file before it.
  await files.at(-2)?.file.datasync();
  // Before anything is promised, and behind the log: a mark without one means that one was lost.
  if (!wasHere) await leaveMark(disk, directory);
  const place = await disk.identify(`${directory}/${MARK_NAME}`);
  // A copy may lack the mark; and where it was lost, nobody can tell.
  const isCopy = known !== '' && place !== '' && place !== known;
  const doubted = isCopy && !isAlone(opened, snapshot, identity.member) ? doubt(opened, 'copied') : undefined;
  const standing = doubted ?? opened.standing;
  await opened.log.write([
    {
      ...begin,
      start: { incarnation: opened.incarnation, place },
      ...(doubted === undefined ? {} : { standing, hardState: begin.hardState ?? opened.log.hardState }),
    },
  ]);
  await disk.syncDirectory(directory);
  await finishSalvage(disk, directory);
  return { ...opened, standing, damage: undefined };
}

const doubt = ({ standing, incarnation }: Pick<OpenedLog, 'standing' | 'incarnation'>, reason: DoubtReason): Standing =>
  standing.doubt === '' ? { ...standing, doubt: reason, incarnation } : standing;

/** Whoever copies the directory of a single member wants what is in it: nobody else has promised anything. */
function isAlone(
  { configurationEntries, firstConfiguration }: Pick<OpenedLog, 'configurationEntries' | 'firstConfiguration'>,
  snapshot: LastSnapshot,
  member: string,
): boolean {
  const last = configurationEntries.at(-1);
  const configuration = (last && decodeConfiguration(last.data)) ?? snapshot.configuration ?? firstConfiguration;
  return votersOf(configuration).join() === member;
}

/**
 * Whoever finds this beside no log knows that one was lost: a member that began again from nothing, under its old name,
 * would vote twice in a term and forget what it had acknowledged.
 */
async function leaveMark(disk: Disk, directory: string): Promise<void> {
  const file = await disk.open(`${directory}/${MARK_NAME}`, { create: true });
  await file.datasync();
  await file.close();
  await disk.syncDirectory(directory);
}

interface ReadSegment extends Segment {
  scan: Scan;
}

async function readSegments(disk: Disk, directory: string, files: ReadSegment[]): Promise<void> {
  for (const name of await disk.list(directory)) {
    const number = Number(SEGMENT_NAME.exec(name)?.[1] ?? 0);
    if (number === 0) continue;
    const before = files.at(-1);
    if (before !== undefined && number !== before.number + 1)
      throw new DamagedError(directory, `${segmentName(before.number + 1)} is missing before ${name}`);
    const file = await disk.open(`${directory}/${name}`, { create: false });
    const bytes = Buffer.from(await file.read(0, await file.size()));
    const scanned = scan(bytes, number);
    files.push({ number, file, scan: scanned, end: scanned.end.offset, allocated: bytes.length, maxIndex: 0 });
  }
}

/** The last file holds nothing yet and the one before has no `end`: the crash came between the two. */
async function endInterruptedRotation(disk: Disk, directory: string, files: ReadSegment[]): Promise<void> {
  const [before, last] = files.slice(-2);
  if (before === undefined || last === undefined) return;
  if (endsHere(before.scan) || last.scan.end.found === 'damage' || last.scan.records.length > 1) return;
  files.pop();
  await last.file.close();
  await disk.remove(`${directory}/${segmentName(last.number)}`);
  await disk.syncDirectory(directory);
}

function endsHere(scanned: Scan): boolean {
  const record = scanned.records.at(-1);
  return record !== undefined && decodeRecord(record).type === 'end';
}

function neverBegun(scanned: Scan): boolean {
  return scanned.records.length === 0 && scanned.end.found !== 'damage';
}

/** With what this life must write first. */
type Opened = Omit<OpenedLog, 'damage'> & { begin: Pick<LogWrite, 'reset' | 'hardState'>; place: string };

async function createLog(
  disk: Disk,
  directory: string,
  identity: LogIdentity,
  options: LogOptions,
  files: ReadSegment[],
): Promise<Opened> {
  for (const left of files.splice(0)) await left.file.close();
  const { clusterId, member, firstConfiguration, isNewborn = false } = identity;
  const header = { version: 1 as const, clusterId, member, firstConfiguration, incarnation: 1 };
  const standing: Standing = { ...NOTHING_MISSING, doubt: isNewborn ? 'newborn' : '', incarnation: 1 };
  const segment = await createSegment(disk, directory, 1, 1, { ...header, hardState: NO_HARD_STATE, standing });
  await disk.syncDirectory(directory);
  const table = new EntryTable(1, options.cachedBytes);
  const state = { header, hardState: NO_HARD_STATE, standing, nextBatch: 2, segments: [segment], table };
  return {
    log: new SegmentedLog(disk, directory, options, state),
    incarnation: 1,
    standing,
    place: '',
    firstConfiguration,
    configurationEntries: [],
    tornTail: undefined,
    begin: {},
  };
}

async function restoreLog(
  disk: Disk,
  directory: string,
  identity: LogIdentity,
  snapshot: { index: Index; term: Term },
  options: LogOptions,
  files: ReadSegment[],
): Promise<Opened> {
  const tornTail = await cutTail(files);
  const replayed = replay(files, identity, snapshot, options);
  const { table } = replayed;
  const reset = joinToSnapshot(table, snapshot, directory);
  const incarnation = replayed.incarnation + 1;
  const last = files.at(-1)!;
  const log = new SegmentedLog(disk, directory, options, {
    header: { ...replayed.header, incarnation },
    hardState: replayed.hardState,
    standing: replayed.standing,
    nextBatch: (last.scan.records.at(-1)?.batch ?? 0) + 1,
    segments: files.map(({ number, file, end, allocated, maxIndex }) => ({ number, file, end, allocated, maxIndex })),
    table,
  });
  return {
    log,
    incarnation,
    standing: replayed.standing,
    place: replayed.place,
    firstConfiguration: replayed.header.firstConfiguration,
    configurationEntries: replayed.configurations.filter((entry) => table.at(entry.index)?.term === entry.term),
    tornTail,
    begin: {
      reset: reset ? { index: snapshot.index, term: snapshot.term } : undefined,
      // The crash came between the installed snapshot and the hard state behind it. In a term that was not durable here
      // nobody can have got this member's vote.
      hardState:
        replayed.hardState.term < snapshot.term ? { term: snapshot.term, vote: '', commit: snapshot.index } : undefined,
    },
  };
}

/** Only the last file may end torn; the others were finished by an `end` record. */
async function cutTail(files: ReadSegment[]): Promise<string | undefined> {
  let torn: string | undefined;
  for (const [i, segment] of files.entries()) {
    const isLast = i === files.length - 1;
    const { end } = segment.scan;
    if (end.found === 'damage') throw new DamagedError(segment.file.path, `${end.why}, at byte ${end.offset}`);
    if (segment.scan.records.length === 0)
      throw new DamagedError(segment.file.path, 'it does not begin with its header');
    if (!isLast && !endsHere(segment.scan))
      throw new DamagedError(segment.file.path, `the log ends at byte ${end.offset}, but a later segment goes on`);
    if (isLast && endsHere(segment.scan))
      throw new DamagedError(segment.file.path, 'it says that the log goes on in a next segment, which is missing');
    if (isLast && end.found === 'torn') {
      // Left by a write that a disk put behind its place, and confirmed.
      const place = { segment: segment.number, offset: end.offset };
      const bytes = Buffer.from(await segment.file.read(0, segment.allocated));
      if (isElsewhere([{ number: segment.number, bytes }], place))
        throw new DamagedError(segment.file.path, `what belongs at byte ${end.offset} lies elsewhere in it`);
      torn = `${segment.file.path} at byte ${end.offset}: ${end.why}`;
      // To zeros again, and that durably: what is left of a torn write must never look like part of a later one.
      await segment.file.truncate(end.offset);
      await segment.file.datasync();
      segment.allocated = end.offset;
    }
  }
  return torn;
}

interface Replayed {
  table: EntryTable;
  header: Omit<SegmentHeader, 'hardState' | 'standing'>;
  hardState: HardState;
  standing: Standing;
  incarnation: number;
  place: string;
  configurations: Entry[];
}

function replay(
  files: ReadSegment[],
  identity: LogIdentity,
  snapshot: { index: Index },
  options: LogOptions,
): Replayed {
  const state: Replayed = {
    table: new EntryTable(0, options.cachedBytes),
    header: firstHeader(files[0]!, identity),
    hardState: NO_HARD_STATE,
    standing: NOTHING_MISSING,
    incarnation: 0,
    place: '',
    configurations: [],
  };
  let begun = false;
  let batch = 0;
  for (const segment of files) {
    const { path } = segment.file;
    const first = segment.scan.records[0]!;
    if (batch > 0 && first.batch !== batch + 1)
      throw new DamagedError(path, `it begins with batch ${first.batch} after batch ${batch}`);
    batch = segment.scan.records.at(-1)!.batch;
    for (const scanned of segment.scan.records) {
      const record = decodeRecord(scanned);
      if (record.type === 'entry') {
        if (!begun) state.table.reset(record.entry.index);
        begun = true;
        replayEntry(state, segment, scanned, record.entry, snapshot.index);
      } else {
        if (record.type === 'reset') begun = true;
        replayOther(state, record);
      }
    }
  }
  if (!begun) state.table.reset(1);
  return state;
}

function firstHeader(segment: ReadSegment, identity: LogIdentity): SegmentHeader {
  const record = decodeRecord(segment.scan.records[0]!);
  if (record.type !== 'segment') throw new DamagedError(segment.file.path, 'it does not begin with its header');
  const { clusterId, member } = record.header;
  if (clusterId !== identity.clusterId || member !== identity.member)
    throw new Error(
      `${segment.file.path} belongs to member ${member} of cluster ${clusterId}, not to ${identity.member} of ` +
        `${identity.clusterId}: give this member its own data directory`,
    );
  return record.header;
}

function replayEntry(
  state: Replayed,
  segment: ReadSegment,
  scanned: ScannedRecord,
  entry: Entry,
  snapshotIndex: Index,
): void {
  const { table } = state;
  if (entry.index > table.lastIndex + 1)
    throw new DamagedError(segment.file.path, `entry ${entry.index} follows entry ${table.lastIndex}`);
  table.truncateFrom(entry.index);
  const { offset, payload } = scanned;
  table.push(entry.index, { term: entry.term, segment: segment.number, offset, payloadBytes: payload.length });
  if (entry.index > snapshotIndex) table.keep(entry);
  segment.maxIndex = Math.max(segment.maxIndex, entry.index);
  if (entry.kind === 'configuration') state.configurations.push(entry);
}

function replayOther(state: Replayed, record: Exclude<LogRecord, { type: 'entry' }>): void {
  switch (record.type) {
    case 'segment':
      replayHardState(state, record.header.hardState, record.header.standing);
      state.incarnation = Math.max(state.incarnation, record.header.incarnation);
      state.place = record.header.place ?? state.place;
      return;
    case 'hardState':
      return replayHardState(state, record.hardState, record.standing);
    case 'start':
      state.place = record.place ?? state.place;
      state.incarnation = Math.max(state.incarnation, record.incarnation);
      return;
    case 'truncate':
      state.table.truncateFrom(record.from);
      return;
    case 'reset':
      state.table.reset(record.index + 1);
      return;
    case 'end':
      return;
  }
}

function replayHardState(state: Replayed, hardState: HardState, standing: Standing = NOTHING_MISSING): void {
  state.hardState = newer(state.hardState, hardState);
  state.standing = standing;
  state.incarnation = Math.max(state.incarnation, standing.incarnation);
}

function newer(before: HardState, after: HardState): HardState {
  invariant(after.term >= before.term, `the log holds term ${after.term} after term ${before.term}`);
  return after;
}

/**
 * A snapshot that was installed is durable before the log is reset: the crash may have come between. True: the log must
 * be reset after it, because it ends before the snapshot, or tells another story at its index.
 */
function joinToSnapshot(table: EntryTable, snapshot: { index: Index; term: Term }, directory: string): boolean {
  const place = table.at(snapshot.index);
  if (table.firstIndex > snapshot.index + 1)
    throw new DamagedError(
      directory,
      `entries ${snapshot.index + 1} to ${table.firstIndex - 1} between snapshot and log are missing`,
    );
  const disagrees = place !== undefined && place.term !== snapshot.term;
  if (table.lastIndex >= snapshot.index && !disagrees) return false;
  table.reset(snapshot.index + 1);
  return true;
}
