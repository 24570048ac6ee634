// Shows that objects of a CRD whose versions a webhook converts are read, listed, watched, selected and written in each of them;
// and that what the webhook does wrong is told in the words of the real server.
import test, { type ExecutionContext } from 'ava';
import { startApi, type HttpAnswer, type TestApi } from '../kit/api-server.ts';
import { eventually } from '../kit/eventually.ts';
import { httpsService, type HttpsService } from '../kit/https-service.ts';

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const at = (version: string): string => `/apis/example.com/${version}/namespaces/default/crontabs`;
const MERGE = { 'content-type': 'application/merge-patch+json' };

/** v1 has `spec.host` and `spec.port`, v2 has `spec.hostPort`. */
const SCHEMAS: Record<string, object> = {
  v1: { host: { type: 'string' }, port: { type: 'string' }, replicas: { type: 'integer', default: 1 } },
  v2: { hostPort: { type: 'string' }, replicas: { type: 'integer', default: 2 } },
};

function version(name: string, more: object = {}): object {
  return {
    name,
    served: true,
    storage: name === 'v1',
    schema: {
      openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: SCHEMAS[name] } } },
    },
    ...more,
  };
}

function definition(api: TestApi, url: string): object {
  const clientConfig = { url: `${url}/convert`, caBundle: Buffer.from(api.caPem).toString('base64') };
  return {
    metadata: { name: 'crontabs.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'crontabs', kind: 'CronTab' },
      conversion: { strategy: 'Webhook', webhook: { clientConfig, conversionReviewVersions: ['v9', 'v1'] } },
      versions: [
        version('v1'),
        version('v2', {
          selectableFields: [{ jsonPath: '.spec.hostPort' }],
          deprecated: false,
          additionalPrinterColumns: [{ name: 'Where', type: 'string', jsonPath: '.spec.hostPort' }],
        }),
      ],
    },
  };
}

function convertedObject(object: any, apiVersion: string): any {
  const { host, port, hostPort, ...spec } = object.spec ?? {};
  if (apiVersion.endsWith('v2'))
    return { ...object, apiVersion, spec: { ...spec, hostPort: `${host}:${port}`, junk: 1 } };
  const [first, second] = String(hostPort).split(':');
  return { ...object, apiVersion, spec: { ...spec, host: first, port: second } };
}

interface Converting {
  api: TestApi;
  /** How many objects each review had. */
  asked: number[];
  /** Changes what the webhook says. */
  spoil(change: ((response: any) => void) | undefined): void;
  hook: HttpsService;
}

async function began(t: ExecutionContext): Promise<Converting> {
  const api = await startApi();
  t.teardown(() => api.stop());
  const asked: number[] = [];
  let change: ((response: any) => void) | undefined;
  const hook = await httpsService(t, api, (_request, body, response) => {
    const { apiVersion, kind, request } = JSON.parse(body);
    asked.push(request.objects.length);
    const convertedObjects = request.objects.map((one: any) => convertedObject(one, request.desiredAPIVersion));
    const answer: any = { uid: request.uid, result: { status: 'Success' }, convertedObjects };
    change?.(answer);
    response.end(JSON.stringify({ apiVersion, kind, response: answer }));
  });
  t.is((await api.http('POST', CRDS, { body: definition(api, hook.url) })).code, 201);
  await eventually('both versions are served', async () =>
    (await api.http('GET', at('v1'))).code === 200 && (await api.http('GET', at('v2'))).code === 200 ? true : undefined,
  );
  return { api, asked, hook, spoil: (made) => (change = made) };
}

const tab = (v: string, name: string, spec: object): object => ({
  apiVersion: `example.com/${v}`,
  kind: 'CronTab',
  metadata: { name },
  spec,
});
const make = (api: TestApi, v: string, name: string, spec: object): Promise<HttpAnswer> =>
  api.http('POST', at(v), { body: tab(v, name, spec) });

