// Decides how one record lies on the disk, and what a reader may conclude when it does not find a whole one: end, torn
// write or damage. Never reads or writes a file, and never knows what a record means.
//
// Layout, little endian, every record at a multiple of 8:
//   0 crc32 of bytes 4…20 and of the position   4 payload length   8 crc32 of payload and trailer
//  12 batch number (6 bytes)   18 type   19 flags   20 payload, trailer byte, zeros up to a multiple of 8
// The position (segment, offset) is part of the checksum: a record that a disk put elsewhere is not a record.
import { crc32 } from 'node:zlib';
import { invariant } from '../../lib/base/errors.ts';

export const HEADER_BYTES = 20;
const SECTOR_BYTES = 512;
const ALIGN_BYTES = 8;
/** Never zero, so that the last sector of a whole record is never all zero: an all-zero sector was not written. */
const TRAILER = 0xa5;
const LAST_OF_BATCH = 1;
/** One entry fits in a bus message; anything longer is not ours. */
export const MAX_PAYLOAD_BYTES = 33_554_432;

export interface RecordToWrite {
  type: number;
  /** What stands before the rest of the payload. */
  head?: Uint8Array;
  payload: Uint8Array;
}

export const payloadBytes = ({ head, payload }: RecordToWrite): number => (head?.length ?? 0) + payload.length;

export interface ScannedRecord extends RecordToWrite {
  batch: number;
  offset: number;
  /** No record of the same batch follows. */
  last: boolean;
}

/** Bytes that a payload takes on the disk. */
export function recordBytes(payloadBytes: number): number {
  return Math.ceil((HEADER_BYTES + payloadBytes + 1) / ALIGN_BYTES) * ALIGN_BYTES;
}

/** How long a batch is on the disk. */
export const batchBytes = (records: readonly RecordToWrite[]): number =>
  records.reduce((sum, record) => sum + recordBytes(payloadBytes(record)), 0);

/**
 * One batch as it goes to `offset` of segment `segment`. The records are all or nothing only through the caller's fsync.
 * In `scratch`, if it is long enough.
 */
export function encodeBatch(
  records: readonly RecordToWrite[],
  at: { segment: number; offset: number; batch: number },
  scratch?: Buffer,
): Buffer {
  const bytes = batchBytes(records);
  const out = scratch === undefined || scratch.length < bytes ? Buffer.allocUnsafe(bytes) : scratch.subarray(0, bytes);
  let offset = 0;
  for (const [i, record] of records.entries()) {
    const length = payloadBytes(record);
    invariant(length <= MAX_PAYLOAD_BYTES, 'a record of % bytes: at most % can be written', length, MAX_PAYLOAD_BYTES);
    const body = offset + HEADER_BYTES;
    if (record.head !== undefined) out.set(record.head, body);
    out.set(record.payload, body + length - record.payload.length);
    out[body + length] = TRAILER;
    const end = offset + recordBytes(length);
    out.fill(0, body + length + 1, end);
    out.writeUInt32LE(length, offset + 4);
    out.writeUInt32LE(crc32(out.subarray(body, body + length + 1)), offset + 8);
    out.writeUIntLE(at.batch, offset + 12, 6);
    out[offset + 18] = record.type;
    out[offset + 19] = i === records.length - 1 ? LAST_OF_BATCH : 0;
    out.writeUInt32LE(headerChecksum(out, offset, at.segment, at.offset + offset), offset);
    offset = end;
  }
  return out;
}

function headerChecksum(bytes: Buffer, offset: number, segment: number, position: number): number {
  const place = Buffer.allocUnsafe(12);
  place.writeUIntLE(segment, 0, 6);
  place.writeUIntLE(position, 6, 6);
  return crc32(bytes.subarray(offset + 4, offset + HEADER_BYTES), crc32(place));
}

export type ScanEnd =
  /** Nothing but zeros follows. */
  | { found: 'end'; offset: number }
  /** The last write did not reach the disk whole: it was never confirmed and may be cut. */
  | { found: 'torn'; offset: number; why: string }
  /** What was once durable is no longer there. */
  | { found: 'damage'; offset: number; why: string };

