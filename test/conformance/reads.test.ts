// Shows over real HTTPS how lists and watches behave: pages of one revision, selectors, history, bookmarks, slow readers,
// and that a restart of the API server interrupts nothing for good.
import { connect } from 'node:http2';
import { gunzipSync } from 'node:zlib';
import test from 'ava';
import WebSocket from 'ws';
import { parse } from 'yaml';
import { ADMIN_TOKEN, startApi, type HttpAnswer, type TestApi } from '../kit/api-server.ts';

const MERGE = { 'content-type': 'application/merge-patch+json' };

async function withNamespace(api: TestApi, name: string): Promise<string> {
  await api.http('POST', '/api/v1/namespaces', { body: { metadata: { name } } });
  return `/api/v1/namespaces/${name}/configmaps`;
}

let api: TestApi;
test.before(async () => {
  api = await startApi();
});
test.after.always(() => api.stop());

const make = (at: string, name: string, labels: object = {}): ReturnType<TestApi['http']> =>
  api.http('POST', at, { body: { metadata: { name, labels }, data: { a: '1' } } });
const seen = (events: any[]): string[] =>
  events.map((event) => `${event.type} ${event.object.metadata.name ?? 'bookmark'}`);

test('pages of a list are of one revision, whatever is written in between', async (t) => {
  const at = await withNamespace(api, 'pages');
  for (const name of ['a', 'b', 'c', 'd', 'e']) await make(at, name);
  const first = (await api.http('GET', `${at}?limit=2`)).body;
  t.is(first.metadata.remainingItemCount, 3);
  await api.http('DELETE', `${at}/c`);
  await make(at, 'bb');
  await api.http('PATCH', `${at}/d`, { headers: MERGE, body: { data: { a: '2' } } });
  const names: string[] = first.items.map((item: any) => item.metadata.name);
  let token: string = first.metadata.continue;
  while (token !== '') {
    const page = (await api.http('GET', `${at}?limit=2&continue=${token}`)).body;
    t.is(page.metadata.resourceVersion, first.metadata.resourceVersion);
    names.push(...page.items.map((item: any) => item.metadata.name));
    for (const item of page.items) t.is(item.data.a, '1', 'as it was when the list began');
    token = page.metadata.continue ?? '';
  }
  t.deepEqual(names, ['a', 'b', 'c', 'd', 'e']);
  t.deepEqual(
    (await api.http('GET', at)).body.items.map((item: any) => item.metadata.name),
    ['a', 'b', 'bb', 'd', 'e'],
  );
});

test('a list of an earlier revision is that state exactly', async (t) => {
  const at = await withNamespace(api, 'exact');
  await make(at, 'a');
  const then = (await api.http('GET', at)).body.metadata.resourceVersion;
  await api.http('DELETE', `${at}/a`);
  await make(at, 'b');
  const old = await api.http('GET', `${at}?resourceVersion=${then}&resourceVersionMatch=Exact`);
  t.deepEqual(
    old.body.items.map((item: any) => item.metadata.name),
    ['a'],
  );
  const future = await api.http('GET', `${at}?resourceVersion=999999`);
  t.is(future.code, 504);
  t.is(future.body.details.causes[0].reason, 'ResourceVersionTooLarge');
  t.is((await api.http('GET', `${at}?resourceVersionMatch=Exact`)).code, 422);
});

test('a watch begins with what is there, then tells each change once and in order', async (t) => {
  const at = await withNamespace(api, 'stream');
  await make(at, 'a');
  const opened = Promise.withResolvers<void>();
  const watching = api.watch(`${at}?watch=true`, 4, { opened: opened.resolve });
  await opened.promise;
  await make(at, 'b');
  await api.http('PATCH', `${at}/a`, { headers: MERGE, body: { data: { a: '2' } } });
  const gone = await api.http('DELETE', `${at}/b`);
  const events = await watching;
  t.deepEqual(seen(events), ['ADDED a', 'ADDED b', 'MODIFIED a', 'DELETED b']);
  const revisions = events.map((event) => Number(event.object.metadata.resourceVersion));
  t.deepEqual(
    revisions,
    revisions.toSorted((x, y) => x - y),
  );
  t.is(gone.body.details.uid, events[3].object.metadata.uid);
  t.is(events[3].object.data.a, '1', 'the last state, with the revision of the delete');
});

