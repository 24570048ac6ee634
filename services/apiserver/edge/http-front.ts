// Does: serves HTTPS, HTTP/1.1 and HTTP/2 on one port and several addresses: authenticates, hands the request on, writes
// the answer. Never lets an error out: each becomes a Status.
import { readFileSync } from 'node:fs';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import type { Duplex, Readable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { ApiError, BareError, messageOf } from '../../../lib/base/errors.ts';
import { LIMITS } from '../../../lib/base/limits.ts';
import { peerCertificate } from '../../../lib/http/certificates.ts';
import { readBody } from '../../../lib/http/read-body.ts';
import { isTellable, warningHeader } from '../../../lib/http/warnings.ts';
import { sendProxied } from './aggregation/proxy.ts';
import { AccessDenied } from '../core/auth/attributes.ts';
import { ANONYMOUS } from '../core/auth/user.ts';
import { RequestStory } from '../core/request-story.ts';
import { handle } from './api.ts';
import { countAnswer } from './request-metrics.ts';
import { tellRead, tellRefusal } from './request-span.ts';
import { auditAnswer, auditBody, auditIdOf, auditRefusal, endAudit } from './audit/audited.ts';
import { inTurn } from './flow-control/in-turn.ts';
import { bytesBody, type Call } from './call.ts';
import { flushHeaders, Http2Request, Http2Response, isGone, type Request, type Response } from './http-exchange.ts';
import { identified } from './identified.ts';
import { keepOpenStreams } from './open-streams.ts';
import type { ApiParts } from './parts.ts';
import { sendLogs } from './pod-logs.ts';
import { sendPodProxy } from './pod-proxy.ts';
import { inAskedForm, wantsYaml, yamlBytes } from './answer-form.ts';
import { asRefusal } from './refusal.ts';
import { forEyes } from './pretty.ts';
import { render } from './render.ts';
import { send } from './send.ts';
import { answerUpgrade } from './upgrade-front.ts';
import { watchSession, type WatchOutput, type WatchSession } from './watch-session.ts';

const BODY_MS = 30_000;
/** As Go's server: a command that runs in a container is all in the first line of its request. */
const MAX_HEADER_BYTES = 2 ** 20 + 4096;
const RESET_AFTER_MS = 500;
const EXTRA_SPACE = /^\s*Bearer {2}/i;
const IGNORED_TOKEN = 'the provided Authorization header contains extra space before the bearer token, and is ignored';
const NOTHING = new Uint8Array();
/** Nobody changes a query. */
const NO_QUERY = new URLSearchParams();
const ignore = (): void => {};

export interface HttpFront {
  close(): Promise<void>;
}

export async function serveHttps(parts: ApiParts): Promise<HttpFront> {
  const { listen, port, certFile, keyFile, clientCaFile } = parts.ctx.settings;
  const tls = { cert: readFileSync(certFile), key: readFileSync(keyFile), ca: readFileSync(clientCaFile) };
  const lean = { Http2ServerRequest: Http2Request as never, Http2ServerResponse: Http2Response as never };
  const http1 = { allowHTTP1: true, maxHeaderSize: MAX_HEADER_BYTES };
  const options = { ...tls, ...lean, ...http1, requestCert: true, rejectUnauthorized: false };
  const servers: Http2SecureServer[] = [];
  const sessions = new Set<{ destroy(): void }>();
  for (const address of listen) {
    const server = createSecureServer(options, (request, response) =>
      serveSafely(parts, request as unknown as Request, response as unknown as Response),
    );
    server.on('upgrade', (request, socket, head: Buffer) => void answerUpgrade(parts, request, socket, head));
    server.on('session', (session) => {
      keepOpenStreams(session);
      remember(sessions, session);
    });
    server.on('secureConnection', (socket: TLSSocket) => remember(sessions, socket));
    // A broken handshake or a reset connection concerns that client only.
    server.on('sessionError', () => {});
    server.on('tlsClientError', () => {});
    server.on('clientError', (error, socket) => refuseUnreadable(parts.ctx, error, socket));
    servers.push(server);
    await listening(server, address, port);
  }
  return {
    close: async () => {
      const closed = servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
      for (const session of sessions) session.destroy();
      await Promise.all(closed);
    },
  };
}

/**
 * What is no request of HTTP/1.1 is told so, as by Go's server: closed a moment later, since a reset takes away what was not read
 * yet. Whoever went away is told nothing.
 */
function refuseUnreadable({ clock }: ApiParts['ctx'], error: Error & { code?: string }, socket: Duplex): void {
  const { code = '' } = error;
  if (socket.writableEnded) return;
  if (!code.startsWith('HPE_') || !socket.writable) return void socket.destroy();
  clock.timer(RESET_AFTER_MS, () => socket.destroy());
  const status = code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request';
  socket.end(`HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n${status}`);
}

function remember(
  sessions: Set<{ destroy(): void }>,
  session: { destroy(): void; once(event: 'close', listener: () => void): unknown },
): void {
  sessions.add(session);
  session.once('close', () => sessions.delete(session));
}

function listening(server: Http2SecureServer, address: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(new Error(`cannot listen on ${address}:${port}: ${error.message}`, { cause: error })),
    );
    server.listen({ host: address, port }, () => resolve());
  });
}

