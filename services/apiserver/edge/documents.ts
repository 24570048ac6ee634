// Does: answers what is no resource: health, version, metrics, discovery, OpenAPI, the keys of tokens. Never asks the store.
import { ISSUER } from '../core/auth/token-claims.ts';
import { dumpLevels, dumpQueues, dumpRequests } from '../core/flow-control/dump.ts';
import { parseAccept } from '../core/media-type.ts';
import type { NonResourceRequest } from '../core/request-info.ts';
import { methodNotAllowed, pageNotFound } from './api.ts';
import type { Answer, Call } from './call.ts';
import { discoveryAnswer } from './discovery-answers.ts';
import { jsonBytes } from './encode.ts';
import type { ApiParts } from './parts.ts';

/** kubectl compares its own version with this and warns when they are more than one apart: the middle of what is in use. */
const VERSION = {
  major: '1',
  minor: '33',
  emulationMajor: '1',
  emulationMinor: '33',
  minCompatibilityMajor: '1',
  minCompatibilityMinor: '32',
  gitVersion: 'v1.33.0+flotilla',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '2026-11-22T00:00:00Z',
  goVersion: `node${process.version}`,
  compiler: 'node',
  platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
};

const HEALTH = new Set(['healthz', 'livez', 'readyz']);

/** Anyone may ask whether we live and what we are, also before there is a role that says so. */
export function isOpen(path: string): boolean {
  const first = path.split('/')[1] ?? '';
  return HEALTH.has(first) || first === 'version';
}

const PATHS = [
  '/.well-known/openid-configuration',
  '/api',
  '/api/v1',
  '/apis',
  '/apis/',
  '/healthz',
  '/livez',
  '/metrics',
  '/openapi/v2',
  '/openapi/v3',
  '/openapi/v3/',
  '/openid/v1/jwks',
  '/readyz',
  '/version',
];

/** What is here that is no resource. */
function pathsOf({ kinds }: ApiParts): string[] {
  const versions = kinds.table.groupVersions.filter(({ group }) => group !== '');
  const groups = versions.flatMap(({ group, version }) => [`/apis/${group}`, `/apis/${group}/${version}`]);
  return [...new Set([...PATHS, ...groups])].toSorted();
}

export async function answerDocument(parts: ApiParts, call: Call, info: NonResourceRequest): Promise<Answer> {
  const [first = '', second = ''] = info.path.split('/').slice(1);
  if (info.verb !== 'get' && info.verb !== 'head') throw methodNotAllowed();
  if (HEALTH.has(first)) return health(parts, call, first, info.path);
  switch (first) {
    case '':
      return object({
        paths: pathsOf(parts),
      });
    case 'version':
      return indented(VERSION);
    case 'metrics':
      return text(200, await parts.metrics.registry.metrics(), parts.metrics.registry.contentType);
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
        ) ?? pageNotFound()
      );
    case 'debug':
      return flowDump(parts, call, info.path) ?? pageNotFound();
    case '.well-known':
      return second === 'openid-configuration' ? object(openidConfiguration(addressOf(parts))) : pageNotFound();
    case 'openid':
      return info.path === '/openid/v1/jwks'
        ? bytes(200, jsonBytes(parts.tokens.jwks), 'application/jwk-set+json')
        : pageNotFound();
    default:
      return pageNotFound();
  }
}

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

interface Check {
  name: string;
  problem: string | undefined;
}

function health(parts: ApiParts, call: Call, which: string, path: string): Answer {
  const excluded = call.query.getAll('exclude');
  const asked = path.split('/')[2];
  const all = checks(parts, which);
  const chosen = asked === undefined || asked === '' ? all : all.filter(({ name }) => name === asked);
  if (chosen.length === 0 && asked !== undefined) return pageNotFound();
  const isLeftOut = ({ name }: Check): boolean => excluded.includes(name);
  const failed = chosen.filter((check) => check.problem !== undefined && !isLeftOut(check));
  const lines = chosen.map((check) => {
    const { name, problem } = check;
    if (isLeftOut(check)) return `[+]${name} excluded: ok`;
    return problem === undefined ? `[+]${name} ok` : `[-]${name} failed: ${problem}`;
  });
  const unknown = excluded.filter((name) => !chosen.some((check) => check.name === name));
  if (unknown.length > 0)
    lines.push(
      `warn: some health checks cannot be excluded: no matches for ${unknown.map((name) => JSON.stringify(name)).join(', ')}`,
    );
  const verdict = `${which} check ${failed.length === 0 ? 'passed' : 'failed'}`;
  if (failed.length > 0) return text(500, `${[...lines, verdict].join('\n')}\n`);
  return text(200, call.query.has('verbose') ? `${[...lines, verdict].join('\n')}\n` : 'ok');
}

function checks(parts: ApiParts, which: string): Check[] {
  const alive = [{ name: 'ping', problem: undefined }];
  if (which === 'livez') return alive;
  const { freshness, bootstrap } = parts;
  return [
    ...alive,
    {
      name: 'store',
      problem: freshness.hasQuorum ? undefined : 'the store did not answer the last question for its newest revision',
    },
    {
      name: 'bootstrap',
      problem: bootstrap.isDone ? undefined : (bootstrap.problem ?? 'the first objects are not there yet'),
    },
  ];
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

function text(code: number, content: string, contentType = 'text/plain; charset=utf-8'): Answer {
  return bytes(code, Buffer.from(content), contentType);
}

function bytes(code: number, content: Uint8Array, contentType: string): Answer {
  return { type: 'bytes', code, contentType, bytes: content, headers: { 'x-content-type-options': 'nosniff' } };
}
