// Decides what a text says as the URL of a request, in the words of Go's net/url: absolute, or a path; nothing of it is made other than
// it was written. Never looks anything up.
import { quoted } from '../field-error.ts';

/** One of each is what an expression holds. */
export class CelUrl {
  readonly scheme: string;
  /** With its port. */
  readonly host: string;
  readonly escapedPath: string;
  readonly query: string;
  constructor(scheme: string, host: string, escapedPath: string, query: string) {
    this.scheme = scheme;
    this.host = host;
    this.escapedPath = escapedPath;
    this.query = query;
  }
}

const refuse = (message: string): never => {
  throw new Error(message);
};

/** Throws Error: `parse "…": …`. */
export function urlOf(text: string): CelUrl {
  try {
    return parsed(text);
  } catch (error) {
    return refuse(`parse ${quoted(text)}: ${(error as Error).message}`);
  }
}

function parsed(text: string): CelUrl {
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(text)) refuse('net/url: invalid control character in URL');
  if (text === '') refuse('empty url');
  if (text === '*') return new CelUrl('', '', '*', '');
  if (text.startsWith(':')) refuse('missing protocol scheme');
  const scheme = /^([a-zA-Z][-+.a-zA-Z0-9]*):/.exec(text)?.[1];
  const rest = scheme === undefined ? text : text.slice(scheme.length + 1);
  const mark = rest.indexOf('?');
  const [place, query] = mark < 0 ? [rest, ''] : [rest.slice(0, mark), rest.slice(mark + 1)];
  if (!place.startsWith('/')) {
    if (scheme === undefined) refuse('invalid URI for request');
    return new CelUrl(scheme!.toLowerCase(), '', '', query);
  }
  const hasAuthority = scheme !== undefined && place.startsWith('//');
  const slash = hasAuthority ? place.indexOf('/', 2) : 0;
  const authority = hasAuthority ? place.slice(2, slash < 0 ? undefined : slash) : '';
  const path = slash < 0 ? '' : place.slice(slash);
  const host = hostOf(authority);
  decoded(path, 'path');
  return new CelUrl(scheme?.toLowerCase() ?? '', host, escapedPath(path), query);
}

function hostOf(authority: string): string {
  const at = authority.lastIndexOf('@');
  const user = authority.slice(0, Math.max(0, at));
  const host = authority.slice(at + 1);
  if (at >= 0 && !/^[-A-Za-z0-9._:~!$&'()*+,;=%@]*$/.test(user)) refuse('net/url: invalid userinfo');
  const bracket = host.lastIndexOf(']');
  if (host.startsWith('[') && bracket < 0) refuse("missing ']' in host");
  const port = host.startsWith('[') ? host.slice(bracket + 1) : /:[^:]*$/.exec(host)?.[0];
  if (port !== undefined && !/^(:\d*)?$/.test(port)) refuse(`invalid port ${quoted(port)} after host`);
  const found = decoded(host, 'host');
  if (at >= 0) decoded(user, 'path');
  return found;
}

/** A host may be of anything but ASCII's rest. */
const NO_HOST = /[^-A-Za-z0-9._~!$&'()*+,;=:[\]<>"\u0080-\u{10ffff}]/u;

function decoded(text: string, mode: 'path' | 'host'): string {
  const wrong = /%(?![0-9a-fA-F]{2})/.exec(text);
  if (wrong !== null) refuse(`invalid URL escape ${quoted(text.slice(wrong.index, wrong.index + 3))}`);
  if (mode === 'path') return text;
  // Only what is no ASCII may be escaped in a host.
  const escaped = /%(?!25)[0-7][0-9a-fA-F]/.exec(text);
  if (escaped !== null) refuse(`invalid URL escape ${quoted(escaped[0])}`);
  const plain = text.replace(/(%[0-9a-fA-F]{2})+/g, (bytes) =>
    new TextDecoder().decode(Uint8Array.from(bytes.slice(1).split('%'), (byte) => parseInt(byte, 16))),
  );
  const character = NO_HOST.exec(text.replace(/%[0-9a-fA-F]{2}/g, ''))?.[0];
  if (character !== undefined) refuse(`invalid character ${quoted(character)} in host name`);
  return plain;
}

const VALID_PATH = /^(?:[-A-Za-z0-9._~!$&'()*+,;=:@/[\]]|%[0-9a-fA-F]{2})*$/;

/** As it was written, if all of it may be; else all of it is escaped anew. */
function escapedPath(path: string): string {
  if (VALID_PATH.test(path)) return path;
  return path.replace(/%[0-9a-fA-F]{2}|[^%]/gu, (part) => {
    const bytes =
      part.length === 3 && part.startsWith('%') ? [parseInt(part.slice(1), 16)] : new TextEncoder().encode(part);
    return Array.from(bytes, (byte) => {
      const character = String.fromCharCode(byte);
      return /[-A-Za-z0-9._~$&+,/:;=@]/.test(character)
        ? character
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    }).join('');
  });
}

export const equalUrls = (a: CelUrl, b: CelUrl): boolean =>
  a.scheme === b.scheme && a.host === b.host && a.escapedPath === b.escapedPath && a.query === b.query;

export const hostnameOf = ({ host }: CelUrl): string =>
  host.startsWith('[') ? host.slice(1, host.lastIndexOf(']')) : host.replace(/:\d*$/, '');

export const portOf = ({ host }: CelUrl): string =>
  /:(\d*)$/.exec(host.startsWith('[') ? host.slice(host.lastIndexOf(']') + 1) : host)?.[1] ?? '';

/** Values in their order; what cannot be read is not there. */
export function queryOf({ query }: CelUrl): Map<string, string[]> {
  const out = new Map<string, string[]>();
  for (const pair of query.split('&')) {
    if (pair === '' || pair.includes(';')) continue;
    const at = pair.indexOf('=');
    const [key, value] = (at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)]).map(unescapedQuery);
    if (key === undefined || value === undefined) continue;
    out.set(key, [...(out.get(key) ?? []), value]);
  }
  return out;
}

function unescapedQuery(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}
