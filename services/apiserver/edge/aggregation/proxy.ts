// Does: hands a request that another server answers for to that server, and its answer back, streams and upgrades included.
// Never looks into either.
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ApiError, messageOf } from '../../../../lib/base/errors.ts';
import { identityHeaders, isAvailable, remoteOf, type Remote } from '../../core/aggregation.ts';
import type { User } from '../../core/auth/user.ts';
import type { RequestInfo } from '../../core/request-info.ts';
import type { Answer, Call } from '../call.ts';
import { flushHeaders, sinkOf, type Response } from '../http-exchange.ts';
import type { ApiParts } from '../parts.ts';
import { bodyOf } from './remote-request.ts';

type ProxyAnswer = Extract<Answer, { type: 'proxy' }>;

/** Of one connection, never of what travels on it. */
const HOP_HEADERS = new Set(
  'connection keep-alive proxy-authenticate proxy-authorization te trailer transfer-encoding upgrade http2-settings'.split(
    ' ',
  ),
);
/** What the proxy says itself. */
const OWN_HEADERS = new Set(['host', 'authorization', 'content-length', 'accept-encoding']);
const MOST_BUS_BYTES = 8_388_608;

/** Whether another server answers for this path; undefined: we do. */
export function proxied(parts: ApiParts, info: RequestInfo): Answer | undefined {
  const [group, version] = info.isResource ? [info.group, info.version] : groupVersionOf(info.path);
  const remote = remoteOf(parts.cache, group, version);
  if (remote === undefined) return undefined;
  return isAvailable(remote) ? { type: 'proxy', remote } : unavailable();
}

/** Discovery and OpenAPI of one group and version come from who serves it. */
function groupVersionOf(path: string): [group: string, version: string] {
  const match = /^(?:\/openapi\/v3)?\/apis\/([^/]+)\/([^/]+)\/?$/.exec(path);
  return [match?.[1] ?? '', match?.[2] ?? ''];
}

/** Upstream's words. */
const unavailable = (): Answer => textAnswer('service unavailable');

function textAnswer(text: string): Extract<Answer, { type: 'bytes' }> {
  const headers = { 'x-content-type-options': 'nosniff' };
  return {
    type: 'bytes',
    code: 503,
    contentType: 'text/plain; charset=utf-8',
    bytes: Buffer.from(`${text}\n`),
    headers,
  };
}

function pathOf(call: Call): string {
  const query = call.query.toString();
  return query === '' ? call.path : `${call.path}?${query}`;
}

/** What a client says of who it is counts for nothing: the proxy says that. */
function forwardedHeaders(headers: IncomingHttpHeaders, user: User): OutgoingHttpHeaders {
  const out: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(headers))
    if (!/^(:|x-remote-|impersonate-)/.test(name) && !HOP_HEADERS.has(name) && !OWN_HEADERS.has(name))
      out[name] = value;
  return { ...out, ...identityHeaders(user) };
}

function answeredHeaders(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_HEADERS.has(name)));
}

/** An answer to put out by itself when the server cannot be reached; undefined: all has been sent. */
export async function sendProxied(
  parts: ApiParts,
  call: Call,
  { remote }: ProxyAnswer,
  headers: IncomingHttpHeaders,
  response: Response,
): Promise<Extract<Answer, { type: 'bytes' }> | undefined> {
  const stop = new AbortController();
  response.on('close', () => stop.abort());
  let answer: IncomingMessage;
  try {
    answer = await ask(parts, call, remote, forwardedHeaders(headers, call.user), stop.signal);
  } catch (error) {
    return textAnswer(messageOf(error));
  }
  response.writeHead(answer.statusCode ?? 502, answeredHeaders(answer.headers) as never);
  flushHeaders(response);
  // A client that leaves, or a server that breaks off, ends this request and nothing else.
  await pipeline(answer, sinkOf(response)).catch(() => response.stream?.close?.());
  return undefined;
}

