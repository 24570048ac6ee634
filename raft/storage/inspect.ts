// Decides what a member's data directory holds and what is wrong with it, where, in words. Never writes, never repairs,
// and never stops at the first fault: whoever looks wants to know them all.
import { createHash } from 'node:crypto';
import { messageOf } from '../../lib/base/errors.ts';
import type { Entry, HardState, Index, SnapshotDescription } from '../core/types.ts';
import { decodeConfiguration } from '../core/configuration.ts';
import type { Disk } from './disk.ts';
import { decodeRecord, type LogRecord, type SegmentHeader } from './log-record.ts';
import { scan, type Scan } from './record.ts';
import { segmentName } from './segment-file.ts';
import { decodeSnapshotHeader, SNAPSHOT_HEADER_BYTES } from './snapshot-files.ts';

export interface Finding {
  /** damage: what was once durable is not there or contradicts itself. note: worth knowing, nothing is wrong. */
  kind: 'damage' | 'note';
  path: string;
  /** In the file, in bytes; undefined: the file as a whole. */
  offset?: number | undefined;
  what: string;
}

export interface Inspection {
  directory: string;
  findings: Finding[];
  /** Of the first segment; undefined: there is no readable one. */
  identity: Pick<SegmentHeader, 'clusterId' | 'member' | 'firstConfiguration'> | undefined;
  incarnation: number;
  hardState: HardState;
  segments: { path: string; bytes: number; records: number }[];
  snapshot: SnapshotDescription | undefined;
  snapshotPath: string;
  firstIndex: Index;
  lastIndex: Index;
  /** Those after the snapshot, in order. */
  entries: Entry[];
}

const SEGMENT = /^log-(\d{10})\.segment$/;
const SNAPSHOT = /^snapshot-(\d{16})$/;
const READ_BYTES = 1_048_576;

/** Throws only when the directory cannot be read at all. */
export async function inspect(disk: Disk, directory: string): Promise<Inspection> {
  const names = await disk.list(directory);
  const found: Inspection = {
    directory,
    findings: [],
    identity: undefined,
    incarnation: 0,
    hardState: { term: 0, vote: '', commit: 0 },
    segments: [],
    snapshot: undefined,
    snapshotPath: '',
    firstIndex: 1,
    lastIndex: 0,
    entries: [],
  };
  await readSnapshot(disk, found, names);
  const replay = new Replay(found);
  const numbers = names.flatMap((name) => SEGMENT.exec(name)?.[1] ?? []).map(Number);
  for (const [i, number] of numbers.entries()) {
    const path = `${directory}/${segmentName(number)}`;
    if (i > 0 && number !== numbers[i - 1]! + 1)
      replay.damage(directory, undefined, `${segmentName(numbers[i - 1]! + 1)} is missing before ${path}`);
    replay.segment(path, await readWhole(disk, path), number, i === numbers.length - 1);
  }
  replay.finish();
  return found;
}

/** All bytes of the snapshot, checked against its hash: what is wrong is added to the findings. */
export async function* snapshotBytes(disk: Disk, found: Inspection): AsyncGenerator<Uint8Array> {
  const { snapshot, snapshotPath: path } = found;
  if (snapshot === undefined) return;
  const file = await disk.open(path, { create: false });
  const hash = createHash('sha256');
  try {
    for (let offset = 0; offset < snapshot.sizeBytes;) {
      const length = Math.min(65_536, snapshot.sizeBytes - offset);
      const piece = await file.read(SNAPSHOT_HEADER_BYTES + offset, length);
      if (piece.length === 0) break;
      hash.update(piece);
      offset += piece.length;
      yield piece;
    }
  } finally {
    await file.close();
  }
  if (hash.digest('hex') !== snapshot.hash)
    found.findings.push({ kind: 'damage', path, what: 'its bytes do not have the SHA-256 that its header says' });
}

