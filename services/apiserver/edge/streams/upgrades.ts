// Does: turns an HTTP/1.1 upgrade into a WebSocket, a SPDY connection, or SPDY carried by a WebSocket. Never decides who
// may have one: that was asked before.
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createWebSocketStream, WebSocketServer, type WebSocket } from 'ws';
import type { Clock } from '../../../../lib/base/clock.ts';
import { LIMITS } from '../../../../lib/base/limits.ts';
import { SpdyConnection } from '../../../../lib/streams/spdy/connection.ts';
import type { SpdyStream } from '../../../../lib/streams/spdy/stream.ts';

export interface Upgrade {
  request: IncomingMessage;
  socket: Duplex;
  head: Buffer;
}

/** What the client wants to speak, and what it offers to speak over it. */
export interface Offer {
  carrier: 'websocket' | 'spdy' | 'other';
  protocols: readonly string[];
}

/** Everything that may be refused has been asked; from here on there is a connection. */
export type Accept = (upgrade: Upgrade) => void;

export const TUNNEL_PROTOCOL = 'SPDY/3.1+portforward.k8s.io';

/** A client that is gone without a word is noticed by TCP. */
const KEEPALIVE_MS = 30_000;
/** So long may the other side take to answer our end of the connection. */
const GOODBYE_MS = 10_000;

export function offerOf(request: IncomingMessage): Offer {
  const { headers } = request;
  const upgrade = (headers.upgrade ?? '').toLowerCase();
  const carrier = upgrade === 'websocket' ? 'websocket' : upgrade === 'spdy/3.1' ? 'spdy' : 'other';
  const offered = carrier === 'spdy' ? headers['x-stream-protocol-version'] : headers['sec-websocket-protocol'];
  const protocols = [offered ?? []]
    .flat()
    .flatMap((line) => line.split(','))
    .map((name) => name.trim())
    .filter((name) => name !== '');
  return { carrier, protocols };
}

/** What `acceptWebSocket` was told, for the moment in which ws asks. */
const CHOSEN = new WeakMap<IncomingMessage, string>();
const acceptor = new WebSocketServer({
  noServer: true,
  maxPayload: LIMITS.requestBodyBytes,
  handleProtocols: (_offered, request) => CHOSEN.get(request) ?? false,
});
// ws refuses this name, whose slash is no character of a token: the answer is written by hand.
const tunnelAcceptor = new WebSocketServer({ noServer: true, maxPayload: LIMITS.requestBodyBytes });
tunnelAcceptor.on('headers', (headers) => headers.push(`Sec-WebSocket-Protocol: ${TUNNEL_PROTOCOL}`));

/** `protocol`: what the answer names; undefined: none. The bearer token's protocol is never one: it would be sent back. */
export function acceptWebSocket(
  { request, socket, head }: Upgrade,
  protocol: string | undefined,
  serve: (socket: WebSocket) => void,
): void {
  watchOver(socket);
  if (protocol !== undefined) CHOSEN.set(request, protocol);
  acceptor.handleUpgrade(request, socket, head, (opened) => {
    opened.on('error', () => opened.terminate());
    serve(opened);
  });
}

/** SPDY's bytes as binary messages of a WebSocket. */
export function acceptTunnel(upgrade: Upgrade, clock: Clock, onStream: (stream: SpdyStream) => void): void {
  const { request, socket, head } = upgrade;
  watchOver(socket);
  delete request.headers['sec-websocket-protocol'];
  tunnelAcceptor.handleUpgrade(request, socket, head, (opened) => {
    serveSpdy(createWebSocketStream(opened), clock, onStream);
  });
}

export function acceptSpdy(
  { socket, head }: Upgrade,
  protocol: string | undefined,
  clock: Clock,
  onStream: (stream: SpdyStream) => void,
): SpdyConnection {
  watchOver(socket);
  const chosen = protocol === undefined ? '' : `X-Stream-Protocol-Version: ${protocol}\r\n`;
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: SPDY/3.1\r\nConnection: Upgrade\r\n${chosen}\r\n`);
  if (head.length > 0) socket.unshift(head);
  return serveSpdy(socket, clock, onStream);
}

function serveSpdy(carrier: Duplex, clock: Clock, onStream: (stream: SpdyStream) => void): SpdyConnection {
  const connection = new SpdyConnection(carrier, { role: 'server', onStream });
  void connection.closed.then(() => {
    const timer = clock.timer(GOODBYE_MS, () => carrier.destroy());
    carrier.once('close', () => timer.cancel());
    if (carrier.destroyed) timer.cancel();
  });
  return connection;
}

function watchOver(socket: Duplex): void {
  const { setKeepAlive, setNoDelay, setTimeout } = socket as Partial<Socket>;
  setTimeout?.call(socket, 0);
  setNoDelay?.call(socket, true);
  setKeepAlive?.call(socket, true, KEEPALIVE_MS);
}