export interface Scan {
  records: ScannedRecord[];
  end: ScanEnd;
}

/** Reads a segment from its beginning. Only whole batches are given; payloads are views of `bytes`. */
export function scan(bytes: Buffer, segment: number): Scan {
  const records: ScannedRecord[] = [];
  let batch: ScannedRecord[] = [];
  let offset = 0;
  for (;;) {
    const record = readRecord(bytes, segment, offset);
    const before = batch.at(-1) ?? records.at(-1);
    if (typeof record === 'string') {
      const end = judge(bytes, segment, offset, before, record);
      return { records, end: end.found === 'damage' ? end : { ...end, offset: batch[0]?.offset ?? offset } };
    }
    const expected = before === undefined ? record.batch : before.last ? before.batch + 1 : before.batch;
    if (record.batch !== expected)
      return { records, end: { found: 'damage', offset, why: `batch ${record.batch} follows ${before?.batch}` } };
    batch.push(record);
    if (record.last) {
      records.push(...batch);
      batch = [];
    }
    offset += recordBytes(record.payload.length);
  }
}

/** One record, or why there is none at this place. `position` is its place in the segment when `bytes` is a part of it. */
export function readRecord(
  bytes: Buffer,
  segment: number,
  offset: number,
  position = offset,
): ScannedRecord | 'header' | 'payload' {
  if (offset + HEADER_BYTES > bytes.length) return 'header';
  if (bytes.readUInt32LE(offset) !== headerChecksum(bytes, offset, segment, position)) return 'header';
  const length = bytes.readUInt32LE(offset + 4);
  const body = offset + HEADER_BYTES;
  if (body + length + 1 > bytes.length) return 'payload';
  if (bytes.readUInt32LE(offset + 8) !== crc32(bytes.subarray(body, body + length + 1))) return 'payload';
  return {
    offset,
    batch: bytes.readUIntLE(offset + 12, 6),
    type: bytes[offset + 18]!,
    last: (bytes[offset + 19]! & LAST_OF_BATCH) !== 0,
    payload: bytes.subarray(body, body + length),
  };
}

/**
 * A write that was cut short leaves sectors that still hold the zeros from before, or a file that is too short, and
 * nothing of any later batch, since a batch begins only when the one before it is durable. Anything else was once whole.
 */
export function judge(
  bytes: Buffer,
  segment: number,
  offset: number,
  before: ScannedRecord | undefined,
  broken: 'header' | 'payload',
): ScanEnd {
  if (allZero(bytes, offset, bytes.length))
    return before?.last === false
      ? { found: 'torn', offset, why: `batch ${before.batch} has no end` }
      : { found: 'end', offset };
  const tornBatch = before === undefined ? 0 : before.last ? before.batch + 1 : before.batch;
  for (let at = offset + ALIGN_BYTES; at + HEADER_BYTES <= bytes.length; at += ALIGN_BYTES) {
    if (bytes[at + 18] === 0) continue;
    const later = readRecord(bytes, segment, at);
    if (typeof later === 'string' || (before !== undefined && later.batch === tornBatch)) continue;
    return {
      found: 'damage',
      offset,
      why: `an unreadable record (${broken}) stands before batch ${later.batch} at ${at}`,
    };
  }
  const end = broken === 'header' ? offset + HEADER_BYTES : offset + HEADER_BYTES + bytes.readUInt32LE(offset + 4) + 1;
  if (end > bytes.length) return { found: 'torn', offset, why: `the file ends within the last write` };
  for (let at = offset; at < end;) {
    const next = Math.min(end, (Math.floor(at / SECTOR_BYTES) + 1) * SECTOR_BYTES);
    if (allZero(bytes, at, next)) return { found: 'torn', offset, why: `bytes ${at} to ${next} were never written` };
    at = next;
  }
  return { found: 'damage', offset, why: `the last record is whole but its checksum (${broken}) is wrong` };
}

function allZero(bytes: Buffer, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (bytes[i] !== 0) return false;
  return true;
}