async function readSnapshot(disk: Disk, found: Inspection, names: readonly string[]): Promise<void> {
  const own = names.filter((name) => SNAPSHOT.test(name));
  for (const name of own) {
    const path = `${found.directory}/${name}`;
    const file = await disk.open(path, { create: false });
    try {
      const header = decodeSnapshotHeader(path, Buffer.from(await file.read(0, SNAPSHOT_HEADER_BYTES)));
      const size = (await file.size()) - SNAPSHOT_HEADER_BYTES;
      if (header.snapshot.index !== Number(SNAPSHOT.exec(name)![1]))
        throw new Error(`its header says that it is the snapshot at entry ${header.snapshot.index}`);
      if (size < header.snapshot.sizeBytes)
        throw new Error(`it holds ${size} bytes of a state of ${header.snapshot.sizeBytes}`);
      found.snapshot = header.snapshot;
      found.snapshotPath = path;
    } catch (error) {
      found.findings.push({ kind: 'damage', path, what: messageOf(error) });
    } finally {
      await file.close();
    }
  }
  if (own.length > 1)
    found.findings.push({ kind: 'note', path: found.directory, what: `${own.length} snapshots; the newest counts` });
}

async function readWhole(disk: Disk, path: string): Promise<Buffer> {
  const file = await disk.open(path, { create: false });
  try {
    const size = await file.size();
    const out = Buffer.alloc(size);
    for (let at = 0; at < size;) {
      const piece = await file.read(at, Math.min(READ_BYTES, size - at));
      if (piece.length === 0) break;
      out.set(piece, at);
      at += piece.length;
    }
    return out;
  } finally {
    await file.close();
  }
}

/** Follows the log from its first record, as a start of the member would. */
class Replay {
  private readonly found: Inspection;
  private batch = 0;
  private begun = false;
  private lastTerm = 0;
  private lastType: LogRecord['type'] | undefined;
  private unended: { path: string; offset: number } | undefined;

  constructor(found: Inspection) {
    this.found = found;
  }

  damage(path: string, offset: number | undefined, what: string): void {
    this.found.findings.push({ kind: 'damage', path, offset, what });
  }

  segment(path: string, bytes: Buffer, number: number, isLast: boolean): void {
    const scanned = scan(bytes, number);
    const { records, end } = scanned;
    this.found.segments.push({ path, bytes: end.offset, records: records.length });
    if (this.endsUnsaid(path, scanned, isLast)) return;
    const first = records[0];
    if (first === undefined) this.damage(path, 0, 'it does not begin with its header');
    else if (this.batch > 0 && first.batch !== this.batch + 1)
      this.damage(path, first.offset, `it begins with batch ${first.batch} after batch ${this.batch}`);
    this.lastType = undefined;
    for (const record of records) this.record(path, record);
    this.batch = records.at(-1)?.batch ?? this.batch;
    this.end(path, end, isLast);
  }

  /** The segment before has no `end`. True: since this one was only being begun, and nothing is wrong. */
  private endsUnsaid(path: string, { records, end }: Scan, isLast: boolean): boolean {
    const { unended } = this;
    this.unended = undefined;
    if (unended === undefined) return false;
    if (isLast && records.length <= 1 && end.found !== 'damage') {
      // Ready for when the one before it is full: so it lies in most directories.
      if (records.length > 0 || end.found === 'torn')
        this.note(path, 0, 'a segment that was being begun; the next start removes it');
      return true;
    }
    this.damage(unended.path, unended.offset, 'the log ends here, but a later segment goes on');
    return false;
  }

  private end(path: string, end: Scan['end'], isLast: boolean): void {
    if (end.found === 'damage') return this.damage(path, end.offset, end.why);
    const goesOn = this.lastType === 'end';
    if (isLast && goesOn) this.damage(path, end.offset, 'the log goes on in a next segment, which is missing');
    if (!isLast && !goesOn) this.unended = { path, offset: end.offset };
    if (end.found === 'torn' && isLast)
      this.note(path, end.offset, `an unfinished write (${end.why}); the next start cuts it off`);
    else if (end.found === 'torn') this.damage(path, end.offset, end.why);
  }

  private note(path: string, offset: number, what: string): void {
    this.found.findings.push({ kind: 'note', path, offset, what });
  }

  private record(path: string, scanned: Scan['records'][number]): void {
    let record: LogRecord;
    try {
      record = decodeRecord(scanned);
    } catch (error) {
      return this.damage(path, scanned.offset, messageOf(error));
    }
    this.lastType = record.type;
    this.take(path, scanned.offset, record);
  }