async function ask(
  parts: ApiParts,
  call: Call,
  remote: Remote,
  headers: OutgoingHttpHeaders,
  signal?: AbortSignal,
): Promise<IncomingMessage> {
  const remotes = parts.aggregation.remotes;
  const address = remotes.addressOf(remote);
  if (address === undefined) throw new Error('service unavailable');
  const body = call.body.bytes;
  return remotes.send(remote, address, {
    method: call.method,
    path: pathOf(call),
    headers: body === undefined || body.length === 0 ? headers : { ...headers, 'content-length': body.length },
    ...(body === undefined || body.length === 0 ? {} : { body }),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** For actors, which get whole answers. */
export async function fetchProxied(
  parts: ApiParts,
  call: Call,
  { remote }: ProxyAnswer,
): Promise<{ code: number; body: unknown }> {
  if (call.query.get('watch') === 'true')
    throw new ApiError('BadRequest', 'an aggregated API is not watched over the bus: its events are its own');
  const value = call.body.isEmpty ? undefined : call.body.parse('').value;
  const bytes = value === undefined ? new Uint8Array() : Buffer.from(JSON.stringify(value));
  const headers = {
    accept: 'application/json',
    ...(value === undefined ? {} : { 'content-type': call.body.contentType }),
    ...identityHeaders(call.user),
  };
  try {
    const asked = { ...call, body: { ...call.body, bytes } };
    const answer = await ask(parts, asked, remote, headers, AbortSignal.timeout(10_000));
    const text = (await bodyOf(answer, MOST_BUS_BYTES)).toString();
    const isJson = String(answer.headers['content-type'] ?? '').startsWith('application/json');
    return { code: answer.statusCode ?? 502, body: isJson ? (JSON.parse(text) as unknown) : text };
  } catch (error) {
    throw new ApiError('ServiceUnavailable', `${remote.name}: ${messageOf(error)}`);
  }
}

/** An upgraded connection is two sockets joined. */
export function tunnel(
  parts: ApiParts,
  call: Call,
  { remote }: ProxyAnswer,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  const { remotes } = parts.aggregation;
  const address = remotes.addressOf(remote);
  if (address === undefined) throw new ApiError('ServiceUnavailable', 'service unavailable');
  const headers = {
    ...forwardedHeaders(request.headers, call.user),
    connection: 'Upgrade',
    upgrade: String(request.headers.upgrade ?? ''),
  };
  const outgoing = remotes.open(remote, address, { method: call.method, path: pathOf(call), headers });
  joinUpgraded(outgoing, socket, head, (error) => `${error.message}\n`);
  outgoing.end();
}

/** What the other side answers goes back as it is; where it changes the protocol, two sockets are one. */
export function joinUpgraded(
  outgoing: ClientRequest,
  socket: Duplex,
  head: Buffer,
  problem: (error: Error) => string,
): void {
  socket.once('close', () => outgoing.destroy());
  outgoing.once('error', (error) => {
    const text = problem(error);
    const type = text.startsWith('{') ? 'content-type: application/json\r\n' : '';
    socket.end(
      `HTTP/1.1 503 Service Unavailable\r\n${type}connection: close\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
    );
  });
  outgoing.once('response', (answer) => {
    socket.write(headOf(answer, answeredHeaders(answer.headers)));
    answer.pipe(socket);
  });
  outgoing.once('upgrade', (answer, other, first) => {
    socket.write(headOf(answer, answer.headers));
    for (const end of [socket, other]) end.on('error', () => end.destroy());
    if (first.length > 0) socket.write(first);
    if (head.length > 0) other.write(head);
    socket.pipe(other).pipe(socket);
    socket.once('close', () => other.destroy());
    other.once('close', () => socket.destroy());
  });
}

function headOf(answer: IncomingMessage, headers: OutgoingHttpHeaders): string {
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    [value ?? []].flat().map((one) => `${name}: ${String(one)}`),
  );
  const close = answer.statusCode === 101 ? [] : ['connection: close'];
  return `HTTP/1.1 ${answer.statusCode} ${answer.statusMessage ?? ''}\r\n${[...lines, ...close].join('\r\n')}\r\n\r\n`;
}
