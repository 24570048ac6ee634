// Does: reads the body of a request up to a limit. Never interprets it.
import type { Readable } from 'node:stream';
import { ApiError } from '../base/errors.ts';

/**
 * Throws ApiError 413 as soon as the body is known to be too large; the rest is read and thrown away. By events, not by
 * iteration: an iterator over one chunk costs more than all else that is done with a small body.
 */
export function readBody(
  request: Readable & { headers: { 'content-length'?: string | undefined } },
  limitBytes: number,
): Promise<Uint8Array> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > limitBytes) return Promise.reject(tooLarge(limitBytes));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= limitBytes) chunks.push(chunk);
      else reject(tooLarge(limitBytes));
    });
    request.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
    request.on('error', reject);
    // Without an end before it: the client broke off.
    request.on('close', () => reject(new Error('the client broke off while its request was read')));
    request.on('aborted', () => reject(new Error('the client broke off while its request was read')));
  });
}

/** Upstream's words. */
function tooLarge(limitBytes: number): ApiError {
  return new ApiError(
    'RequestEntityTooLarge',
    `Request entity too large: limit is ${limitBytes}`,
  );
}
