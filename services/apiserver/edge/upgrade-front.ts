// Does: serves what begins with an HTTP upgrade: exec, attach and port-forward over WebSocket and SPDY, watches and logs
// over WebSocket. Never decides what is said then: streams/ does.
import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { WebSocket } from 'ws';
import { ApiError } from '../../../lib/base/errors.ts';
import { LIMITS } from '../../../lib/base/limits.ts';
import type { BusStream } from '../../../lib/bus/streams.ts';
import { peerCertificate } from '../../../lib/http/certificates.ts';
import type { ResourceRequest } from '../core/request-info.ts';
import { tunnel } from './aggregation/proxy.ts';
import { ANONYMOUS } from '../core/auth/user.ts';
import { authorize, handle } from './api.ts';
import { auditConversation, auditIdOf, auditRefusal } from './audit/audited.ts';
import type { Answer, Call } from './call.ts';
import { inUpgradeTurn } from './flow-control/in-turn.ts';
import { callOf } from './http-front.ts';
import { identified } from './identified.ts';
import type { ApiParts } from './parts.ts';
import { openLogs } from './pod-logs.ts';
import { openPodProxy } from './pod-proxy.ts';
import { countConversation, countWhole } from './request-metrics.ts';
import { asRefusal } from './refusal.ts';
import { prepareCommand, prepareForward } from './streams/prepare.ts';
import { acceptWebSocket, offerOf, type Accept, type Offer } from './streams/upgrades.ts';
import { watchSession } from './watch-session.ts';

const NOTHING = new Uint8Array();
const TEXT_PROTOCOLS = ['base64.binary.k8s.io', 'binary.k8s.io'];

export async function answerUpgrade(
  parts: ApiParts,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  const began = parts.ctx.clock.monotonic();
  socket.on('error', () => socket.destroy());
  const { headers, rawHeaders, url: uri = '/' } = request;
  const call = callOf({ method: request.method ?? 'GET', url: uri, headers: headers as never }, NOTHING, ANONYMOUS);
  try {
    const offer = offerOf(request);
    const { protocols } = offer;
    const credentials = { certificate: peerCertificate(socket as TLSSocket), headers, rawHeaders, uri, protocols };
    const source = { auditId: auditIdOf(headers, parts.ctx.chance), uri, headers, socket: socket as TLSSocket };
    await identified(parts, call, source, credentials);
    await inUpgradeTurn(parts, call, socket, async () => {
      const answer = await handle(parts, call);
      if (answer.type === 'proxy') {
        auditConversation(call, socket);
        countConversation(parts, call, socket, began);
        return tunnel(parts, call, answer, request, socket, head);
      }
      const accept = await conversation(parts, call, answer, offer, headers.upgrade ?? '');
      auditConversation(call, socket);
      countConversation(parts, call, socket, began);
      accept({ request, socket, head });
    });
  } catch (error) {
    const refusal = asRefusal(parts, error);
    auditRefusal(call, refusal);
    call.audit?.complete(refusal.code);
    countWhole(parts, call, refusal.code, began);
    refuse(socket, refusal);
  }
}

/** Everything that may be refused is asked for before the upgrade is accepted. */
async function conversation(
  parts: ApiParts,
  call: Call,
  answer: Answer,
  offer: Offer,
  upgrade: string,
): Promise<Accept> {
  if (answer.type === 'stream' && answer.info.subresource === 'proxy')
    return openPodProxy(parts, call, answer, upgrade);
  if (offer.carrier === 'other')
    throw new ApiError('BadRequest', 'only upgrades to "websocket" and "SPDY/3.1" are served');
  if (answer.type === 'watch') return overWebSocket(offer, (socket) => serveWatch(parts, socket, answer.plan));
  if (answer.type !== 'stream') throw new ApiError('BadRequest', 'this path does not serve an upgraded connection');
  const { subresource } = answer.info;
  if (subresource === 'log') {
    requireWebSocket(offer);
    const stream = await openLogs(parts, call, answer);
    return overWebSocket(offer, (socket) => serveLogs(socket, stream));
  }
  await mayCreate(parts, call, answer.info);
  if (subresource === 'portforward') return prepareForward(parts, call, answer, offer);
  return prepareCommand(parts, call, answer, subresource === 'attach' ? 'attach' : 'exec', offer);
}

/** A WebSocket begins with a GET: who may only look may not for that run a command. */
async function mayCreate(parts: ApiParts, call: Call, info: ResourceRequest): Promise<void> {
  if (info.verb !== 'create') await authorize(parts, call, { ...info, verb: 'create' });
}

function requireWebSocket({ carrier }: Offer): void {
  if (carrier !== 'websocket') throw new ApiError('BadRequest', 'only an upgrade to "websocket" is served here');
}

function overWebSocket(offer: Offer, serve: (socket: WebSocket) => void): Accept {
  requireWebSocket(offer);
  const chosen = TEXT_PROTOCOLS.find((name) => offer.protocols.includes(name));
  return (upgrade) => acceptWebSocket(upgrade, chosen, serve);
}

function serveLogs(socket: WebSocket, stream: BusStream): void {
  socket.on('close', () => stream.close());
  stream.onFrame((frame) => (frame.type === 'data' ? sendFrame(socket, frame.data) : undefined));
  void stream.closed.then(() => socket.close(1000));
}

function serveWatch(parts: ApiParts, socket: WebSocket, plan: Extract<Answer, { type: 'watch' }>['plan']): void {
  let waiting = 0;
  const session = watchSession(parts, plan, {
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
  const seconds = refusal.details?.retryAfterSeconds;
  const retryAfter = seconds === undefined ? '' : `retry-after: ${seconds}\r\n`;
  socket.end(
    `HTTP/1.1 ${refusal.code} ${STATUS_CODES[refusal.code] ?? 'Error'}\r\n${retryAfter}content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
