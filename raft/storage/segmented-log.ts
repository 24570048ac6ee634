// Decides how the log lies in segment files: one write and one fdatasync a batch, a new file when one is full, whole
// files dropped behind a snapshot. Never goes on after a failed write or fsync: from then on every call fails, because
// nobody can say what is on the disk (the page cache may claim what the disk has lost).
import { BrokenPromiseError, invariant, messageOf } from '../../lib/base/errors.ts';
import type { Entry, HardState, Index, LogReader, Standing, Term } from '../core/types.ts';
import { DamagedError, type Disk } from './disk.ts';
import { EntryTable, type EntryPlace } from './entry-table.ts';
import { decodeRecord, encodeRecord, isMissingNothing, type LogRecord, type SegmentHeader } from './log-record.ts';
import { batchBytes, encodeBatch, payloadBytes, readRecord, recordBytes } from './record.ts';
import { layZeros, NextSegment, segmentName, type Segment, type SegmentSizes } from './segment-file.ts';
import { verifySegment } from './verify-segment.ts';

export interface LogOptions extends SegmentSizes {
  /** Entries read back for followers that are behind, or for a restart. */
  cachedBytes: number;
  /** Bytes read at once when an entry is not in memory. */
  readBytes: number;
}

export const DEFAULT_LOG_OPTIONS: LogOptions = {
  segmentBytes: 16_777_216,
  extendBytes: 1_048_576,
  cachedBytes: 67_108_864,
  readBytes: 4_194_304,
};

const SCRATCH_BYTES = 131_072;

/** What one `write` makes durable. */
export interface LogWrite {
  /** Drop every entry; the log goes on after this one. */
  reset?: { index: Index; term: Term } | undefined;
  truncateFrom?: Index | undefined;
  entries?: readonly Entry[] | undefined;
  hardState?: HardState | undefined;
  /** With it goes the hard state. */
  standing?: Standing | undefined;
  start?: { incarnation: number; place: string } | undefined;
}

export interface LogState {
  header: Omit<SegmentHeader, 'hardState' | 'standing'>;
  hardState: HardState;
  standing: Standing;
  nextBatch: number;
  segments: Segment[];
  table: EntryTable;
}

export class SegmentedLog implements LogReader {
  /** Called when an entry that was durable cannot be read back. */
  onDamage: (error: Error) => void = (error) => {
    throw error;
  };
  /** Called when something that was 'unavailable' has been read. */
  onReadable: () => void = () => {};
  readonly table: EntryTable;
  private readonly disk: Disk;
  private readonly directory: string;
  private readonly options: LogOptions;
  private header: Omit<SegmentHeader, 'hardState' | 'standing'>;
  private readonly segments: Segment[];
  private hardStateOnDisk: HardState;
  private standingOnDisk: Standing;
  private nextBatch: number;
  private failure: Error | undefined;
  private writing = false;
  /** One batch at a time is encoded and written: most fit in here, and leave nothing to collect. */
  private readonly scratch = Buffer.allocUnsafe(SCRATCH_BYTES);
  private loading = false;
  /** Never fails: what it failed with is in `extendFailure`. */
  private extending: Promise<void> | undefined;
  private extendFailure: Error | undefined;
  private readonly next: NextSegment;

  constructor(disk: Disk, directory: string, options: LogOptions, state: LogState) {
    this.disk = disk;
    this.directory = directory;
    this.options = options;
    this.header = state.header;
    this.segments = state.segments;
    this.table = state.table;
    this.hardStateOnDisk = state.hardState;
    this.standingOnDisk = state.standing;
    this.nextBatch = state.nextBatch;
    this.next = new NextSegment(disk, directory, options);
  }

  get hardState(): HardState {
    return this.hardStateOnDisk;
  }

  get standing(): Standing {
    return this.standingOnDisk;
  }

  get bytes(): number {
    return this.segments.reduce((sum, segment) => sum + segment.end, 0);
  }

  get segmentCount(): number {
    return this.segments.length;
  }

  /** So many were made while a batch waited for it. */
  get segmentsMadeLate(): number {
    return this.next.madeLate;
  }

  // ---- writing ----------------------------------------------------------------------------------------------------

