// Shows over real HTTPS how objects live: create, read, change, conflict, delete, and that bad input changes nothing.
import test from 'ava';
import { startApi, type HttpAnswer, type TestApi } from '../kit/api-server.ts';

const CM = '/api/v1/namespaces/default/configmaps';
const PODS = '/api/v1/namespaces/default/pods';
const MERGE = { 'content-type': 'application/merge-patch+json' };
const STRATEGIC = { 'content-type': 'application/strategic-merge-patch+json' };
const JSON_PATCH = { 'content-type': 'application/json-patch+json' };
const POD = { spec: { containers: [{ name: 'c', image: 'busybox' }] } };

let api: TestApi;
test.before(async () => {
  api = await startApi();
  await api.http('POST', '/api/v1/namespaces/default/serviceaccounts', { body: { metadata: { name: 'default' } } });
});
test.after.always(() => api.stop());

const configMap = (name: string, data: object = { a: '1' }): object => ({ metadata: { name }, data });
const status = (answer: HttpAnswer): [number, string, string] => [
  answer.code,
  answer.body?.reason,
  answer.body?.message,
];

test('an object gets what the server owns, and keeps it', async (t) => {
  const created = await api.http('POST', CM, {
    body: { metadata: { name: 'own', uid: 'x', creationTimestamp: '2000-01-01T00:00:00Z', generation: 9 }, data: {} },
  });
  t.is(created.code, 201);
  const { uid, creationTimestamp, resourceVersion } = created.body.metadata;
  t.regex(uid, /^[0-9a-f-]{36}$/);
  t.not(creationTimestamp, '2000-01-01T00:00:00Z');
  const read = await api.http('GET', `${CM}/own`);
  t.deepEqual(read.body, created.body);
  const other = await api.http('PUT', `${CM}/own`, { body: { metadata: { name: 'own', uid: 'other' } } });
  t.is(other.code, 409);
  t.regex(other.body.message, /Precondition failed: UID in precondition: other, UID in object meta/);
  t.is((await api.http('GET', `${CM}/own`)).body.metadata.resourceVersion, resourceVersion);
});

test('an update with an old revision is a conflict, one that changes nothing makes no revision', async (t) => {
  const first = (await api.http('POST', CM, { body: configMap('race') })).body;
  const second = await api.http('PUT', `${CM}/race`, { body: { ...first, data: { a: '2' } } });
  t.is(second.code, 200);
  const late = await api.http('PUT', `${CM}/race`, { body: { ...first, data: { a: '3' } } });
  t.deepEqual(status(late), [
    409,
    'Conflict',
    'Operation cannot be fulfilled on configmaps "race": the object has been modified; please apply your changes to the latest version and try again',
  ]);
  const same = await api.http('PATCH', `${CM}/race`, { body: { data: { a: '2' } }, headers: MERGE });
  t.is(same.body.metadata.resourceVersion, second.body.metadata.resourceVersion);
});

test('fifty patches at once all count: conflicts inside are tried again', async (t) => {
  await api.http('POST', CM, { body: configMap('busy', {}) });
  const patches = Array.from({ length: 50 }, (_, i) =>
    api.http('PATCH', `${CM}/busy`, { body: { data: { [`k${i}`]: 'v' } }, headers: MERGE }),
  );
  const codes = (await Promise.all(patches)).map((answer) => answer.code);
  const stored = (await api.http('GET', `${CM}/busy`)).body.data ?? {};
  t.true(codes.every((code) => code === 200));
  t.is(Object.keys(stored).length, 50);
});

test('one hundred creates of one name: one wins', async (t) => {
  const answers = await Promise.all(
    Array.from({ length: 100 }, () => api.http('POST', CM, { body: configMap('only-one') })),
  );
  t.is(answers.filter(({ code }) => code === 201).length, 1);
  t.is(answers.filter(({ body }) => body.reason === 'AlreadyExists').length, 99);
});

test('the three patch types', async (t) => {
  await api.http('POST', PODS, { body: { metadata: { name: 'patched', labels: { a: '1' } }, ...POD } });
  const strategic = await api.http('PATCH', `${PODS}/patched`, {
    headers: STRATEGIC,
    body: { spec: { containers: [{ name: 'c', image: 'busybox:2' }] } },
  });
  t.is(strategic.body.spec.containers[0].image, 'busybox:2');
  t.is(strategic.body.spec.containers.length, 1);
  const merge = await api.http('PATCH', `${PODS}/patched`, {
    headers: MERGE,
    body: { metadata: { labels: { a: null, b: '2' } } },
  });
  t.deepEqual(merge.body.metadata.labels, { b: '2' });
  const json = await api.http('PATCH', `${PODS}/patched`, {
    headers: JSON_PATCH,
    body: [{ op: 'add', path: '/metadata/annotations', value: { x: 'y' } }],
  });
  t.deepEqual(json.body.metadata.annotations, { x: 'y' });
  const none = await api.http('PATCH', `${PODS}/patched`, { headers: { 'content-type': 'text/plain' }, raw: 'x' });
  t.is(none.code, 415);
});

