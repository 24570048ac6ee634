// Decides whether every record of a segment is still what was written, a piece at a time, while the log goes on. Never repairs,
// and never judges what is not yet confirmed.
import { DamagedError, type DiskFile } from './disk.ts';
import { HEADER_BYTES, readRecord, recordBytes } from './record.ts';

const PIECE_BYTES = 262_144;

export interface VerifiedSegment {
  readonly number: number;
  readonly file: DiskFile;
  /** What is before it is confirmed; it only grows. */
  readonly end: number;
}

/** `isThere`: the segment has not been dropped, nor the log closed. Throws DamagedError for what is not as it was written. */
export async function* verifySegment(segment: VerifiedSegment, isThere: () => boolean): AsyncGenerator<void> {
  let offset = 0;
  let wantedBytes = PIECE_BYTES;
  while (isThere() && offset < segment.end) {
    const length = Math.min(wantedBytes, segment.end - offset);
    const bytes = await segment.file.read(offset, length).catch((error: unknown) => {
      if (!isThere()) return undefined;
      throw error;
    });
    if (bytes === undefined || !isThere()) return;
    const piece = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const whole = wholeRecords(piece, segment.number, offset);
    wantedBytes = whole > 0 ? PIECE_BYTES : longerPiece(piece, segment, offset);
    offset += whole;
    yield;
  }
}

/** How much of a piece that begins with a record is whole records. */
function wholeRecords(piece: Buffer, segment: number, offset: number): number {
  let at = 0;
  for (;;) {
    const record = readRecord(piece, segment, at, offset + at);
    const end = typeof record === 'string' ? Infinity : at + recordBytes(record.payload.length);
    if (end > piece.length) return at;
    at = end;
  }
}

/** A record that is longer than a piece is read whole; anything else that is none is damage. */
function longerPiece(piece: Buffer, { file, end }: VerifiedSegment, offset: number): number {
  const bytes = piece.length < HEADER_BYTES ? 0 : recordBytes(piece.readUInt32LE(4));
  if (bytes > piece.length && offset + bytes <= end) return bytes;
  throw new DamagedError(file.path, `the record at byte ${offset} is not what was written there`);
}