/** A client that breaks off makes any step fail, also the one that says so: that ends its request and nothing else. */
function serveSafely(parts: ApiParts, request: Request, response: Response): void {
  serve(parts, request, response).catch((error: unknown) => {
    parts.ctx.log.debug({ error: messageOf(error) }, 'a request broke off');
    request.destroy();
  });
}

async function serve(parts: ApiParts, request: Request, response: Response): Promise<void> {
  const began = parts.ctx.clock.monotonic();
  const call = callOf(request, NOTHING, ANONYMOUS);
  call.receivedAt = parts.ctx.clock.now();
  call.story = new RequestStory(began);
  let panicked = false;
  response.on('error', ignore);
  const id = auditIdOf(request.headers, parts.ctx.chance);
  response.setHeader('audit-id', id);
  response.setHeader('cache-control', 'no-cache, private');
  try {
    await answerRequest(parts, call, id, request, response);
  } catch (error) {
    panicked = !(error instanceof ApiError);
    tellRefusal(parts, call, error);
    await sendError(parts, call, request, response, error);
  }
  endAudit(call, response, panicked);
  countAnswer(parts, call, response, began);
}

async function answerRequest(
  parts: ApiParts,
  call: Call,
  id: string,
  request: Request,
  response: Response,
): Promise<void> {
  if (EXTRA_SPACE.test(request.headers.authorization ?? '')) call.warnings.add(IGNORED_TOKEN);
  const { headers, rawHeaders, url: uri, socket } = request;
  const credentials = { certificate: peerCertificate(socket), headers, rawHeaders, uri };
  await identified(parts, call, { auditId: id, uri, headers, socket }, credentials);
  markStage(parts, call, 'authenticate');
  await inTurn(parts, call, response, async () => {
    markStage(parts, call, 'queue');
    if (request.method !== 'GET' && request.method !== 'HEAD')
      call.body = bytesBody(await bodyInTime(parts, request), call.body.contentType);
    auditBody(parts, call);
    markStage(parts, call, 'receive');
    await answerCall(parts, call, request, response);
  });
}

function markStage({ ctx }: ApiParts, { story }: Call, stage: string): void {
  story?.mark(stage, ctx.clock.monotonic());
}

/** A body that does not come would keep the seats of its request. */
function bodyInTime({ ctx }: ApiParts, request: Request): Promise<Uint8Array> {
  const length = request.headers['content-length'];
  return readBody((request.stream ?? request) as Readable, {
    announcedBytes: length === undefined ? undefined : Number(length),
    mostBytes: LIMITS.requestBodyBytes,
    deadline: (late) => {
      const seconds = BODY_MS / 1000;
      const text = `the body of the request did not arrive within ${seconds} s`;
      return ctx.clock.timer(BODY_MS, () => late(new ApiError('Timeout', text)));
    },
  });
}

