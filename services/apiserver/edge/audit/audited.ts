// Does: opens and closes the audit trail of a request, as HTTPS or the bus knows it. Never decides what is told of it.
import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Chance } from '../../../../lib/base/chance.ts';
import type { ApiError } from '../../../../lib/base/errors.ts';
import type { ApiResponse } from '../../../../lib/bus/messages.ts';
import { decodeToken } from '../../../../lib/base/ids.ts';
import { ANONYMOUS, type User } from '../../core/auth/user.ts';
import { AccessDenied } from '../../core/auth/attributes.ts';
import { isLongRunning, requestInfo } from '../../core/request-info.ts';
import type { Call } from '../call.ts';
import { listObject } from '../encode.ts';
import type { Response } from '../http-exchange.ts';
import type { ApiParts } from '../parts.ts';
import type { FiniteAnswer } from '../render.ts';

const SWITCHING = 101;

/** What HTTP knows of who asks from where. */
export interface Source {
  auditId: string;
  uri: string;
  headers: IncomingHttpHeaders;
  socket: TLSSocket;
}

/** Who asks is known; as whom is not yet, or it is refused. */
export function beginAudit(parts: ApiParts, call: Call, sender: User | undefined, source: Source): void {
  if (parts.audit === undefined) return;
  const trail = parts.audit.begin({
    auditId: source.auditId,
    uri: source.uri,
    info: (call.info ??= requestInfo(call.method, call.path, call.query)),
    user: sender,
    sourceIps: sourceIps(source.headers, source.socket),
    userAgent: call.userAgent ?? '',
    receivedAt: call.receivedAt ?? parts.ctx.clock.now(),
  });
  if (trail !== undefined) call.audit = trail;
}

/** The body is there: what it holds is told before anything changes it. */
export function auditBody(parts: ApiParts, call: Call): void {
  if (call.audit === undefined || !call.info?.isResource) return;
  const { group, version, resource, subresource } = call.info;
  const kind = parts.kinds.find(group, version, resource);
  call.audit.received(call, subresource === '' || subresource === 'status' ? kind : undefined);
}

/** A Table is told as the objects that it shows; what is no object is not told. */
export function auditAnswer({ audit }: Call, answer: FiniteAnswer): void {
  audit?.answers(() => {
    switch (answer.type) {
      case 'object':
        return answer.body;
      case 'item':
        return answer.item.object;
      case 'list':
        return listObject(answer.kind, answer.page);
      case 'bytes':
        return undefined;
    }
  });
}

export function auditRefusal(call: Call, refusal: ApiError): void {
  if (refusal instanceof AccessDenied) call.audit?.unread();
  call.audit?.refused(refusal.toStatus());
}

/** The answer is sent, or has begun. */
export function endAudit(call: Call, response: Response, panicked: boolean): void {
  const { audit } = call;
  if (audit === undefined) return;
  const isLong = response.headersSent && !response.writableEnded && !response.writableFinished;
  // What might have gone on begins also where it is refused.
  if (isLongRunning(call.info)) audit.started(response.statusCode);
  if (!isLong) return audit.complete(response.statusCode, panicked ? 'Panic' : 'ResponseComplete');
  audit.started(response.statusCode);
  response.once('close', () => audit.complete(response.statusCode));
}

/** What goes on until one of both sides ends it. */
export function auditConversation({ audit }: Call, socket: Duplex): void {
  if (audit === undefined) return;
  audit.started(SWITCHING);
  socket.once('close', () => audit.complete(SWITCHING));
}

/** The client's own, where it is one. */
export function auditIdOf(headers: IncomingHttpHeaders, chance: Chance): string {
  const given = headers['audit-id'];
  return typeof given === 'string' && /^[\w-]{1,64}$/.test(given) ? given : chance.uuid();
}

/** A request over the bus, which names its actor and no address. */
export async function auditedOnBus(
  parts: ApiParts,
  call: Call,
  from: string,
  serve: () => Promise<ApiResponse>,
): Promise<ApiResponse> {
  if (parts.audit === undefined) return serve();
  const query = call.query.size === 0 ? '' : `?${call.query.toString()}`;
  const trail = parts.audit.begin({
    auditId: parts.ctx.chance.uuid(),
    uri: `${call.path}${query}`,
    info: (call.info ??= requestInfo(call.method, call.path, call.query)),
    user: call.user,
    sourceIps: [],
    userAgent: call.user === ANONYMOUS ? '' : decodeToken(from),
    receivedAt: parts.ctx.clock.now(),
  });
  if (trail === undefined) return serve();
  call.audit = trail;
  auditBody(parts, call);
  const response = await serve();
  trail.answers(() => response.body);
  trail.complete(response.code);
  return response;
}

/** As upstream: what proxies say, then who is connected. */
function sourceIps(headers: IncomingHttpHeaders, socket: TLSSocket): string[] {
  const forwarded = String(headers['x-forwarded-for'] ?? '').split(',');
  const all = [...forwarded, String(headers['x-real-ip'] ?? ''), socket.remoteAddress ?? '']
    .map((ip) => ip.trim().replace(/^::ffff:(?=\d)/, ''))
    .filter((ip) => /^[0-9a-fA-F.:]+$/.test(ip));
  return [...new Set(all)];
}
