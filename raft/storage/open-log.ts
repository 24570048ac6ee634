// Decides what of the segments on the disk is the log: joins it to the snapshot, begins this life of the member, and begins
// anew behind damage. Never guesses: what contradicts itself is taken out of the way (salvage.ts).
import { decodeConfiguration, votersOf } from '../core/configuration.ts';
import type { Configuration, DoubtReason, Entry, Index, Standing, Term } from '../core/types.ts';
import { DamagedError, type Disk } from './disk.ts';
import { EntryTable } from './entry-table.ts';
import { NOTHING_MISSING } from './log-record.ts';
import { cutTail, endInterruptedRotation, neverBegun, readSegments, type ReadSegment } from './read-segments.ts';
import { joinToSnapshot, NO_HARD_STATE, replay } from './replay.ts';
import { finishSalvage, resumeSalvage, salvage } from './salvage.ts';
import { createSegment } from './segment-file.ts';
import { SegmentedLog, type LogOptions, type LogWrite } from './segmented-log.ts';

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

/** An empty file: its name says that there was a log here, and the file itself which directory this is. */
const MARK_NAME = 'log.begun';

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
  // What the page cache still held of a killed process is counted as durable from here on: make it so before anything is written
  // behind it. An `end` record may be as young in the file before the last.
  for (const { file } of files.slice(-2)) await file.datasync();
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
