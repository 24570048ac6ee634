// Decides what the records of a log, read in order, have left: which entries, which term and vote, which standing. Never
// reads or changes a file; what contradicts itself is damage.
import { invariant } from '../../lib/base/errors.ts';
import type { Entry, HardState, Index, Standing, Term } from '../core/types.ts';
import { DamagedError } from './disk.ts';
import { EntryTable } from './entry-table.ts';
import { decodeRecord, NOTHING_MISSING, type LogRecord, type SegmentHeader } from './log-record.ts';
import type { ReadSegment } from './read-segments.ts';
import type { ScannedRecord } from './record.ts';
import type { LogOptions } from './segmented-log.ts';

export const NO_HARD_STATE: HardState = { term: 0, vote: '', commit: 0 };

export interface Replayed {
  table: EntryTable;
  header: Omit<SegmentHeader, 'hardState' | 'standing'>;
  hardState: HardState;
  standing: Standing;
  incarnation: number;
  place: string;
  configurations: Entry[];
}

export function replay(
  files: ReadSegment[],
  identity: { clusterId: string; member: string },
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

function firstHeader(segment: ReadSegment, identity: { clusterId: string; member: string }): SegmentHeader {
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
  invariant(after.term >= before.term, 'the log holds term % after term %', after.term, before.term);
  return after;
}

/**
 * A snapshot that was installed is durable before the log is reset: the crash may have come between. True: the log must
 * be reset after it, because it ends before the snapshot, or tells another story at its index.
 */
export function joinToSnapshot(table: EntryTable, snapshot: { index: Index; term: Term }, directory: string): boolean {
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
