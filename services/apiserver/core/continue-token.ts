// Decides what a continue token says: where the next page begins and of which revision. Never keeps anything for it.
import { ApiError } from '../../../lib/base/errors.ts';

export interface ContinueToken {
  /** -1: of the newest state, after an older one was forgotten. */
  revision: number;
  /** Local key (`namespace/name`) of the last object that was given. */
  after: string;
}

const VERSION = 'meta.k8s.io/v1';
const encoder = new TextEncoder();

export function encodeContinue(token: ContinueToken): string {
  const json = JSON.stringify({ v: VERSION, rv: token.revision, start: `${token.after}\u0000` });
  return encoder.encode(json).toBase64({ alphabet: 'base64url', omitPadding: true });
}

/** Throws 400: a token is not something that a client writes. */
export function decodeContinue(text: string): ContinueToken {
  try {
    const json = new TextDecoder('utf-8', { fatal: true }).decode(
      Uint8Array.fromBase64(text, { alphabet: 'base64url' }),
    );
    const { v, rv, start } = JSON.parse(json) as Record<string, unknown>;
    if (v === VERSION && Number.isInteger(rv) && typeof start === 'string' && start.endsWith('\u0000'))
      return { revision: rv as number, after: start.slice(0, -1) };
  } catch {
    // Told below: every way to break a token is the same to a client.
  }
  throw new ApiError(
    'BadRequest',
    `continue key is not valid: ${JSON.stringify(text.slice(0, 80))} is no token that a list gave`,
  );
}
