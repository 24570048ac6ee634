// Requests about methods, paths, media types, bodies that are none, and parameters of the query.
import type { Case } from '../area.ts';
import { createNamespace } from '../make.ts';

const NS = '/api/v1/namespaces/transport';
const MAPS = `${NS}/configmaps`;
const SEED = `${MAPS}/seed`;

const asked = (m: string, p: string, user = 'admin'): Case => ({
  name: `${m} ${p} by ${user || 'nobody'}`,
  m,
  p,
  user,
});
const accepting = (accept: string, p: string): Case => ({ name: `${accept} of ${p}`, p, h: { accept } });
const body = (name: string, b: string | Uint8Array, type = 'application/json'): Case => ({
  name: `body: ${name}`,
  m: 'POST',
  p: `${MAPS}?dryRun=All`,
  b,
  h: { 'content-type': type },
});
const map = (more: object): string => JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', ...more });
const yaml = (name: string, text: string | Uint8Array): Case => body(`YAML ${name}`, text, 'application/yaml');
const protobuf = (name: string, ...bytes: Array<number | string>): Case =>
  body(
    `protobuf ${name}`,
    Uint8Array.from(Buffer.concat(bytes.map((part) => Buffer.from(typeof part === 'string' ? part : [part])))),
    'application/vnd.kubernetes.protobuf',
  );
const patch = (name: string, type: string, b: string): Case => ({
  name: `patch: ${name}`,
  m: 'PATCH',
  p: SEED,
  b,
  h: { 'content-type': type },
});
const JSON_PATCH = 'application/json-patch+json';
const MERGE = 'application/merge-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';
const APPLY = 'application/apply-patch+yaml';
const listed = (query: string): Case => ({ name: `list?${query}`, p: `${MAPS}?${query}` });
const written = (m: string, query: string, h: Record<string, string> = {}): Case => ({
  name: `${m}?${query} ${h['content-type'] ?? ''}`,
  m,
  p: `${m === 'POST' ? MAPS : SEED}?${query}`,
  b: map({ metadata: { name: 'seed' } }),
  h: { 'content-type': 'application/json', ...h },
});
const deleted = (name: string, query: string, b?: unknown): Case => ({
  name: `delete: ${name}`,
  m: 'DELETE',
  p: `${MAPS}/none${query}`,
  ...(b === undefined ? {} : { b }),
});

