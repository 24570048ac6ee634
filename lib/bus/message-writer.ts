// Decides how a message of known shape becomes the same msgpack as codec.ts makes of it, in a quarter of the time: the names of its
// fields lie ready as bytes, and nobody asks each value what it is. Never decides what a message holds, and reads none.

/** What one message takes is cut from this: a buffer for each costs more than to write it. */
const SLAB_BYTES = 65_536;
/** Head of a text, or of anything else that has a length. */
const MOST_HEAD_BYTES = 5;
/** Up to here a loop writes faster than a call. */
const LOOP_BYTES = 64;
const UTF8_BYTES = 3;

export class MessageWriter {
  #buffer = Buffer.allocUnsafeSlow(SLAB_BYTES);
  #view = viewOf(this.#buffer);
  /** Where the message begins. */
  #begin = 0;
  #end = 0;

  /** A view of what was written since the last call; it stays as it is. */
  finish(): Uint8Array {
    const message = this.#buffer.subarray(this.#begin, this.#end);
    this.#begin = this.#end;
    return message;
  }

  raw(bytes: Uint8Array): void {
    const { length } = bytes;
    this.#reserve(length);
    const buffer = this.#buffer;
    const at = this.#end;
    if (length <= LOOP_BYTES) for (let i = 0; i < length; i++) buffer[at + i] = bytes[i]!;
    else buffer.set(bytes, at);
    this.#end = at + length;
  }

  text(value: string): void {
    const { length } = value;
    this.#reserve(MOST_HEAD_BYTES + UTF8_BYTES * length);
    if (length <= LOOP_BYTES && this.#ascii(value)) return;
    const bytes = Buffer.byteLength(value);
    if (bytes < 0x20) this.#byte(0xa0 | bytes);
    else this.#head(0xd9, bytes);
    this.#end += this.#buffer.write(value, this.#end);
  }

  bytes(value: Uint8Array): void {
    this.#reserve(MOST_HEAD_BYTES);
    this.#head(0xc4, value.length);
    this.raw(value);
  }

  number(value: number): void {
    this.#reserve(9);
    if (value === value >>> 0) this.#whole(value);
    else {
      this.#byte(0xcb);
      this.#view.setFloat64(this.#end, value);
      this.#end += 8;
    }
  }

  list(count: number): void {
    this.#reserve(MOST_HEAD_BYTES);
    if (count < 0x10) this.#byte(0x90 | count);
    else this.#count(0xdc, count);
  }

  /** Fields follow: `endMap` says how many they were. */
  beginMap(): number {
    this.#reserve(3);
    this.#end += 3;
    return this.#end - 3 - this.#begin;
  }

  /** With a head that is the same for few and many. */
  endMap(at: number, count: number): void {
    this.#buffer[this.#begin + at] = 0xde;
    this.#view.setUint16(this.#begin + at + 1, count);
  }

  /** False: it is not, and nothing was written. */
  #ascii(value: string): boolean {
    const { length } = value;
    const buffer = this.#buffer;
    let at = this.#end;
    if (length >= 0x20) buffer[at++] = 0xd9;
    buffer[at++] = length < 0x20 ? 0xa0 | length : length;
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      if (code >= 0x80) return false;
      buffer[at++] = code;
    }
    this.#end = at;
    return true;
  }

  #byte(value: number): void {
    this.#buffer[this.#end++] = value;
  }

  #whole(value: number): void {
    if (value < 0x80) this.#byte(value);
    else if (value < 0x100) {
      this.#byte(0xcc);
      this.#byte(value);
    } else if (value < 0x1_0000) {
      this.#byte(0xcd);
      this.#end = this.#buffer.writeUInt16BE(value, this.#end);
    } else {
      this.#byte(0xce);
      this.#end = this.#buffer.writeUInt32BE(value, this.#end);
    }
  }

  /** `type` is that with one byte of length; those with two and four follow it. */
  #head(type: number, length: number): void {
    if (length >= 0x100) return this.#count(type + 1, length);
    this.#byte(type);
    this.#byte(length);
  }

  /** `type` is that with two bytes of length; that with four follows it. */
  #count(type: number, count: number): void {
    this.#byte(count < 0x1_0000 ? type : type + 1);
    if (count < 0x1_0000) this.#end = this.#buffer.writeUInt16BE(count, this.#end);
    else this.#end = this.#buffer.writeUInt32BE(count, this.#end);
  }

  /** What was written of this message goes along. */
  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#buffer.length) return;
    const written = this.#end - this.#begin;
    const larger = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, 2 * written + bytes));
    this.#buffer.copy(larger, 0, this.#begin, this.#end);
    this.#buffer = larger;
    this.#view = viewOf(larger);
    this.#begin = 0;
    this.#end = written;
  }
}

const viewOf = ({ buffer, byteOffset, length }: Uint8Array): DataView => new DataView(buffer, byteOffset, length);

// ---- shapes -------------------------------------------------------------------------------------------------------

export type Shape<T> = (out: MessageWriter, value: T) => void;

export const text: Shape<string> = (out, value) => out.text(value);
export const number: Shape<number> = (out, value) => out.number(value);
export const bytes: Shape<Uint8Array> = (out, value) => out.bytes(value);

export function list<T>(shape: Shape<T>): Shape<readonly T[]> {
  return (out, values) => {
    out.list(values.length);
    for (let i = 0; i < values.length; i++) shape(out, values[i]!);
  };
}

/** Any names, each with a value of that shape. */
export function table<T>(shape: Shape<T>): Shape<Readonly<Record<string, T>>> {
  return (out, values) => {
    const at = out.beginMap();
    let count = 0;
    for (const name in values) {
      out.text(name);
      shape(out, values[name]!);
      count++;
    }
    out.endMap(at, count);
  };
}

/** Every field that the type has: one that is added to it and not here does not compile. What is undefined is left out. */
export function fields<T extends object>(shapes: { [K in keyof Required<T>]: Shape<NonNullable<T[K]>> }): Shape<T> {
  const known = Object.entries<Shape<never>>(shapes).map(([name, shape]) => ({ name, key: packed(text, name), shape }));
  return (out, value) => {
    const at = out.beginMap();
    let count = 0;
    for (let i = 0; i < known.length; i++) {
      const { name, key, shape } = known[i]!;
      const field = value[name as keyof T];
      if (field === undefined) continue;
      out.raw(key);
      shape(out, field as never);
      count++;
    }
    out.endMap(at, count);
  };
}

function packed<T>(shape: Shape<T>, value: T): Uint8Array {
  const out = new MessageWriter();
  shape(out, value);
  return Uint8Array.from(out.finish());
}
