// Does: posts OTLP/HTTP JSON to a collector, in parts that it takes. Never retries by itself: the caller keeps what was
// not taken.
import { createHash } from 'node:crypto';
import { TroubleError } from '../../lib/base/errors.ts';
import { otlpRequest } from '../core/trace/otlp.ts';
import type { TraceForest, TraceNode } from '../core/trace/tree.ts';
import { UsageError } from '../core/resources.ts';

/** Collectors take 4 MiB or more; a span is at most a few KiB. */
const NODES_A_POST = 500;
const POST_MS = 10_000;

/** `http://localhost:4318`, or the whole path `…/v1/traces`. */
export function tracesUrl(given: string): URL {
  let url: URL;
  try {
    url = new URL(given);
  } catch {
    throw new UsageError(`--otlp ${given}: not a URL; an OTLP/HTTP collector listens on http://localhost:4318`);
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new UsageError(`--otlp ${given}: only http and https (OTLP/HTTP with JSON), as http://localhost:4318`);
  if (!url.pathname.endsWith('/v1/traces')) url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/traces`;
  return url;
}

/** Calls `done` after each part that the collector took; throws at the first that it did not. */
export async function postSpans(
  url: URL,
  cluster: string,
  { forest, nodes }: { forest: TraceForest; nodes: readonly TraceNode[] },
  done: (nodes: readonly TraceNode[]) => void,
): Promise<void> {
  for (let first = 0; first < nodes.length; first += NODES_A_POST) {
    const part = nodes.slice(first, first + NODES_A_POST);
    await post(url, otlpRequest(cluster, forest, part, sha256));
    done(part);
  }
}

async function post(url: URL, body: object): Promise<void> {
  let answer: Response;
  try {
    answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(POST_MS),
    });
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : (error as Error);
    throw new TroubleError(`the collector at ${url.href} does not answer: ${cause.message}`, error);
  }
  const text = await answer.text();
  if (!answer.ok)
    throw new TroubleError(`the collector at ${url.href} refused the spans: ${answer.status} ${text.slice(0, 300)}`);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
