// Does: answers what is no resource: version, metrics, discovery, OpenAPI, the keys of tokens. Never asks the store.
import { ApiError } from '../../../lib/base/errors.ts';
import { ISSUER } from '../core/auth/token-claims.ts';
import { dumpLevels, dumpQueues, dumpRequests } from '../core/flow-control/dump.ts';
import { parseAccept } from '../core/media-type.ts';
import { methodNotAllowed, type NonResourceRequest } from '../core/request-info.ts';
import { requireRepresentation } from '../core/route.ts';
import { pageNotFound } from './api.ts';
import type { Answer, Call } from './call.ts';
import { discoveryAnswer } from './discovery-answers.ts';
import { jsonBytes } from './encode.ts';
import { health, HEALTH, healthPaths } from './health.ts';
import type { ApiParts } from './parts.ts';
import { PROCESS_BEGAN } from './process-metrics.ts';
import { VERSION } from './version.ts';

const OPEN: ReadonlySet<string> = new Set(['/healthz', '/livez', '/readyz', '/version', '/version/']);

/** Anyone may ask whether we live and what we are, also before there is a role that says so. */
export const isOpen = (path: string): boolean => OPEN.has(path);

/** What upstream's router answers, to GET alone; anything else takes any method. */
const ROUTED = /^\/(?:version|api|\.well-known|openid)(?:\/|$)|^\/apis\/[^/]+\/[^/]+/;
const AN_HOUR = { 'cache-control': 'public, max-age=3600' };

const PATHS = [
  '/.well-known/openid-configuration',
  '/api',
  '/api/v1',
  '/apis',
  '/apis/',
  '/metrics',
  '/metrics/slis',
  '/openapi/v2',
  '/openapi/v3',
  '/openapi/v3/',
  '/openid/v1/jwks',
  '/version',
];

/** What is here that is no resource. */
function pathsOf(parts: ApiParts): string[] {
  const versions = parts.kinds.table.groupVersions.filter(({ group }) => group !== '');
  const groups = versions.flatMap(({ group, version }) => [`/apis/${group}`, `/apis/${group}/${version}`]);
  return [...new Set([...PATHS, ...healthPaths(parts), ...groups])].toSorted();
}

export async function answerDocument(parts: ApiParts, call: Call, info: NonResourceRequest): Promise<Answer> {
  const [first = '', second = ''] = info.path.split('/').slice(1);
  if (info.verb !== 'get' && ROUTED.test(info.path)) throw methodNotAllowed();
  if (HEALTH.has(first)) return health(parts, call, info.path) ?? pageNotFound();
  switch (first) {
    case '':
    case 'index.html':
      return object({
        paths: pathsOf(parts),
      });
    case 'version':
      if (second !== '') throw noResource();
      requireRepresentation(call.accept, JSON_ALONE);
      return indented(VERSION);
    case 'metrics':
      return (await metrics(parts, info)) ?? pageNotFound();
    case 'api':
    case 'apis':
    case 'openapi':
    case 'swagger-2.0.0.pb-v1':
      return (
        discoveryAnswer(
          call,
          { own: parts.kinds.table, aggregation: parts.aggregation },
          info.path,
          parseAccept(call.accept),
          addressOf(parts),
          `${VERSION.major}.${VERSION.minor}`,
        ) ?? notThere(first)
      );
    case 'debug':
      return flowDump(parts, call, info.path) ?? pageNotFound();
    case '.well-known':
      if (second !== 'openid-configuration') return pageNotFound();
      requireRepresentation(call.accept, JSON_ALONE);
      return bytes(200, jsonBytes(openidConfiguration(addressOf(parts))), 'application/json', AN_HOUR);
    case 'openid':
      if (!info.path.startsWith('/openid/v1/jwks')) return pageNotFound();
      if (info.path.replace(/\/$/, '') !== '/openid/v1/jwks') throw noResource();
      requireRepresentation(call.accept, [KEY_SET]);
      return bytes(200, jsonBytes(parts.tokens.jwks), KEY_SET, AN_HOUR);
    default:
      return pageNotFound();
  }
}

const JSON_ALONE = ['application/json'];
const KEY_SET = 'application/jwk-set+json';

/** Of Prometheus' own exporter. */
const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores';

/** Undefined: no such page. */
async function metrics({ metrics: all }: ApiParts, { path, verb }: NonResourceRequest): Promise<Answer | undefined> {
  const isSlis = path === '/metrics/slis';
  if (path !== '/metrics' && !isSlis) return undefined;
  const registry = isSlis ? all.sliRegistry : all.registry;
  if (verb === 'delete') {
    registry.resetMetrics();
    return text(200, 'metrics reset\n');
  }
  const began = { 'process-start-time-unix': String(PROCESS_BEGAN) };
  return bytes(200, Buffer.from(await registry.metrics()), METRICS_TYPE, began);
}

/** The core's versions are asked of a router of their own. */
function notThere(root: string): Answer {
  if (root === 'api') throw noResource();
  return pageNotFound();
}

const noResource = (): ApiError => new ApiError('NotFound', 'the server could not find the requested resource', {});

/** As kube-apiserver shows what waits and runs. */
function flowDump(parts: ApiParts, call: Call, path: string): Answer | undefined {
  const { control } = parts.flow;
  const { clock } = parts.ctx;
  switch (path.replace('/debug/api_priority_and_fairness/', '')) {
    case 'dump_priority_levels':
      return text(200, dumpLevels(control));
    case 'dump_queues':
      return text(200, dumpQueues(control));
    case 'dump_requests': {
      const details = (call.query.get('includeRequestDetails') ?? '') !== '';
      return text(200, dumpRequests(control, clock.now() - clock.monotonic(), details));
    }
    default:
      return undefined;
  }
}

function addressOf(parts: ApiParts): string {
  const { advertiseAddress, port } = parts.ctx.settings;
  return `${advertiseAddress}:${port}`;
}

function openidConfiguration(address: string): object {
  return {
    issuer: ISSUER,
    jwks_uri: `https://${address}/openid/v1/jwks`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
  };
}

function object(body: unknown): Answer {
  return { type: 'object', code: 200, body };
}

/** The version is told for eyes, as upstream does. */
function indented(body: unknown): Answer {
  return bytes(200, Buffer.from(JSON.stringify(body, undefined, 2)), 'application/json');
}

const text = (code: number, content: string, contentType = 'text/plain; charset=utf-8'): Answer =>
  bytes(code, Buffer.from(content), contentType);

function bytes(code: number, content: Uint8Array, contentType: string, headers: Record<string, string> = {}): Answer {
  return { type: 'bytes', code, contentType, bytes: content, headers };
}
