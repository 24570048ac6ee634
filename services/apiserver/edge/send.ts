// Does: writes one rendered answer: whole with its length, or, when it is long, in slices as the client takes them. Never
// decides what is answered.
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { promisify } from 'node:util';
import { createGzip, gzip } from 'node:zlib';
import type { Clock } from '../../../lib/base/clock.ts';
import { sinkOf, type Request, type Response } from './http-exchange.ts';
import type { Rendered } from './render.ts';
import { SLICE_MS, turnOfTheLoop } from './slices.ts';

type Asking = Pick<Request, 'headers' | 'method'>;

const gzipAsync = promisify(gzip);
/** Upstream's bound: below it, compressing costs more than it saves. */
const GZIP_BYTES = 131_072;
/** What is longer goes out in parts of about this size. */
const PART_BYTES = 262_144;
const GZIP_LEVEL = 1;

export async function send(clock: Clock, request: Asking, response: Response, rendered: Rendered): Promise<void> {
  const { code, contentType, headers = {} } = rendered;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (headers['etag'] !== undefined && knows(request, headers['etag'])) {
    response.writeHead(304);
    response.end();
    return;
  }
  if ('bytes' in rendered) return sendWhole(request, response, code, contentType, rendered.bytes);
  const first = nextPart(clock, rendered.pieces);
  if (first.isLast) return sendWhole(request, response, code, contentType, first.bytes);
  await sendParts(clock, request, response, { code, contentType, first: first.bytes, pieces: rendered.pieces });
}

/** The client has this document already. */
function knows(request: Asking, etag: string): boolean {
  const known = request.headers['if-none-match'];
  return known !== undefined && known.split(',').some((one) => one.trim().replace(/^W\//, '') === etag);
}

const acceptsGzip = (request: Asking): boolean => /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));

function sayCompressed(response: Response): void {
  response.setHeader('content-encoding', 'gzip');
  response.setHeader('vary', 'Accept-Encoding');
}

async function sendWhole(
  request: Asking,
  response: Response,
  code: number,
  contentType: string,
  whole: Uint8Array,
): Promise<void> {
  let bytes = whole;
  if (bytes.length > GZIP_BYTES && acceptsGzip(request)) {
    bytes = await gzipAsync(bytes, { level: GZIP_LEVEL });
    sayCompressed(response);
  }
  response.writeHead(code, { 'content-type': contentType, 'content-length': bytes.length });
  if (request.method === 'HEAD') response.end();
  else response.end(bytes);
}

interface Part {
  bytes: Uint8Array;
  isLast: boolean;
}

/** As many pieces as fit into a part or a slice of time. */
function nextPart(clock: Clock, pieces: Iterator<Uint8Array>): Part {
  const until = clock.monotonic() + SLICE_MS;
  const part: Uint8Array[] = [];
  for (let bytes = 0; bytes < PART_BYTES && clock.monotonic() < until;) {
    const piece = pieces.next();
    if (piece.done === true) return { bytes: Buffer.concat(part), isLast: true };
    part.push(piece.value);
    bytes += piece.value.length;
  }
  return { bytes: Buffer.concat(part), isLast: false };
}

interface Parts {
  code: number;
  contentType: string;
  first: Uint8Array;
  pieces: Iterator<Uint8Array>;
}

async function sendParts(
  clock: Clock,
  request: Asking,
  response: Response,
  { code, contentType, first, pieces }: Parts,
): Promise<void> {
  const isCompressed = acceptsGzip(request);
  if (isCompressed) sayCompressed(response);
  response.writeHead(code, { 'content-type': contentType });
  if (request.method === 'HEAD') return response.end();
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  const sink = isCompressed ? compressing(response, gone.signal) : sinkOf(response);
  for (let part: Part = { bytes: first, isLast: false }; !gone.signal.aborted; part = nextPart(clock, pieces)) {
    const hasRoom = sink.write(part.bytes);
    if (part.isLast) return void sink.end();
    await (hasRoom ? turnOfTheLoop() : drained(sink, gone.signal));
  }
}

function compressing(response: Response, gone: AbortSignal): Writable {
  const sink = createGzip({ level: GZIP_LEVEL });
  sink.pipe(sinkOf(response));
  gone.addEventListener('abort', () => sink.destroy());
  return sink;
}

/** Or the client has gone, which the caller looks at. */
async function drained(sink: Writable, gone: AbortSignal): Promise<void> {
  await once(sink, 'drain', { signal: gone }).catch(() => {});
}
