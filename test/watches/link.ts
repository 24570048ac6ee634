// Does: is one HTTP/2 connection to any of several API servers, made anew to the next one when it breaks. Never repeats a
// request by itself: only who asked knows whether that is harmless.
import { connect, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiCredentials } from '../kit/api-settings.ts';

const PAUSE_MS = 100;
/** Whom a server cannot serve now, or not in time. */
export const TRY_AGAIN = new Set([429, 503, 504]);

export interface Answered {
  code: number;
  body: any;
}

/** The connection broke before the answer: whether the request was carried out is not known. */
export class BrokenLinkError extends Error {}

export class Link {
  readonly #urls: readonly string[];
  readonly #credentials: ApiCredentials;
  #session: Promise<ClientHttp2Session> | undefined;
  #next: number;
  #isClosed = false;

  /** `first`: which of the addresses is tried first. */
  constructor(urls: readonly string[], credentials: ApiCredentials, first = 0) {
    this.#urls = urls;
    this.#credentials = credentials;
    this.#next = first;
  }

  async stream(
    method: string,
    path: string,
    body?: object,
    contentType = 'application/json',
  ): Promise<ClientHttp2Stream> {
    const session = await (this.#session ??= this.#open());
    const stream = session.request({ ':method': method, ':path': path, 'content-type': contentType });
    stream.end(body === undefined ? undefined : JSON.stringify(body));
    return stream;
  }

  /** Throws BrokenLinkError. */
  async ask(method: string, path: string, body?: object, contentType?: string): Promise<Answered> {
    const stream = await this.stream(method, path, body, contentType).catch((error: Error) => {
      throw new BrokenLinkError(error.message);
    });
    return new Promise((resolve, reject) => {
      let [code, text] = [0, ''];
      let isWhole = false;
      stream.setEncoding('utf8');
      stream.on('response', (headers) => (code = Number(headers[':status'])));
      stream.on('data', (part: string) => (text += part));
      stream.on('end', () => (isWhole = true));
      stream.on('error', () => {});
      stream.on('close', () => {
        if (isWhole && code !== 0) resolve({ code, body: JSON.parse(text) });
        else reject(new BrokenLinkError(`${method} ${path} was not answered`));
      });
    });
  }

  /** For requests that do no harm twice: goes on until one of the servers answers. */
  async askAnyhow(method: string, path: string, body?: object, contentType?: string): Promise<Answered> {
    while (!this.#isClosed) {
      try {
        const answered = await this.ask(method, path, body, contentType);
        if (!TRY_AGAIN.has(answered.code)) return answered;
      } catch (error) {
        if (!(error instanceof BrokenLinkError)) throw error;
      }
      await sleep(PAUSE_MS);
    }
    throw new BrokenLinkError('this client has ended');
  }

  close(): void {
    this.#isClosed = true;
    void this.#session?.then((session) => session.destroy());
  }

  /** Goes round the addresses until one takes the connection. */
  async #open(): Promise<ClientHttp2Session> {
    while (!this.#isClosed) {
      const session = await this.#try(this.#urls[this.#next++ % this.#urls.length]!);
      if (session !== undefined) return session;
      await sleep(PAUSE_MS);
    }
    throw new BrokenLinkError('this client has ended');
  }

  #try(url: string): Promise<ClientHttp2Session | undefined> {
    return new Promise((resolve) => {
      const session = connect(url, { ...this.#credentials });
      session.on('error', () => {});
      session.on('goaway', () => session.destroy());
      session.once('connect', () => resolve(session));
      session.once('close', () => {
        this.#session = undefined;
        resolve(undefined);
      });
    });
  }
}