test('a selector makes enterings ADDED and leavings DELETED', async (t) => {
  const at = await withNamespace(api, 'enter');
  const from = (await api.http('GET', at)).body.metadata.resourceVersion;
  await make(at, 'x', { app: 'no' });
  await api.http('PATCH', `${at}/x`, { headers: MERGE, body: { metadata: { labels: { app: 'yes' } } } });
  await api.http('PATCH', `${at}/x`, { headers: MERGE, body: { data: { b: '1' } } });
  await api.http('PATCH', `${at}/x`, { headers: MERGE, body: { metadata: { labels: { app: 'no' } } } });
  await api.http('DELETE', `${at}/x`);
  const events = await api.watch(
    `${at}?watch=true&labelSelector=app%3Dyes&resourceVersion=${from}&timeoutSeconds=1`,
    9,
  );
  t.deepEqual(seen(events), ['ADDED x', 'MODIFIED x', 'DELETED x']);
  t.is(events[2].object.metadata.labels.app, 'yes', 'as it was when it still matched');
});

test('streaming lists end their first part with a bookmark', async (t) => {
  const at = await withNamespace(api, 'initial');
  await make(at, 'a');
  await make(at, 'b');
  const query = 'watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
  const events = await api.watch(`${at}?${query}`, 3);
  t.deepEqual(seen(events), ['ADDED a', 'ADDED b', 'BOOKMARK bookmark']);
  t.is(events[2].object.metadata.annotations['k8s.io/initial-events-end'], 'true');
  t.is((await api.http('GET', `${at}?watch=true&sendInitialEvents=true`)).code, 422);
});

test('one object is watched by its name, or by its path of old', async (t) => {
  const at = await withNamespace(api, 'single');
  await make(at, 'a');
  await make(at, 'b');
  const old = at.replace('/api/v1/', '/api/v1/watch/');
  t.deepEqual(seen(await api.watch(`${old}/a?timeoutSeconds=1`, 9)), ['ADDED a']);
  t.is((await api.http('GET', `${at}/a?watch=true`)).body.kind, 'ConfigMap', 'a get is no watch');
  t.deepEqual(seen(await api.watch(`${at}?watch=true&fieldSelector=metadata.name%3Db&timeoutSeconds=1`, 9)), [
    'ADDED b',
  ]);
});

