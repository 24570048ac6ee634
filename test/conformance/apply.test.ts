// Shows over real HTTPS what server-side apply does to objects, and that every other write leaves a trace of who owns what.
import test from 'ava';
import { startApi, type HttpAnswer, type HttpOptions, type TestApi } from '../kit/api-server.ts';

const CM = '/api/v1/namespaces/default/configmaps';
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';
const APPLY = { 'content-type': 'application/apply-patch+yaml' };
const MERGE = { 'content-type': 'application/merge-patch+json' };

let api: TestApi;
test.before(async () => {
  api = await startApi();
});
test.after.always(() => api.stop());

const configMap = (name: string, data: object, metadata: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...metadata },
  data,
});
const deployment = (name: string, spec: object): object => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
    ...spec,
  },
});
const apply = (
  path: string,
  manager: string,
  body: object,
  more: HttpOptions & { query?: string } = {},
): Promise<HttpAnswer> =>
  api.http('PATCH', `${path}?fieldManager=${manager}${more.query ?? ''}`, {
    body,
    ...more,
    headers: { ...APPLY, ...more.headers },
  });
const owners = (answer: HttpAnswer): string[] =>
  (answer.body.metadata.managedFields ?? []).map(({ manager, operation, subresource }: any) =>
    [manager, operation, ...(subresource === undefined ? [] : [subresource])].join(' '),
  );

test('what is not there is created, what is there is merged into, and the same again writes nothing', async (t) => {
  const created = await apply(`${CM}/one`, 'm', configMap('one', { a: '1' }));
  t.is(created.code, 201);
  t.deepEqual(owners(created), ['m Apply']);
  const again = await apply(`${CM}/one`, 'm', configMap('one', { a: '1' }));
  t.is(again.code, 200);
  t.deepEqual(again.body, created.body);
  const other = await apply(`${CM}/one`, 'n', configMap('one', { b: '1' }));
  t.deepEqual(other.body.data, { a: '1', b: '1' });
  const fewer = await apply(`${CM}/one`, 'm', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'one' } });
  t.deepEqual(fewer.body.data, { b: '1' });
  t.deepEqual(owners(fewer), ['n Apply']);
  t.deepEqual((await api.http('GET', `${CM}/one`)).body, fewer.body);
});

test('a body may be YAML', async (t) => {
  const raw = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: yaml\ndata:\n  a: "1"\n';
  const created = await api.http('PATCH', `${CM}/yaml?fieldManager=m`, { raw, headers: APPLY });
  t.is(created.code, 201);
  t.deepEqual(created.body.data, { a: '1' });
  const broken = await api.http('PATCH', `${CM}/yaml?fieldManager=m`, { raw: 'a: [', headers: APPLY });
  t.is(broken.code, 400);
});

test('a created object is defaulted, validated and admitted as any other', async (t) => {
  const created = await apply(`${DEPLOYMENTS}/full`, 'm', deployment('full', { replicas: 2 }));
  t.is(created.code, 201);
  t.is(created.body.spec.revisionHistoryLimit, 10);
  t.is(created.body.metadata.generation, 1);
  const scaled = await apply(`${DEPLOYMENTS}/full`, 'm', deployment('full', { replicas: 3 }));
  t.is(scaled.body.metadata.generation, 2);
  t.is(scaled.body.metadata.uid, created.body.metadata.uid);
  const same = await apply(`${DEPLOYMENTS}/full`, 'm', deployment('full', { replicas: 3 }));
  t.is(same.body.metadata.resourceVersion, scaled.body.metadata.resourceVersion);
  const invalid = await apply(`${DEPLOYMENTS}/full`, 'm', deployment('full', { replicas: -1 }));
  t.is(invalid.code, 422);
  t.regex(invalid.body.message, /spec.replicas: Invalid value: -1/);
  const dropped = await apply(`${DEPLOYMENTS}/full`, 'm', deployment('full', {}));
  t.is(dropped.body.spec.replicas, 1, 'a dropped field goes back to its default');
});

