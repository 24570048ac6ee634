// Decides how SPDY/3.1 frames look on the wire, out of bytes in any pieces and into bytes. Never holds more than one
// control frame: what a data frame carries is passed on as it comes. Header blocks are left compressed.
import { SpdyProtocolError } from './protocol-error.ts';

export type Frame =
  | { type: 'synStream'; streamId: number; isFinal: boolean; block: Buffer }
  | { type: 'synReply' | 'headers'; streamId: number; isFinal: boolean; block: Buffer }
  | { type: 'rstStream'; streamId: number; code: number }
  | { type: 'ping'; id: number }
  | { type: 'goAway' }
  /** A piece of a data frame; only the last piece of a final frame is final. */
  | { type: 'data'; streamId: number; isFinal: boolean; data: Buffer };

export const RESET = { protocolError: 1, invalidStream: 2, refusedStream: 3, cancel: 5, internalError: 6 } as const;
export const GO_AWAY = { ok: 0, protocolError: 1 } as const;

/** Headers of a stream are a few dozen bytes; whoever sends more means harm. */
export const CONTROL_FRAME_BYTES = 65_536;

const VERSION = 3;
const HEADER_BYTES = 8;
const FIN = 1;
const TYPES = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  noop: 5,
  ping: 6,
  goAway: 7,
  headers: 8,
} as const;
const WINDOW_UPDATE = 9;
const CREDENTIAL = 10;
/** Nothing to do: no peer of a Kubernetes API counts windows, TCP holds it back. */
const IGNORED: readonly number[] = [TYPES.settings, TYPES.noop, WINDOW_UPDATE, CREDENTIAL];

export class FrameReader {
  #buffered: Buffer = Buffer.alloc(0);
  /** Of the data frame whose bytes are coming in. */
  #data: { streamId: number; isFinal: boolean; left: number } | undefined;

  /** The frames that these bytes complete. Throws SpdyProtocolError; the reader is of no use after that. */
  push(chunk: Uint8Array): Frame[] {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.#buffered = this.#buffered.length === 0 ? bytes : Buffer.concat([this.#buffered, bytes]);
    const frames: Frame[] = [];
    while (this.#takeOne(frames));
    return frames;
  }

  /** false: more bytes are needed. */
  #takeOne(frames: Frame[]): boolean {
    if (this.#data !== undefined) return this.#takeData(frames, this.#data);
    if (this.#buffered.length < HEADER_BYTES) return false;
    const length = this.#buffered.readUInt32BE(4) & 0xff_ffff;
    const flags = this.#buffered[4]!;
    const first = this.#buffered.readUInt32BE(0);
    if (first < 0x8000_0000) {
      this.#buffered = this.#buffered.subarray(HEADER_BYTES);
      this.#data = { streamId: first, isFinal: (flags & FIN) !== 0, left: length };
      if (length === 0) this.#finishData(frames, Buffer.alloc(0));
      return true;
    }
    checkControl(first, length);
    if (this.#buffered.length < HEADER_BYTES + length) return false;
    const frame = parseControl(first & 0xffff, flags, this.#buffered.subarray(HEADER_BYTES, HEADER_BYTES + length));
    if (frame !== undefined) frames.push(frame);
    this.#buffered = this.#buffered.subarray(HEADER_BYTES + length);
    return true;
  }

  #takeData(frames: Frame[], data: { streamId: number; left: number }): boolean {
    if (this.#buffered.length === 0) return false;
    const piece = this.#buffered.subarray(0, data.left);
    this.#buffered = this.#buffered.subarray(piece.length);
    data.left -= piece.length;
    if (data.left === 0) this.#finishData(frames, piece);
    else frames.push({ type: 'data', streamId: data.streamId, isFinal: false, data: piece });
    return true;
  }

  #finishData(frames: Frame[], data: Buffer): void {
    const { streamId, isFinal } = this.#data!;
    this.#data = undefined;
    frames.push({ type: 'data', streamId, isFinal, data });
  }
}

function checkControl(first: number, length: number): void {
  const version = (first >>> 16) & 0x7fff;
  if (version !== VERSION) throw new SpdyProtocolError(`a control frame of version ${version}, where 3 is spoken`);
  if (length > CONTROL_FRAME_BYTES)
    throw new SpdyProtocolError(`a control frame of ${length} bytes; at most ${CONTROL_FRAME_BYTES} are taken`);
}

function parseControl(type: number, flags: number, body: Buffer): Frame | undefined {
  const isFinal = (flags & FIN) !== 0;
  const id = (at: number): number => body.readUInt32BE(at) & 0x7fff_ffff;
  const atLeast = (bytes: number): void => {
    if (body.length < bytes)
      throw new SpdyProtocolError(
        `a control frame of type ${type} with ${body.length} bytes, at least ${bytes} are needed`,
      );
  };
  switch (type) {
    case TYPES.synStream:
      atLeast(10);
      return { type: 'synStream', streamId: id(0), isFinal, block: body.subarray(10) };
    case TYPES.synReply:
    case TYPES.headers:
      atLeast(4);
      return {
        type: type === TYPES.headers ? 'headers' : 'synReply',
        streamId: id(0),
        isFinal,
        block: body.subarray(4),
      };
    case TYPES.rstStream:
      atLeast(8);
      return { type: 'rstStream', streamId: id(0), code: body.readUInt32BE(4) };
    case TYPES.ping:
      atLeast(4);
      return { type: 'ping', id: body.readUInt32BE(0) };
    case TYPES.goAway:
      return { type: 'goAway' };
    default:
      if (IGNORED.includes(type)) return undefined;
      throw new SpdyProtocolError(`a control frame of the unknown type ${type}`);
  }
}

// ---- into bytes -----------------------------------------------------------------------------------------------------

function control(type: number, flags: number, ...parts: Buffer[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE((0x8000_0000 | (VERSION << 16) | type) >>> 0);
  header.writeUInt32BE(((flags << 24) | length) >>> 0, 4);
  return Buffer.concat([header, ...parts]);
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [i, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, 4 * i);
  return bytes;
}

export const encode = {
  synStream: (streamId: number, block: Buffer, isFinal = false): Buffer =>
    control(TYPES.synStream, isFinal ? FIN : 0, words(streamId, 0), Buffer.alloc(2), block),
  synReply: (streamId: number, block: Buffer): Buffer => control(TYPES.synReply, 0, words(streamId), block),
  rstStream: (streamId: number, code: number): Buffer => control(TYPES.rstStream, 0, words(streamId, code)),
  ping: (id: number): Buffer => control(TYPES.ping, 0, words(id)),
  goAway: (lastStreamId: number, code: number): Buffer => control(TYPES.goAway, 0, words(lastStreamId, code)),
  /** The head of a data frame; its bytes follow it. */
  dataHead: (streamId: number, bytes: number, isFinal = false): Buffer =>
    words(streamId, ((isFinal ? FIN : 0) << 24) | bytes),
};