  /** Resolves when everything in `writes` is durable. One call at a time. */
  async write(writes: readonly LogWrite[]): Promise<void> {
    if (this.failure !== undefined)
      throw new BrokenPromiseError(`the log is closed since a write failed: ${messageOf(this.failure)}`);
    invariant(!this.writing, 'the log writes one batch at a time');
    for (const { standing, hardState } of writes)
      invariant(standing === undefined || hardState !== undefined, 'a standing is written with the hard state');
    this.writing = true;
    try {
      let { standing } = this;
      const records = writes.flatMap((write) => {
        standing = write.standing ?? standing;
        return recordsOf(write, standing);
      });
      if (records.length > 0) await this.writeBatch(records, writes);
    } catch (error) {
      this.failure = error as Error;
      throw error;
    } finally {
      this.writing = false;
    }
  }

  private async writeBatch(records: LogRecord[], writes: readonly LogWrite[]): Promise<void> {
    const encoded = records.map(encodeRecord);
    const full = this.active.end + batchBytes(encoded) > this.options.segmentBytes;
    if (full && this.active.maxIndex > 0) await this.beginSegment();
    const segment = this.active;
    const { end } = segment;
    const at = { segment: segment.number, offset: end, batch: this.nextBatch };
    const batch = encodeBatch(encoded, at, this.scratch);
    await this.put(segment, batch);
    this.next.prepare(segment);
    let offset = end;
    for (const [i, record] of records.entries()) {
      const bytes = payloadBytes(encoded[i]!);
      this.note(record, { segment: segment.number, offset, payloadBytes: bytes });
      offset += recordBytes(bytes);
    }
    for (const { hardState, standing, start } of writes) {
      this.hardStateOnDisk = hardState ?? this.hardStateOnDisk;
      this.standingOnDisk = standing ?? this.standingOnDisk;
      if (standing === undefined && start === undefined) continue;
      const incarnation = Math.max(this.header.incarnation, standing?.incarnation ?? 0);
      this.header = { ...this.header, incarnation, ...(start === undefined ? {} : { place: start.place }) };
    }
  }

  private note(record: LogRecord, place: Omit<EntryPlace, 'term'>): void {
    if (record.type === 'truncate') this.table.truncateFrom(record.from);
    else if (record.type === 'reset') this.table.reset(record.index + 1);
    else if (record.type === 'entry') {
      const { index, term } = record.entry;
      this.table.truncateFrom(index);
      this.table.push(index, { ...place, term });
      this.active.maxIndex = Math.max(this.active.maxIndex, index);
    }
  }

  /** Before a batch needs it: one that waited for it would take ten times as long. */
  private extendAhead(segment: Segment): void {
    const past = segment.end + this.options.extendBytes / 2;
    if (this.extending !== undefined || past <= segment.allocated || past > this.options.segmentBytes) return;
    this.extending = layZeros(segment, past, this.options)
      .catch((error: unknown) => (this.extendFailure = error as Error))
      .then(() => (this.extending = undefined));
  }

  /** Writes at the end of a segment and makes it durable. */
  private async put(segment: Segment, batch: Buffer): Promise<void> {
    const after = segment.end + batch.length;
    if (after > segment.allocated) await this.extending;
    if (this.extendFailure !== undefined) throw this.extendFailure;
    if (after > segment.allocated) await layZeros(segment, after, this.options);
    await segment.file.write(batch, segment.end);
    await segment.file.datasync();
    segment.end = after;
    this.nextBatch++;
    this.extendAhead(segment);
  }

  /**
   * The new file is durable, name and header, before the old one says that the log goes on there: so a segment without
   * an `end` record is the last one with anything in it, and an `end` record without a next file is damage.
   */
  private async beginSegment(): Promise<void> {
    await this.extending;
    const old = this.active;
    const endBatch = this.nextBatch++;
    const { hardStateOnDisk: hardState, standingOnDisk: standing } = this;
    const next = await this.next.take(old.number + 1, this.nextBatch, { ...this.header, hardState, standing });
    const at = { segment: old.number, offset: old.end, batch: endBatch };
    await this.put(old, encodeBatch([encodeRecord({ type: 'end' })], at));
    this.segments.push(next);
  }

  private get active(): Segment {
    return this.segments.at(-1)!;
  }

  /** Drops the files in which every entry is at or before `through`. */
  async compact(through: Index): Promise<void> {
    this.table.dropThrough(through);
    while (this.segments.length > 1 && this.segments[0]!.maxIndex <= through) {
      const [oldest] = this.segments.splice(0, 1);
      await this.extending;
      await oldest!.file.close();
      await this.disk.remove(`${this.directory}/${segmentName(oldest!.number)}`);
      // Each by itself: a later file must not vanish before an earlier one.
      await this.disk.syncDirectory(this.directory);
    }
  }

