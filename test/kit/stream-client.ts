// Does: begins conversations with a pod as clients of the API do: over SPDY, over a WebSocket, over SPDY in a WebSocket.
// Never interprets what comes.
import { request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import WebSocket, { createWebSocketStream } from 'ws';
import { SpdyConnection } from '../../lib/streams/spdy/connection.ts';
import type { SpdyStream } from '../../lib/streams/spdy/stream.ts';
import { ADMIN_TOKEN, type TestApi } from './api-server.ts';

/** What the server said instead of an upgrade. */
export class Refused extends Error {
  readonly code: number;
  readonly body: { message?: string; reason?: string };

  constructor(code: number, text: string) {
    super(`${code} ${text}`);
    this.code = code;
    this.body = JSON.parse(text) as Refused['body'];
  }
}

export interface Asked {
  token?: string;
  method?: string;
  protocols?: readonly string[];
}

/** The bare connection after an upgrade to SPDY/3.1, and the protocol that was chosen. */
export function upgradeToSpdy(
  api: TestApi,
  path: string,
  { token = ADMIN_TOKEN, method = 'POST', protocols = ['v4.channel.k8s.io'] }: Asked = {},
): Promise<{ socket: Duplex; protocol: string | undefined }> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest({
      host: '127.0.0.1',
      port: api.port,
      ca: api.caPem,
      agent: false,
      method,
      path,
      headers: {
        authorization: `Bearer ${token}`,
        connection: 'Upgrade',
        upgrade: 'SPDY/3.1',
        ...(protocols.length === 0 ? {} : { 'x-stream-protocol-version': protocols.join(', ') }),
      },
    });
    request.once('error', reject);
    request.once('upgrade', (response, socket, head) => {
      if (head.length > 0) socket.unshift(head);
      resolve({ socket, protocol: response.headers['x-stream-protocol-version'] as string | undefined });
    });
    request.once('response', (response) => {
      let text = '';
      response.on('data', (part: Buffer) => (text += part.toString()));
      response.on('end', () => reject(new Refused(response.statusCode!, text)));
    });
    request.end();
  });
}

export async function openSpdy(api: TestApi, path: string, asked: Asked = {}): Promise<SpdyConnection> {
  const { socket } = await upgradeToSpdy(api, path, asked);
  return new SpdyConnection(socket, { role: 'client' });
}

export function openWebSocket(
  api: TestApi,
  path: string,
  { token = ADMIN_TOKEN, protocols = ['v5.channel.k8s.io'] }: Asked = {},
): Promise<WebSocket> {
  const socket = new WebSocket(`wss://127.0.0.1:${api.port}${path}`, [...protocols], {
    ca: api.caPem,
    headers: { authorization: `Bearer ${token}` },
  });
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve(socket));
    socket.once('error', reject);
    socket.once('unexpected-response', (_request, response) => {
      let text = '';
      response.on('data', (part: Buffer) => (text += part.toString()));
      response.on('end', () => reject(new Refused(response.statusCode!, text)));
    });
  });
}

/** As kubectl 1.31 and newer forwards ports. ws will not offer a protocol with a slash: the header is set by hand. */
export function openTunnel(api: TestApi, path: string): Promise<SpdyConnection> {
  const socket = new WebSocket(`wss://127.0.0.1:${api.port}${path}`, {
    ca: api.caPem,
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'sec-websocket-protocol': 'SPDY/3.1+portforward.k8s.io' },
  });
  return new Promise((resolve, reject) => {
    socket.once('upgrade', ({ headers }) => {
      // ws refuses an answer to what it did not offer itself.
      if (headers['sec-websocket-protocol'] === 'SPDY/3.1+portforward.k8s.io') delete headers['sec-websocket-protocol'];
    });
    socket.once('open', () => resolve(new SpdyConnection(createWebSocketStream(socket), { role: 'client' })));
    socket.once('error', reject);
  });
}

/** Everything until the stream's end. */
export function textOf(stream: SpdyStream): Promise<string> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    const done = (): void => resolve(Buffer.concat(parts).toString());
    stream.read({ data: (part) => void parts.push(part), end: done });
    // What came before is passed on in the turns that are left of this one.
    void stream.closed.then(() => setImmediate(done));
  });
}

/** The messages of a WebSocket until it closes. */
export function messagesOf(socket: WebSocket): Promise<Buffer[]> {
  const messages: Buffer[] = [];
  socket.on('message', (message) => void messages.push(message as Buffer));
  return new Promise((resolve) => socket.once('close', () => resolve(messages)));
}
