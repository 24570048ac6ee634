// Does: reads the body of a request up to a limit. Never interprets it.
import type { Readable } from 'node:stream';
import { ApiError } from '../base/errors.ts';

/**
 * Throws ApiError 413 as soon as the body is known to be too large; the rest is read and thrown away. By events, not by
 * iteration: an iterator over one chunk costs more than all else that is done with a small body.
 */
export function readBody(
  request: Readable & { headers: { 'content-length'?: string | undefined }; aborted?: boolean },
  limitBytes: number,
): Promise<Uint8Array> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > limitBytes) return Promise.reject(tooLarge(limitBytes));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const brokenOff = (): void => reject(new Error('the client broke off while its request was read'));
    // It may have waited for its turn, and its client may have gone meanwhile: then no event says so any more.
    if (request.aborted === true || request.destroyed) return brokenOff();
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= limitBytes) chunks.push(chunk);
      else reject(tooLarge(limitBytes));
    });
    // A request that is broken off ends, too: half a body must not be taken for a whole one, nor for none.
    request.on('end', () => {
      if (request.aborted === true || bytes < announced) brokenOff();
      else resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
    });
    request.on('error', reject);
    request.on('aborted', brokenOff);
    request.on('close', brokenOff);
  });
}

function tooLarge(limitBytes: number): ApiError {
  return new ApiError('RequestEntityTooLarge', `Request entity too large: limit is ${limitBytes}`);
}