test('a dry run answers as the write would and stores nothing', async (t) => {
  const dry = await api.http('POST', `${CM}?dryRun=All`, { body: configMap('dry') });
  t.is(dry.code, 201);
  t.is(dry.body.metadata.resourceVersion, undefined);
  t.is((await api.http('GET', `${CM}/dry`)).code, 404);
  t.is((await api.http('POST', `${CM}?dryRun=Some`, { body: configMap('dry') })).code, 422);
});

test('a pod on a node is deleted gracefully, an unscheduled one at once', async (t) => {
  await api.http('POST', PODS, { body: { metadata: { name: 'fresh' }, ...POD } });
  t.is((await api.http('DELETE', `${PODS}/fresh`)).code, 200);
  t.is((await api.http('GET', `${PODS}/fresh`)).code, 404);
  await api.http('POST', PODS, { body: { metadata: { name: 'placed' }, ...POD } });
  const bound = await api.http('POST', `${PODS}/placed/binding`, {
    body: { metadata: { name: 'placed' }, target: { kind: 'Node', name: 'n1' } },
  });
  t.is(bound.code, 201);
  const again = await api.http('POST', `${PODS}/placed/binding`, {
    body: { metadata: { name: 'placed' }, target: { kind: 'Node', name: 'n2' } },
  });
  t.is(again.code, 409);
  t.regex(again.body.message, /already assigned to node "n1"/);
  const marked = (await api.http('DELETE', `${PODS}/placed`)).body;
  t.is(marked.metadata.deletionGracePeriodSeconds, 30);
  t.truthy(marked.metadata.deletionTimestamp);
  const longer = await api.http('DELETE', `${PODS}/placed?gracePeriodSeconds=60`);
  t.is(longer.body.metadata.deletionGracePeriodSeconds, 30, 'a grace is never made longer');
  const wrong = await api.http('DELETE', `${PODS}/placed`, {
    body: { gracePeriodSeconds: 0, preconditions: { uid: 'x' } },
  });
  t.is(wrong.code, 409);
  const gone = await api.http('DELETE', `${PODS}/placed`, {
    body: { gracePeriodSeconds: 0, preconditions: { uid: marked.metadata.uid } },
  });
  t.is(gone.code, 200);
  t.is((await api.http('GET', `${PODS}/placed`)).code, 404);
});

test('a finalizer holds an object until it is taken off', async (t) => {
  await api.http('POST', CM, { body: { metadata: { name: 'held', finalizers: ['x.io/f'] } } });
  t.truthy((await api.http('DELETE', `${CM}/held`)).body.metadata.deletionTimestamp);
  const more = await api.http('PATCH', `${CM}/held`, {
    headers: MERGE,
    body: { metadata: { finalizers: ['x.io/f', 'x.io/g'] } },
  });
  t.is(more.code, 422);
  await api.http('PATCH', `${CM}/held`, { headers: MERGE, body: { metadata: { finalizers: null } } });
  t.is((await api.http('GET', `${CM}/held`)).code, 404);
});

test('a namespace takes nothing once it is deleted, and goes when it is finalized', async (t) => {
  await api.http('POST', '/api/v1/namespaces', { body: { metadata: { name: 'short' } } });
  const gone = (await api.http('DELETE', '/api/v1/namespaces/short')).body;
  t.is(gone.status.phase, 'Terminating');
  const refused = await api.http('POST', '/api/v1/namespaces/short/configmaps', { body: configMap('late') });
  t.is(refused.code, 403);
  t.is(refused.body.details.causes[0].reason, 'NamespaceTerminating');
  const finalized = await api.http('PUT', '/api/v1/namespaces/short/finalize', {
    body: { ...gone, spec: { finalizers: [] } },
  });
  t.is(finalized.code, 200);
  t.is((await api.http('GET', '/api/v1/namespaces/short')).code, 404);
  t.is((await api.http('DELETE', '/api/v1/namespaces/default')).code, 403);
});

