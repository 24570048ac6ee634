// Shows who is let in and what each may do: certificates, tokens, ServiceAccounts, nodes over the bus, impersonation; and
// that logs come from the kubelet of the pod's node.
import test from 'ava';
import { ADMIN_TOKEN, startApi, type TestApi } from '../kit/api-server.ts';
import { eventually } from '../kit/eventually.ts';
import { serveStreams, type BusStream } from '../../lib/bus/streams.ts';
import type { StreamOpen } from '../../lib/bus/messages.ts';
import { systemClock } from '../../lib/actor/system.ts';
import type { ApiResponse } from '../../lib/bus/messages.ts';

const PODS = '/api/v1/namespaces/default/pods';
const RBAC = '/apis/rbac.authorization.k8s.io/v1';

let api: TestApi;
test.before(async () => {
  api = await startApi();
  await api.http('POST', '/api/v1/namespaces/default/serviceaccounts', { body: { metadata: { name: 'default' } } });
  await placePod('on-1', 'node-1', 'secret-1');
  await placePod('on-2', 'node-2', 'secret-2');
});
test.after.always(() => api.stop());

async function placePod(name: string, node: string, secret: string): Promise<void> {
  await api.http('POST', '/api/v1/nodes', { body: { metadata: { name: node } } });
  await api.http('POST', '/api/v1/namespaces/default/secrets', {
    body: { metadata: { name: secret }, stringData: { a: 'b' } },
  });
  await api.http('POST', PODS, {
    body: {
      metadata: { name },
      spec: { containers: [{ name: 'c', image: 'x' }], volumes: [{ name: 's', secret: { secretName: secret } }] },
    },
  });
  await api.http('POST', `${PODS}/${name}/binding`, {
    body: { metadata: { name }, target: { kind: 'Node', name: node } },
  });
}

const node1 = (
  method: string,
  path: string,
  body?: unknown,
  query: Record<string, string> = {},
  contentType?: string,
): Promise<ApiResponse> =>
  api.bus('kubelet-node-1', {
    method: method as 'GET',
    path,
    query,
    body,
    ...(contentType === undefined ? {} : { contentType }),
  });

test('client certificates: CN is the user, O the groups; one that we did not sign is refused', async (t) => {
  const admin = await api.issue('root', ['system:masters']);
  t.is((await api.http('GET', '/api/v1/nodes', { certificate: admin })).code, 200);
  const alice = await api.issue('alice', ['developers']);
  const refused = await api.http('GET', '/api/v1/nodes', { certificate: alice });
  t.regex(
    refused.body.message,
    /nodes is forbidden: User "alice" cannot list resource "nodes" in API group "" at the cluster scope/,
  );
  const stranger = await startApi();
  t.teardown(() => stranger.stop());
  const foreign = await stranger.issue('root', ['system:masters']);
  t.is((await api.http('GET', '/api/v1/nodes', { certificate: foreign })).code, 401);
});