test('an object is written and read in any version, pruned and with the defaults of that version', async (t) => {
  const { api, asked } = await began(t);
  const made = await make(api, 'v2', 'a', { hostPort: 'here:80' });
  t.is(made.code, 201, made.text);
  t.deepEqual(made.body.spec, { hostPort: 'here:80', replicas: 2 });
  t.deepEqual((await api.http('GET', `${at('v1')}/a`)).body.spec, { replicas: 2, host: 'here', port: '80' });
  const [read] = (await api.http('GET', at('v2'))).body.items;
  t.deepEqual([read.apiVersion, read.spec], ['example.com/v2', { replicas: 2, hostPort: 'here:80' }]);
  const count = asked.length;
  await api.http('GET', `${at('v2')}/a`);
  t.is(asked.length, count, 'converted once');

  const patched = await api.http('PATCH', `${at('v2')}/a`, {
    body: { spec: { hostPort: 'there:81' } },
    headers: MERGE,
  });
  t.is(patched.body.spec.hostPort, 'there:81');
  t.is((await api.http('GET', `${at('v1')}/a`)).body.spec.host, 'there');
  const applied = await api.http('PATCH', `${at('v2')}/b?fieldManager=me`, {
    body: tab('v2', 'b', { hostPort: 'x:1' }),
    headers: { 'content-type': 'application/apply-patch+yaml' },
  });
  t.is(applied.code, 201, applied.text);
  t.is((await api.http('GET', `${at('v1')}/b`)).body.spec.port, '1');
  const table = await api.http('GET', at('v2'), {
    headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
  });
  t.deepEqual(
    table.body.rows.map((row: any) => row.cells),
    [
      ['a', 'there:81'],
      ['b', 'x:1'],
    ],
  );
});

test('a list is converted in one question; a watch tells each event in its version, selected by its fields', async (t) => {
  const { api, asked } = await began(t);
  for (const name of ['a', 'b', 'c']) await make(api, 'v1', name, { host: name, port: '1' });
  asked.length = 0;
  const list = await api.http('GET', at('v2'));
  t.deepEqual(
    list.body.items.map(({ spec }: any) => spec.hostPort),
    ['a:1', 'b:1', 'c:1'],
  );
  t.deepEqual(asked, [3]);
  const selected = await api.http('GET', `${at('v2')}?fieldSelector=spec.hostPort%3Db:1`);
  t.deepEqual(
    selected.body.items.map(({ metadata }: any) => metadata.name),
    ['b'],
  );
  t.is((await api.http('GET', `${at('v1')}?fieldSelector=spec.hostPort%3Db:1`)).code, 400, 'v1 has no such field');

  const from = list.body.metadata.resourceVersion;
  const all = api.watch(`${at('v2')}?watch=1&resourceVersion=${from}&timeoutSeconds=30`, 3);
  const some = api.watch(
    `${at('v2')}?watch=1&resourceVersion=${from}&fieldSelector=spec.hostPort%3Db:1&timeoutSeconds=30`,
    3,
  );
  const patch = (name: string, port: string): Promise<HttpAnswer> =>
    api.http('PATCH', `${at('v1')}/${name}`, { body: { spec: { port } }, headers: MERGE });
  await patch('b', '2');
  await api.http('PATCH', `${at('v1')}/a`, { body: { spec: { host: 'b' } }, headers: MERGE });
  await api.http('DELETE', `${at('v1')}/a`);
  const told = (events: any[]): string[][] =>
    events.map(({ type, object }) => [type, object.metadata.name, object.spec.hostPort, object.apiVersion]);
  t.deepEqual(told(await all), [
    ['MODIFIED', 'b', 'b:2', 'example.com/v2'],
    ['MODIFIED', 'a', 'b:1', 'example.com/v2'],
    ['DELETED', 'a', 'b:1', 'example.com/v2'],
  ]);
  t.deepEqual(told(await some), [
    ['DELETED', 'b', 'b:2', 'example.com/v2'],
    ['ADDED', 'a', 'b:1', 'example.com/v2'],
    ['DELETED', 'a', 'b:1', 'example.com/v2'],
  ]);
});