test('a conflict names manager and field, force takes the field', async (t) => {
  await api.http('POST', `${DEPLOYMENTS}?fieldManager=kubectl-client-side-apply`, {
    body: deployment('claimed', { replicas: 1 }),
  });
  const refused = await apply(`${DEPLOYMENTS}/claimed`, 'm', deployment('claimed', { replicas: 2 }));
  t.is(refused.code, 409);
  t.is(
    refused.body.message,
    'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using apps/v1: .spec.replicas',
  );
  t.deepEqual(refused.body.details.causes, [
    {
      reason: 'FieldManagerConflict',
      message: 'conflict with "kubectl-client-side-apply" using apps/v1',
      field: '.spec.replicas',
    },
  ]);
  const forced = await apply(`${DEPLOYMENTS}/claimed`, 'm', deployment('claimed', { replicas: 2 }), {
    query: '&force=true',
  });
  t.is(forced.body.spec.replicas, 2);
});

test('a dry run tells what would be, and writes nothing', async (t) => {
  const would = await apply(`${CM}/dry`, 'm', configMap('dry', { a: '1' }), { query: '&dryRun=All' });
  t.is(would.code, 201);
  t.deepEqual(owners(would), ['m Apply']);
  t.is((await api.http('GET', `${CM}/dry`)).code, 404);
  const keys = api.store.history.flatMap((txn) => txn.changes.map(({ key }) => key));
  t.deepEqual(
    keys.filter((key) => key.endsWith('/dry')),
    [],
  );
});

test('writers are known by their fieldManager, or else by their program, or else by their identity', async (t) => {
  const by = async (name: string, headers: Record<string, string>, query = ''): Promise<string[]> =>
    owners(await api.http('POST', `${CM}${query}`, { body: configMap(name, { a: '1' }), headers }));
  t.deepEqual(await by('by-query', { 'user-agent': 'kubectl/v1.33' }, '?fieldManager=mine'), ['mine Update']);
  t.deepEqual(await by('by-program', { 'user-agent': 'helm/v3 (linux)' }), ['helm Update']);
  t.deepEqual(await by('by-nobody', {}), ['unknown Update']);
  const path = '/api/v1/namespaces/default/configmaps';
  const { body } = await api.bus('controller-manager-1', {
    method: 'POST',
    path,
    body: configMap('by-actor', { a: '1' }),
    as: 'system:serviceaccount:kube-system:root-ca-cert-publisher',
  });
  t.is((body as any).metadata.managedFields[0].manager, 'kube-controller-manager');
});

test("a scale is applied: the replicas are the applier's, and another's only by force", async (t) => {
  const path = `${DEPLOYMENTS}/scaled`;
  await apply(path, 'm', deployment('scaled', { replicas: 1 }));
  const scale = (replicas: number): object => ({
    apiVersion: 'autoscaling/v1',
    kind: 'Scale',
    metadata: { name: 'scaled' },
    spec: { replicas },
  });
  const refused = await apply(`${path}/scale`, 's', scale(3));
  t.is(refused.code, 409);
  t.regex(refused.body.message, /conflict with "m"[^:]*: \.spec\.replicas/);
  const taken = await apply(`${path}/scale`, 's', scale(3), { query: '&force=true' });
  t.deepEqual([taken.body.kind, taken.body.spec.replicas], ['Scale', 3]);
  t.deepEqual(owners(await api.http('GET', path)).toSorted(), ['m Apply', 's Apply scale']);
});

test('updates, patches, status and scale are entries of their own', async (t) => {
  const path = `${DEPLOYMENTS}/many`;
  await api.http('POST', `${DEPLOYMENTS}?fieldManager=a`, { body: deployment('many', { replicas: 1 }) });
  const body = { spec: { minReadySeconds: 5 } };
  await api.http('PATCH', `${path}?fieldManager=b`, { body, headers: MERGE });
  await api.http('PATCH', `${path}/scale?fieldManager=c`, { body: { spec: { replicas: 2 } }, headers: MERGE });
  await api.http('PATCH', `${path}/status?fieldManager=d`, {
    body: { spec: { paused: true }, status: { replicas: 1 } },
    headers: MERGE,
  });
  const read = await api.http('GET', path);
  t.deepEqual(owners(read).toSorted(), ['a Update', 'b Update', 'c Update scale', 'd Update status']);
  const fieldsOf = (manager: string): unknown =>
    read.body.metadata.managedFields.find((entry: any) => entry.manager === manager).fieldsV1;
  t.deepEqual(fieldsOf('b'), { 'f:spec': { 'f:minReadySeconds': {} } });
  t.deepEqual(fieldsOf('c'), { 'f:spec': { 'f:replicas': {} } });
  t.deepEqual(fieldsOf('d'), { 'f:status': { 'f:replicas': {} } });
});