test('a table has its columns once, and rows with bare metadata', async (t) => {
  const at = await withNamespace(api, 'tables');
  await make(at, 'a');
  const headers = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' };
  const table = (await api.http('GET', at, { headers })).body;
  t.deepEqual(
    table.columnDefinitions.map((column: any) => column.name),
    ['Name', 'Data', 'Age'],
  );
  t.deepEqual(table.rows[0].cells.slice(0, 2), ['a', 1]);
  t.is(table.rows[0].object.kind, 'PartialObjectMetadata');
  t.is(table.rows[0].object.data, undefined);
  await make(at, 'b');
  const events = await api.watch(`${at}?watch=true`, 2, { headers });
  t.true(events[0].object.columnDefinitions.length > 0);
  t.is(events[1].object.columnDefinitions, null);
  const partial = await api.http('GET', at, {
    headers: { accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' },
  });
  t.is(partial.body.kind, 'PartialObjectMetadataList');
  t.is(partial.body.items[0].data, undefined);
  const refusal = async (path: string, accept: string): Promise<string> => {
    const { code, body } = await api.http('GET', path, { headers: { accept } });
    return `${code} ${body.message}`;
  };
  const types = 'application/json, application/yaml, application/vnd.kubernetes.protobuf';
  t.is(await refusal(`${at}/a`, 'image/png'), `406 406: Not Acceptable\n\nAvailable representations: ${types}`);
  const watched = await api.http('GET', `${at}?watch=true`, { headers: { accept: 'application/yaml' } });
  t.is(watched.code, 406);
  t.regex(watched.text, /application\/json;stream=watch,\s+application\/vnd\.kubernetes\.protobuf;stream=watch/);
  const metadata = 'application/json;g=meta.k8s.io;v=v1;as=PartialObjectMetadata';
  t.regex(
    await refusal(at, metadata),
    /^406 you requested PartialObjectMetadata, but the requested object is a list \(\*core\.\w+List\)$/,
  );
  t.regex(
    await refusal('/api/v1/namespaces/default', `${metadata}List`),
    /^406 you requested PartialObjectMetadataList, but the requested object is not a list \(\*core\.Namespace\)$/,
  );
});

test('selectors find by labels, fields and sets', async (t) => {
  const at = await withNamespace(api, 'select');
  await make(at, 'a', { app: 'web', tier: 'x' });
  await make(at, 'b', { app: 'web', tier: 'y' });
  await make(at, 'c', { app: 'db' });
  const names = async (query: string): Promise<string[]> =>
    (await api.http('GET', `${at}?${query}`)).body.items.map((item: any) => item.metadata.name);
  t.deepEqual(await names('labelSelector=app%3Dweb'), ['a', 'b']);
  t.deepEqual(await names('labelSelector=app%3Dweb,tier!%3Dx'), ['b']);
  t.deepEqual(await names('labelSelector=app%20in%20(db,web),!tier'), ['c']);
  t.deepEqual(await names('fieldSelector=metadata.name!%3Da'), ['b', 'c']);
  t.deepEqual(await names('fieldSelector=metadata.name%3Da&labelSelector=app%3Ddb'), []);
  const gone = await api.http('DELETE', `${at}?labelSelector=app%3Dweb`);
  t.is(gone.body.items.length, 2);
  t.deepEqual(await names(''), ['c']);
});

test('a large answer is compressed for who takes it', async (t) => {
  const at = await withNamespace(api, 'large');
  await api.http('POST', at, { body: { metadata: { name: 'big' }, data: { a: 'x'.repeat(300_000) } } });
  t.is(
    (await api.http('GET', `${at}/big`, { headers: { 'accept-encoding': 'gzip' } })).headers['content-encoding'],
    'gzip',
  );
  t.is((await api.http('GET', `${at}/big`)).headers['content-encoding'], undefined);
});

test('a long list is sent in parts: plain, compressed, as YAML and as a table', async (t) => {
  const at = await withNamespace(api, 'long');
  const names = Array.from({ length: 12 }, (_, i) => `big-${String(i).padStart(2, '0')}`);
  for (const name of names)
    await api.http('POST', at, { body: { metadata: { name }, data: { a: 'x '.repeat(40_000) } } });
  const namesOf = (items: any[]): string[] => items.map((item) => item.metadata.name);
  const plain = await api.http('GET', at);
  t.is(plain.headers['content-length'], undefined, 'its length is not known when it begins');
  t.deepEqual(namesOf(plain.body.items), names);
  t.is(plain.body.kind, 'ConfigMapList');
  const compressed = await api.http('GET', at, { headers: { 'accept-encoding': 'gzip' } });
  t.is(compressed.headers['content-encoding'], 'gzip');
  t.deepEqual(namesOf(JSON.parse(gunzipSync(compressed.bytes).toString()).items), names);
  const yaml = await api.http('GET', at, { headers: { accept: 'application/yaml' } });
  t.is(yaml.headers['content-type'], 'application/yaml');
  t.deepEqual(parse(yaml.text).items, plain.body.items);
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
  const table = await api.http('GET', `${at}?includeObject=Object`, { headers: { accept } });
  t.deepEqual(namesOf(table.body.rows.map((row: any) => row.object)), names);
});

test('a watch without initial events begins now', async (t) => {
  const at = await withNamespace(api, 'later');
  await make(at, 'a');
  const query = 'watch=true&sendInitialEvents=false&resourceVersionMatch=NotOlderThan&timeoutSeconds=1';
  t.deepEqual(seen(await api.watch(`${at}?${query}`, 9)), []);
});

test('HTTP/2: many requests and a watch over one connection', async (t) => {
  const at = await withNamespace(api, 'h2');
  const client = connect(api.url, { ca: api.caPem });
  t.teardown(() => client.destroy());
  const ask = (headers: Record<string, string>, enough: (text: string) => boolean): Promise<string> =>
    new Promise((resolve, reject) => {
      const stream = client.request({ authorization: `Bearer ${ADMIN_TOKEN}`, ...headers });
      let text = '';
      stream.setEncoding('utf8');
      stream.on('data', (chunk: string) => {
        text += chunk;
        if (enough(text)) {
          stream.close();
          resolve(text);
        }
      });
      stream.on('end', () => resolve(text));
      stream.on('error', reject);
      stream.end();
    });
  const watching = ask({ ':path': `${at}?watch=true` }, (text) => text.includes('"ADDED"'));
  await make(at, 'a');
  t.regex(await watching, /"name":"a"/);
  const answers = await Promise.all(Array.from({ length: 30 }, () => ask({ ':path': `${at}/a` }, () => false)));
  t.true(answers.every((text) => JSON.parse(text).metadata.name === 'a'));
});

test('a watch over WebSocket, with the token as a subprotocol', async (t) => {
  const at = await withNamespace(api, 'ws');
  const bearer = `base64url.bearer.authorization.k8s.io.${Buffer.from(ADMIN_TOKEN).toString('base64url')}`;
  const socket = new WebSocket(`wss://127.0.0.1:${api.port}${at}?watch=1`, ['base64.binary.k8s.io', bearer], {
    ca: api.caPem,
  });
  t.teardown(() => socket.terminate());
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  t.is(socket.protocol, 'base64.binary.k8s.io');
  const message = new Promise<string>((resolve) =>
    socket.once('message', (data) => resolve((data as Buffer).toString())),
  );
  await make(at, 'a');
  const event = JSON.parse(Buffer.from(await message, 'base64').toString());
  t.is(event.object.metadata.name, 'a');
});

test('a client that does not read delays nobody, and gets everything later', async (t) => {
  const at = await withNamespace(api, 'slow');
  const client = connect(api.url, { ca: api.caPem });
  t.teardown(() => client.destroy());
  const slow = client.request({
    ':path': `${at}?watch=true&timeoutSeconds=36000`,
    authorization: `Bearer ${ADMIN_TOKEN}`,
  });
  slow.pause();
  const count = 60;
  const opened = Promise.withResolvers<void>();
  const quick = api.watch(`${at}?watch=true`, count, { opened: opened.resolve });
  await Promise.all([opened.promise, new Promise((resolve) => slow.once('response', resolve))]);
  // Far more than the windows and buffers between server and client hold.
  for (let i = 0; i < count; i++)
    await api.http('POST', at, { body: { metadata: { name: `n${i}` }, data: { a: 'x'.repeat(100_000) } } });
  t.is((await quick).length, count);
  let text = '';
  const lines = (): number => text.split('\n').length - 1;
  await new Promise<void>((resolve, reject) => {
    slow.on('end', () => reject(new Error(`the watch ended after ${lines()} of ${count} events`)));
    slow.setEncoding('utf8');
    slow.on('data', (chunk: string) => {
      text += chunk;
      if (lines() === count) resolve();
    });
    slow.resume();
  });
  const names = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).object.metadata.name);
  t.deepEqual(
    names,
    Array.from({ length: count }, (_, i) => `n${i}`),
  );
});

