// Does: hands an HTTP request to a port of a pod, of its own or behind a Service, through the kubelet of its node: from here pods
// need not be reachable. Never looks into a body, and never passes on by whose credentials it was asked.
import { request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { connect as connectTls } from 'node:tls';
import { ApiError } from '../../../lib/base/errors.ts';
import { openStream, type BusStream } from '../../../lib/bus/streams.ts';
import { proxiedPath, proxyLocation, proxyTargetOf, unreachable, type ProxyTarget } from '../core/proxy-target.ts';
import type { CachedObject } from '../core/cache/cached-object.ts';
import { joinUpgraded } from './aggregation/proxy.ts';
import { WEBSOCKET_BEARER } from './authenticate.ts';
import type { Answer, Call } from './call.ts';
import { flushHeaders, sinkOf, type Request, type Response } from './http-exchange.ts';
import type { ApiParts } from './parts.ts';
import { forwardOpen, nodeOf } from './pod-target.ts';
import type { Accept } from './streams/upgrades.ts';

type StreamAnswer = Extract<Answer, { type: 'stream' }>;

/** Of one connection, or of who asked here. */
const NOT_PASSED_ON = new Set(
  'connection keep-alive proxy-authenticate proxy-authorization te trailer transfer-encoding upgrade http2-settings host authorization content-length'.split(
    ' ',
  ),
);

export async function sendPodProxy(
  parts: ApiParts,
  call: Call,
  answer: StreamAnswer,
  request: Request,
  response: Response,
): Promise<void> {
  const { prefix, path } = proxiedPath(call.path);
  const query = call.query.toString();
  const location = proxyLocation(call.method, call.path, query);
  if (location !== undefined) {
    response.writeHead(301, { location });
    return response.end();
  }
  const target = proxyTargetOf(answer.info.name);
  const told = await ask(parts, call, answer, target, {
    path: `${path === '' ? '/' : path}${query === '' ? '' : `?${query}`}`,
    headers: headersFor(call, answer, target, request, `${prefix}${path}`),
  });
  response.on('close', () => told.destroy());
  response.writeHead(told.statusCode ?? 502, answeredHeaders(told, prefix) as never);
  flushHeaders(response);
  // A client that leaves, or a pod that breaks off, ends this request and nothing else.
  await pipeline(told, sinkOf(response)).catch(() => response.stream?.close?.());
}

/** The answer's head. Throws ApiError where there is none. */
async function ask(
  parts: ApiParts,
  { method, body }: Call,
  { pod }: StreamAnswer,
  { scheme, port }: ProxyTarget,
  { path, headers }: { path: string; headers: OutgoingHttpHeaders },
): Promise<IncomingMessage> {
  try {
    const socket = await connectTo(parts, pod, scheme, Number(port));
    return await new Promise((resolve, reject) => {
      const asked = httpRequest({ method, path, headers, createConnection: () => socket });
      asked.once('response', resolve);
      asked.once('error', reject);
      asked.end(body.bytes ?? new Uint8Array());
    });
  } catch (error) {
    throw unreachable(error);
  }
}

async function connectTo({ ctx }: ApiParts, pod: CachedObject, scheme: string, port: number): Promise<Duplex> {
  const { node, kubelet } = nodeOf(pod);
  const open = forwardOpen(ctx.chance.uuid(), pod, port);
  const way = new BusSocket(await openStream(ctx, { node, instance: kubelet }, 'portforward', open));
  // Nobody knows what a pod's certificate should say: as upstream, it is not asked.
  return scheme === 'https' ? connectTls({ socket: way, rejectUnauthorized: false }) : way;
}

/** An upgraded request: once the pod has agreed, its connection and the client's are one. Throws ApiError. */
export async function openPodProxy(
  parts: ApiParts,
  call: Call,
  answer: StreamAnswer,
  upgrade: string,
): Promise<Accept> {
  const { prefix, path } = proxiedPath(call.path);
  const target = proxyTargetOf(answer.info.name);
  const query = call.query.toString();
  let way: Duplex;
  try {
    way = await connectTo(parts, answer.pod, target.scheme, Number(target.port));
  } catch (error) {
    throw unreachable(error);
  }
  return ({ request, socket, head }) => {
    const headers = {
      ...headersFor(call, answer, target, request as unknown as Request, `${prefix}${path}`),
      ...offeredProtocols(request.headers['sec-websocket-protocol']),
      connection: 'Upgrade',
      upgrade,
    };
    const asked = `${path === '' ? '/' : path}${query === '' ? '' : `?${query}`}`;
    const outgoing = httpRequest({ method: call.method, path: asked, headers, createConnection: () => way });
    joinUpgraded(outgoing, socket, head, (error) => JSON.stringify(unreachable(error).toStatus()));
    outgoing.end();
  };
}

/** A token that travels as a protocol is for us alone. */
function offeredProtocols(offered: string | undefined): OutgoingHttpHeaders {
  if (offered === undefined) return {};
  const names = offered.split(',').map((name) => name.trim());
  const others = names.filter((name) => !name.startsWith(WEBSOCKET_BEARER));
  return { 'sec-websocket-protocol': others.length === 0 ? undefined : others.join(', ') };
}

function headersFor(
  { body }: Call,
  { pod }: StreamAnswer,
  { port }: ProxyTarget,
  { headers }: Request,
  uri: string,
): OutgoingHttpHeaders {
  const passed = Object.entries(headers).filter(([name]) => !name.startsWith(':') && !NOT_PASSED_ON.has(name));
  const length = body.bytes?.length ?? 0;
  return {
    ...Object.fromEntries(passed),
    host: `${pod.object['status']?.podIP ?? pod.name}:${port}`,
    'x-forwarded-host': String(headers[':authority'] ?? headers.host ?? ''),
    'x-forwarded-proto': 'https',
    'x-forwarded-uri': uri,
    connection: 'close',
    ...(length === 0 ? {} : { 'content-length': length }),
  };
}

/** Where the pod sends its visitors to a place of its own, that is below this path for them. */
function answeredHeaders({ headers }: IncomingMessage, prefix: string): OutgoingHttpHeaders {
  const kept = Object.entries(headers).filter(([name]) => name === 'content-length' || !NOT_PASSED_ON.has(name));
  const { location } = headers;
  return {
    ...Object.fromEntries(kept),
    ...(location?.startsWith('/') === true && !location.startsWith('//') ? { location: `${prefix}${location}` } : {}),
  };
}

/** One connection to a port of a pod, as a socket. */
class BusSocket extends Duplex {
  readonly #stream: BusStream;
  #room: (() => void) | undefined;

  constructor(stream: BusStream) {
    super();
    this.#stream = stream;
    stream.onFrame((frame) => {
      // The last frame of every conversation says that it is over: what came before is still to be read.
      if (frame.type === 'error' && frame.status.reason !== 'Gone') this.destroy(ApiError.fromStatus(frame.status));
      if (frame.type !== 'data' || this.push(frame.data)) return undefined;
      return new Promise<void>((resolve) => (this.#room = resolve));
    });
    void stream.closed.then(() => this.push(null));
  }

  override _read(): void {
    this.#room?.();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    void this.#pass(chunk, done);
  }

  async #pass(chunk: Uint8Array, done: (error?: Error) => void): Promise<void> {
    let failure: Error | undefined;
    try {
      await this.#stream.write('stdin', chunk);
    } catch (error) {
      failure = error as Error;
    }
    done(failure);
  }

  override _final(done: () => void): void {
    this.#stream.end('stdin');
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#room?.();
    this.#stream.close();
    done(error);
  }
}
