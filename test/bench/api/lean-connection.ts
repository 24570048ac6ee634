// Does: speaks the least of HTTP/2 that a client can: one TLS connection, requests of a few headers and a small body, answers
// that are counted and not read. Never follows what a server of ours does not do (pushes, priorities, trailers).
import { connect, type TLSSocket } from 'node:tls';
import { answeredCode, HeaderCounter, requestHeaders } from './lean-headers.ts';
import type { Server } from './connections.ts';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const FRAME = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goAway: 7, windowUpdate: 8, continuation: 9 };
const END_STREAM = 1;
const ACKNOWLEDGED = 1;
const END_HEADERS = 4;
const HEAD_BYTES = 9;
const INITIAL_WINDOW_SIZE = 4;
/** What a connection may send before the server grants more. */
const FIRST_WINDOW_BYTES = 65_535;
/** What we grant: never what stops an answer. */
const WINDOW_BYTES = 16 * 1_048_576;

export interface LeanAnswer {
  code: number;
  /** Empty for a 2xx. */
  body: Buffer;
}

interface Waiting {
  resolve: (answer: LeanAnswer) => void;
  reject: (error: Error) => void;
  code: number;
  body: Buffer[];
}

export class LeanConnection {
  readonly #socket: TLSSocket;
  readonly #headers = requestHeaders();
  readonly #counter = new HeaderCounter();
  readonly #waiting = new Map<number, Waiting>();
  #nextStream = 1;
  #rest: Buffer = Buffer.alloc(0);
  #out: Buffer[] = [];
  #room = FIRST_WINDOW_BYTES;
  /** Frames with bodies that the server has granted no room for yet. */
  #held: Buffer[] = [];
  #unacknowledged = 0;

  private constructor(socket: TLSSocket) {
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the server closed the connection')));
    this.#write(PREFACE);
    this.#write(frame(FRAME.settings, 0, 0, setting(INITIAL_WINDOW_SIZE, WINDOW_BYTES)));
    this.#write(windowUpdate(WINDOW_BYTES - FIRST_WINDOW_BYTES));
  }

  static open({ url, credentials }: Server): Promise<LeanConnection> {
    const { hostname, port } = new URL(url);
    return new Promise((resolve, reject) => {
      const options = { host: hostname, port: Number(port), ALPNProtocols: ['h2'], ...credentials };
      const socket = connect(options, () => resolve(new LeanConnection(socket)));
      socket.setNoDelay(true);
      socket.once('error', reject);
    });
  }

  ask(method: string, path: string, body?: Uint8Array, contentType?: string): Promise<LeanAnswer> {
    const stream = this.#nextStream;
    this.#nextStream += 2;
    const block = this.#headers(method, path, body?.length, contentType);
    const flags = END_HEADERS | (body === undefined ? END_STREAM : 0);
    this.#write(frame(FRAME.headers, flags, stream, block));
    if (body !== undefined) this.#send(frame(FRAME.data, END_STREAM, stream, body));
    return new Promise((resolve, reject) => this.#waiting.set(stream, { resolve, reject, code: 0, body: [] }));
  }

  get inFlight(): number {
    return this.#waiting.size;
  }

  close(): void {
    this.#socket.destroy();
  }

  #send(data: Buffer): void {
    const bytes = data.length - HEAD_BYTES;
    if (this.#held.length > 0 || bytes > this.#room) {
      this.#held.push(data);
      return;
    }
    this.#room -= bytes;
    this.#write(data);
  }

  #granted(bytes: number): void {
    this.#room += bytes;
    const held = this.#held;
    this.#held = [];
    for (const data of held) this.#send(data);
  }

  /** All that one turn asks goes out in one piece. */
  #write(bytes: Buffer): void {
    if (this.#out.length === 0)
      setImmediate(() => {
        const out = this.#out;
        this.#out = [];
        this.#socket.write(out.length === 1 ? out[0]! : Buffer.concat(out));
      });
    this.#out.push(bytes);
  }

  #receive(bytes: Buffer): void {
    const input = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    let at = 0;
    while (input.length - at >= HEAD_BYTES) {
      const length = input.readUIntBE(at, 3);
      const end = at + HEAD_BYTES + length;
      if (end > input.length) break;
      const stream = input.readUInt32BE(at + 5) & 0x7f_ff_ff_ff;
      this.#handle(input[at + 3]!, input[at + 4]!, stream, input.subarray(at + HEAD_BYTES, end));
      at = end;
    }
    this.#rest = input.subarray(at);
  }

  #handle(type: number, flags: number, stream: number, payload: Buffer): void {
    const waiting = this.#waiting.get(stream);
    if (type === FRAME.headers) {
      if ((flags & END_HEADERS) === 0) throw new Error('an answer has more headers than a frame holds');
      const code = answeredCode(this.#counter, payload);
      if (waiting !== undefined) waiting.code = code;
    } else if (type === FRAME.data) {
      this.#took(payload.length);
      if (waiting !== undefined && waiting.code >= 300) waiting.body.push(Buffer.from(payload));
    } else if (type === FRAME.windowUpdate) {
      if (stream === 0) this.#granted(payload.readUInt32BE(0));
    } else if (type === FRAME.settings && (flags & ACKNOWLEDGED) === 0) {
      this.#write(frame(FRAME.settings, ACKNOWLEDGED, 0));
    } else if (type === FRAME.ping && (flags & ACKNOWLEDGED) === 0) {
      this.#write(frame(FRAME.ping, ACKNOWLEDGED, 0, payload));
    } else if (type === FRAME.reset) {
      this.#waiting.delete(stream);
      waiting?.reject(new Error(`the server reset a request with ${payload.readUInt32BE(0)}`));
    } else if (type === FRAME.goAway || type === FRAME.continuation) {
      this.#fail(new Error(`the server sent a frame of type ${type}`));
    }
    const isEnd = (type === FRAME.headers || type === FRAME.data) && (flags & END_STREAM) !== 0;
    if (!isEnd || waiting === undefined) return;
    this.#waiting.delete(stream);
    waiting.resolve({ code: waiting.code, body: Buffer.concat(waiting.body) });
  }

  #took(bytes: number): void {
    this.#unacknowledged += bytes;
    if (this.#unacknowledged < WINDOW_BYTES / 4) return;
    this.#write(windowUpdate(this.#unacknowledged));
    this.#unacknowledged = 0;
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

function frame(type: number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const out = Buffer.allocUnsafe(HEAD_BYTES + payload.length);
  out.writeUIntBE(payload.length, 0, 3);
  out[3] = type;
  out[4] = flags;
  out.writeUInt32BE(stream, 5);
  out.set(payload, HEAD_BYTES);
  return out;
}

function setting(name: number, value: number): Buffer {
  const out = Buffer.alloc(6);
  out.writeUInt16BE(name, 0);
  out.writeUInt32BE(value, 2);
  return out;
}

function windowUpdate(bytes: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(bytes, 0);
  return frame(FRAME.windowUpdate, 0, 0, out);
}
