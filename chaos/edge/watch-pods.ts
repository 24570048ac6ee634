// Does: follows all pods of the cluster over HTTPS, from one API actor after the other, and tells what it saw. Never misses
// a change by looking away: it goes on from the last revision.
import { setTimeout as pause } from 'node:timers/promises';
import type { Pod } from '../../lib/api/generated/types.ts';
import type { HttpsTransport } from '../../lib/client/https-transport.ts';
import type { PodSeen, PodsSeen } from '../core/pods-seen.ts';

const PATH = '/api/v1/pods';
const AGAIN_MS = 300;
const LIST_MS = 5000;

/** Until the signal is aborted; `listed` is called after each list. */
export async function watchPods(
  transports: readonly HttpsTransport[],
  seen: PodsSeen,
  signal: AbortSignal,
  say: (line: string) => void,
  listed: () => void,
): Promise<void> {
  let since = '';
  for (let turn = 0; !signal.aborted; turn++) {
    const transport = transports[turn % transports.length]!;
    try {
      if (since === '') since = await list(transport, seen, say);
      listed();
      since = await follow(transport, since, seen, signal, say);
    } catch (error) {
      if ((error as { isGone?: boolean }).isGone === true) since = '';
    }
    if (!signal.aborted) await pause(AGAIN_MS);
  }
}

async function list(transport: HttpsTransport, seen: PodsSeen, say: (line: string) => void): Promise<string> {
  const answer = await transport.request({ method: 'GET', path: PATH }, { signal: AbortSignal.timeout(LIST_MS) });
  if (answer.code !== 200) throw new Error(`pods could not be listed: ${answer.code}`);
  const { items, metadata } = answer.body as { items: Pod[]; metadata: { resourceVersion: string } };
  for (const pod of items) tell(seen.note(podSeen(pod)), say);
  for (const line of seen.keepOnly(new Set(items.map((pod) => pod.metadata.uid!)))) say(line);
  return metadata.resourceVersion;
}

/** The last revision that it saw, when the connection ends. */
async function follow(
  transport: HttpsTransport,
  from: string,
  seen: PodsSeen,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<string> {
  let since = from;
  const query = { watch: 'true', resourceVersion: from, allowWatchBookmarks: 'true' };
  const answer = await transport.open({ method: 'GET', path: PATH, query }, { signal });
  if (answer.code === 410) throw Object.assign(new Error('too old'), { isGone: true });
  if (answer.code !== 200) throw new Error(`pods cannot be watched: ${answer.code}`);
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for await (const chunk of answer.body) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop()!;
      for (const line of lines) since = note(JSON.parse(line) as WatchEvent, since, seen, say);
    }
  } catch (error) {
    if ((error as { isGone?: boolean }).isGone === true) throw error;
    // A connection that is cut ends nothing: the next one goes on from here.
  }
  return since;
}

interface WatchEvent {
  type: string;
  object: Pod;
}

function note({ type, object }: WatchEvent, since: string, seen: PodsSeen, say: (line: string) => void): string {
  if (type === 'ERROR') throw Object.assign(new Error('the watch is too old'), { isGone: true });
  if (type === 'DELETED') tell(seen.gone(object.metadata.uid!), say);
  else if (type !== 'BOOKMARK') tell(seen.note(podSeen(object)), say);
  return object.metadata.resourceVersion ?? since;
}

function tell(line: string | undefined, say: (line: string) => void): void {
  if (line !== undefined) say(line);
}

function podSeen({ metadata, spec, status }: Pod): PodSeen {
  return {
    uid: metadata.uid!,
    name: `${metadata.namespace}/${metadata.name}`,
    node: spec.nodeName ?? '',
    phase: status?.phase ?? '',
    isReady: status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false,
    isEnding: metadata.deletionTimestamp !== undefined,
    restarts: (status?.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + (restartCount ?? 0), 0),
  };
}
