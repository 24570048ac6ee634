// Decides how numbers, texts and bytes are laid one after another in messages, commands and snapshots. Never decides which.

const utf8 = new TextEncoder();
const fromUtf8 = new TextDecoder('utf-8', { fatal: true });
const copyBuffer = Buffer.prototype.copy as (
  this: Uint8Array,
  to: Uint8Array,
  at: number,
  from: number,
  end: number,
) => number;
/** Up to here a loop copies faster than a call. */
const LOOP_BYTES = 24;

/** Throws TypeError on what is no UTF-8. */
export function decodeText(data: Uint8Array, from: number, to: number): string {
  return fromUtf8.decode(data.subarray(from, to));
}

/** As `to.set(from.subarray(start, end), at)`, which makes a view for each copy: more garbage than most of what is copied. */
export function copyBytes(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): void {
  const length = end - start;
  if (length <= LOOP_BYTES) for (let i = 0; i < length; i++) to[at + i] = from[start + i]!;
  else if (copyBuffer.call(from, to, at, start, end) !== length)
    throw new RangeError(
      `${length} bytes do not fit at ${at} of ${to.length}, or are not there at ${start} of ${from.length}`,
    );
}

/** Grows as needed; numbers are LEB128, texts and bytes have their length in front. */
export class ByteWriter {
  private buffer: Uint8Array;
  private end = 0;

  constructor(initialBytes = 256) {
    this.buffer = new Uint8Array(initialBytes);
  }

  get length(): number {
    return this.end;
  }

  byte(value: number): this {
    this.reserve(1);
    this.buffer[this.end++] = value;
    return this;
  }

  /** An integer from 0 to 2^53 - 1. */
  number(value: number): this {
    this.reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.buffer[this.end++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.buffer[this.end++] = rest;
    return this;
  }

  text(value: string): this {
    if (value.length < 0x80 && isAscii(value)) {
      this.reserve(1 + value.length);
      this.buffer[this.end++] = value.length;
      for (let i = 0; i < value.length; i++) this.buffer[this.end++] = value.charCodeAt(i);
      return this;
    }
    return this.bytes(utf8.encode(value));
  }

  bytes(value: Uint8Array): this {
    return this.number(value.length).raw(value);
  }

  /** What another has written, with its length in front. */
  nested(other: ByteWriter): this {
    return this.number(other.end).raw(other.buffer, 0, other.end);
  }

  /** A part of `value`, without a length. */
  raw(value: Uint8Array, from = 0, to = value.length): this {
    this.reserve(to - from);
    copyBytes(value, from, to, this.buffer, this.end);
    this.end += to - from;
    return this;
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.buffer.slice(0, this.end);
  }

  /** What was written, until the next call of any method. */
  view(): Uint8Array {
    return this.buffer.subarray(0, this.end);
  }

  clear(): void {
    this.end = 0;
  }

  private reserve(bytes: number): void {
    if (this.end + bytes <= this.buffer.length) return;
    const larger = new Uint8Array(Math.max(this.buffer.length * 2, this.end + bytes));
    larger.set(this.buffer.subarray(0, this.end));
    this.buffer = larger;
  }
}

function isAscii(value: string): boolean {
  for (let i = 0; i < value.length; i++) if (value.charCodeAt(i) >= 0x80) return false;
  return true;
}

/** Throws RangeError when the bytes end too early. */
export class ByteReader {
  readonly buffer: Uint8Array;
  private at: number;
  private readonly end: number;

  constructor(buffer: Uint8Array, from = 0, to = buffer.length) {
    this.buffer = buffer;
    this.at = from;
    this.end = to;
  }

  get done(): boolean {
    return this.at >= this.end;
  }

  get position(): number {
    return this.at;
  }

  byte(): number {
    this.need(1);
    return this.buffer[this.at++]!;
  }

  number(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
      scale *= 0x80;
    }
    if (value > Number.MAX_SAFE_INTEGER) throw new RangeError(`a number of ${value} at byte ${this.at}`);
    return value;
  }

  text(): string {
    const length = this.number();
    this.need(length);
    const start = this.at;
    this.at += length;
    // A longer one would be put together from pieces, and taken apart again by whoever looks it up.
    if (length > 12) return decodeText(this.buffer, start, this.at);
    let out = '';
    for (let i = start; i < this.at; i++) {
      if (this.buffer[i]! >= 0x80) return decodeText(this.buffer, start, this.at);
      out += String.fromCharCode(this.buffer[i]!);
    }
    return out;
  }

  /** Passes a text without making it: its length, or -1 if it holds more than ASCII. */
  passText(): number {
    const length = this.number();
    this.need(length);
    const end = this.at + length;
    let rest = 0;
    while (this.at < end) rest |= this.buffer[this.at++]!;
    return rest < 0x80 ? length : -1;
  }

  /** Passes a text or bytes, whatever is in them; says how many they are. */
  passBytes(): number {
    const length = this.number();
    this.need(length);
    this.at += length;
    return length;
  }

  /** A view: whoever keeps it copies it, or it keeps the whole buffer in memory. */
  bytes(): Uint8Array {
    const length = this.number();
    this.need(length);
    this.at += length;
    return this.buffer.subarray(this.at - length, this.at);
  }

  /** Of the part that comes next, which has its length in front. */
  nested(): ByteReader {
    const length = this.passBytes();
    return new ByteReader(this.buffer, this.at - length, this.at);
  }

  private need(bytes: number): void {
    if (this.at + bytes > this.end)
      throw new RangeError(`${bytes} bytes are wanted at ${this.at}, there are ${this.end - this.at}`);
  }
}