async function answerCall(parts: ApiParts, call: Call, request: Request, response: Response): Promise<void> {
  const { ctx } = parts;
  const answer = await handle(parts, call);
  if (ctx.tracer.tellsReads === true) tellRead(parts, call, answer);
  tellWarnings(call, response);
  if (answer.type === 'watch') return stream(response, (output) => watchSession(parts, answer.plan, output));
  if (answer.type === 'proxy') {
    const instead = await sendProxied(parts, call, answer, request.headers, response);
    return instead === undefined ? undefined : send(parts.ctx.clock, request, response, instead);
  }
  if (answer.type === 'stream' && answer.info.subresource === 'proxy')
    return sendPodProxy(parts, call, answer, request, response);
  if (answer.type === 'stream') return sendLogs(parts, call, answer, response);
  auditAnswer(call, answer);
  const now = ctx.clock.now();
  const rendered = render(answer.type === 'object' ? inAskedForm(answer, call, now) : answer, now);
  const told = answer.type === 'bytes' ? rendered : forEyes(rendered, call.query, request.headers['user-agent']);
  await send(ctx.clock, request, response, told);
}

function tellWarnings({ warnings }: Call, response: Response): void {
  if (warnings.size > 0) response.setHeader('warning', [...warnings].filter(isTellable).map(warningHeader));
}

export function callOf(
  request: Pick<Request, 'method' | 'url' | 'headers'>,
  bytes: Uint8Array,
  user: Call['user'],
): Call {
  const url = request.url;
  const question = url.indexOf('?');
  return {
    user,
    method: request.method,
    path: question < 0 ? url : url.slice(0, question),
    query: question < 0 ? NO_QUERY : new URLSearchParams(url.slice(question + 1)),
    accept: String(request.headers.accept ?? ''),
    userAgent: String(request.headers['user-agent'] ?? ''),
    body: bytesBody(bytes, String(request.headers['content-type'] ?? '')),
    cause: undefined,
    warnings: new Set(),
  };
}

function stream(response: Response, open: (output: WatchOutput) => WatchSession): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  flushHeaders(response);
  const session = open({ write: (bytes) => response.write(bytes), end: () => response.end() });
  response.on('drain', () => session.drained());
  response.on('close', () => session.close());
  if (isGone(response)) session.close();
}

async function sendError(
  parts: ApiParts,
  call: Call,
  request: Request,
  response: Response,
  error: unknown,
): Promise<void> {
  const refusal = asRefusal(parts, error);
  auditRefusal(call, refusal);
  if (response.headersSent) {
    response.stream?.close?.();
    response.end();
    return;
  }
  const retryAfter = refusal.details?.retryAfterSeconds;
  if (retryAfter !== undefined) response.setHeader('retry-after', String(retryAfter));
  if (refusal instanceof AccessDenied) response.setHeader('x-content-type-options', 'nosniff');
  tellWarnings(call, response);
  if (refusal instanceof BareError) response.setHeader('x-content-type-options', 'nosniff');
  const status = refusal.toStatus();
  const rendered =
    refusal instanceof BareError
      ? { code: refusal.code, contentType: 'text/plain; charset=utf-8', bytes: Buffer.from(`${refusal.message}\n`) }
      : wantsYaml(call.accept)
        ? { code: refusal.code, contentType: 'application/yaml', bytes: yamlBytes(status) }
        : { code: refusal.code, contentType: 'application/json', bytes: Buffer.from(`${JSON.stringify(status)}\n`) };
  const told = forEyes(rendered, call.query, request.headers['user-agent']);
  await send(parts.ctx.clock, request, response, told).catch(() => {});
}
