// Shows that an APIService puts a real HTTPS server behind the API: it is found, published, asked with every verb in the name of
// who asks, and told unavailable in the words of the real aggregator when it is.
import { readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import { openAuthority } from '../../launcher/edge/certificates.ts';
import { ADMIN_TOKEN, startApi, type TestApi } from '../kit/api-server.ts';
import { startManager } from '../kit/control-plane.ts';
import { eventually } from '../kit/eventually.ts';
import { httpsService, type HttpsService } from '../kit/https-service.ts';

const SERVICES = '/apis/apiregistration.k8s.io/v1/apiservices';
const AGGREGATED = { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' };
const OF_TEAM = '/apis/ext.example.com/v1/namespaces/team/notes';
const NOTES = '/apis/ext.example.com/v1/namespaces/default/notes';

interface Seen {
  method: string;
  url: string;
  headers: Record<string, string | string[] | undefined>;
  body: string;
  /** Of the certificate that the request came with. */
  commonName: string;
}

interface Extension {
  api: TestApi;
  seen: Seen[];
  /** Notes in the namespace `team`. */
  left: object[];
  server: HttpsService;
  caBundle: string;
}

const LIST = {
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion: 'ext.example.com/v1',
  resources: [
    {
      name: 'notes',
      singularName: 'note',
      namespaced: true,
      kind: 'Note',
      verbs: ['get', 'list', 'watch', 'create', 'delete', 'deletecollection'],
      shortNames: ['nt'],
    },
    { name: 'notes/status', singularName: '', namespaced: true, kind: 'Note', verbs: ['get'] },
  ],
};

function answerOf(path: string): [code: number, body: unknown] {
  switch (path) {
    case '/apis/ext.example.com/v1':
      return [200, LIST];
    case '/openapi/v3':
      return [
        200,
        { paths: { 'apis/ext.example.com/v1': { serverRelativeURL: '/openapi/v3/apis/ext.example.com/v1?hash=ABC' } } },
      ];
    case '/openapi/v3/apis/ext.example.com/v1':
      return [200, { openapi: '3.0.0', components: { schemas: { note: {} } } }];
    case '/openapi/v2':
      return [
        200,
        { paths: { '/apis/ext.example.com/v1/notes': {} }, definitions: { 'ext.Note': { type: 'object' } } },
      ];
    case NOTES:
      return [200, { kind: 'NoteList', items: [] }];
    default:
      return [404, { kind: 'Status', message: `no ${path}`, code: 404 }];
  }
}

async function extension(t: ExecutionContext): Promise<Extension> {
  const api = await startApi();
  t.teardown(() => api.stop());
  const file = (name: string): string => join(api.dir, name);
  const authority = await openAuthority('ext-ca', { cert: file('ext-ca.crt'), key: file('ext-ca.key') });
  await authority.issue(
    { commonName: 'ext', usage: 'server', dnsNames: ['ext.default.svc'] },
    { cert: file('ext.crt'), key: file('ext.key') },
  );
  const seen: Seen[] = [];
  const left: object[] = [{ metadata: { name: 'a' } }];
  const server = await httpsService(
    t,
    api,
    (request, body, response) => {
      const path = request.url!.split('?')[0]!;
      const commonName = String((request.socket as TLSSocket).getPeerCertificate().subject?.CN);
      // The aggregator looks in now and then, whenever it likes.
      if (path.startsWith(NOTES))
        seen.push({ method: request.method!, url: request.url!, headers: request.headers, body, commonName });
      if (request.url!.includes('watch=true')) {
        response.write('{"type":"ADDED","object":{"kind":"Note"}}\n');
        return;
      }
      if (path === OF_TEAM && request.method === 'DELETE') left.length = 0;
      if (path === OF_TEAM)
        seen.push({ method: request.method!, url: request.url!, headers: request.headers, body, commonName });
      const [code, answer] =
        request.method === 'POST'
          ? [201, JSON.parse(body)]
          : path === OF_TEAM
            ? [200, { kind: 'NoteList', metadata: {}, items: left }]
            : answerOf(path);
      response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    },
    {
      cert: readFileSync(file('ext.crt')),
      key: readFileSync(file('ext.key')),
      ca: readFileSync(file('front-ca.crt')),
      requestCert: true,
      rejectUnauthorized: true,
    },
  );
  return { api, seen, left, server, caBundle: Buffer.from(authority.certPem).toString('base64') };
}

const spec = (caBundle: string): object => ({
  group: 'ext.example.com',
  version: 'v1',
  groupPriorityMinimum: 1000,
  versionPriority: 10,
  service: { namespace: 'default', name: 'ext' },
  caBundle,
});

async function service(api: TestApi): Promise<void> {
  const body = { metadata: { name: 'ext' }, spec: { ports: [{ port: 443, targetPort: 8443 }] } };
  await api.http('POST', '/api/v1/namespaces/default/services', { body });
}

const SLICES = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';

async function endpoints(api: TestApi, port: number): Promise<void> {
  const metadata = { name: 'ext-1', labels: { 'kubernetes.io/service-name': 'ext' } };
  const body = {
    metadata,
    addressType: 'IPv4',
    endpoints: [{ addresses: ['127.0.0.1'] }],
    ports: [{ name: '', port }],
  };
  await api.http('POST', SLICES, { body });
}

async function available(api: TestApi, reason: string): Promise<any> {
  let last: unknown;
  return eventually(
    () => `Available with ${reason}, not ${JSON.stringify(last)}`,
    async () => {
      const answer = await api.http('GET', `${SERVICES}/v1.ext.example.com`);
      last = answer.body?.status ?? answer.text;
      const condition = answer.body.status?.conditions?.find((one: any) => one.type === 'Available');
      return condition?.reason === reason ? condition : undefined;
    },
  );
}

async function served(t: ExecutionContext): Promise<Extension> {
  const ext = await extension(t);
  await service(ext.api);
  await endpoints(ext.api, ext.server.port);
  await ext.api.http('POST', SERVICES, {
    body: { metadata: { name: 'v1.ext.example.com' }, spec: spec(ext.caBundle) },
  });
  await available(ext.api, 'Passed');
  return ext;
}

test('an APIService is available once its Service, its endpoints and its server are there', async (t) => {
  const { api, server, caBundle } = await extension(t);
  await api.http('POST', SERVICES, { body: { metadata: { name: 'v1.ext.example.com' }, spec: spec(caBundle) } });
  t.is((await available(api, 'ServiceNotFound')).message, 'service/ext in "default" is not present');
  const early = await api.http('GET', NOTES);
  t.deepEqual([early.code, early.text], [503, 'service unavailable\n']);
  await service(api);
  t.is(
    (await available(api, 'MissingEndpoints')).message,
    'endpoints for service/ext in "default" have no addresses with port name ""',
  );
  await endpoints(api, 1);
  t.regex(
    (await available(api, 'FailedDiscoveryCheck')).message,
    /^failing or missing response from https:\/\/127.0.0.1:1\/apis\/ext.example.com\/v1: /,
  );
  const ports = [{ name: '', port: server.port }];
  await api.http('PATCH', `${SLICES}/ext-1`, {
    body: { ports },
    headers: { 'content-type': 'application/merge-patch+json' },
  });
  t.is((await available(api, 'Passed')).message, 'all checks passed');
  await api.http('DELETE', `${SLICES}/ext-1`);
  await available(api, 'MissingEndpoints');
  t.is((await api.http('GET', NOTES)).code, 503);
  const { items } = (await api.http('GET', '/apis', { headers: AGGREGATED })).body;
  const stale = items.find((one: any) => one.metadata.name === 'ext.example.com');
  t.is(stale.versions[0].freshness, 'Stale', 'what was served is still told, and that it may be old');
  await api.http('DELETE', `${SERVICES}/v1.ext.example.com`);
  await eventually('its group is no longer told', async () =>
    (await api.http('GET', '/apis/ext.example.com')).code === 404 ? true : undefined,
  );
});

test('what it serves is published with all else', async (t) => {
  const { api } = await served(t);
  const { items } = (await api.http('GET', '/apis', { headers: AGGREGATED })).body;
  const [{ resources, freshness }] = items.find((one: any) => one.metadata.name === 'ext.example.com').versions;
  t.deepEqual(
    [resources[0].resource, resources[0].shortNames, resources[0].subresources[0].subresource, freshness],
    ['notes', ['nt'], 'status', 'Current'],
  );
  const groups = (await api.http('GET', '/apis')).body.groups.map(({ name }: any) => name);
  t.true(groups.includes('ext.example.com') && groups.includes('apps'));
  t.deepEqual((await api.http('GET', '/apis/ext.example.com/v1')).body, LIST);
  const index = (await api.http('GET', '/openapi/v3')).body.paths;
  t.is(index['apis/ext.example.com/v1'].serverRelativeURL, '/openapi/v3/apis/ext.example.com/v1?hash=ABC');
  t.truthy((await api.http('GET', '/openapi/v3/apis/ext.example.com/v1?hash=ABC')).body.components.schemas.note);
  const v2 = await eventually('the document of all holds theirs', async () => {
    const { body } = await api.http('GET', '/openapi/v2');
    return body.definitions['ext.Note'] === undefined ? undefined : body;
  });
  t.truthy(v2.definitions['io.k8s.api.core.v1.Pod']);
  const { data } = (
    await api.http('GET', '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication')
  ).body;
  t.is(data['requestheader-allowed-names'], '["front-proxy-client"]');
  t.is(data['requestheader-client-ca-file'], readFileSync(join(api.dir, 'front-ca.crt'), 'utf8'));
});

test('requests go through in the name of who asks, once they may', async (t) => {
  const { api, seen } = await served(t);
  seen.length = 0;
  const headers = { 'x-remote-user': 'root', 'x-remote-group': 'system:masters', 'x-else': 'kept' };
  const list = await api.http('GET', `${NOTES}?labelSelector=a%3Db`, { headers });
  t.deepEqual([list.code, list.body], [200, { kind: 'NoteList', items: [] }]);
  const [asked] = seen;
  t.like(asked, { method: 'GET', url: `${NOTES}?labelSelector=a%3Db`, commonName: 'front-proxy-client' });
  t.like(asked!.headers, {
    'x-remote-user': 'admin',
    'x-remote-group': 'system:masters, system:authenticated',
    'x-else': 'kept',
  });
  t.is(asked!.headers['authorization'], undefined);
  const made = await api.http('POST', NOTES, { body: { kind: 'Note', text: 'x'.repeat(100_000) } });
  t.deepEqual([made.code, made.body.text.length], [201, 100_000]);
  const gone = await api.http('DELETE', `${NOTES}/a`);
  t.deepEqual([gone.code, gone.body.message], [404, `no ${NOTES}/a`]);
  const bob = await api.http('GET', NOTES, { token: 'bob-token' });
  t.is(bob.code, 403);
  t.is(
    bob.body.message,
    'notes.ext.example.com is forbidden: User "bob" cannot list resource "notes" in API group "ext.example.com" in the namespace "default"',
  );
  t.is(seen.length, 3, 'who may not never comes that far');
  const [event] = await api.watch(`${NOTES}?watch=true`, 1);
  t.is(event.type, 'ADDED');
  const bus = await api.bus('controller-manager-1', { method: 'GET', path: NOTES });
  t.deepEqual([bus.code, (bus.body as any).kind], [200, 'NoteList']);
});

test('an upgrade is a tunnel; a server that does not answer is a 503 with the reason', async (t) => {
  const { api, server } = await served(t);
  server.server.on('upgrade', (request, socket) => {
    socket.on('error', () => {});
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: ${request.headers.upgrade}\r\n\r\n`,
    );
    socket.write(`hello ${String(request.headers['x-remote-user'])}\n`);
    socket.pipe(socket);
  });
  const socket = connect({ host: '127.0.0.1', port: api.port, ca: api.caPem, servername: 'localhost' });
  t.teardown(() => socket.destroy());
  socket.on('error', () => {});
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const lines = [
    `GET ${NOTES}/a HTTP/1.1`,
    'host: localhost',
    `authorization: Bearer ${ADMIN_TOKEN}`,
    'connection: Upgrade',
    'upgrade: echo/1',
  ];
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  await eventually('the upgrade', () => (text.includes('hello admin') ? true : undefined));
  t.regex(text, /^HTTP\/1.1 101 /);
  socket.write('over and back');
  await eventually('the echo', () => (text.endsWith('over and back') ? true : undefined));
  socket.destroy();
  await server.stop();
  await eventually('nobody listens', () => refuses(server.port));
  const refused = await api.http('GET', NOTES);
  t.is(refused.code, 503);
  t.regex(refused.text, /ECONNREFUSED|service unavailable/);
});

function refuses(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port }, () => resolve(false));
    socket.on('error', () => resolve(true));
    socket.on('connect', () => socket.destroy());
  });
}

test('each group and version of our own has an APIService, which goes with its last definition', async (t) => {
  const api = await startApi();
  t.teardown(() => api.stop());
  await eventually('v1.apps', async () =>
    (await api.http('GET', `${SERVICES}/v1.apps`)).code === 200 ? true : undefined,
  );
  const core = await api.http('GET', `${SERVICES}/v1.`);
  t.like(core.body.spec, { version: 'v1', groupPriorityMinimum: 18_000 });
  t.like(core.body.status.conditions[0], {
    type: 'Available',
    status: 'True',
    reason: 'Local',
    message: 'Local APIServices are always available',
  });
  const definition = {
    metadata: { name: 'things.own.example.com' },
    spec: {
      group: 'own.example.com',
      scope: 'Cluster',
      names: { plural: 'things', kind: 'Thing' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
    },
  };
  const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  await api.http('POST', path, { body: definition });
  const code = async (): Promise<number> => (await api.http('GET', `${SERVICES}/v1.own.example.com`)).code;
  await eventually('one for the definition', async () => (await code()) === 200);
  await api.http('DELETE', `${path}/things.own.example.com`);
  await eventually('it goes with it', async () => (await code()) === 404);
});

test('what another server has in a namespace goes with it', async (t) => {
  const { api, seen, left } = await served(t);
  const manager = await startManager(api);
  t.teardown(() => manager.stop());
  await api.http('POST', '/api/v1/namespaces', { body: { metadata: { name: 'team' } } });
  await eventually('the namespace is looked after', async () =>
    (await api.http('GET', '/api/v1/namespaces/team/serviceaccounts/default')).code === 200 ? true : undefined,
  );
  await api.http('DELETE', '/api/v1/namespaces/team');
  await eventually('it is gone', async () =>
    (await api.http('GET', '/api/v1/namespaces/team')).code === 404 ? true : undefined,
  );
  t.deepEqual(left, []);
  const deletion = seen.find(({ method }) => method === 'DELETE');
  t.is(deletion?.url, OF_TEAM);
  t.is(deletion?.headers['x-remote-user'], 'system:serviceaccount:kube-system:namespace-controller');
});