  private take(path: string, offset: number, record: LogRecord): void {
    const { found } = this;
    switch (record.type) {
      case 'segment':
        return this.header(path, offset, record.header);
      case 'hardState':
        return this.hardState(path, offset, record.hardState);
      case 'start':
        found.incarnation = Math.max(found.incarnation, record.incarnation);
        return;
      case 'truncate':
        return this.cut(record.from);
      case 'reset':
        this.begun = true;
        this.restart(record.index + 1);
        return;
      case 'entry':
        return this.entry(path, offset, record.entry);
      case 'end':
        return;
      default:
        // Of a newer version, or of another part: its checksum was right, and that is all that can be said.
        return;
    }
  }

  private header(path: string, offset: number, header: SegmentHeader): void {
    const { found } = this;
    const { clusterId, member, firstConfiguration } = header;
    found.identity ??= { clusterId, member, firstConfiguration };
    if (clusterId !== found.identity.clusterId || member !== found.identity.member)
      this.damage(path, offset, `it belongs to ${member} of cluster ${clusterId}, the segments before it do not`);
    found.incarnation = Math.max(found.incarnation, header.incarnation);
    this.hardState(path, offset, header.hardState);
  }

  private hardState(path: string, offset: number, hardState: HardState): void {
    const { term, vote } = this.found.hardState;
    if (hardState.term < term) this.damage(path, offset, `term ${hardState.term} stands after term ${term}`);
    else if (hardState.term === term && vote !== '' && hardState.vote !== vote)
      this.damage(path, offset, `two votes in term ${term}: ${vote} and ${hardState.vote || 'nobody'}`);
    this.found.hardState = hardState;
  }

  private entry(path: string, offset: number, entry: Entry): void {
    const { found } = this;
    if (!this.begun) this.restart(entry.index);
    this.begun = true;
    if (entry.index > found.lastIndex + 1)
      this.damage(path, offset, `entry ${entry.index} follows entry ${found.lastIndex}`);
    this.cut(entry.index);
    if (entry.term < this.lastTerm)
      this.damage(path, offset, `entry ${entry.index} has term ${entry.term} after term ${this.lastTerm}`);
    if (entry.term > found.hardState.term)
      this.damage(path, offset, `entry ${entry.index} has term ${entry.term}, the member only ${found.hardState.term}`);
    if (entry.kind === 'configuration' && decodeConfiguration(entry.data) === undefined)
      this.damage(path, offset, `entry ${entry.index} of kind configuration holds none`);
    this.lastTerm = entry.term;
    found.lastIndex = entry.index;
    if (entry.index > (found.snapshot?.index ?? 0)) found.entries.push(entry);
  }

  private cut(from: Index): void {
    const { found } = this;
    if (from > found.lastIndex) return;
    found.lastIndex = from - 1;
    while ((found.entries.at(-1)?.index ?? 0) >= from) found.entries.pop();
    // Of entries before the snapshot no term is kept: nothing is claimed then.
    this.lastTerm = found.entries.at(-1)?.term ?? 0;
  }

  private restart(firstIndex: Index): void {
    this.found.firstIndex = firstIndex;
    this.found.lastIndex = firstIndex - 1;
    this.found.entries = [];
    this.lastTerm = 0;
  }

  finish(): void {
    const { found } = this;
    const { snapshot, directory, hardState } = found;
    if (found.segments.length === 0) this.damage(directory, undefined, 'there is no log in it');
    const covered = snapshot?.index ?? 0;
    if (found.firstIndex > covered + 1)
      this.damage(directory, undefined, `entries ${covered + 1} to ${found.firstIndex - 1} are missing`);
    if (snapshot !== undefined && hardState.term < snapshot.term)
      this.note(directory, 0, `term ${hardState.term} is before the snapshot's ${snapshot.term}: a start mends it`);
    if (hardState.commit > Math.max(found.lastIndex, covered))
      this.damage(
        directory,
        undefined,
        `entries up to ${hardState.commit} were committed, the log ends at ${found.lastIndex}`,
      );
  }
}
