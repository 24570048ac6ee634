// Requests about what is no resource: health, version, metrics, who signs tokens, discovery and OpenAPI in forms that nobody has, and
// paths where nothing is.
import type { Case } from '../area.ts';

const page = (p: string, more: Partial<Case> = {}): Case => ({ name: `${more.m ?? 'GET'} ${p}`, p, ...more });
const by = (user: string, p: string): Case => ({ name: `${user || 'nobody'} asks for ${p}`, p, user });
const as = (accept: string, p: string): Case => ({ name: `${p} as ${accept}`, p, h: { accept } });

export const cases: readonly Case[] = [
  ...['/livez', '/readyz', '/healthz', '/livez/', '/livez/ping', '/readyz/ping?verbose', '/readyz/nothing'].map((p) =>
    page(p),
  ),
  page('/readyz?exclude=ping'),
  page('/readyz?exclude=nothing'),
  page('/readyz?verbose', { m: 'HEAD' }),
  page('/livez', { m: 'POST', b: {} }),
  page('/version', { m: 'POST', b: {} }),
  ...['/version/x', '/metrics/', '/metrics/x', '/metrics/cadvisor'].map((p) => page(p)),
  page('/metrics', { m: 'DELETE' }),
  page('/metrics/slis', { m: 'DELETE' }),
  ...['/debug', '/debug/x', '/debug/api_priority_and_fairness', '/debug/api_priority_and_fairness/x'].map((p) =>
    page(p),
  ),
  page('/debug/pprof/'),
  page('/debug/flags'),
  ...['/logs', '/logs/', '/flagz', '/statusz', '/configz', '/swagger.json', '/nothing', '/openid', '/openid/v1'].map(
    (p) => page(p),
  ),
  ...['/openid/v1/jwks/x', '/.well-known', '/.well-known/x', '/api/v2', '/apis/nothing', '/apis/nothing/v1'].map((p) =>
    page(p),
  ),
  ...['/openapi', '/openapi/v2/x', '//api', '/apis//v1'].map((p) => page(p)),
  page('/openid/v1/jwks', { m: 'PUT', b: {} }),
  page('/nothing', { m: 'POST', b: {} }),
  ...[
    '/livez/ping',
    '/metrics',
    '/metrics/slis',
    '/debug/pprof/',
    '/logs/',
    '/openid/v1/jwks',
    '/nothing',
    '/',
  ].flatMap((p) => [by('bob', p), by('', p)]),
  ...['/api', '/apis', '/apis/apps', '/apis/apps/v1', '/api/v1', '/version', '/livez'].map((p) => as('text/html', p)),
  ...['/api', '/apis/apps', '/apis/apps/v1'].map((p) => as('application/json;as=Table', p)),
  ...['/apis/apps', '/apis/apps/v1'].map((p) =>
    as('application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList', p),
  ),
  ...['/apis/apps', '/apis/policy/v1'].map((p) => as('application/yaml', p)),
  as('application/json;as=Table;g=meta.k8s.io;v=v1, */*', '/apis/policy'),
  as('image/png', '/openapi/v2'),
  as('application/yaml', '/openapi/v3/apis/policy/v1'),
];

const PROFILES = 'nobody profiles ours by Go: as a real server that is started with --profiling=false';
const KNOWN = 'discovery is the same until kinds are: it says so, so that clients may keep it';
const EMPTY = 'an empty answer has a type here';

export const differs = {
  'GET /debug/pprof/': PROFILES,
  'GET /debug/flags': PROFILES,
  'bob asks for /debug/pprof/': 'who is refused has been classified before',
  'nobody asks for /debug/pprof/': 'who is refused has been classified before',
  '/apis/apps as application/yaml': KNOWN,
  '/apis/policy/v1 as application/yaml': KNOWN,
  '/apis/policy as application/json;as=Table;g=meta.k8s.io;v=v1, */*': KNOWN,
  '/openapi/v2 as image/png': EMPTY,
  '/openapi/v3/apis/policy/v1 as application/yaml': EMPTY,
};
