// Does: serves the actors' requests over the bus by the same pipeline as HTTPS; the subject says who asks. Never takes an
// identity from a message.
import { ApiError } from '../../../lib/base/errors.ts';
import { LIMITS } from '../../../lib/base/limits.ts';
import type { BusMessage, Subscription } from '../../../lib/bus/bus.ts';
import type { ApiRequest, ApiResponse, Cause } from '../../../lib/bus/messages.ts';
import { parseSubject, patternOf } from '../../../lib/bus/subjects.ts';
import { impersonation } from '../core/auth/impersonation.ts';
import { busUser } from '../core/auth/user.ts';
import { fetchProxied } from './aggregation/proxy.ts';
import { RequestStory } from '../core/request-story.ts';
import { handle } from './api.ts';
import { countWhole } from './request-metrics.ts';
import { tellRead, tellRefusal } from './request-span.ts';
import { permitted } from './authenticate.ts';
import { auditedOnBus, auditRefusal } from './audit/audited.ts';
import { inBusTurn } from './flow-control/in-turn.ts';
import { valueBody, type Answer, type Call } from './call.ts';
import { listObject } from './encode.ts';
import type { ApiParts } from './parts.ts';
import { asRefusal } from './refusal.ts';

const METHODS = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']);
/** Envelope and msgpack's overhead, generously. */
const ENVELOPE_BYTES = 65_536;

export function serveBus(parts: ApiParts): Subscription {
  const { ctx } = parts;
  return ctx.bus.subscribe(patternOf(ctx.cluster, 'apiRequest'), (message) => void answer(parts, message), {
    queue: 'apiserver',
  });
}

async function answer(parts: ApiParts, message: BusMessage): Promise<void> {
  const from = parseSubject('apiRequest', message.subject)?.from;
  if (message.respond === undefined || from === undefined) return;
  const began = parts.ctx.clock.monotonic();
  let response: ApiResponse;
  try {
    const request = checked(message.data);
    const call = callOf(parts, from, request);
    response = await auditedOnBus(parts, call, from, () => served(parts, call, request.as));
    countWhole(parts, call, response.code, began);
  } catch (error) {
    response = refusal(parts, error);
  }
  message.respond(response);
}

/** Throws 400. */
function callOf(parts: ApiParts, from: string, request: ApiRequest): Call {
  return {
    user: busUser(from),
    method: request.method,
    path: request.path,
    query: new URLSearchParams(request.query ?? {}),
    accept: 'application/json',
    body: valueBody(request.body, request.contentType ?? 'application/json'),
    isBus: true,
    cause: causeOf(request.cause),
    warnings: new Set(),
    story: new RequestStory(parts.ctx.clock.monotonic()),
  };
}

async function served(parts: ApiParts, call: Call, as: string | undefined): Promise<ApiResponse> {
  try {
    if (as !== undefined) await speakFor(parts, call, as);
    const answered = await inBusTurn(parts, call, () => handle(parts, call));
    if (parts.ctx.tracer.tellsReads === true) tellRead(parts, call, answered);
    const { code, body } = answered.type === 'proxy' ? await fetchProxied(parts, call, answered) : plain(answered);
    const warnings = call.warnings.size === 0 ? {} : { warnings: [...call.warnings] };
    return { code, body, ...warnings };
  } catch (error) {
    const refused = asRefusal(parts, error);
    auditRefusal(call, refused);
    tellRefusal(parts, call, error);
    return { code: refused.code, body: refused.toStatus() };
  }
}

/** Throws 403. Whose fields a write makes its own is told by the program that sends, as over HTTPS. */
async function speakFor(parts: ApiParts, call: Call, as: string): Promise<void> {
  const sender = call.user;
  const wanted = impersonation(sender, [['impersonate-user', as]], call.path);
  if (wanted === undefined) return;
  try {
    call.user = permitted(parts.access, wanted);
  } catch {
    // The role may have been written through another API actor a moment ago.
    await parts.freshness.newestOrWarning();
    call.user = permitted(parts.access, wanted);
  }
  call.userAgent = sender.name.replace(/^system:/, '');
  call.audit?.impersonates(call.user);
}

/** A cause goes into the store and from there to every reader: only its own fields do. */
function causeOf(given: Cause | undefined): Cause | undefined {
  if (typeof given?.span !== 'string' || typeof given.actor !== 'string') return undefined;
  const revisions = Array.isArray(given.revisions)
    ? given.revisions.filter((revision) => Number.isInteger(revision))
    : undefined;
  return { span: given.span, actor: given.actor, ...(revisions === undefined ? {} : { revisions }) };
}

/** What came over the bus is never trusted to have its shape. */
function checked(data: unknown): ApiRequest {
  const request = data as ApiRequest;
  const isWhole =
    typeof data === 'object' &&
    data !== null &&
    METHODS.has(request.method) &&
    typeof request.path === 'string' &&
    request.path.startsWith('/') &&
    (request.query === undefined || (typeof request.query === 'object' && request.query !== null)) &&
    (request.contentType === undefined || typeof request.contentType === 'string') &&
    (request.as === undefined || typeof request.as === 'string');
  if (!isWhole)
    throw new ApiError(
      'BadRequest',
      'a request over the bus is { method, path, query?, contentType?, body?, cause?, as? }',
    );
  return request;
}

function plain(answered: Exclude<Answer, { type: 'proxy' }>): { code: number; body: unknown } {
  switch (answered.type) {
    case 'object':
      return { code: answered.code, body: answered.body };
    case 'item':
      return { code: answered.code, body: answered.item.object };
    case 'list':
      return {
        code: answered.code,
        body: smallEnough(listObject(answered.kind, answered.page), answered.page.items.length),
      };
    case 'bytes':
      return { code: answered.code, body: textBody(answered.contentType, answered.bytes) };
    case 'watch':
      throw new ApiError(
        'BadRequest',
        'a watch is not a request over the bus: subscribe to the events of the resource instead',
      );
    case 'stream':
      throw new ApiError('BadRequest', 'logs and exec are served over HTTPS only');
  }
}

/** A list that the bus cannot carry would vanish without a word. */
function smallEnough(list: object, count: number): object {
  const bytes = Buffer.byteLength(JSON.stringify(list));
  if (bytes > LIMITS.busPayloadBytes - ENVELOPE_BYTES)
    throw new ApiError(
      'RequestEntityTooLarge',
      `the list has ${count} objects and ${bytes} bytes, more than the bus carries (${LIMITS.busPayloadBytes}): ask with limit and continue`,
    );
  return list;
}

function textBody(contentType: string, bytes: Uint8Array): unknown {
  const text = new TextDecoder().decode(bytes);
  return contentType.startsWith('application/json') ? (JSON.parse(text) as unknown) : text;
}

function refusal(parts: ApiParts, error: unknown): ApiResponse {
  const status = asRefusal(parts, error).toStatus();
  return { code: status.code, body: status };
}
