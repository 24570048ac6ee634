// Does: has one request wait for its turn, over HTTPS or the bus, and gives its seats back afterwards. Never decides whose
// turn it is.
import { ApiError } from '../../../../lib/base/errors.ts';
import { requestInfo } from '../../core/request-info.ts';
import type { Call } from '../call.ts';
import type { Response } from '../http-exchange.ts';
import type { ApiParts } from '../parts.ts';
import type { Entry, Visitor } from './flow-gate.ts';

/** Upstream's words, as plain text: client-go reads only the code and Retry-After. */
const TEXT = 'Too many requests, please try again later.\n';

/** A refused request is answered with 429; one whose client has gone is not served at all. */
export async function inTurn(
  parts: ApiParts,
  call: Call,
  response: Response,
  serve: () => Promise<void>,
): Promise<void> {
  const info = (call.info ??= requestInfo(call.method, call.path, call.query));
  const { user, query } = call;
  const entered = parts.flow.enter({ user, info, query, onGone: (gone) => void response.once('close', gone) });
  const entry = entered instanceof Promise ? await entered : entered;
  if (entry.type === 'gone') return;
  for (const name in entry.headers) response.setHeader(name, entry.headers[name]!);
  if (entry.type === 'refused') {
    response.setHeader('retry-after', String(entry.retryAfterSeconds));
    response.setHeader('x-content-type-options', 'nosniff');
    response.writeHead(429, { 'content-type': 'text/plain; charset=utf-8', 'content-length': TEXT.length });
    response.end(TEXT);
    return;
  }
  try {
    await serve();
  } finally {
    entry.leave();
  }
}

export async function inBusTurn<T>(parts: ApiParts, call: Call, serve: () => Promise<T>): Promise<T> {
  return served(await entryOf(parts, call), serve);
}

/** A watch over a WebSocket has a seat until it has begun, as over HTTP; conversations have none. */
export async function inUpgradeTurn(
  parts: ApiParts,
  call: Call,
  socket: { once(event: 'close', listener: () => void): unknown },
  serve: () => Promise<void>,
): Promise<void> {
  return served(await entryOf(parts, call, (gone) => void socket.once('close', gone)), serve);
}

async function entryOf(parts: ApiParts, call: Call, onGone?: Visitor['onGone']): Promise<Entry> {
  const info = (call.info ??= requestInfo(call.method, call.path, call.query));
  const { user, query } = call;
  return parts.flow.enter({ user, info, query, ...(onGone === undefined ? {} : { onGone }) });
}

/** Throws ApiError where it may not enter. */
async function served<T>(entry: Entry, serve: () => Promise<T>): Promise<T> {
  if (entry.type !== 'in')
    throw new ApiError('TooManyRequests', TEXT.trimEnd(), {
      retryAfterSeconds: entry.type === 'refused' ? entry.retryAfterSeconds : 1,
    });
  try {
    return await serve();
  } finally {
    entry.leave();
  }
}
