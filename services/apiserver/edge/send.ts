// Does: writes one rendered answer: whole with its length, or, when it is long, in slices as the client takes them. Never
// decides what is answered.
import type { Writable } from 'node:stream';
import { promisify } from 'node:util';
import { createGzip, gzip } from 'node:zlib';
import type { Clock } from '../../../lib/base/clock.ts';
import { sinkOf, type Request, type Response } from './http-exchange.ts';
import { PartMaker, type Part } from './part-maker.ts';
import type { Rendered } from './render.ts';
import { turnOfTheLoop } from './slices.ts';

type Asking = Pick<Request, 'headers' | 'method'>;

const gzipAsync = promisify(gzip);
/** Upstream's bound: below it, compressing costs more than it saves. */
const GZIP_BYTES = 131_072;
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
  const parts = new PartMaker(clock, rendered.pieces);
  const first = parts.next();
  if (first.isLast) return sendWhole(request, response, code, contentType, first.bytes);
  await sendParts(request, response, { code, contentType, first, parts });
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

interface Sending {
  code: number;
  contentType: string;
  first: Part;
  parts: PartMaker;
}

async function sendParts(
  request: Asking,
  response: Response,
  { code, contentType, first, parts }: Sending,
): Promise<void> {
  const isCompressed = acceptsGzip(request);
  if (isCompressed) sayCompressed(response);
  response.writeHead(code, { 'content-type': contentType });
  if (request.method === 'HEAD') return response.end();
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  const sink = isCompressed ? compressing(response, gone.signal) : sinkOf(response);
  for (let part = first; !gone.signal.aborted; part = parts.next()) {
    await written(sink, part.bytes, gone.signal);
    if (part.isLast) return void sink.end();
    await turnOfTheLoop();
  }
}

function compressing(response: Response, gone: AbortSignal): Writable {
  const sink = createGzip({ level: GZIP_LEVEL });
  sink.pipe(sinkOf(response));
  gone.addEventListener('abort', () => sink.destroy());
  return sink;
}

/** The sink needs the bytes no more, or the client has gone, which the caller looks at. */
function written(sink: Writable, bytes: Uint8Array, gone: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      gone.removeEventListener('abort', done);
      resolve();
    };
    gone.addEventListener('abort', done);
    sink.write(bytes, done);
  });
}