export const cases: readonly Case[] = [
  ...createNamespace('transport'),
  { name: 'seed', m: 'POST', p: MAPS, b: { metadata: { name: 'seed' }, data: { a: 'b' } } },
  asked('PUT', MAPS),
  asked('HEAD', MAPS),
  asked('OPTIONS', SEED),
  asked('POST', SEED),
  asked('PATCH', SEED),
  asked('DELETE', '/version'),
  asked('POST', '/healthz'),
  asked('POST', '/nothing'),
  asked('GET', '/healthz/'),
  asked('GET', '/livez/ping'),
  asked('GET', '/livez/ping', 'bob'),
  asked('GET', '/livez/ping?verbose'),
  asked('GET', '/api/v2/pods'),
  asked('GET', `${NS}/nothing`),
  asked('GET', '//api/v1/namespaces'),
  asked('GET', '/api//v1/namespaces'),
  asked('GET', `${MAPS}//none`),
  asked('GET', `${MAPS}/none/`),
  asked('GET', `${MAPS}/a%2Fb`),
  asked('GET', `${MAPS}/%2e%2e`),
  asked('GET', `${MAPS}/a%25b`),
  asked('GET', `${SEED}?watch=true`),
  accepting('image/png', SEED),
  accepting('application/*', MAPS),
  accepting('application/json;as=Nothing', SEED),
  accepting('image/png, application/json', `${MAPS}/none`),
  accepting('text/html', '/version'),
  body('nothing', ''),
  body('no end', '{'),
  body('a list', '[]'),
  body('a number', '3'),
  body('null', 'null'),
  body('more behind it', `${map({})} x`),
  body('another kind', '{"apiVersion":"v1","kind":"Secret"}'),
  body('an unknown kind', '{"apiVersion":"v1","kind":"Foo"}'),
  body('another version', '{"apiVersion":"v9","kind":"ConfigMap"}'),
  body('a version that is none', '{"apiVersion":"a/b/c","kind":"ConfigMap"}'),
  body('a kind that is none', '{"apiVersion":"v1","kind":3}'),
  body('a control character', '{"a":"\u0001"}'),
  body('a byte order mark', '\ufeff{}'),
  body(
    'no UTF-8',
    Buffer.concat([Buffer.from('{"metadata":{"name":"a"},"data":{"a":"'), Buffer.of(255), Buffer.from('"}}')]),
  ),
  body('an unknown field and no name', '{"Foo":1}'),
  body('a type that is none', map({ metadata: { name: 'x' } }), 'text/plain'),
  body('parameters that are none', map({ metadata: { name: 'x' } }), 'application/json; charset'),
  yaml('of two documents', 'metadata: {name: one}\n---\nmetadata: {name: two}\n'),
  yaml('without end', 'a: ['),
  yaml('with a tab', 'a:\n\t- b'),
  yaml('without the anchor', 'x: *y'),
  yaml('of a text', 'abc'),
  yaml('of a list', '- a'),
  yaml('that is no UTF-8', Buffer.concat([Buffer.from('a: "'), Buffer.of(255), Buffer.from('"')])),
  protobuf('nothing'),
  protobuf('of no kind', 'k8s\0'),
  protobuf('that is none', 'xxxx'),
  body('over 3 MiB', ' '.repeat(3_145_729)),
  patch('of no type', 'text/plain', '{}'),
  patch('that is no list', JSON_PATCH, '{}'),
  patch('of numbers', JSON_PATCH, '[1]'),
  patch('of very many operations', JSON_PATCH, `[${Array(10_001).fill('{"op":"test"}').join(',')}]`),
  patch('that is a list', MERGE, '[]'),
  patch('null', MERGE, 'null'),
  patch('that is a list, strategically', STRATEGIC, '[]'),
  patch('applied by nobody', APPLY, '{}'),
  listed('limit=abc'),
  listed('limit='),
  listed('resourceVersion=xx'),
  listed('resourceVersion=99999999999999999999'),
  listed('resourceVersionMatch=foo'),
  listed('resourceVersion=0&resourceVersionMatch=Exact'),
  listed('sendInitialEvents=true'),
  listed('watch=true&resourceVersion=xx'),
  listed('watch=true&resourceVersionMatch=NotOlderThan'),
  listed('timeout=abc'),
  listed('timeout=1'),
  listed('continue=!'),
  listed('continue=abc&resourceVersion=5'),
  listed('continue=e30'),
  listed(`continue=${btoa('{"v":"meta.k8s.io/v1","rv":0,"start":"a"}')}`.replace(/=+$/, '')),
  listed('fieldSelector=a%3Db%3Dc'),
  { name: 'get?resourceVersion=xx', p: `${SEED}?resourceVersion=xx` },
  written('POST', 'dryRun=All&dryRun=foo'),
  written('POST', 'dryRun='),
  written('PUT', 'fieldValidation=foo'),
  written('PUT', 'fieldManager=a%00b'),
  written('PATCH', 'dryRun=foo', { 'content-type': APPLY }),
  written('PATCH', 'dryRun=All&force=true', { 'content-type': MERGE }),
  deleted('a policy that is none', '?propagationPolicy=foo'),
  deleted('a policy, and orphans', '?propagationPolicy=Orphan&orphanDependents=true'),
  deleted('a dry run that is none', '?dryRun=foo'),
  deleted('a grace that is none', '?gracePeriodSeconds='),
  deleted('of another kind', '', { kind: 'ConfigMap', apiVersion: 'v1' }),
  deleted('a grace that is a text', '', { gracePeriodSeconds: 'x' }),
  deleted('a list', '', '[]'),
];

export const differs = {};
