// Shows RBAC as its users see it: roles that gather others, words of refusals, reviews of oneself and of others.
import test from 'ava';
import { startApi, type TestApi } from '../kit/api-server.ts';
import { eventually } from '../kit/eventually.ts';

const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const AUTHORIZATION = '/apis/authorization.k8s.io/v1';

let api: TestApi;
test.before(async () => {
  api = await startApi();
});
test.after.always(() => api.stop());

const role = (name: string): Promise<any> => api.http('GET', `${RBAC}/clusterroles/${name}`).then(({ body }) => body);

test('admin, edit and view show what they gather, and follow what is labelled', async (t) => {
  const has = (body: any, group: string, resource: string): boolean =>
    body.rules.some((rule: any) => rule.apiGroups?.includes(group) && rule.resources?.includes(resource));
  await eventually('admin has what edit has, which has what view has', async () => {
    const admin = await role('admin');
    return has(admin, '', 'secrets') && has(admin, '', 'pods/log') && has(admin, 'rbac.authorization.k8s.io', 'roles');
  });
  const made = await api.http('POST', `${RBAC}/clusterroles`, {
    body: {
      metadata: { name: 'crontabs', labels: { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' } },
      rules: [{ verbs: ['get'], apiGroups: ['stable.example.com'], resources: ['crontabs'] }],
    },
  });
  t.is(made.code, 201);
  for (const name of ['view', 'edit', 'admin'])
    await eventually(`${name} gathers it`, async () => has(await role(name), 'stable.example.com', 'crontabs'));
  await api.http('DELETE', `${RBAC}/clusterroles/crontabs`);
  for (const name of ['view', 'edit', 'admin'])
    await eventually(`${name} lets it go`, async () => !has(await role(name), 'stable.example.com', 'crontabs'));
});

test('who hands out more than they have is told what, as upstream says it', async (t) => {
  const rules = [{ verbs: ['*'], apiGroups: ['rbac.authorization.k8s.io'], resources: ['*'] }];
  rules[0]!.verbs = ['create', 'update', 'get'];
  await api.http('POST', `${RBAC}/clusterroles`, { body: { metadata: { name: 'writer' }, rules } });
  await api.http('POST', `${RBAC}/clusterrolebindings`, {
    body: {
      metadata: { name: 'bob-writes' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'writer' },
      subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'bob' }],
    },
  });
  const bob = { token: 'bob-token' };
  const make = (body: object): ReturnType<TestApi['http']> =>
    api.http('POST', `${RBAC}/clusterroles`, { ...bob, body: { metadata: { name: 'evil' }, ...body } });
  const more = await make({ rules: [{ verbs: ['get', 'list'], apiGroups: [''], resources: ['secrets'] }] });
  t.is(more.code, 403);
  t.is(
    more.body.message,
    'clusterroles.rbac.authorization.k8s.io "evil" is forbidden: user "bob" (groups=["developers" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}',
  );
  const gathering = await make({ aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] }, rules: [] });
  t.is(
    gathering.body.message,
    'clusterroles.rbac.authorization.k8s.io "evil" is forbidden: must have cluster-admin privileges to use the aggregationRule',
  );
  const unseen = await api.http('POST', `${RBAC}/clusterrolebindings`, {
    ...bob,
    body: {
      metadata: { name: 'unseen' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'no-such' },
      subjects: [],
    },
  });
  t.deepEqual(
    [unseen.code, unseen.body.message],
    [404, 'clusterrolebindings.rbac.authorization.k8s.io "no-such" not found'],
  );
});

test('reviews answer for oneself, for others and for a namespace, and refuse what is no question', async (t) => {
  const ask = (kind: string, spec: object, at = AUTHORIZATION, options: object = {}): Promise<any> =>
    api.http('POST', `${at}/${kind}`, { body: { spec }, ...options }).then(({ body }) => body);
  const pods = { verb: 'list', resource: 'pods', namespace: 'default' };
  t.true((await ask('selfsubjectaccessreviews', { resourceAttributes: pods })).status.allowed);
  t.false((await ask('subjectaccessreviews', { resourceAttributes: pods, user: 'nobody' })).status.allowed);
  const local = `${AUTHORIZATION}/namespaces/kube-system`;
  t.is(
    (await ask('localsubjectaccessreviews', { resourceAttributes: pods, user: 'bob' }, local)).message,
    '.authorization.k8s.io "" is invalid: spec.resourceAttributes.namespace: Invalid value: "default": must match metadata.namespace',
  );
  const empty = await ask('subjectaccessreviews', {});
  t.is(empty.code, 422);
  t.deepEqual(
    empty.details.causes.map(({ field }: any) => field),
    ['spec.resourceAttributes', 'spec.user'],
  );
  const mine = await ask('selfsubjectrulesreviews', { namespace: 'default' }, AUTHORIZATION, { token: 'bob-token' });
  t.true(mine.status.nonResourceRules.some((rule: any) => rule.nonResourceURLs.includes('/version')));
  t.false(mine.status.incomplete);
  const all = await ask('selfsubjectrulesreviews', { namespace: 'default' });
  t.deepEqual(all.status.resourceRules[0], { verbs: ['*'], apiGroups: ['*'], resources: ['*'] });
  t.true(
    all.status.nonResourceRules.some((rule: any) => rule.nonResourceURLs.includes('/version')),
    'a master is told what everyone may, too',
  );
  const node = await ask('selfsubjectrulesreviews', { namespace: 'default' }, AUTHORIZATION, { token: 'node-1-token' });
  t.like(node.status, {
    incomplete: true,
    evaluationError: 'node authorizer does not support user rule resolution',
  });
});
