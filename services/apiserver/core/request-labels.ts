// Decides under which labels a request is counted, as kube-apiserver's metrics have them. Never lets a client invent one: words that
// nobody knows are counted together.
import type { RequestInfo, ResourceRequest } from './request-info.ts';

/** In the order of `REQUEST_LABELS`. */
export type RequestLabels = readonly [
  verb: string,
  dryRun: string,
  group: string,
  version: string,
  resource: string,
  subresource: string,
  scope: string,
  component: string,
];

export const REQUEST_LABELS = [
  'verb',
  'dry_run',
  'group',
  'version',
  'resource',
  'subresource',
  'scope',
  'component',
] as const;

const COMPONENT = 'apiserver';
const METHODS: ReadonlySet<string> = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']);
const CONVERSATIONS: ReadonlySet<string> = new Set(['log', 'exec', 'portforward', 'attach', 'proxy']);
const SUBRESOURCES: ReadonlySet<string> = new Set([
  ...CONVERSATIONS,
  '',
  ...'approval binding ephemeralcontainers eviction finalize resize scale status token'.split(' '),
]);
/** Pages that are counted by their path. */
const PAGES: ReadonlySet<string> = new Set('/healthz /livez /readyz /metrics /metrics/slis /version'.split(' '));
const APPLY = 'application/apply-patch+yaml';

export interface Counted {
  method: string;
  /** Absent: nobody could tell what it asks for. */
  info?: RequestInfo | undefined;
  query: URLSearchParams;
  contentType: string;
}

/** `isServed`: its group, version and resource are known here. */
export function requestLabels({ method, info, query, contentType }: Counted, isServed: boolean): RequestLabels {
  const plain = METHODS.has(method) ? method : 'other';
  if (info?.isResource !== true || !isServed || !SUBRESOURCES.has(info.subresource)) {
    const page = info?.isResource === false && PAGES.has(info.path) ? info.path : '';
    return [plain === 'HEAD' ? 'GET' : plain, '', '', '', '', page, '', ''];
  }
  const { group, version, resource, subresource } = info;
  const dryRun = query.has('dryRun') ? dryRunOf(query) : '';
  return [verbOf(plain, info, contentType), dryRun, group, version, resource, subresource, scopeOf(info), COMPONENT];
}

function verbOf(method: string, { verb, subresource }: ResourceRequest, contentType: string): string {
  if (CONVERSATIONS.has(subresource)) return 'CONNECT';
  if (verb === 'watch') return 'WATCH';
  if (verb === 'list') return 'LIST';
  if (method === 'HEAD') return 'GET';
  return method === 'PATCH' && contentType === APPLY ? 'APPLY' : method;
}

function scopeOf({ name, verb, namespace }: ResourceRequest): string {
  if (name !== '' || verb === 'create') return 'resource';
  return namespace === '' ? 'cluster' : 'namespace';
}

function dryRunOf(query: URLSearchParams): string {
  const wanted = new Set(query.getAll('dryRun'));
  return [...wanted].every((each) => each === 'All') ? 'All' : 'invalid';
}

const KNOWN_USERS: ReadonlySet<string> = new Set([
  'admin',
  'client',
  'kube_proxy',
  'kubelet',
  'system:serviceaccount:kube-system:default',
]);

/** Upstream's few: a series for each user would be too many. */
export function userLabel(name: string): string {
  if (KNOWN_USERS.has(name)) return name;
  return name.includes('@') ? 'email_id' : 'other';
}

/** As upstream names a resource: `deployments.apps`, `pods`. */
export function resourceLabel(stream: string): string {
  const [group = '', resource = ''] = stream.split('/');
  return group === 'core' ? resource : `${resource}.${group}`;
}
