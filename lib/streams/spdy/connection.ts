// Does: speaks SPDY/3.1 on an upgraded connection: streams that the peer opens (or this side, as a client), each read no
// faster than its reader takes. Never counts windows as SPDY has them: no client of Kubernetes sends credit, TCP holds back.
import type { Duplex } from 'node:stream';
import { LIMITS } from '../../base/limits.ts';
import { encode, FrameReader, GO_AWAY, RESET, type Frame } from './frames.ts';
import { HeaderReader, HeaderWriter, type Headers } from './header-block.ts';
import { SpdyProtocolError } from './protocol-error.ts';
import { SpdyStream } from './stream.ts';

/** A port-forward has two a connection; nobody has need of more at the same time. */
const MOST_STREAMS = 1_000;

export interface SpdyOptions {
  role: 'server' | 'client';
  /** A stream that the peer has opened and that may be answered on. */
  onStream?: (stream: SpdyStream) => void;
}

export class SpdyConnection {
  /** Resolves when the connection is over; `why`: what the peer did wrong, or what broke. */
  readonly closed: Promise<{ why?: string }>;
  readonly #socket: Duplex;
  readonly #options: SpdyOptions;
  readonly #reader = new FrameReader();
  readonly #headerReader = new HeaderReader();
  readonly #headerWriter = new HeaderWriter();
  readonly #streams = new Map<number, SpdyStream>();
  readonly #resolve: (end: { why?: string }) => void;
  #work: Promise<void> = Promise.resolve();
  #lastOpened = 0;
  #nextOwn = 1;
  #isClosed = false;
  #drained: Promise<void> | undefined;
  #wakeWriters: () => void = () => {};

  constructor(socket: Duplex, options: SpdyOptions) {
    this.#socket = socket;
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<{ why?: string }>();
    this.closed = promise;
    this.#resolve = resolve;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('drain', () => this.#wakeWriters());
    socket.on('error', (error) => this.#over(error.message));
    socket.on('close', () => this.#over());
    // The other side will say no more: after what it said before, nothing of what is open here can be answered for.
    socket.on('end', () => {
      this.#work = this.#work.then(() => this.close());
    });
  }

  /** Opens a stream of this side. */
  open(headers: Iterable<readonly [string, string]>): SpdyStream {
    const id = this.#nextOwn;
    this.#nextOwn += 2;
    const stream = this.#add(id, new Map(headers));
    this.#send(encode.synStream(id, this.#headerWriter.write(headers)));
    return stream;
  }

  ping(id: number): void {
    this.#send(encode.ping(id));
  }

  /** In order: what was written is sent, the peer is told, its own end is waited for by whoever owns the socket. */
  close(code: number = GO_AWAY.ok): void {
    if (this.#isClosed) return;
    this.#send(encode.goAway(this.#lastOpened, code));
    this.#socket.end();
    // What the peer still says is read and dropped: unread bytes would turn the end into a reset.
    this.#socket.resume();
    this.#over();
  }

  // ---- reading ------------------------------------------------------------------------------------------------------

  /** One chunk after the other; the next is not read from the socket before this one has found its place. */
  #take(chunk: Buffer): void {
    if (this.#isClosed) return;
    this.#socket.pause();
    this.#work = this.#work
      .then(() => this.#digest(chunk))
      .catch((error: unknown) => this.#fail(error))
      .then(() => {
        this.#socket.resume();
      });
  }

  async #digest(chunk: Buffer): Promise<void> {
    for (const frame of this.#reader.push(chunk)) {
      if (this.#isClosed) return;
      await this.#handle(frame);
    }
    // A peer that asks (pings, resets) and does not read the answers is not listened to either.
    if (this.#socket.writableNeedDrain) await this.#room();
  }

  #fail(error: unknown): void {
    const why = error instanceof Error ? error.message : String(error);
    if (this.#isClosed) return;
    this.#send(encode.goAway(this.#lastOpened, GO_AWAY.protocolError));
    this.#socket.end();
    this.#over(why);
  }

  async #handle(frame: Frame): Promise<void> {
    switch (frame.type) {
      case 'synStream':
        return this.#opened(frame.streamId, frame.isFinal, await this.#headerReader.read(frame.block));
      case 'synReply':
      case 'headers':
        // Read all the same: the next block is compressed with it.
        await this.#headerReader.read(frame.block);
        if (frame.isFinal) this.#streams.get(frame.streamId)?.takeEnd();
        return;
      case 'data':
        return this.#data(frame);
      case 'rstStream':
        this.#streams.get(frame.streamId)?.abort();
        this.#streams.delete(frame.streamId);
        return;
      case 'ping':
        if (frame.id % 2 === (this.#options.role === 'server' ? 1 : 0)) this.#send(encode.ping(frame.id));
        return;
      case 'goAway':
        return;
    }
  }

  #opened(id: number, isFinal: boolean, headers: Headers): void {
    const { role, onStream } = this.#options;
    if (id === 0 || id % 2 !== (role === 'server' ? 1 : 0) || id <= this.#lastOpened)
      throw new SpdyProtocolError(`stream ${id} cannot be opened after stream ${this.#lastOpened}`);
    this.#lastOpened = id;
    if (onStream === undefined || this.#streams.size >= MOST_STREAMS)
      return this.#send(encode.rstStream(id, RESET.refusedStream));
    const stream = this.#add(id, headers);
    this.#send(encode.synReply(id, this.#headerWriter.write([])));
    onStream(stream);
    if (isFinal) stream.takeEnd();
  }

  async #data(frame: Extract<Frame, { type: 'data' }>): Promise<void> {
    const stream = this.#streams.get(frame.streamId);
    if (stream === undefined) {
      // Of a stream that has ended here a moment ago, or of none.
      if (frame.streamId > this.#lastOpened && this.#options.role === 'server')
        this.#send(encode.rstStream(frame.streamId, RESET.invalidStream));
      return;
    }
    if (frame.data.length > 0) stream.takeData(frame.data);
    if (frame.isFinal) stream.takeEnd();
    await stream.room(LIMITS.streamWindowBytes);
  }

  // ---- writing ------------------------------------------------------------------------------------------------------

  #add(id: number, headers: Headers): SpdyStream {
    const stream = new SpdyStream(id, headers, {
      send: (data, isFinal) => this.#sendData(id, data, isFinal),
      reset: (code) => this.#send(encode.rstStream(id, code)),
      forget: () => void this.#streams.delete(id),
    });
    this.#streams.set(id, stream);
    return stream;
  }

  #sendData(id: number, data: Uint8Array, isFinal: boolean): Promise<void> | undefined {
    if (this.#isClosed) return undefined;
    this.#socket.cork();
    this.#socket.write(encode.dataHead(id, data.length, isFinal));
    if (data.length > 0) this.#socket.write(data);
    this.#socket.uncork();
    return this.#socket.writableNeedDrain ? this.#room() : undefined;
  }

  #send(bytes: Buffer): void {
    if (!this.#isClosed && this.#socket.writable) this.#socket.write(bytes);
  }

  /** One promise for all that wait. */
  #room(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    this.#drained ??= new Promise<void>((resolve) => {
      this.#wakeWriters = () => {
        this.#drained = undefined;
        resolve();
      };
    });
    return this.#drained;
  }

  #over(why?: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#headerReader.close();
    this.#wakeWriters();
    for (const stream of this.#streams.values()) stream.abort();
    this.#streams.clear();
    this.#resolve(why === undefined ? {} : { why });
  }
}
