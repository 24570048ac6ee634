// Decides which files of a directory are segments and where the log ends in them: ends an interrupted rotation, cuts a torn
// tail. Never knows what a record means beyond `end`, and never cuts what may have been confirmed: that is damage.
import { isElsewhere } from './assess.ts';
import { DamagedError, type Disk } from './disk.ts';
import { decodeRecord } from './log-record.ts';
import { scan, type Scan } from './record.ts';
import { segmentName, type Segment } from './segment-file.ts';

const SEGMENT_NAME = /^log-(\d{10})\.segment$/;

export interface ReadSegment extends Segment {
  scan: Scan;
}

export async function readSegments(disk: Disk, directory: string, files: ReadSegment[]): Promise<void> {
  for (const name of await disk.list(directory)) {
    const number = Number(SEGMENT_NAME.exec(name)?.[1] ?? 0);
    if (number === 0) continue;
    const before = files.at(-1);
    if (before !== undefined && number !== before.number + 1)
      throw new DamagedError(directory, `${segmentName(before.number + 1)} is missing before ${name}`);
    const file = await disk.open(`${directory}/${name}`, { create: false, writesThrough: true });
    const bytes = Buffer.from(await file.read(0, await file.size()));
    const scanned = scan(bytes, number);
    files.push({ number, file, scan: scanned, end: scanned.end.offset, allocated: bytes.length, maxIndex: 0 });
  }
}

/** The last file holds nothing yet and the one before has no `end`: it lay ready, or the crash came between the two. */
export async function endInterruptedRotation(disk: Disk, directory: string, files: ReadSegment[]): Promise<void> {
  const [before, last] = files.slice(-2);
  if (before === undefined || last === undefined) return;
  if (endsHere(before.scan) || last.scan.end.found === 'damage' || last.scan.records.length > 1) return;
  if (last.scan.end.found === 'torn') await refuseStray(last, before);
  files.pop();
  await last.file.close();
  await disk.remove(`${directory}/${segmentName(last.number)}`);
  await disk.syncDirectory(directory);
}

/** What belongs at the end of the log lies in this file: left by a write that a disk put there, and confirmed. */
async function refuseStray(
  { number, file, allocated }: ReadSegment,
  { number: segment, scan }: ReadSegment,
): Promise<void> {
  const { offset } = scan.end;
  const bytes = Buffer.from(await file.read(0, allocated));
  if (isElsewhere([{ number, bytes }], { segment, offset }))
    throw new DamagedError(file.path, `what belongs at byte ${offset} of segment ${segment} lies elsewhere in it`);
}

function endsHere(scanned: Scan): boolean {
  const record = scanned.records.at(-1);
  return record !== undefined && decodeRecord(record).type === 'end';
}

export function neverBegun(scanned: Scan): boolean {
  return scanned.records.length === 0 && scanned.end.found !== 'damage';
}

/** Only the last file may end torn; the others were finished by an `end` record. */
export async function cutTail(files: ReadSegment[]): Promise<string | undefined> {
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
    if (end.found === 'torn') await refuseStray(segment, files.at(-1)!);
    if (isLast && end.found === 'torn') {
      torn = `${segment.file.path} at byte ${end.offset}: ${end.why}`;
      // To zeros again, and that durably: what is left of a torn write must never look like part of a later one.
      await segment.file.truncate(end.offset);
      await segment.file.datasync();
      segment.allocated = end.offset;
    }
  }
  return torn;
}
