// Does: opens HTTP/2 connections to one server and asks on them in turn, with as little work as a client can do. Never
// parses what it gets.
import { connect, type ClientHttp2Session, type ClientHttp2Stream, type OutgoingHttpHeaders } from 'node:http2';
import type { ApiCredentials } from '../../kit/api-settings.ts';

export interface Server {
  url: string;
  credentials: ApiCredentials;
}

/** Large enough that flow control of a whole connection never stops a healthy reader. */
const WINDOW_BYTES = 16 * 1_048_576;

export class RefusedError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export class Connections {
  readonly #sessions: ClientHttp2Session[] = [];
  #next = 0;

  static async open(server: Server, count: number, windowBytes = WINDOW_BYTES): Promise<Connections> {
    const connections = new Connections();
    const opened = Array.from({ length: count }, () => connections.#open(server, windowBytes));
    await Promise.all(opened);
    return connections;
  }

  /** Rejects with RefusedError unless the answer is a 2xx. */
  ask(method: string, path: string, body?: Uint8Array, headers: OutgoingHttpHeaders = {}): Promise<Buffer> {
    const stream = this.stream(method, path, headers, body);
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let code = 0;
      stream.on('response', (answer) => (code = Number(answer[':status'])));
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('error', reject);
      stream.on('end', () => {
        const bytes = Buffer.concat(chunks);
        if (code >= 200 && code < 300) resolve(bytes);
        else
          reject(new RefusedError(code, `${method} ${path} was answered ${code}: ${bytes.toString().slice(0, 300)}`));
      });
    });
  }

  stream(method: string, path: string, headers: OutgoingHttpHeaders = {}, body?: Uint8Array): ClientHttp2Stream {
    const session = this.#sessions[this.#next++ % this.#sessions.length]!;
    const sent = { ':method': method, ':path': path, accept: 'application/json', ...headers };
    if (body === undefined) return session.request(sent);
    const stream = session.request({ 'content-type': 'application/json', 'content-length': body.length, ...sent });
    stream.end(body);
    return stream;
  }

  close(): void {
    for (const session of this.#sessions) session.destroy();
  }

  #open({ url, credentials }: Server, windowBytes: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const session = connect(url, { ...credentials, settings: { initialWindowSize: windowBytes } });
      session.on('error', reject);
      session.once('connect', () => {
        session.setLocalWindowSize(windowBytes);
        this.#sessions.push(session);
        resolve();
      });
    });
  }
}
