// Decides how the file of a segment is made: its name, its header, the zeros ahead of what is written, and that the next one
// is there before it is needed. Never writes anything of the log but a header.
import { invariant } from '../../lib/base/errors.ts';
import type { Disk, DiskFile } from './disk.ts';
import type { Index } from '../core/types.ts';
import { encodeRecord, type SegmentHeader } from './log-record.ts';
import { encodeBatch } from './record.ts';

export interface Segment {
  number: number;
  file: DiskFile;
  /** Where the next batch goes. */
  end: number;
  allocated: number;
  /** Highest index of any entry in it, also of entries that were cut later; 0 = none. */
  maxIndex: Index;
}

export interface SegmentSizes {
  /** A segment that is longer gets a successor. */
  segmentBytes: number;
  /** Files grow by this much of zeros at once, so that most batches change no metadata and fdatasync is one write. */
  extendBytes: number;
}

const ZEROS = Buffer.alloc(1_048_576);

export function segmentName(number: number): string {
  return `log-${String(number).padStart(10, '0')}.segment`;
}

/** Zeros beyond what is there: a start that finds them, and no batch, has found the end. */
export async function layZeros(segment: Segment, past: number, { extendBytes }: SegmentSizes): Promise<void> {
  const allocated = Math.ceil(past / extendBytes) * extendBytes;
  for (let at = segment.allocated; at < allocated; at = segment.allocated) {
    const bytes = Math.min(ZEROS.length, allocated - at);
    await segment.file.write(ZEROS.subarray(0, bytes), at);
    segment.allocated = at + bytes;
  }
}

/** A new file with its header record, durable; its name is not until the caller syncs the directory. */
export async function createSegment(
  disk: Disk,
  directory: string,
  number: number,
  batch: number,
  header: SegmentHeader,
): Promise<Segment> {
  const segment = await createBlank(disk, directory, number);
  await writeHeader(segment, batch, header);
  return segment;
}

async function createBlank(disk: Disk, directory: string, number: number): Promise<Segment> {
  const path = `${directory}/${segmentName(number)}`;
  // What an interrupted rotation left.
  await disk.remove(path);
  const file = await disk.open(path, { create: true, writesThrough: true });
  return { number, file, end: 0, allocated: 0, maxIndex: 0 };
}

async function writeHeader(segment: Segment, batch: number, header: SegmentHeader): Promise<void> {
  const { number, file } = segment;
  const bytes = encodeBatch([encodeRecord({ type: 'segment', header })], { segment: number, offset: 0, batch });
  await file.write(bytes, 0);
  await file.datasync();
  segment.end = bytes.length;
  segment.allocated = Math.max(segment.allocated, bytes.length);
}

/** Never begun: nothing but zeros, or not even those. */
export function isBlank(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at++) if (bytes[at] !== 0) return false;
  return true;
}

/**
 * The segment after the one that is written. A blank file lies there under its name, which is durable, when half of that one is
 * used: a batch that made it itself would wait for five writes to the disk. It is no part of the log until it has a header
 * and the one before it an `end`; a start that finds it before removes it.
 */
export class NextSegment {
  /** So many were made while a batch waited. */
  madeLate = 0;
  private readonly disk: Disk;
  private readonly directory: string;
  private readonly sizes: SegmentSizes;
  /** Never fails: what it failed with is in `failure`. */
  private making: Promise<void> | undefined;
  private blank: Segment | undefined;
  private failure: Error | undefined;
  /** The disk was full: it is tried again when the segment before has grown to this. */
  private notBefore = 0;

  constructor(disk: Disk, directory: string, sizes: SegmentSizes) {
    this.disk = disk;
    this.directory = directory;
    this.sizes = sizes;
  }

  /** After each batch. */
  prepare({ number, end }: Segment): void {
    const { segmentBytes, extendBytes } = this.sizes;
    if (this.making !== undefined || this.blank !== undefined || this.failure !== undefined) return;
    if (end <= Math.max(segmentBytes / 2, this.notBefore)) return;
    this.making = this.make(number + 1)
      .catch((error: unknown) => {
        // Room may come before it is needed. Anything else is a disk that nothing more is to be written to.
        if ((error as { code?: string }).code === 'ENOSPC') this.notBefore = end + extendBytes;
        else this.failure = error as Error;
      })
      .then(() => (this.making = undefined));
  }

  private async make(number: number): Promise<void> {
    const segment = await createBlank(this.disk, this.directory, number);
    try {
      await layZeros(segment, 1, this.sizes);
      await this.disk.syncDirectory(this.directory);
    } catch (error) {
      await segment.file.close();
      // What it took of a full disk is wanted by the segment before.
      await this.disk.remove(segment.file.path);
      throw error;
    }
    this.blank = segment;
  }

  /** Name and header are durable. */
  async take(number: number, batch: number, header: SegmentHeader): Promise<Segment> {
    await this.making;
    if (this.failure !== undefined) throw this.failure;
    const { blank } = this;
    this.blank = undefined;
    this.notBefore = 0;
    if (blank !== undefined) {
      invariant(blank.number === number, 'segment % lies ready, % is wanted', blank.number, number);
      await writeHeader(blank, batch, header);
      return blank;
    }
    this.madeLate++;
    const segment = await createSegment(this.disk, this.directory, number, batch, header);
    await this.disk.syncDirectory(this.directory);
    return segment;
  }

  async close(): Promise<void> {
    await this.making;
    await this.blank?.file.close();
    this.blank = undefined;
  }
}
