// Decides what one SPDY stream holds: bytes in order for a reader who may be slow, two ends that close apart. Never
// touches the connection but by the three things it is given.
import { RESET } from './frames.ts';

export interface StreamWire {
  /** A promise when the connection has no room for more; it resolves when there is. */
  send(data: Uint8Array, isFinal: boolean): Promise<void> | undefined;
  reset(code: number): void;
  forget(): void;
}

/** Larger pieces are cut, so that streams of one connection take turns. */
const PIECE_BYTES = 32_768;

export interface StreamReader {
  /** Bytes count as taken when the promise resolves. */
  data(bytes: Buffer): Promise<void> | void;
  end(): void;
}

export class SpdyStream {
  readonly id: number;
  readonly headers: ReadonlyMap<string, string>;
  /** Resolves when both sides have ended it, or it was reset, or the connection is gone. */
  readonly closed: Promise<void>;
  readonly #wire: StreamWire;
  readonly #resolve: () => void;
  #reader: StreamReader | undefined;
  #early: Array<Buffer | 'end'> = [];
  #work: Promise<void> = Promise.resolve();
  #pendingBytes = 0;
  #waiting: Array<() => void> = [];
  #hasEnded = { here: false, there: false };
  #isAborted = false;

  constructor(id: number, headers: ReadonlyMap<string, string>, wire: StreamWire) {
    this.id = id;
    this.headers = headers;
    this.#wire = wire;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#resolve = resolve;
  }

  /** What came before there was a reader is kept for it. */
  read(reader: StreamReader): void {
    this.#reader = reader;
    for (const one of this.#early.splice(0)) this.#pass(one);
  }

  /** Resolves when there is room for more. What is written after the end, or to nobody, is dropped. */
  async write(data: Uint8Array): Promise<void> {
    for (let at = 0; at < data.length && !this.#hasEnded.here && !this.#isAborted; at += PIECE_BYTES)
      await this.#wire.send(data.subarray(at, at + PIECE_BYTES), false);
  }

  end(): void {
    if (this.#hasEnded.here || this.#isAborted) return;
    this.#hasEnded.here = true;
    void this.#wire.send(new Uint8Array(), true);
    this.#settle();
  }

  reset(code: number = RESET.cancel): void {
    if (this.#isAborted || (this.#hasEnded.here && this.#hasEnded.there)) return;
    this.#wire.reset(code);
    this.abort();
  }

  // ---- told by the connection ---------------------------------------------------------------------------------------

  takeData(bytes: Buffer): void {
    if (this.#isAborted || this.#hasEnded.there) return;
    this.#pendingBytes += bytes.length;
    this.#pass(bytes);
  }

  takeEnd(): void {
    if (this.#isAborted || this.#hasEnded.there) return;
    this.#hasEnded.there = true;
    this.#pass('end');
    this.#settle();
  }

  /** It is gone: nothing more comes, and nobody is waited for. What has come is still the reader's. */
  abort(): void {
    if (this.#isAborted) return;
    this.#isAborted = true;
    this.#wake();
    this.#wire.forget();
    this.#resolve();
  }

  /** Resolves when no more than `bytes` wait for the reader. */
  async room(bytes: number): Promise<void> {
    while (this.#pendingBytes > bytes && !this.#isAborted)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #pass(one: Buffer | 'end'): void {
    const reader = this.#reader;
    if (reader === undefined) return void this.#early.push(one);
    this.#work = this.#work.then(async () => {
      if (one === 'end') return reader.end();
      await (async () => reader.data(one))().catch(() => {});
      this.#pendingBytes -= one.length;
      this.#wake();
    });
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #settle(): void {
    if (!this.#hasEnded.here || !this.#hasEnded.there) return;
    this.#wire.forget();
    this.#resolve();
  }
}