test('documents: discovery old and new, OpenAPI with its hash, version, metrics', async (t) => {
  t.is((await api.http('GET', '/version', { token: '' })).body.major, '1');
  const aggregated = await api.http('GET', '/apis', {
    headers: { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json' },
  });
  t.is(aggregated.headers['content-type'], 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList');
  t.is(aggregated.body.kind, 'APIGroupDiscoveryList');
  t.is((await api.http('GET', '/apis')).body.kind, 'APIGroupList');
  t.is((await api.http('GET', '/api/v1')).body.kind, 'APIResourceList');
  const index = (await api.http('GET', '/openapi/v3')).body;
  const apps = await api.http('GET', index.paths['apis/apps/v1'].serverRelativeURL);
  t.regex(String(apps.headers['cache-control']), /immutable/);
  t.truthy(apps.body.components.schemas['io.k8s.api.apps.v1.Deployment']);
  const unknown = await api.http('GET', '/apis/foo.example.com/v1');
  t.deepEqual([unknown.code, unknown.text], [404, '404 page not found\n']);
  const metrics = await api.http('GET', '/metrics');
  t.regex(metrics.text, /apiserver_request_total\{/);
  t.is((await api.http('GET', '/metrics', { token: 'bob-token' })).code, 403);
});

test('documents have a tag, and are not sent again to who has them', async (t) => {
  const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
  for (const [path, accept] of [
    ['/openapi/v2', 'application/json'],
    ['/openapi/v3', 'application/json'],
    ['/openapi/v3/apis/apps/v1', 'application/json'],
    ['/apis', aggregated],
    ['/api', 'application/json'],
  ] as const) {
    const first = await api.http('GET', path, { headers: { accept } });
    const tag = String(first.headers['etag']);
    t.regex(tag, /^"[0-9A-F]{64}"$/, path);
    const again = await api.http('GET', path, { headers: { accept, 'if-none-match': `"other", ${tag}` } });
    t.deepEqual([again.code, again.bytes.length], [304, 0], path);
    t.is((await api.http('GET', path, { headers: { accept, 'if-none-match': '"other"' } })).code, 200);
  }
});

test.serial('what is written is told as metadata, as a row and in YAML to who asks so; so is a refusal', async (t) => {
  const at = '/api/v1/namespaces/default/configmaps';
  const write = (name: string, accept: string): Promise<HttpAnswer> =>
    api.http('POST', at, { body: { metadata: { name }, data: { a: 'b' } }, headers: { accept } });
  const partial = await write('told-1', 'application/json;g=meta.k8s.io;v=v1beta1;as=PartialObjectMetadata');
  t.deepEqual(Object.keys(partial.body), ['kind', 'apiVersion', 'metadata']);
  t.is(partial.body.apiVersion, 'meta.k8s.io/v1beta1');
  const row = await write('told-2', 'application/json;g=meta.k8s.io;v=v1;as=Table');
  t.deepEqual(row.body.rows[0].cells.slice(0, 2), ['told-2', 1]);
  const yaml = await write('told-3', 'application/json;q=0.5,application/yaml');
  t.is(yaml.headers['content-type'], 'application/yaml');
  t.regex(yaml.text, /^data:\n {2}a: b$/m);
  t.regex((await write('told-3', 'application/yaml')).text, /^reason: AlreadyExists$/m);
});

test.serial(
  'the state of the parts of the control plane is told, with a warning that the question is old',
  async (t) => {
    const { body, headers } = await api.http('GET', '/api/v1/componentstatuses');
    t.is(headers.warning, '299 - "v1 ComponentStatus is deprecated in v1.19+"');
    t.deepEqual(
      body.items.map((item: any) => `${item.metadata.name} ${item.conditions[0].status}`),
      ['scheduler False', 'controller-manager False', 'store True'],
    );
    t.is((await api.http('GET', '/api/v1/componentstatuses/store')).body.conditions[0].message, 'ok');
    const unknown = await api.http('GET', '/api/v1/componentstatuses/none');
    t.deepEqual([unknown.code, unknown.body.message], [500, 'Component not found: none']);
  },
);
