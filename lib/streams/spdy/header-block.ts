// Decides how the headers of a stream are written and read: pairs with lengths, deflated with SPDY's dictionary in one
// stream of a connection. Never lets a small block grow into a large one.
import { constants, createInflate, type Inflate } from 'node:zlib';
import { DICTIONARY, DICTIONARY_ADLER } from './dictionary.ts';
import { SpdyProtocolError } from './protocol-error.ts';

export type Headers = ReadonlyMap<string, string>;

/** A block that says more is refused, however small it was. */
export const HEADER_BLOCK_BYTES = 65_536;

/** In order: each block is read with what the ones before it have said. */
export class HeaderReader {
  readonly #inflate: Inflate = createInflate({ dictionary: DICTIONARY, flush: constants.Z_SYNC_FLUSH });
  #parts: Buffer[] = [];
  #bytes = 0;
  #trouble: Error | undefined;
  #wake: () => void = () => {};

  constructor() {
    this.#inflate.on('data', (part: Buffer) => {
      this.#bytes += part.length;
      if (this.#bytes <= HEADER_BLOCK_BYTES) return void this.#parts.push(part);
      this.#fail(new SpdyProtocolError(`headers of more than ${HEADER_BLOCK_BYTES} bytes`));
      this.#inflate.destroy();
    });
    this.#inflate.on('error', (error) =>
      this.#fail(new SpdyProtocolError(`headers that do not inflate: ${error.message}`)),
    );
    this.#inflate.on('end', () => this.#fail(new SpdyProtocolError('the stream of headers has ended')));
  }

  /** Throws SpdyProtocolError. Must not be called again before it has answered. */
  async read(block: Uint8Array): Promise<Headers> {
    if (this.#trouble === undefined)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        this.#inflate.write(block, () => resolve());
      });
    // What it holds back for a later turn is given out now.
    this.#inflate.read();
    if (this.#trouble !== undefined) throw this.#trouble;
    const bytes = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#bytes = 0;
    return parsePairs(bytes);
  }

  close(): void {
    this.#inflate.destroy();
  }

  #fail(error: Error): void {
    this.#trouble ??= error;
    this.#wake();
  }
}

/** Names in lower case; of a name that comes twice the first counts. Throws SpdyProtocolError. */
export function parsePairs(bytes: Buffer): Headers {
  const headers = new Map<string, string>();
  let at = 0;
  const number = (): number => {
    if (at + 4 > bytes.length) throw new SpdyProtocolError('headers that end in the middle of a length');
    at += 4;
    return bytes.readUInt32BE(at - 4);
  };
  const text = (): string => {
    const length = number();
    if (length > bytes.length - at)
      throw new SpdyProtocolError(`a header of ${length} bytes, where ${bytes.length - at} are left`);
    at += length;
    return bytes.toString('utf8', at - length, at);
  };
  for (let left = number(); left > 0; left--) {
    const name = text().toLowerCase();
    const value = text();
    if (name === '') throw new SpdyProtocolError('a header without a name');
    if (!headers.has(name)) headers.set(name, value);
  }
  return headers;
}

/** Stored blocks, no compression: the few bytes that an answer carries are not worth a deflater a connection. */
export class HeaderWriter {
  #hasBegun = false;

  write(headers: Iterable<readonly [string, string]>): Buffer {
    const pairs = encodePairs([...headers]);
    const parts = this.#hasBegun ? [] : [Buffer.from([0x78, 0xbb]), word(DICTIONARY_ADLER)];
    this.#hasBegun = true;
    // The empty block is deflate's sync flush: the peer's inflater gives out what it holds.
    return Buffer.concat([...parts, stored(pairs), stored(Buffer.alloc(0))]);
  }
}

function stored(bytes: Buffer): Buffer {
  if (bytes.length > 0xffff) throw new RangeError(`headers of ${bytes.length} bytes; at most 65535 can be sent`);
  const head = Buffer.alloc(5);
  head.writeUInt16LE(bytes.length, 1);
  head.writeUInt16LE(~bytes.length & 0xffff, 3);
  return Buffer.concat([head, bytes]);
}

function encodePairs(headers: ReadonlyArray<readonly [string, string]>): Buffer {
  const texts = headers.flatMap(([name, value]) => [Buffer.from(name.toLowerCase()), Buffer.from(value)]);
  return Buffer.concat([word(headers.length), ...texts.flatMap((text) => [word(text.length), text])]);
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
