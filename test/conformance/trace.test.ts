// Shows what the trace tells of a request: who asked for what, revisions before and after, what each step of admission made
// of it, how long each stage took; and that no value of a Secret is in it.
import test from 'ava';
import { startApi, type TestApi } from '../kit/api-server.ts';
import { eventually } from '../kit/eventually.ts';
import type { Span } from '../../lib/bus/messages.ts';
import { subjectOf } from '../../lib/bus/subjects.ts';

const AT = '/api/v1/namespaces/default';

let api: TestApi;
test.before(async () => {
  api = await startApi();
  await api.http('POST', `${AT}/serviceaccounts`, { body: { metadata: { name: 'default' } } });
});
test.after.always(() => api.stop());

const told = (name: string, verb: string): Promise<Span> =>
  eventually(`the span of ${verb} ${name}`, () =>
    api.spans.find((span) => span.name === name && span.request?.verb === verb),
  );

test('a write is told stage by stage and step by step', async (t) => {
  const made = await api.http('POST', `${AT}/pods`, {
    body: { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'x' }] } },
  });
  const created = Number(made.body.metadata.resourceVersion);
  const { request } = await told('p', 'create');
  t.like(request, { user: 'admin', verb: 'create', resource: 'pods', revisionAfter: created });
  t.is(request!.revisionBefore, undefined);
  for (const step of ['serviceAccount', 'defaultTolerations', 'priority'])
    t.true(request!.admission!.changed.includes(step), step);
  for (const step of ['runtimeClass', 'podSecurity', 'validatingWebhooks'])
    t.true(request!.admission!.passed.includes(step), step);
  for (const stage of ['authenticate', 'queue', 'receive', 'authorize', 'decode', 'plan', 'store'])
    t.true(request!.stagesMs[stage]! >= 0, stage);
  await api.http('PATCH', `${AT}/pods/p`, {
    body: { metadata: { labels: { a: 'b' } } },
    headers: { 'content-type': 'application/merge-patch+json' },
  });
  const patched = (await told('p', 'patch')).request!;
  t.is(patched.revisionBefore, created);
  t.true(patched.revisionAfter! > created);
});

test('a refusal names the step that refused; one without a right is told too', async (t) => {
  await api.http('POST', '/api/v1/namespaces', {
    body: { metadata: { name: 'strict', labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } } },
  });
  await api.http('POST', '/api/v1/namespaces/strict/serviceaccounts', { body: { metadata: { name: 'default' } } });
  const refused = await api.http('POST', '/api/v1/namespaces/strict/pods', {
    body: { metadata: { name: 'loose' }, spec: { containers: [{ name: 'c', image: 'x' }] } },
  });
  t.is(refused.code, 403);
  const span = await told('loose', 'create');
  t.is(span.outcome, 'refused');
  t.is(span.request!.admission!.refused, 'podSecurity');
  await api.http('GET', `${AT}/secrets/hidden`, { token: 'bob-token' });
  t.like(await told('hidden', 'get'), {
    outcome: 'refused',
    kind: 'Secret',
    request: { user: 'bob', resource: 'secrets' },
  });
});

test('no value of a Secret is told', async (t) => {
  await api.http('POST', `${AT}/secrets`, { body: { metadata: { name: 's' }, stringData: { password: 'hunter2' } } });
  await api.http('POST', `${AT}/secrets`, { body: { metadata: { name: 's' }, data: { password: 'hunter2' } } });
  await told('s', 'create');
  t.notRegex(JSON.stringify(api.spans), /hunter2|aHVudGVyMg/);
});

test('what only looks is told while somebody wishes to hear of it, and not before', async (t) => {
  const made = await api.http('POST', `${AT}/configmaps`, { body: { metadata: { name: 'looked-at' } } });
  await api.http('GET', `${AT}/configmaps/looked-at`);
  await told('looked-at', 'create');
  t.false(
    api.spans.some(({ request }) => request?.verb === 'get' && request.resource === 'configmaps'),
    'nobody wished it',
  );
  const observer = api.network.connect('observer-2');
  await observer.request(
    subjectOf('c1', 'actorTrace', { instance: 'apiserver-1', from: 'observer-2' }),
    { limit: 1, readsForMs: 60_000 },
    { timeoutMs: 10_000 },
  );
  await api.http('GET', `${AT}/configmaps/looked-at`);
  const span = await told('looked-at', 'get');
  t.like(span, { kind: 'ConfigMap', outcome: 'unchanged', saw: 'admin asks to get configmaps', wrote: [] });
  t.is(span.request!.revisionBefore, Number(made.body.metadata.resourceVersion));
  for (const stage of ['authenticate', 'queue', 'authorize', 'read'])
    t.true(span.request!.stagesMs[stage]! >= 0, stage);
  await api.http('GET', `${AT}/configmaps`);
  t.true((await told('*', 'list')).request!.revisionBefore! > 0);
  await api.bus('scheduler-1', { method: 'GET', path: '/api/v1/nodes' });
  await eventually('an actor that looks is told, too', () =>
    api.spans.find(({ request }) => request?.user === 'system:kube-scheduler' && request.verb === 'list'),
  );
});

test('the body of a Secret is in no span', async (t) => {
  const secret = 'bXktdmVyeS1zZWNyZXQ=';
  await api.http('POST', `${AT}/secrets`, {
    body: { metadata: { name: 'sec' }, data: { a: secret } },
  });
  await api.http('POST', `${AT}/secrets`, {
    body: { metadata: { name: 'sec' }, stringData: { a: 'my-very-secret' } },
  });
  const spans = await eventually('two spans', () => {
    const found = api.spans.filter((span) => span.kind === 'Secret' && span.name === 'sec');
    return found.length >= 2 && found;
  });
  t.false(JSON.stringify(spans).includes('my-very-secret') || JSON.stringify(spans).includes(secret));
});

test('a write is a span that says who, what and which revision', async (t) => {
  const made = (
    await api.http('POST', `${AT}/configmaps`, { body: { metadata: { name: 'traced' }, data: { a: '1' } } })
  ).body;
  const span = await eventually('the span', () => api.spans.find((one) => one.name === 'traced'));
  t.like(span, {
    verb: 'request',
    kind: 'ConfigMap',
    namespace: 'default',
    outcome: 'changed',
    saw: 'admin asks to create configmaps',
  });
  t.deepEqual(span.wrote, [
    {
      verb: 'create',
      kind: 'ConfigMap',
      namespace: 'default',
      name: 'traced',
      revision: Number(made.metadata.resourceVersion),
    },
  ]);
  const stored = api.store.history.find((txn) => txn.revision === Number(made.metadata.resourceVersion));
  t.is(stored!.cause.span, span!.id);
});
