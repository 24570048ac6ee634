// Decides what a continue token says: where the next page begins and of which revision. Never keeps anything for it.
import { goJsonError } from '../../../lib/api/json-error.ts';
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

/** Throws 400, in Go's words: a token is not something that a client writes. */
export function decodeContinue(text: string): ContinueToken {
  const { v = '', rv = 0, start = '' } = parsed(bytesOf(text));
  if (v !== VERSION) throw refusal(`server does not recognize this encoded version ${String(v)}`);
  if (!Number.isInteger(rv) || rv === 0) throw refusal(`incorrect encoded start resourceVersion (version ${VERSION})`);
  if (start === '') throw refusal(`encoded start key empty (version ${VERSION})`);
  if (typeof start !== 'string' || !start.endsWith('\u0000') || leadsElsewhere(start)) throw refusal(String(start));
  return { revision: rv as number, after: start.slice(0, -1) };
}

function bytesOf(text: string): Uint8Array {
  const odd = /[^\w-]/.exec(text)?.index ?? (text.length % 4 === 1 ? text.length - 1 : -1);
  if (odd >= 0) throw refusal(`illegal base64 data at input byte ${odd}`);
  return Uint8Array.fromBase64(text, { alphabet: 'base64url' });
}

function parsed(bytes: Uint8Array): Record<string, unknown> {
  const json = new TextDecoder().decode(bytes);
  try {
    return Object(JSON.parse(json)) as Record<string, unknown>;
  } catch {
    throw refusal(goJsonError(json));
  }
}

/** A key of objects without a namespace begins with a slash. */
const leadsElsewhere = (key: string): boolean =>
  key
    .replace(/^\//, '')
    .split('/')
    .some((part) => ['', '.', '..'].includes(part));

const refusal = (why: string): ApiError =>
  new ApiError('BadRequest', `invalid continue token: continue key is not valid: ${why}`);
