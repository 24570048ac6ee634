// Decides what a path and a method ask for: which resource, which object, which verb. Never knows which resources exist
// and never looks into a body.
import { ApiError } from '../../../lib/base/errors.ts';
import { isTrue } from './query-number.ts';

/** '': OPTIONS, which is only passed on, and which no rule names but `*`. */
export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection' | '';

export interface ResourceRequest {
  isResource: true;
  verb: Verb;
  group: string;
  version: string;
  resource: string;
  subresource: string;
  /** Path after the subresource: only `proxy` has one. */
  rest: string;
  namespace: string;
  name: string;
}

export interface NonResourceRequest {
  isResource: false;
  /** Lower-case HTTP method, as RBAC's nonResourceURLs name it. */
  verb: string;
  path: string;
}

export type RequestInfo = ResourceRequest | NonResourceRequest;

/** Maps: over HTTP/2 any word is a method, `__proto__` too. */
const COLLECTION_VERBS = new Map<string, Verb>([
  ['GET', 'list'],
  ['POST', 'create'],
  ['DELETE', 'deletecollection'],
]);
const OBJECT_VERBS = new Map<string, Verb>([
  ['GET', 'get'],
  ['POST', 'create'],
  ['PUT', 'update'],
  ['PATCH', 'patch'],
  ['DELETE', 'delete'],
]);
const NAMESPACE_SUBRESOURCES = new Set(['status', 'finalize']);

/** Throws ApiError BadRequest for a path that cannot be decoded. */
export function requestInfo(method: string, path: string, query: URLSearchParams): RequestInfo {
  const parts = pathParts(path);
  const other: NonResourceRequest = { isResource: false, verb: method.toLowerCase(), path: decodedPath(path) };
  const grouped = parts[0] === 'apis';
  if (parts[0] !== 'api' && !grouped) return other;
  const [group, version] = grouped ? [parts[1], parts[2]] : ['', parts[1]];
  let rest = parts.slice(grouped ? 3 : 2);
  if (group === undefined || version === undefined || rest.length === 0) return other;
  // The old prefix form: /api/v1/watch/namespaces/x/pods.
  const watchPrefix = rest[0] === 'watch' && rest.length > 1;
  if (watchPrefix) rest = rest.slice(1);
  const target = targetOf(rest);
  // A method that nobody serves is a verb that nobody has: it is refused once it is known who asks.
  const verb = verbOf(method, target, watchPrefix, query) ?? OBJECT_VERBS.get(method) ?? '';
  const name = target.name !== '' ? target.name : verb === 'create' ? '' : (nameSelected(query, verb) ?? '');
  return { isResource: true, verb, group, version, ...target, name };
}

type Target = Pick<ResourceRequest, 'resource' | 'subresource' | 'rest' | 'namespace' | 'name'>;

function targetOf(rest: readonly string[]): Target {
  const [first = '', second = '', third = ''] = rest;
  const isNamespaced = first === 'namespaces' && rest.length > 2 && !NAMESPACE_SUBRESOURCES.has(third);
  if (isNamespaced)
    return { namespace: second, resource: third, name: rest[3] ?? '', subresource: rest[4] ?? '', rest: tail(rest, 5) };
  // An object Namespace is in its own namespace for RBAC, as upstream's RequestInfo says.
  const namespace = first === 'namespaces' ? second : '';
  return { namespace, resource: first, name: second, subresource: third, rest: tail(rest, 3) };
}

function tail(parts: readonly string[], from: number): string {
  return parts.length <= from ? '' : parts.slice(from).join('/');
}

export function methodNotAllowed(): ApiError {
  return new ApiError('MethodNotAllowed', 'the server does not allow this method on the requested resource', {});
}

/** `watch=true` asks a collection; one object is watched by the old prefix only. */
function verbOf(method: string, target: Target, watchPrefix: boolean, query: URLSearchParams): Verb | undefined {
  const verb = (target.name === '' ? COLLECTION_VERBS : OBJECT_VERBS).get(method === 'HEAD' ? 'GET' : method);
  if (verb === 'list') return watchPrefix || isTrue(query.get('watch')) ? 'watch' : verb;
  return verb === 'get' && watchPrefix && target.subresource === '' ? 'watch' : verb;
}

/** `fieldSelector=metadata.name=x` on a collection counts as a request for that object: RBAC's resourceNames may allow it. */
function nameSelected(query: URLSearchParams, verb: Verb): string | undefined {
  if (verb !== 'list' && verb !== 'watch' && verb !== 'deletecollection') return undefined;
  return /^metadata\.name==?([^=,!]+)$/.exec(query.get('fieldSelector') ?? '')?.[1];
}

/** Slashes at both ends count for nothing; between them, an empty part is one that is missing. */
function pathParts(path: string): string[] {
  if (PLAIN_PATH.test(path)) return path.slice(1).split('/');
  const decoded = decodedPath(path).replace(/^\/+|\/+$/g, '');
  return decoded === '' ? [] : decoded.split('/');
}

/** Nothing to decode: almost every path. */
const PLAIN_PATH = /^(?:\/[A-Za-z0-9][\w.-]*)+$/;

/** Decoded as a whole, as upstream does: an encoded slash divides as any other. */
function decodedPath(path: string): string {
  if (!path.includes('%')) return path;
  try {
    return decodeURIComponent(path);
  } catch (error) {
    throw new ApiError('BadRequest', `the path ${JSON.stringify(path)} is not valid percent-encoding`, undefined, {
      cause: error,
    });
  }
}

const CONVERSATIONS: ReadonlySet<string> = new Set(['attach', 'exec', 'proxy', 'log', 'portforward']);

/** What may go on for as long as both sides want. */
export const isLongRunning = (info: RequestInfo | undefined): boolean =>
  info?.isResource === true && (info.verb === 'watch' || CONVERSATIONS.has(info.subresource));

/** Why a part of a path is no name: it could be read as another path. Undefined: it may be one. */
export function segmentProblem(name: string): string | undefined {
  if (name === '.' || name === '..') return `may not be '${name}'`;
  const odd = ['/', '%'].find((char) => name.includes(char));
  return odd === undefined ? undefined : `may not contain '${odd}'`;
}
