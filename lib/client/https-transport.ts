// Does: sends API requests over HTTPS with a person's credential: single answers, streams, and the options that a
// WebSocket needs. Never retries: a person sees what happened and decides.
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { TroubleError, type Status } from '../base/errors.ts';
import type { ApiRequest, ApiResponse } from '../bus/messages.ts';
import type { Transport } from './client.ts';

export interface HttpsServer {
  /** `https://127.0.0.1:6443` */
  server: string;
  /** PEM texts. */
  ca?: string;
  cert?: string;
  key?: string;
  token?: string;
  insecure?: boolean;
}

export interface SendOptions {
  /** Default `application/json`. */
  accept?: string;
  signal?: AbortSignal;
}

/** A body that arrives piece by piece. */
export interface StreamAnswer {
  code: number;
  contentType: string;
  warnings: string[];
  body: AsyncIterable<Uint8Array>;
}

/** Nobody answers at the server's address. */
export class ConnectionError extends TroubleError {
  readonly code: string;

  constructor(server: string, cause: NodeJS.ErrnoException) {
    super(textOf(server, cause), cause);
    this.name = 'ConnectionError';
    this.code = cause.code ?? '';
  }
}

const ANSWER_MS = 60_000;

export class HttpsTransport implements Transport {
  readonly server: string;
  readonly #options: HttpsServer;
  readonly #agent: Agent;

  constructor(options: HttpsServer) {
    this.server = options.server.replace(/\/$/, '');
    this.#options = options;
    this.#agent = new Agent({ keepAlive: true, maxSockets: 16 });
  }

  async request(request: ApiRequest, options: SendOptions = {}): Promise<ApiResponse> {
    const answer = await this.open(request, options);
    const chunks: Uint8Array[] = [];
    for await (const chunk of answer.body) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString('utf8');
    return { code: answer.code, body: parseBody(answer, text), warnings: answer.warnings };
  }

  /** Resolves when the head of the answer is here. */
  async open(request: ApiRequest, options: SendOptions = {}): Promise<StreamAnswer> {
    const payload = request.body === undefined ? undefined : Buffer.from(JSON.stringify(request.body));
    const response = await this.#send(request, payload, options);
    return {
      code: response.statusCode ?? 0,
      contentType: String(response.headers['content-type'] ?? ''),
      warnings: warningsOf(response),
      body: response as AsyncIterable<Uint8Array>,
    };
  }

  /** What a WebSocket client must be given to be the same person at the same server. */
  connection(): {
    url: string;
    headers: Record<string, string>;
    tls: Pick<RequestOptions, 'ca' | 'cert' | 'key' | 'rejectUnauthorized'>;
  } {
    return { url: this.server.replace(/^http/, 'ws'), headers: this.#authorization(), tls: this.#tls() };
  }

  close(): void {
    this.#agent.destroy();
  }

  #send(request: ApiRequest, payload: Buffer | undefined, options: SendOptions): Promise<IncomingMessage> {
    const url = new URL(this.server + request.path);
    for (const [key, value] of Object.entries(request.query ?? {})) url.searchParams.set(key, value);
    return new Promise((resolve, reject) => {
      const sent = httpsRequest(
        url,
        {
          method: request.method,
          agent: this.#agent,
          headers: {
            accept: options.accept ?? 'application/json',
            'user-agent': 'flotilla',
            ...(request.as === undefined ? {} : { 'impersonate-user': request.as }),
            ...this.#authorization(),
            ...(payload === undefined
              ? {}
              : { 'content-type': request.contentType ?? 'application/json', 'content-length': payload.length }),
          },
          ...(options.signal === undefined ? {} : { signal: options.signal }),
          ...this.#tls(),
        },
        (response) => {
          sent.setTimeout(0);
          resolve(response);
        },
      );
      sent.setTimeout(ANSWER_MS, () => sent.destroy(new Error(`no answer in ${ANSWER_MS / 1000} s`)));
      sent.once('error', (error: NodeJS.ErrnoException) => reject(new ConnectionError(this.server, error)));
      sent.end(payload);
    });
  }

  #authorization(): Record<string, string> {
    return this.#options.token === undefined ? {} : { authorization: `Bearer ${this.#options.token}` };
  }

  #tls(): Pick<RequestOptions, 'ca' | 'cert' | 'key' | 'rejectUnauthorized'> {
    const { ca, cert, key, insecure } = this.#options;
    return {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(insecure === true ? { rejectUnauthorized: false } : {}),
    };
  }
}

/** A refusal that is not JSON (a proxy, a crash) still becomes a Status with its text in it. */
function parseBody(answer: StreamAnswer, text: string): unknown {
  if (answer.contentType.includes('json')) {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      // falls through: shown as text
    }
  }
  if (answer.code < 400) return text;
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: text.trim(),
    code: answer.code,
  } satisfies Status;
}

/** `299 - "text"`, several in one header or in many. */
function warningsOf(response: IncomingMessage): string[] {
  const header = response.headers['warning'];
  const text = Array.isArray(header) ? header.join(', ') : (header ?? '');
  return [...text.matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)].map((match) => match[1]!.replaceAll(/\\(.)/g, '$1'));
}

function textOf(server: string, cause: NodeJS.ErrnoException): string {
  const host = new URL(server).host;
  if (cause.code === 'ECONNREFUSED')
    return `The connection to the server ${host} was refused - did you specify the right host or port?`;
  return `Unable to connect to the server: ${cause.message}`;
}