test('a status may be applied, but only to what is there', async (t) => {
  await apply(`${DEPLOYMENTS}/stat`, 'm', deployment('stat', { replicas: 1 }));
  const body = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'stat' },
    spec: { replicas: 9 },
    status: { replicas: 1 },
  };
  const applied = await apply(`${DEPLOYMENTS}/stat/status`, 'm', body);
  t.is(applied.code, 200);
  t.is(applied.body.spec.replicas, 1);
  t.is(applied.body.status.replicas, 1);
  t.deepEqual(owners(applied), ['m Apply', 'm Apply status']);
  t.is((await apply(`${DEPLOYMENTS}/none/status`, 'm', { ...body, metadata: { name: 'none' } })).code, 404);
});

for (const [what, managedFields] of [
  ['an empty list', []],
  ['one empty entry', [{}]],
] as const)
  test(`who owns what is forgotten by ${what}, in a patch and in an update`, async (t) => {
    const name = `forget-${managedFields.length}`;
    const created = await apply(`${CM}/${name}`, 'm', configMap(name, { a: '1' }));
    const cleared = await api.http('PATCH', `${CM}/${name}`, { body: { metadata: { managedFields } }, headers: MERGE });
    t.is(cleared.body.metadata.managedFields, undefined);
    t.not(cleared.body.metadata.resourceVersion, created.body.metadata.resourceVersion);
    t.deepEqual(owners(await apply(`${CM}/${name}`, 'm', configMap(name, { a: '1' }))), [
      'm Apply',
      'before-first-apply Update',
    ]);
    const put = await api.http('PUT', `${CM}/${name}`, { body: configMap(name, { a: '1' }, { managedFields }) });
    t.is(put.body.metadata.managedFields, undefined);
    const without = await api.http('PUT', `${CM}/${name}`, { body: configMap(name, { a: '2' }) });
    t.is(without.body.metadata.managedFields, undefined);
  });

test('a client that leaves managedFields out, or sends nonsense, changes nothing in them', async (t) => {
  await apply(`${CM}/keeps`, 'm', configMap('keeps', { a: '1' }));
  const put = await api.http('PUT', `${CM}/keeps?fieldManager=u`, { body: configMap('keeps', { a: '1', b: '1' }) });
  t.deepEqual(owners(put), ['m Apply', 'u Update']);
  const nonsense = [
    { manager: 'x', operation: 'Apply', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: { nonsense: {} } },
  ];
  const sent = await api.http('PUT', `${CM}/keeps?fieldManager=u`, {
    body: configMap('keeps', { a: '1', b: '1' }, { managedFields: nonsense }),
  });
  t.deepEqual(sent.body, put.body);
});

test('who may patch may not for that create', async (t) => {
  const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/default';
  const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['patch'] }];
  await api.http('POST', `${rbac}/roles`, { body: { metadata: { name: 'patcher' }, rules } });
  const subjects = [{ kind: 'User', name: 'bob', apiGroup: 'rbac.authorization.k8s.io' }];
  const roleRef = { kind: 'Role', name: 'patcher', apiGroup: 'rbac.authorization.k8s.io' };
  await api.http('POST', `${rbac}/rolebindings`, { body: { metadata: { name: 'patcher' }, subjects, roleRef } });
  const refused = await apply(`${CM}/bobs`, 'm', configMap('bobs', { a: '1' }), { token: 'bob-token' });
  t.is(refused.code, 403);
  t.is(
    refused.body.message,
    'configmaps "bobs" is forbidden: User "bob" cannot create resource "configmaps" in API group "" in the namespace "default"',
  );
  t.is((await api.http('GET', `${CM}/bobs`)).code, 404);
  await apply(`${CM}/bobs`, 'm', configMap('bobs', { a: '1' }));
  t.is((await apply(`${CM}/bobs`, 'n', configMap('bobs', { b: '1' }), { token: 'bob-token' })).code, 200);
});

test('twenty managers at once: each keeps its field', async (t) => {
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) => apply(`${CM}/crowd`, `m${i}`, configMap('crowd', { [`k${i}`]: '1' }))),
  );
  t.deepEqual(
    answers.map(({ code }) => code).toSorted((a, b) => a - b),
    [...Array.from({ length: 19 }, () => 200), 201],
  );
  const read = await api.http('GET', `${CM}/crowd`);
  t.is(Object.keys(read.body.data).length, 20);
  t.is(owners(read).length, 20);
});