test('what a webhook does wrong is told, and changes nothing', async (t) => {
  const { api, spoil, hook } = await began(t);
  await make(api, 'v1', 'a', { host: 'a', port: '1' });
  const about = 'conversion webhook for example.com/v1, Kind=CronTab';
  const wrong: Array<[(response: any) => void, string]> = [
    [(r) => void (r.convertedObjects = []), `${about} returned 0 objects, expected 1`],
    [(r) => void (r.result = { status: 'Failure', message: 'not today' }), `${about} failed: not today`],
    [(r) => void delete r.result, `${about} failed: response.result.status was '', not 'Success'`],
    [
      (r) => void (r.convertedObjects[0].apiVersion = 'example.com/v1'),
      `${about} returned invalid object at index 0: invalid groupVersion (expected example.com/v2, received example.com/v1)`,
    ],
    [
      (r) => void (r.convertedObjects[0].kind = 'Other'),
      `${about} returned invalid object at index 0: invalid kind (expected CronTab, received Other)`,
    ],
    [
      (r) => void (r.convertedObjects[0].metadata.name = 'b'),
      `${about} returned invalid object: must have the same name: a != b`,
    ],
    [
      (r) => void (r.convertedObjects[0].metadata.labels = { 'no!': 'x' }),
      `${about} returned invalid metadata: metadata.labels: Invalid value: "no!"`,
    ],
    [
      (r) => void delete r.convertedObjects[0].metadata,
      `${about} returned invalid object: must have the same name: a != `,
    ],
  ];
  for (const [change, told] of wrong) {
    spoil(change);
    const answer = await api.http('GET', `${at('v2')}/a`);
    t.is(answer.code, 500);
    t.true(answer.body.message.startsWith(told), `${answer.body.message} | ${told}`);
  }
  spoil((r) => void (r.uid = 'other'));
  t.regex((await api.http('GET', at('v2'))).body.message, /failed: expected response.uid="[-0-9a-f]+", got "other"$/);
  const refused = await make(api, 'v2', 'b', { hostPort: 'x:1' });
  t.is(refused.code, 500);
  t.is((await api.http('GET', `${at('v1')}/b`)).code, 404);
  spoil((r) => {
    for (const one of r.convertedObjects)
      one.metadata = { ...one.metadata, labels: { seen: 'yes' }, generation: 77, uid: one.metadata.uid };
  });
  const labelled = await api.http('GET', `${at('v2')}/a`);
  t.deepEqual([labelled.body.metadata.labels, labelled.body.metadata.generation], [{ seen: 'yes' }, 1]);
  await make(api, 'v1', 'z', { host: 'z', port: '1' });
  await hook.stop();
  const down = await api.http('GET', `${at('v2')}/z`);
  t.is(down.code, 500);
  t.regex(
    down.body.message,
    /^conversion webhook for example.com\/v1, Kind=CronTab failed: Post "https:.*\/convert\?timeout=30s": /,
  );
  t.is((await api.http('GET', `${at('v1')}/z`)).code, 200, 'the stored version needs nobody');
  t.is((await api.http('DELETE', `${CRDS}/crontabs.example.com`)).code, 200);
  await eventually('the definition goes without its webhook', async () =>
    (await api.http('GET', `${CRDS}/crontabs.example.com`)).code === 404 ? true : undefined,
  );
});

test('another version becomes the stored one: objects of old are read, watched, and stored anew by any write', async (t) => {
  const { api } = await began(t);
  await make(api, 'v1', 'a', { host: 'a', port: '1' });
  const path = `${CRDS}/crontabs.example.com`;
  const versions = [version('v1', { storage: false, deprecated: true }), version('v2', { storage: true })];
  const changed = await api.http('PATCH', path, { body: { spec: { versions } }, headers: MERGE });
  t.deepEqual(changed.body.status.storedVersions, ['v1', 'v2']);
  const read = await api.http('GET', `${at('v2')}/a`);
  t.is(read.body.spec.hostPort, 'a:1');
  const old = await api.http('GET', `${at('v1')}/a`);
  t.is(String(old.headers['warning']), '299 - "example.com/v1 CronTab is deprecated; use example.com/v2 CronTab"');
  const again = await api.http('PUT', `${at('v2')}/a`, { body: read.body });
  t.not(
    again.body.metadata.resourceVersion,
    read.body.metadata.resourceVersion,
    'nothing changed, and yet it is migrated',
  );
  const twice = await api.http('PUT', `${at('v2')}/a`, { body: again.body });
  t.is(twice.body.metadata.resourceVersion, again.body.metadata.resourceVersion);
  const gone = await api.http('PATCH', path, {
    body: { spec: { versions: [version('v2', { storage: true })] } },
    headers: MERGE,
  });
  t.regex(gone.body.message, /status.storedVersions\[0\]: Invalid value: "v1": missing from spec.versions/);
  const migrated = await api.http('PATCH', `${path}/status`, {
    body: { status: { storedVersions: ['v2'] } },
    headers: MERGE,
  });
  t.is(migrated.code, 200, migrated.text);
  const dropped = await api.http('PATCH', path, {
    body: { spec: { versions: [version('v2', { storage: true })] } },
    headers: MERGE,
  });
  t.is(dropped.code, 200);
  await eventually('v1 is no longer served', async () =>
    (await api.http('GET', at('v1'))).code === 404 ? true : undefined,
  );
  const without = await api.http('PATCH', `${path}/status`, {
    body: { status: { storedVersions: [] } },
    headers: MERGE,
  });
  t.deepEqual(without.body.status.storedVersions, ['v2']);
});
