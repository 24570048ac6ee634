// Does: reads the body of a request up to a limit. Never interprets it.
import type { Readable } from 'node:stream';
import { ApiError } from '../base/errors.ts';

/** Throws ApiError 413 as soon as the body is known to be too large; the rest is read and thrown away by the server. */
export async function readBody(
  request: Readable & { headers: { 'content-length'?: string | undefined } },
  limitBytes: number,
): Promise<Uint8Array> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > limitBytes) throw tooLarge(announced, limitBytes);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limitBytes) throw tooLarge(bytes, limitBytes);
    chunks.push(chunk);
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}

function tooLarge(bytes: number, limitBytes: number): ApiError {
  return new ApiError(
    'RequestEntityTooLarge',
    `Request entity too large: the body has ${bytes} bytes or more, the limit is ${limitBytes}`,
  );
}