const BAD: Array<[what: string, code: number, ask: () => Promise<HttpAnswer>, message: RegExp]> = [
  [
    'no manager',
    422,
    () => api.http('PATCH', `${CM}/bad`, { body: configMap('bad', {}), headers: APPLY }),
    /^PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch$/,
  ],
  [
    'force without apply',
    422,
    () => api.http('PATCH', `${CM}/bad?force=true`, { body: {}, headers: MERGE }),
    /force: Forbidden: may not be specified for non-apply patch$/,
  ],
  [
    'another name',
    400,
    () => apply(`${CM}/bad`, 'm', configMap('worse', {})),
    /name of the object \(worse\) does not match/,
  ],
  [
    'no name',
    400,
    () => apply(`${CM}/bad`, 'm', { apiVersion: 'v1', kind: 'ConfigMap' }),
    /name of the object \(\) does not/,
  ],
  [
    'another kind',
    400,
    () => apply(`${CM}/bad`, 'm', deployment('bad', {})),
    /^invalid object type: apps\/v1, Kind=Deployment$/,
  ],
  [
    'another namespace',
    400,
    () => apply(`${CM}/bad`, 'm', configMap('bad', {}, { namespace: 'kube-system' })),
    /namespace of the provided object does not match/,
  ],
  [
    'a uid',
    409,
    () => apply(`${CM}/bad`, 'm', configMap('bad', {}, { uid: 'u' })),
    /uid mismatch: .* specified uid u, and no existing/,
  ],
  [
    'an unknown field',
    500,
    () => apply(`${DEPLOYMENTS}/bad`, 'm', deployment('bad', { replicaz: 1 })),
    /\.spec\.replicaz: field not declared in schema$/,
  ],
  [
    'a field twice, strictly',
    400,
    () =>
      api.http('PATCH', `${CM}/bad?fieldManager=m&fieldValidation=Strict`, {
        raw: '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"bad","name":"bad"}}',
        headers: APPLY,
      }),
    /line 1: key "name" already set in map$/,
  ],
  [
    'an object that is a list',
    400,
    () => apply(`${CM}/bad`, 'm', []),
    /cannot unmarshal array into Go value of type map/,
  ],
  ['a scale that is no Scale', 400, () => apply(`${DEPLOYMENTS}/bad/scale`, 'm', {}), /^invalid object type: , Kind=$/],
  [
    'a namespace that is not there',
    404,
    () => apply(CM.replace('default', 'nowhere') + '/bad', 'm', configMap('bad', {})),
    /namespaces "nowhere" not found/,
  ],
];

test('bad applies get a clear answer and write nothing', async (t) => {
  const written = (): unknown[] =>
    api.store.history.flatMap((txn) => txn.changes.map(({ key }) => key)).filter((key) => key.endsWith('/bad'));
  for (const [what, code, ask, message] of BAD) {
    const answer = await ask();
    t.is(answer.code, code, `${what}: ${answer.text.slice(0, 300)}`);
    t.is(answer.body.kind, 'Status', what);
    t.regex(answer.body.message, message, what);
  }
  t.deepEqual(written(), []);
});

test('where the switch is off, who owns what is kept from the first apply on', async (t) => {
  const other = await startApi({ settings: { tracksFieldManagers: false } });
  t.teardown(() => other.stop());
  const created = await other.http('POST', CM, { body: configMap('lean', { a: '1' }) });
  t.is(created.body.metadata.managedFields, undefined);
  const patched = await other.http('PATCH', `${CM}/lean`, { body: { data: { b: '1' } }, headers: MERGE });
  t.is(patched.body.metadata.managedFields, undefined);
  const body = configMap('lean', { c: '1' });
  const applied = await other.http('PATCH', `${CM}/lean?fieldManager=m`, { body, headers: APPLY });
  t.deepEqual(owners(applied), ['m Apply', 'before-first-apply Update']);
  const later = await other.http('PATCH', `${CM}/lean?fieldManager=u`, { body: { data: { d: '1' } }, headers: MERGE });
  t.deepEqual(owners(later), ['m Apply', 'before-first-apply Update', 'u Update']);
});