test('roles and bindings take effect at once, for users, groups and accounts', async (t) => {
  const role = {
    metadata: { name: 'reader' },
    rules: [{ verbs: ['get', 'list'], apiGroups: [''], resources: ['pods'] }],
  };
  await api.http('POST', `${RBAC}/namespaces/default/roles`, { body: role });
  const bob = { token: 'bob-token' };
  t.is((await api.http('GET', PODS, bob)).code, 403);
  const binding = {
    metadata: { name: 'bob-reads' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
    subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'bob' }],
  };
  t.is((await api.http('POST', `${RBAC}/namespaces/default/rolebindings`, { body: binding })).code, 201);
  t.is((await api.http('GET', PODS, bob)).code, 200);
  t.is((await api.http('GET', `${PODS}/on-1`, bob)).code, 200);
  t.is((await api.http('DELETE', `${PODS}/on-1`, bob)).code, 403);
  t.is((await api.http('GET', '/api/v1/namespaces/kube-system/pods', bob)).code, 403);
  const review = { spec: { resourceAttributes: { namespace: 'default', verb: 'list', resource: 'pods' } } };
  t.true(
    (await api.http('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { body: review, ...bob })).body
      .status.allowed,
  );
  await api.http('DELETE', `${RBAC}/namespaces/default/rolebindings/bob-reads`);
  t.is((await api.http('GET', PODS, bob)).code, 403);
});

test('nobody hands out more than they have', async (t) => {
  const role = {
    metadata: { name: 'rbac-writer' },
    rules: [
      { verbs: ['*'], apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles', 'rolebindings'] },
      { verbs: ['get'], apiGroups: [''], resources: ['pods'] },
    ],
  };
  role.rules[0]!.verbs = ['get', 'list', 'create', 'update', 'patch', 'delete'];
  await api.http('POST', `${RBAC}/clusterroles`, { body: role });
  const subjects = [{ kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: 'developers' }];
  await api.http('POST', `${RBAC}/namespaces/kube-public/rolebindings`, {
    body: {
      metadata: { name: 'writers' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'rbac-writer' },
      subjects,
    },
  });
  const bob = { token: 'bob-token' };
  const at = `${RBAC}/namespaces/kube-public/roles`;
  const make = (name: string, verbs: string[]): ReturnType<TestApi['http']> =>
    api.http('POST', at, {
      ...bob,
      body: { metadata: { name }, rules: [{ verbs, apiGroups: [''], resources: ['pods'] }] },
    });
  t.is((await make('held', ['get'])).code, 201);
  const more = await make('more', ['get', 'delete']);
  t.is(more.code, 403);
  t.regex(more.body.message, /is attempting to grant RBAC permissions not currently held/);
  const bind = await api.http('POST', `${RBAC}/namespaces/kube-public/rolebindings`, {
    ...bob,
    body: {
      metadata: { name: 'steal' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects,
    },
  });
  t.is(bind.code, 403);
});

test('a ServiceAccount token is a user until its account is gone', async (t) => {
  await api.http('POST', '/api/v1/namespaces/default/serviceaccounts', { body: { metadata: { name: 'robot' } } });
  const asked = await api.http('POST', '/api/v1/namespaces/default/serviceaccounts/robot/token', {
    body: { spec: { expirationSeconds: 600 } },
  });
  t.is(asked.code, 201);
  const { token } = asked.body.status;
  const who = async (): Promise<any> =>
    api.http('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { body: {}, token });
  t.is((await who()).body.status.userInfo.username, 'system:serviceaccount:default:robot');
  t.deepEqual((await who()).body.status.userInfo.groups, [
    'system:serviceaccounts',
    'system:serviceaccounts:default',
    'system:authenticated',
  ]);
  const review = await api.http('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { body: { spec: { token } } });
  t.true(review.body.status.authenticated);
  t.is(
    (
      await api.http('POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
        body: { spec: { token, audiences: ['other'] } },
      })
    ).body.status.authenticated,
    undefined,
  );
  const keys = await api.http('GET', '/openid/v1/jwks');
  t.is(keys.body.keys[0].kty, 'EC');
  t.is(keys.body.keys[0].d, undefined, 'the private half stays here');
  t.is((await api.http('GET', '/api/v1/nodes', { token: `${token.slice(0, -4)}AAAA` })).code, 401);
  await api.http('DELETE', '/api/v1/namespaces/default/serviceaccounts/robot');
  t.is((await who()).code, 401);
  t.is(
    (
      await api.http('POST', '/api/v1/namespaces/default/serviceaccounts/default/token', {
        body: { spec: { expirationSeconds: 5 } },
      })
    ).code,
    422,
  );
});

test('a kubelet reads and writes what belongs to its node, and nothing else', async (t) => {
  const on1: string = (await api.http('GET', `${PODS}/on-1`)).body.metadata.uid;
  const on2: string = (await api.http('GET', `${PODS}/on-2`)).body.metadata.uid;
  const ok: Array<[string, Promise<ApiResponse>]> = [
    ['its node', node1('GET', '/api/v1/nodes/node-1')],
    ['its pods', node1('GET', '/api/v1/pods', undefined, { fieldSelector: 'spec.nodeName=node-1' })],
    ['its pod', node1('GET', `${PODS}/on-1`)],
    ['the secret of its pod', node1('GET', '/api/v1/namespaces/default/secrets/secret-1')],
    ['services', node1('GET', '/api/v1/services')],
    [
      'its status',
      node1(
        'PATCH',
        '/api/v1/nodes/node-1/status',
        { status: { phase: 'Running' } },
        {},
        'application/merge-patch+json',
      ),
    ],
    [
      'the status of its pod',
      node1('PATCH', `${PODS}/on-1/status`, { status: { phase: 'Running' } }, {}, 'application/merge-patch+json'),
    ],
    [
      'its lease',
      node1('POST', '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases', {
        metadata: { name: 'node-1' },
        spec: { holderIdentity: 'node-1', leaseDurationSeconds: 40 },
      }),
    ],
    [
      'a token for its pod',
      node1('POST', '/api/v1/namespaces/default/serviceaccounts/default/token', {
        spec: { boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'on-1', uid: on1 } },
      }),
    ],
  ];
  for (const [what, answer] of ok) t.true((await answer).code < 300, `${what}: ${JSON.stringify((await answer).body)}`);
  const wrong: Array<[string, Promise<ApiResponse>, RegExp]> = [
    [
      'another node',
      node1('GET', '/api/v1/nodes/node-2'),
      /node 'node-1' cannot read 'node-2', only its own Node object/,
    ],
    ['all nodes', node1('GET', '/api/v1/nodes'), /cannot read all nodes/],
    ['all pods', node1('GET', '/api/v1/pods'), /can only list\/watch pods with spec\.nodeName field selector/],
    ["another node's pod", node1('GET', `${PODS}/on-2`), /no relationship found between node 'node-1' and this object/],
    [
      "another pod's secret",
      node1('GET', '/api/v1/namespaces/default/secrets/secret-2'),
      /no relationship found between node 'node-1' and this object/,
    ],
    ['all secrets', node1('GET', '/api/v1/secrets'), /can only read namespaced object of this type/],
    [
      "another node's status",
      node1('PATCH', '/api/v1/nodes/node-2/status', { status: {} }, {}, 'application/merge-patch+json'),
      /is not allowed to modify node "node-2"/,
    ],
    [
      "another pod's status",
      node1('PATCH', `${PODS}/on-2/status`, { status: { phase: 'Failed' } }, {}, 'application/merge-patch+json'),
      /can only update pod status for pods with spec\.nodeName set to itself/,
    ],
    [
      "another pod's deletion",
      node1('DELETE', `${PODS}/on-2`, { gracePeriodSeconds: 0 }),
      /can only delete pods with spec\.nodeName/,
    ],
    [
      'a node with another name',
      node1('POST', '/api/v1/nodes', { metadata: { name: 'node-3' } }),
      /is not allowed to modify node "node-3"/,
    ],
    [
      'a pod of its own making',
      node1('POST', PODS, {
        metadata: { name: 'mine' },
        spec: { nodeName: 'node-1', containers: [{ name: 'c', image: 'x' }] },
      }),
      /can only create mirror pods/,
    ],
    [
      "another node's lease",
      node1('POST', '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases', { metadata: { name: 'node-2' } }),
      /can only access node lease with the same name/,
    ],
    [
      'a label that isolates',
      node1(
        'PATCH',
        '/api/v1/nodes/node-1',
        { metadata: { labels: { 'x.node-restriction.kubernetes.io/a': 'b' } } },
        {},
        'application/merge-patch+json',
      ),
      /is not allowed to modify labels/,
    ],
    ['a deployment', node1('GET', '/apis/apps/v1/deployments'), /cannot list resource "deployments"/],
    [
      'a token for another pod',
      node1('POST', '/api/v1/namespaces/default/serviceaccounts/default/token', {
        spec: { boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'on-2', uid: on2 } },
      }),
      /bound to a pod scheduled on a different node/,
    ],
    [
      'a token for no pod',
      node1('POST', '/api/v1/namespaces/default/serviceaccounts/default/token', { spec: {} }),
      /node requested token not bound to a pod/,
    ],
    [
      'a role',
      node1('POST', `${RBAC}/clusterroles`, { metadata: { name: 'evil' }, rules: [] }),
      /cannot create resource "clusterroles"/,
    ],
  ];
  for (const [what, answer, message] of wrong) {
    const { code, body } = await answer;
    t.is(code, 403, `${what}: ${JSON.stringify(body)}`);
    t.regex((body as { message: string }).message, message, what);
  }
  t.is((await api.http('GET', `${PODS}/on-2`)).body.status.phase, 'Pending', 'nothing of the other node changed');
  const overHttps = await api.http('GET', '/api/v1/nodes/node-2', { token: 'node-1-token' });
  t.is(overHttps.code, 403);
});

test('each actor is its own user on the bus; what comes malformed is refused and kills nothing', async (t) => {
  const get = (from: string, path: string): Promise<ApiResponse> => api.bus(from, { method: 'GET', path });
  t.is((await get('scheduler-1', '/api/v1/pods')).code, 200);
  t.is((await get('scheduler-1', '/api/v1/secrets')).code, 403);
  t.is((await get('controller-manager-1', '/api/v1/secrets')).code, 200);
  t.is((await get('kube-proxy-node-1', '/api/v1/services')).code, 200);
  t.is((await get('kube-proxy-node-1', '/api/v1/configmaps')).code, 403);
  t.is((await get('dns-1', '/apis/discovery.k8s.io/v1/endpointslices')).code, 200);
  t.is((await get('operator', '/api/v1/secrets')).code, 200);
  for (const broken of [
    null,
    42,
    'GET /',
    {},
    { method: 'GET' },
    { method: 'EAT', path: '/api' },
    { method: 'GET', path: 'api' },
    { method: 'GET', path: '/api/v1/pods', query: 7 },
  ])
    t.is((await api.bus('operator', broken as never)).code, 400, JSON.stringify(broken));
  t.is((await api.bus('operator', { method: 'GET', path: '/api/v1/pods', query: { watch: 'true' } })).code, 400);
});

const account = (name: string): string => `system:serviceaccount:kube-system:${name}`;

test('each loop of the controller-manager acts in the name of its own account, with the rights of that alone', async (t) => {
  const make = (resource: string, as?: string, from = 'controller-manager-1'): Promise<ApiResponse> =>
    api.bus(from, {
      method: 'POST',
      path: `/api/v1/namespaces/default/${resource}`,
      body: { metadata: { generateName: 'looped-' } },
      ...(as === undefined ? {} : { as }),
    });
  t.is((await make('configmaps')).code, 403, 'in its own name it only looks');
  const made = await make('configmaps', account('root-ca-cert-publisher'));
  t.is(made.code, 201);
  t.is((await make('serviceaccounts', account('service-account-controller'))).code, 201);
  const refused = await make('secrets', account('root-ca-cert-publisher'));
  t.regex(
    (refused.body as any).message,
    /secrets is forbidden: User "system:serviceaccount:kube-system:root-ca-cert-publisher" cannot create resource "secrets"/,
  );
  t.is((await make('configmaps', account('default'))).code, 403, 'it may speak for its loops only');
  t.is((await make('configmaps', 'admin')).code, 403);
  t.is((await make('configmaps', account('root-ca-cert-publisher'), 'scheduler-1')).code, 403, 'and nobody else may');
  t.is((await make('configmaps', 7 as never)).code, 400);
  const path = '/apis/rbac.authorization.k8s.io/v1';
  const binding = await api.http('GET', `${path}/clusterrolebindings/system:controller:replicaset-controller`);
  t.deepEqual(binding.body.subjects, [
    { kind: 'ServiceAccount', name: 'replicaset-controller', namespace: 'kube-system' },
  ]);
  const locking = await api.http(
    'GET',
    `${path}/namespaces/kube-system/rolebindings/system::leader-locking-kube-scheduler`,
  );
  t.is(locking.body.roleRef.name, 'system::leader-locking-kube-scheduler');
});

test("an actor's cause goes with its write, and its span is a child of it", async (t) => {
  const cause = { span: 'controller-manager-1/x/7', actor: 'controller-manager-1', revisions: [3, 4] };
  const made = await api.bus('controller-manager-1', {
    method: 'POST',
    path: '/api/v1/namespaces/default/configmaps',
    body: { metadata: { name: 'caused' } },
    cause,
    as: account('root-ca-cert-publisher'),
  });
  t.is(made.code, 201);
  const revision = Number((made.body as any).metadata.resourceVersion);
  t.deepEqual(api.store.history.find((txn) => txn.revision === revision)!.cause, cause);
  const span = await eventually('the span', () => api.spans.find(({ name }) => name === 'caused'));
  t.deepEqual(span.causes, { revisions: [3, 4], span: cause.span });
});

test('impersonation needs the right to it', async (t) => {
  const as = (token: string, headers: Record<string, string>): ReturnType<TestApi['http']> =>
    api.http('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { body: {}, token, headers });
  t.is((await as(ADMIN_TOKEN, { 'impersonate-user': 'bob' })).body.status.userInfo.username, 'bob');
  t.is((await as('bob-token', { 'impersonate-user': 'admin' })).code, 403);
  const nobody = await as(ADMIN_TOKEN, { 'impersonate-group': 'x' });
  t.is(nobody.code, 500, 'as upstream');
  t.regex(nobody.text, /requested \[\{Group  x    \}\] without impersonating a user/);
});

/** Stands for the kubelet of node-1: echoes stdin, or prints logs. */
function kubelet(handler: (verb: string, open: StreamOpen, stream: BusStream) => Promise<void>): {
  unsubscribe(): void;
} {
  const bus = api.network.connect('kubelet-node-1');
  return serveStreams({ cluster: 'c1', bus, clock: systemClock }, 'node-1', handler);
}

test.serial('logs come from the node of the pod, whole and in order', async (t) => {
  const line = `${'x'.repeat(99)}\n`;
  const opened: StreamOpen[] = [];
  const node = kubelet(async (_verb, open, stream) => {
    opened.push(open);
    if (open.container === 'none') throw new Error('no such container');
    void stream.write('stdout', Buffer.from(line.repeat(10_000))).then(() => stream.exit(0));
  });
  t.teardown(() => node.unsubscribe());
  const logs = await api.http('GET', `${PODS}/on-1/log?tailLines=5&timestamps=true`);
  t.is(logs.code, 200);
  t.is(logs.headers['content-type'], 'text/plain');
  t.is(logs.text.length, 1_000_000);
  t.like(opened[0], { namespace: 'default', pod: 'on-1', container: 'c', logs: { tailLines: 5, timestamps: true } });
  t.is((await api.http('GET', `${PODS}/on-1/log?tailLines=x`)).code, 400);
  t.is((await api.http('GET', `${PODS}/on-1/log?container=zzz`)).code, 400);
  t.is((await api.http('GET', `${PODS}/on-1/exec?command=ls`)).code, 400, 'exec without an upgrade');
});
