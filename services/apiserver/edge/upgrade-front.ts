// Does: serves what begins with an HTTP upgrade: watches, logs, exec and attach over WebSocket. Never speaks SPDY: it only
// tells such a client why its request could not have been served anyway.
import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { WebSocketServer, type WebSocket } from 'ws';
import { ApiError } from '../../../lib/base/errors.ts';
import { LIMITS } from '../../../lib/base/limits.ts';
import { peerCertificate } from '../../../lib/http/certificates.ts';
import { handle } from './api.ts';
import type { Answer } from './call.ts';
import { callOf } from './http-front.ts';
import type { ApiParts } from './parts.ts';
import { openLogs } from './pod-logs.ts';
import { execProtocols, prepareExec } from './pod-exec.ts';
import { asRefusal } from './refusal.ts';
import { WatchSession } from './watch-session.ts';

const TEXT_PROTOCOLS = ['base64.binary.k8s.io', 'binary.k8s.io'];
const ALL_PROTOCOLS = [...execProtocols, ...TEXT_PROTOCOLS];

const acceptor = new WebSocketServer({
  noServer: true,
  maxPayload: LIMITS.requestBodyBytes,
  // The bearer token's protocol is never chosen: it would send the token back.
  handleProtocols: (offered) => ALL_PROTOCOLS.find((name) => offered.has(name)) ?? false,
});

type Serve = (socket: WebSocket) => void;

export async function answerUpgrade(
  parts: ApiParts,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  socket.on('error', () => socket.destroy());
  try {
    const protocols = String(
      request.headers['sec-websocket-protocol'] ?? request.headers['x-stream-protocol-version'] ?? '',
    )
      .split(',')
      .map((name) => name.trim());
    const credentials = { certificate: peerCertificate(socket as TLSSocket), headers: request.headers, protocols };
    const user = await parts.authenticator.authenticate(credentials, parts.ctx.clock.now());
    const call = callOf(
      { method: request.method ?? 'GET', url: request.url ?? '/', headers: request.headers as never },
      new Uint8Array(),
      user,
    );
    const serve = await conversation(parts, call, await handle(parts, call), protocols);
    if (request.headers.upgrade?.toLowerCase() !== 'websocket') throw notWebSocket(request);
    acceptor.handleUpgrade(request, socket, head, serve);
  } catch (error) {
    refuse(socket, asRefusal(parts, error));
  }
}

/** kubectl before 1.30 speaks SPDY for exec; newer ones try it after a refused WebSocket and show this answer. */
function notWebSocket(request: IncomingMessage): ApiError {
  const asked = JSON.stringify(request.headers.upgrade ?? '');
  return new ApiError('BadRequest', `upgrade to ${asked} is not served, WebSocket is (kubectl 1.30 or newer)`);
}

/** Everything that may be refused is asked for before the upgrade is accepted. */
async function conversation(
  parts: ApiParts,
  call: ReturnType<typeof callOf>,
  answer: Answer,
  protocols: readonly string[],
): Promise<Serve> {
  if (answer.type === 'watch') return (socket) => serveWatch(parts, socket, answer.plan);
  if (answer.type !== 'stream') throw new ApiError('BadRequest', 'this path does not serve an upgraded connection');
  const { subresource } = answer.info;
  if (subresource === 'log') {
    const stream = await openLogs(parts, call, answer);
    return (socket) => {
      socket.on('close', () => stream.close());
      stream.onFrame((frame) => (frame.type === 'data' ? sendFrame(socket, frame.data) : undefined));
      void stream.closed.then(() => socket.close(1000));
    };
  }
  if (subresource === 'exec' || subresource === 'attach')
    return prepareExec(parts, call, answer, subresource, protocols);
  throw new ApiError('MethodNotAllowed', `${answer.info.resource}/${subresource} is not served over WebSocket yet`, {});
}

function serveWatch(parts: ApiParts, socket: WebSocket, plan: Extract<Answer, { type: 'watch' }>['plan']): void {
  let waiting = 0;
  const session = new WatchSession(parts.hub, parts.ctx.clock, plan, {
    write: (bytes) => {
      waiting++;
      void sendFrame(socket, bytes).then(() => {
        if (--waiting === 0) session.drained();
      });
      return socket.bufferedAmount < LIMITS.streamWindowBytes;
    },
    end: () => socket.close(1000),
  });
  socket.on('close', () => session.close());
  socket.on('error', () => session.close());
}

/** Text frames, or base64 text when the client asked for that. Resolves when the bytes have left, or never will. */
function sendFrame(socket: WebSocket, bytes: Uint8Array): Promise<void> {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data = socket.protocol === 'base64.binary.k8s.io' ? text.toString('base64') : text;
  return new Promise((resolve) => socket.send(data, { binary: socket.protocol === 'binary.k8s.io' }, () => resolve()));
}

function refuse(socket: Duplex, refusal: ApiError): void {
  const body = JSON.stringify(refusal.toStatus());
  socket.end(
    `HTTP/1.1 ${refusal.code} ${STATUS_CODES[refusal.code] ?? 'Error'}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