test('services never share an address or a node port', async (t) => {
  const service = (name: string, more: object = {}): object => ({
    metadata: { name },
    spec: { type: 'NodePort', ports: [{ port: 80 }], ...more },
  });
  const many = await Promise.all(
    Array.from({ length: 40 }, (_, i) =>
      api.http('POST', '/api/v1/namespaces/default/services', { body: service(`s${i}`) }),
    ),
  );
  t.true(many.every(({ code }) => code === 201));
  t.is(new Set(many.map(({ body }) => body.spec.clusterIP)).size, 40);
  t.is(new Set(many.map(({ body }) => body.spec.ports[0].nodePort)).size, 40);
  const [{ body: first }] = many as [HttpAnswer];
  const taken = await api.http('POST', '/api/v1/namespaces/default/services', {
    body: service('same', { clusterIP: first.spec.clusterIP }),
  });
  t.is(taken.code, 422);
  t.regex(taken.body.message, /provided IP is already allocated/);
  await api.http('DELETE', '/api/v1/namespaces/default/services/s0');
  t.is(
    (
      await api.http('POST', '/api/v1/namespaces/default/services', {
        body: service('same', { clusterIP: first.spec.clusterIP }),
      })
    ).code,
    201,
  );
});

test('pods get an account, a token volume, tolerations and a priority', async (t) => {
  const pod = (await api.http('POST', PODS, { body: { metadata: { generateName: 'full-' }, ...POD } })).body;
  t.regex(pod.metadata.name, /^full-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  t.is(pod.spec.serviceAccountName, 'default');
  t.truthy(pod.spec.volumes[0].projected);
  t.is(pod.spec.containers[0].volumeMounts[0].mountPath, '/var/run/secrets/kubernetes.io/serviceaccount');
  t.is(pod.spec.tolerations.length, 2);
  t.is(pod.spec.priority, 0);
  const orphan = await api.http('POST', PODS, {
    body: { metadata: { name: 'x' }, spec: { ...POD.spec, serviceAccountName: 'nobody' } },
  });
  t.deepEqual(status(orphan).slice(0, 2), [403, 'Forbidden']);
  t.regex(orphan.body.message, /error looking up service account default\/nobody: serviceaccount "nobody" not found/);
});

test('a pod is resized by its subresource alone, and nothing else of it changes', async (t) => {
  const resources = { requests: { cpu: '1' }, limits: { cpu: '2' } };
  const spec = { containers: [{ name: 'c', image: 'x', resources }] };
  const made = await api.http('POST', PODS, { body: { metadata: { name: 'sized' }, spec } });
  t.is(made.code, 201);
  const asks = (part: string, cpu: string, more: object = {}): Promise<HttpAnswer> =>
    api.http('PATCH', `${PODS}/sized${part}`, {
      body: { spec: { containers: [{ name: 'c', ...more, resources: { requests: { cpu } } }] } },
      headers: { 'content-type': 'application/strategic-merge-patch+json' },
    });
  t.is((await asks('', '1500m')).code, 422);
  const resized = await asks('/resize', '1500m', { image: 'other' });
  t.is(resized.code, 200, resized.text);
  const [container] = resized.body.spec.containers;
  t.deepEqual([container.resources.requests.cpu, container.image], ['1500m', 'x']);
  t.is(resized.body.metadata.generation, made.body.metadata.generation + 1);
  t.like(resized.body.metadata.managedFields.at(-1), { subresource: 'resize', operation: 'Update' });
  t.regex((await asks('/resize', '3')).body.message, /must be less than or equal to cpu limit of 2/);
  t.is((await api.http('GET', `${PODS}/sized/resize`)).body.kind, 'Pod');
});

test('eviction spends a disruption budget and is refused when there is none left', async (t) => {
  const budget = { metadata: { name: 'b' }, spec: { minAvailable: 1, selector: { matchLabels: { app: 'guarded' } } } };
  await api.http('POST', '/apis/policy/v1/namespaces/default/poddisruptionbudgets', { body: budget });
  const at = '/apis/policy/v1/namespaces/default/poddisruptionbudgets/b';
  await api.http('PATCH', `${at}/status`, {
    headers: MERGE,
    body: {
      status: { disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1, expectedPods: 2, observedGeneration: 1 },
    },
  });
  for (const name of ['g1', 'g2', 'ill']) {
    await api.http('POST', PODS, { body: { metadata: { name, labels: { app: 'guarded' } }, ...POD } });
    await api.http('POST', `${PODS}/${name}/binding`, {
      body: { metadata: { name }, target: { kind: 'Node', name: 'n1' } },
    });
    const status = { phase: 'Running', conditions: [{ type: 'Ready', status: name === 'ill' ? 'False' : 'True' }] };
    await api.http('PATCH', `${PODS}/${name}/status`, { headers: MERGE, body: { status } });
  }
  const evict = (name: string): Promise<HttpAnswer> =>
    api.http('POST', `${PODS}/${name}/eviction`, { body: { metadata: { name } } });
  t.is((await evict('ill')).code, 201);
  t.is((await api.http('GET', at)).body.status.disruptionsAllowed, 1, 'who is ill anyway spends nothing');
  t.is((await evict('g1')).code, 201);
  const { conditions } = (await api.http('GET', `${PODS}/g1`)).body.status;
  t.like(conditions.at(-1), { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' });
  const refused = await evict('g2');
  t.is(refused.code, 429);
  t.is(refused.body.details.causes[0].reason, 'DisruptionBudget');
  t.is((await api.http('GET', `${PODS}/g2`)).body.metadata.deletionTimestamp, undefined);
});

const BAD: Array<[what: string, code: number, ask: (api: TestApi) => Promise<HttpAnswer>, message: RegExp]> = [
  ['broken JSON', 400, (a) => a.http('POST', CM, { raw: '{"metadata":' }), /unexpected end of JSON input/],
  [
    'broken YAML',
    400,
    (a) => a.http('POST', CM, { raw: 'a: [1', headers: { 'content-type': 'application/yaml' } }),
    /unrecognized/,
  ],
  [
    'an unknown field',
    400,
    (a) => a.http('POST', `${CM}?fieldValidation=Strict`, { body: { metadata: { name: 'bad' }, dta: {} } }),
    /strict decoding error: unknown field "dta"/,
  ],
  [
    'a wrong type',
    400,
    (a) => a.http('POST', CM, { body: { metadata: { name: 'bad' }, data: { a: 1 } } }),
    /ConfigMap in version "v1" cannot be handled as a ConfigMap/,
  ],
  [
    'another kind',
    400,
    (a) => a.http('POST', CM, { body: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'bad' } } }),
    /converting \(v1\.Secret\) to \(core\.ConfigMap\): unknown conversion/,
  ],
  [
    'a name with dots only',
    422,
    (a) => a.http('POST', CM, { body: configMap('..') }),
    /metadata\.name: Invalid value: "\.\."/,
  ],
  [
    'a name with a NATS wildcard',
    422,
    (a) => a.http('POST', CM, { body: configMap('a.*.>') }),
    /metadata\.name: Invalid value/,
  ],
  ['a name with a slash', 422, (a) => a.http('POST', CM, { body: configMap('a/b') }), /metadata\.name: Invalid value/],
  [
    'a name with a line break',
    422,
    (a) => a.http('POST', CM, { body: configMap('a\r\nPUB x') }),
    /metadata\.name: Invalid value/,
  ],
  ['.. in the path', 400, (a) => a.http('GET', `${CM}/%2e%2e`), /Name parameter invalid: "\.\.": may not be '\.\.'/],
  // As upstream: a path is decoded as a whole.
  ['a slash in the path', 404, (a) => a.http('GET', `${CM}/a%2fb`), /could not find the requested resource/],
  ['broken percent-encoding', 400, (a) => a.http('GET', `${CM}/%zz`), /percent-encoding/],
  ['a wildcard in the path', 404, (a) => a.http('GET', `${CM}/*`), /configmaps "\*" not found/],
  [
    'another namespace in the body',
    400,
    (a) => a.http('POST', CM, { body: { metadata: { name: 'bad', namespace: 'other' } } }),
    /does not match the namespace/,
  ],
  [
    'a namespace that is not there',
    404,
    (a) => a.http('POST', '/api/v1/namespaces/nowhere/configmaps', { body: configMap('bad') }),
    /namespaces "nowhere" not found/,
  ],
  [
    'an object over 1.5 MiB',
    422,
    (a) => a.http('POST', CM, { body: configMap('bad', { a: 'x'.repeat(1_600_000) }) }),
    /Too long/,
  ],
  [
    'a pod over 1.5 MiB',
    413,
    (a) =>
      a.http('POST', PODS, {
        body: {
          metadata: { name: 'bad' },
          spec: { containers: [{ name: 'c', image: 'x', env: [{ name: 'A', value: 'x'.repeat(1_600_000) }] }] },
        },
      }),
    /more than an object may have: 1572864/,
  ],
  ['a body over 3 MiB', 413, (a) => a.http('POST', CM, { raw: Buffer.alloc(3_200_000, 97) }), /limit is 3145728/],
  ['a wrong token', 401, (a) => a.http('GET', CM, { token: 'wrong' }), /^Unauthorized$/],
  [
    'no token',
    403,
    (a) => a.http('GET', CM, { token: '' }),
    /User "system:anonymous" cannot list resource "configmaps"/,
  ],
  [
    'a user without a role',
    403,
    (a) => a.http('GET', PODS, { token: 'bob-token' }),
    /^pods is forbidden: User "bob" cannot list resource "pods" in API group "" in the namespace "default"$/,
  ],
  [
    'an unknown selector field',
    400,
    (a) => a.http('GET', `${PODS}?fieldSelector=spec.foo%3Dx`),
    /field label not supported: spec.foo/,
  ],
  ['a continue token that is none', 400, (a) => a.http('GET', `${CM}?continue=zzz`), /continue key is not valid/],
  [
    'a revision that is none',
    400,
    (a) => a.http('GET', `${CM}?resourceVersion=abc`),
    /resourceVersion: Invalid value: "abc"/,
  ],
  ['a method that is none', 405, (a) => a.http('PUT', CM, { body: {} }), /does not allow this method/],
];

test('bad input gets a clear answer and changes nothing', async (t) => {
  const before = api.store.revision;
  for (const [what, code, ask, message] of BAD) {
    const answer = await ask(api);
    t.is(answer.code, code, `${what}: ${answer.text.slice(0, 300)}`);
    t.regex(answer.body.message, message, what);
    t.is(answer.body.kind, 'Status', what);
  }
  const written = api.store.history
    .filter((txn) => txn.revision > before)
    .flatMap((txn) => txn.changes.map((change) => change.key));
  t.deepEqual(
    written.filter((key) => /bad|nowhere|\.\./.test(key)),
    [],
  );
  t.is((await api.http('GET', '/livez')).text, 'ok');
  t.is(
    (await api.http('GET', '/livez?verbose&exclude=ping&exclude=x')).text,
    '[+]ping excluded: ok\nwarn: some health checks cannot be excluded: no matches for "x"\nlivez check passed\n',
  );
  const pretty = await api.http('GET', '/api/v1/namespaces/default', { headers: { 'user-agent': 'curl/8.0' } });
  t.is(pretty.text, JSON.stringify(pretty.body, undefined, 2));
  const refused = await api.http('GET', '/api/v1/namespaces/nope?pretty=true');
  t.is(refused.text, JSON.stringify(refused.body, undefined, 2));
});

test('names that every object of JavaScript answers to are names as any other', async (t) => {
  const merge = (path: string, body: object): Promise<HttpAnswer> => api.http('PATCH', path, { body, headers: MERGE });
  const names = async (selector: string): Promise<string[]> => {
    const { body } = await api.http('GET', `${CM}?labelSelector=${encodeURIComponent(`set=odd,${selector}`)}`);
    return body.items.map((item: any) => item.metadata.name);
  };
  for (const name of ['constructor', 'plain'])
    await api.http('POST', CM, { body: { metadata: { name, labels: { set: 'odd' } }, data: { a: '1' } } });
  t.deepEqual(await names('constructor'), []);
  t.deepEqual(await names('!constructor'), ['constructor', 'plain']);
  const labelled = await merge(`${CM}/constructor`, {
    metadata: { labels: { constructor: 'x' } },
    data: { toString: '2' },
  });
  t.deepEqual(labelled.body.metadata.labels, { set: 'odd', constructor: 'x' });
  const { body } = await api.http('GET', `${CM}/constructor`);
  t.deepEqual(body.metadata.labels, { set: 'odd', constructor: 'x' });
  t.deepEqual(body.data, { a: '1', toString: '2' }, 'kept');
  t.deepEqual(await names('constructor'), ['constructor']);
  t.deepEqual(await names('!constructor'), ['plain']);
  await merge(`${CM}/constructor`, { metadata: { labels: { constructor: null } }, data: { toString: null } });
  const without = (await api.http('GET', `${CM}/constructor`)).body;
  t.deepEqual([without.metadata.labels, without.data], [{ set: 'odd' }, { a: '1' }], 'taken away');
  const applied = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'plain' }, data: { valueOf: '3' } };
  const headers = { 'content-type': 'application/apply-patch+yaml' };
  await api.http('PATCH', `${CM}/plain?fieldManager=me`, { body: applied, headers });
  const plain = (await api.http('GET', `${CM}/plain`)).body;
  t.deepEqual(plain.data, { a: '1', valueOf: '3' });
  const [owner] = plain.metadata.managedFields.filter(({ manager }: any) => manager === 'me');
  t.deepEqual(owner.fieldsV1, { 'f:data': { 'f:valueOf': {} } });
});
