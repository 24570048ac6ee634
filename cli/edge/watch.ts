// Does: follows a list: its present state, then every change, again from where it was when a connection ends. Never
// prints.
import { setTimeout as pause } from 'node:timers/promises';
import { ApiError, isReason, type Status } from '../../lib/base/errors.ts';
import { ConnectionError } from '../../lib/client/https-transport.ts';
import type { Session } from './session.ts';

type Json = Record<string, unknown>;

export interface WatchLine {
  type: 'LISTED' | 'ADDED' | 'MODIFIED' | 'DELETED';
  /** The whole first answer (a list or a Table), then one object or one-row Table each. */
  object: Json;
  initial: boolean;
}

interface WatchEvent {
  type: string;
  object: Json;
}

export async function* watchLines(
  session: Session,
  path: string,
  query: Record<string, string>,
  accept: string,
  signal?: AbortSignal,
): AsyncGenerator<WatchLine> {
  let since = '';
  for (;;) {
    if (since === '') {
      const list = await session.send<Json>({ method: 'GET', path, query }, { accept });
      since = revisionOf(list);
      yield { type: 'LISTED', object: list, initial: true };
    }
    try {
      for await (const event of events(
        session,
        path,
        { ...query, watch: 'true', resourceVersion: since, allowWatchBookmarks: 'true' },
        accept,
        signal,
      )) {
        since = revisionOf(event.object) || since;
        if (event.type !== 'BOOKMARK')
          yield { type: event.type as WatchLine['type'], object: event.object, initial: false };
      }
    } catch (error) {
      if (signal?.aborted === true) return;
      // Too old to go on from there: begin again with a list.
      if (isReason(error, 'Expired', 'Gone')) since = '';
      else if (!(error instanceof ConnectionError)) throw error;
      await pause(500);
    }
    if (signal?.aborted === true) return;
  }
}

async function* events(
  session: Session,
  path: string,
  query: Record<string, string>,
  accept: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<WatchEvent> {
  const answer = await session.stream(
    { method: 'GET', path, query },
    { accept, ...(signal === undefined ? {} : { signal }) },
  );
  for await (const line of linesOf(answer.body)) {
    const event = JSON.parse(line) as WatchEvent;
    if (event.type === 'ERROR') throw ApiError.fromStatus(event.object as Partial<Status>);
    yield event;
  }
}

/** A connection that is cut ends the lines: the caller goes on from the last revision. */
async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for await (const chunk of body) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop()!;
      for (const line of lines) if (line !== '') yield line;
    }
  } catch (error) {
    if (!isCut(error)) throw error;
  }
}

function isCut(error: unknown): boolean {
  const { code = '', name = '' } = error as { code?: string; name?: string };
  return name === 'AbortError' || code.startsWith('ECONN') || code === 'ERR_STREAM_PREMATURE_CLOSE';
}

function revisionOf(object: Json): string {
  const rows = object['rows'] as Array<{ object?: { metadata?: { resourceVersion?: string } } }> | undefined;
  const own = (object['metadata'] as { resourceVersion?: string } | undefined)?.resourceVersion;
  return own !== undefined && own !== '' ? own : (rows?.at(-1)?.object?.metadata?.resourceVersion ?? '');
}