  async close(): Promise<void> {
    this.failure ??= new Error('it was closed');
    await this.extending;
    await this.next.close();
    for (const segment of this.segments) await segment.file.close();
  }

  // ---- reading ----------------------------------------------------------------------------------------------------

  term(index: Index): Term | 'compacted' | 'unavailable' {
    const place = this.table.at(index);
    if (place !== undefined) return place.term;
    return index < this.table.firstIndex ? 'compacted' : 'unavailable';
  }

  entries(from: Index, to: Index, maxBytes: number): Entry[] | 'compacted' | 'unavailable' {
    if (from < this.table.firstIndex) return 'compacted';
    const found = this.table.take(from, Math.min(to, this.table.lastIndex), maxBytes);
    if (found.length > 0) return found;
    if (this.table.at(from) !== undefined && !this.loading) {
      this.loading = true;
      void this.load(from).finally(() => {
        this.loading = false;
        // Whoever asked goes on at once: one read for each heartbeat would take a follower for ever.
        if (this.failure === undefined) this.onReadable();
      });
    }
    return 'unavailable';
  }

  /** Reads every record again, a piece at each step; throws DamagedError for what is not as it was written. */
  async *verify(): AsyncGenerator<void> {
    // Those that there are now: one that is dropped meanwhile would move the others.
    const segments = this.segments.slice();
    for (const segment of segments)
      yield* verifySegment(segment, () => this.failure === undefined && this.segments.includes(segment));
  }

  private async load(from: Index): Promise<void> {
    const first = this.table.at(from)!;
    const segment = this.segments.find((candidate) => candidate.number === first.segment)!;
    try {
      const bytes = Buffer.from(await segment.file.read(first.offset, this.lengthToRead(from, first)));
      for (let index = from; ; index++) {
        const place = this.table.at(index);
        // A place may have moved while the disk was read: it is asked for again.
        if (place === undefined || place.segment !== first.segment || place.offset < first.offset) return;
        const end = place.offset + recordBytes(place.payloadBytes) - first.offset;
        if (end > bytes.length) return;
        this.table.keep(this.entryIn(segment, bytes, index, place, first.offset));
      }
    } catch (error) {
      // A file that was dropped or closed while it was read is no damage.
      if (this.failure === undefined && this.segments.includes(segment)) this.onDamage(error as Error);
    }
  }

  private lengthToRead(from: Index, first: EntryPlace): number {
    let end = first.offset;
    for (let index = from; ; index++) {
      const place = this.table.at(index);
      if (place === undefined || place.segment !== first.segment) break;
      const after = place.offset + recordBytes(place.payloadBytes);
      // Never more than the cache holds, or the entry that was asked for would be the first to go.
      if (index > from && after - first.offset > Math.min(this.options.readBytes, this.options.cachedBytes / 2)) break;
      end = after;
    }
    return end - first.offset;
  }

  private entryIn(segment: Segment, bytes: Buffer, index: Index, place: EntryPlace, base: number): Entry {
    const path = segment.file.path;
    const record = readRecord(bytes, segment.number, place.offset - base, place.offset);
    if (typeof record === 'string') throw new DamagedError(path, `entry ${index} at ${place.offset} (${record})`);
    const decoded = decodeRecord(record);
    if (decoded.type !== 'entry' || decoded.entry.index !== index || decoded.entry.term !== place.term)
      throw new DamagedError(path, `a ${decoded.type} stands at ${place.offset} instead of entry ${index}`);
    return decoded.entry;
  }
}

/** `standing`: after this write. */
function recordsOf(write: LogWrite, standing: Standing): LogRecord[] {
  const records: LogRecord[] = [];
  if (write.start !== undefined) records.push({ type: 'start', ...write.start });
  if (write.reset !== undefined) records.push({ type: 'reset', ...write.reset });
  if (write.truncateFrom !== undefined) records.push({ type: 'truncate', from: write.truncateFrom });
  // Before the entries: a term must never be newer in the log than in the hard state.
  if (write.hardState !== undefined) records.push(hardStateRecord(write.hardState, standing, write.standing));
  for (const entry of write.entries ?? []) records.push({ type: 'entry', entry });
  return records;
}

function hardStateRecord(hardState: HardState, standing: Standing, changed: Standing | undefined): LogRecord {
  return changed === undefined && isMissingNothing(standing)
    ? { type: 'hardState', hardState }
    : { type: 'hardState', hardState, standing };
}
