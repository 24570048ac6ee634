// Decides nothing: what the API server needs of an HTTP request and its answer, and HTTP/2's two in little more than the stream
// itself: Node's own copies of HTTP/1.1's objects cost more than all that is done for a small get. Never reads a body.
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Duplex, Writable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { impersonates } from './authenticate.ts';
import { HeaderTexts } from './header-texts.ts';
import { endQuietly } from './quiet-ends.ts';

type Listener = (...values: never[]) => void;

export interface Request {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** Over HTTP/2 only of who speaks for another: nothing else needs them. */
  readonly rawHeaders: readonly string[];
  readonly socket: TLSSocket;
  /** Of HTTP/2. */
  readonly stream?: ServerHttp2Stream;
  destroy(): void;
}

export type HeaderValue = string | number | readonly string[];

export interface Response {
  statusCode: number;
  readonly headersSent: boolean;
  readonly writableEnded: boolean;
  readonly writableFinished: boolean;
  /** Of HTTP/1.1; null once it is gone. */
  readonly socket?: { destroyed: boolean } | null;
  /** Of HTTP/2. */
  readonly stream?: ServerHttp2Stream;
  setHeader(name: string, value: HeaderValue): void;
  getHeader(name: string): HeaderValue | undefined;
  writeHead(code: number, headers?: Record<string, HeaderValue>): void;
  write(bytes: Uint8Array | string): boolean;
  end(bytes?: Uint8Array | string): void;
  on(event: 'close' | 'drain' | 'error', listener: Listener): unknown;
  once(event: 'close', listener: Listener): unknown;
  off(event: 'close' | 'drain', listener: Listener): unknown;
}

/** What a body may be piped into, after the head is written. */
export const sinkOf = (response: Response): Writable => (response.stream ?? response) as Duplex;

/** The client may have broken off while its answer was prepared: then no event says so any more. */
export function isGone({ stream, socket }: Response): boolean {
  if (stream !== undefined) return stream.destroyed || stream.closed;
  return socket === null || socket === undefined || socket.destroyed;
}

/** HTTP/1.1 holds headers back until the first byte of the body. */
export function flushHeaders(response: Response): void {
  (response as { flushHeaders?: () => void }).flushHeaders?.();
}

const texts = new HeaderTexts();
const NONE: readonly string[] = [];

export class Http2Request implements Request {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];

  /** As node:http2 makes one: the third argument is for its own class alone. */
  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _options: unknown, rawHeaders: string[]) {
    this.stream = stream;
    // A GET has gone before a young generation is full: there it would cost more than it saves.
    if (headers[':method'] !== 'GET') texts.take(headers);
    this.headers = headers;
    this.rawHeaders = impersonates(headers) ? rawHeaders : NONE;
  }

  get method(): string {
    return this.headers[':method'] as string;
  }

  get url(): string {
    return (this.headers[':path'] as string | undefined) ?? '/';
  }

  get socket(): TLSSocket {
    return this.stream.session?.socket as TLSSocket;
  }

  destroy(): void {
    this.stream.destroy();
  }
}

const ignore = (): void => {};

/** A client that has gone takes nothing any more, and that is no error of whoever answers. */
export class Http2Response implements Response {
  readonly stream: ServerHttp2Stream;
  statusCode = 200;
  /** Names and values in turn, which node:http2 takes as they are: it would make another object of an object. */
  readonly #headers: HeaderValue[] = [':status', 200];

  constructor(stream: ServerHttp2Stream) {
    this.stream = stream;
    endQuietly(stream);
    stream.on('error', ignore);
  }

  get headersSent(): boolean {
    return this.stream.headersSent;
  }

  get writableEnded(): boolean {
    return this.stream.writableEnded;
  }

  get writableFinished(): boolean {
    return this.stream.writableFinished;
  }

  setHeader(name: string, value: HeaderValue): void {
    const at = this.#placeOf(name);
    if (at < 0) this.#headers.push(name, value);
    else this.#headers[at + 1] = value;
  }

  getHeader(name: string): HeaderValue | undefined {
    const at = this.#placeOf(name);
    return at < 0 ? undefined : this.#headers[at + 1];
  }

  /** Node's own, for a client that waits for a word before it sends its body. */
  writeContinue(): void {
    if (!isGone(this)) this.stream.additionalHeaders({ ':status': 100 });
  }

  writeHead(code: number, headers: Record<string, HeaderValue> = {}): void {
    this.statusCode = code;
    for (const name in headers) this.setHeader(name, headers[name]!);
    this.#head();
  }

  write(bytes: Uint8Array | string): boolean {
    if (!this.headersSent) this.#head();
    return !isGone(this) && !this.stream.writableEnded && this.stream.write(bytes);
  }

  end(bytes?: Uint8Array | string): void {
    if (!this.headersSent) this.#head();
    if (isGone(this) || this.stream.writableEnded) return;
    if (bytes === undefined) this.stream.end();
    else this.stream.end(bytes);
  }

  on(event: string, listener: Listener): void {
    this.stream.on(event as 'close', listener as () => void);
  }

  once(event: string, listener: Listener): void {
    this.stream.once(event as 'close', listener as () => void);
  }

  off(event: string, listener: Listener): void {
    this.stream.off(event as 'close', listener as () => void);
  }

  #head(): void {
    if (isGone(this)) return;
    this.#headers[1] = this.statusCode;
    this.stream.respond(this.#headers as never);
  }

  #placeOf(name: string): number {
    for (let at = 0; at < this.#headers.length; at += 2) if (this.#headers[at] === name) return at;
    return -1;
  }
}
