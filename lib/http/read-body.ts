// Does: reads the body of a request up to a limit. Never interprets it.
import type { Readable } from 'node:stream';
import type { Timer } from '../base/clock.ts';
import { ApiError } from '../base/errors.ts';

export interface BodyLimits {
  /** Its content-length; undefined: unknown. */
  announcedBytes: number | undefined;
  mostBytes: number;
  /** Begins to wait for its end; `late` gives up. */
  deadline?: (late: (error: Error) => void) => Timer;
}

/**
 * Throws ApiError 413 as soon as the body is known to be too large; the rest is read and thrown away. By events, not by
 * iteration: an iterator over one chunk costs more than all else that is done with a small body.
 */
export function readBody(
  body: Readable & { aborted?: boolean },
  { announcedBytes = 0, mostBytes, deadline }: BodyLimits,
): Promise<Uint8Array> {
  if (announcedBytes > mostBytes) return Promise.reject(tooLarge(mostBytes));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const timer = deadline?.(reject);
    const fail = (error: Error): void => {
      timer?.cancel();
      reject(error);
    };
    const brokenOff = (): void => fail(new Error('the client broke off while its request was read'));
    // It may have waited for its turn, and its client may have gone meanwhile: then no event says so any more.
    if (body.aborted === true || body.destroyed) return brokenOff();
    body.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= mostBytes) chunks.push(chunk);
      else fail(tooLarge(mostBytes));
    });
    let isWhole = false;
    // A request that is broken off ends, too: half a body must not be taken for a whole one, nor for none.
    body.on('end', () => {
      if (body.aborted === true || bytes < announcedBytes) return brokenOff();
      isWhole = true;
      timer?.cancel();
      resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
    });
    body.on('error', fail);
    body.on('aborted', brokenOff);
    body.on('close', () => {
      if (!isWhole) brokenOff();
    });
  });
}

function tooLarge(mostBytes: number): ApiError {
  return new ApiError('RequestEntityTooLarge', `Request entity too large: limit is ${mostBytes}`);
}
