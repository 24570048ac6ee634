// Shows who may do what by rules, roles and bindings, and that nothing is covered by less.
import test from 'ava';
import fc from '../../../../test/kit/fast-check.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { firstObjects } from '../bootstrap-objects.ts';
import { effectiveRules, Rbac } from './rbac.ts';
import { allows, printRule, uncovered, type PolicyRule } from './rules.ts';
import { authenticated, busUser, nodeOf, serviceAccountUser } from './user.ts';

const object = (kind: string, name: string, rest: object, namespace?: string): KubeObject => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind,
  metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
  ...rest,
});
const READ_PODS: PolicyRule = { verbs: ['get', 'list'], apiGroups: [''], resources: ['pods'] };
const asked = (verb: string, resource: string, more: object = {}) => ({
  verb,
  group: '',
  resource,
  subresource: '',
  namespace: 'x',
  name: '',
  user: authenticated('bob', ['dev']),
  ...more,
});

test('rules: verbs, groups, resources, names, subresources, paths, stars', (t) => {
  t.true(allows(READ_PODS, asked('get', 'pods')));
  t.false(allows(READ_PODS, asked('delete', 'pods')));
  t.false(allows(READ_PODS, asked('get', 'pods', { group: 'apps' })));
  t.false(allows(READ_PODS, asked('get', 'pods', { subresource: 'log' })));
  t.true(allows({ ...READ_PODS, resources: ['pods/log'] }, asked('get', 'pods', { subresource: 'log' })));
  t.true(allows({ ...READ_PODS, resources: ['*/log'] }, asked('get', 'pods', { subresource: 'log' })));
  t.true(allows({ ...READ_PODS, resources: ['*'] }, asked('get', 'pods', { subresource: 'log' })));
  t.true(allows({ ...READ_PODS, resourceNames: ['a'] }, asked('get', 'pods', { name: 'a' })));
  t.false(allows({ ...READ_PODS, resourceNames: ['a'] }, asked('list', 'pods')));
  t.true(allows({ verbs: ['get'], nonResourceURLs: ['/healthz/*'] }, asked('get', '', { path: '/healthz/etcd' })));
  t.false(allows({ verbs: ['get'], nonResourceURLs: ['/healthz'] }, asked('get', '', { path: '/healthz/etcd' })));
  t.false(allows({ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }, asked('get', '', { path: '/metrics' })));
});

test('bindings: users, groups, accounts; a RoleBinding counts in its namespace only', (t) => {
  const rbac = new Rbac({
    clusterRoles: [object('ClusterRole', 'reader', { rules: [READ_PODS] })],
    roles: [object('Role', 'local', { rules: [{ ...READ_PODS, verbs: ['delete'] }] }, 'x')],
    clusterRoleBindings: [
      object('ClusterRoleBinding', 'crb', {
        roleRef: { kind: 'ClusterRole', name: 'reader' },
        subjects: [{ kind: 'ServiceAccount', name: 'robot', namespace: 'y' }],
      }),
    ],
    roleBindings: [
      object(
        'RoleBinding',
        'rb',
        { roleRef: { kind: 'ClusterRole', name: 'reader' }, subjects: [{ kind: 'Group', name: 'dev' }] },
        'x',
      ),
      object(
        'RoleBinding',
        'rb2',
        { roleRef: { kind: 'Role', name: 'local' }, subjects: [{ kind: 'User', name: 'bob' }] },
        'x',
      ),
      object(
        'RoleBinding',
        'rb3',
        { roleRef: { kind: 'Role', name: 'not there' }, subjects: [{ kind: 'User', name: 'bob' }] },
        'z',
      ),
    ],
  });
  t.regex(rbac.allow(asked('get', 'pods'))!, /RoleBinding "rb\/x" of ClusterRole "reader" to Group "dev"/);
  t.truthy(rbac.allow(asked('delete', 'pods')));
  t.is(rbac.allow(asked('get', 'pods', { namespace: 'y' })), undefined);
  t.is(rbac.allow(asked('get', 'pods', { namespace: '' })), undefined, 'not across all namespaces');
  t.truthy(rbac.allow(asked('get', 'pods', { user: serviceAccountUser('y', 'robot'), namespace: 'z' })));
  t.is(rbac.allow(asked('get', 'pods', { user: serviceAccountUser('x', 'robot') })), undefined);
  t.is(rbac.allow(asked('eat', 'all', { user: authenticated('root', ['system:masters']) })), '');
});

test('an aggregating role is the sum of those its selector chooses', (t) => {
  const part = object('ClusterRole', 'part', { rules: [READ_PODS] });
  part.metadata.labels = { sum: 'true' };
  const whole = object('ClusterRole', 'whole', {
    rules: [],
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: { sum: 'true' } }] },
  });
  const binding = object('ClusterRoleBinding', 'b', {
    roleRef: { kind: 'ClusterRole', name: 'whole' },
    subjects: [{ kind: 'User', name: 'bob' }],
  });
  const rbac = new Rbac({ clusterRoles: [part, whole], roles: [], clusterRoleBindings: [binding], roleBindings: [] });
  t.truthy(rbac.allow(asked('list', 'pods')));
});

const words = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', '*'), { minLength: 1, maxLength: 3 });
const anyRule: fc.Arbitrary<PolicyRule> = fc.record({ verbs: words, apiGroups: words, resources: words });

test('what is covered is allowed: no request passes the wanted rules that the owned ones refuse', (t) => {
  fc.assert(
    fc.property(
      fc.array(anyRule, { maxLength: 3 }),
      anyRule,
      fc.constantFrom('a', 'b', 'c', 'd'),
      fc.constantFrom('a', 'b', 'd'),
      fc.constantFrom('a', 'c', 'd'),
      (owned, wanted, verb, group, resource) => {
        t.deepEqual(uncovered([wanted, ...owned], [wanted]), []);
        if (uncovered(owned, [wanted]).length > 0) return;
        const request = asked(verb, resource, { group });
        if (allows(wanted, request)) t.true(owned.some((rule) => allows(rule, request)));
      },
    ),
    { numRuns: 500 },
  );
});

test('the bus token is the user', (t) => {
  t.is(nodeOf(busUser('kubelet-node-2')), 'node-2');
  t.is(nodeOf(busUser('kubelet-a_2eb')), 'a.b', 'tokens are decoded');
  t.is(busUser('scheduler-1').name, 'system:kube-scheduler');
  t.is(busUser('controller-manager-1').name, 'system:kube-controller-manager');
  t.is(busUser('kube-proxy-node-1').name, 'system:kube-proxy');
  t.true(busUser('operator').groups.includes('system:masters'));
  for (const stranger of ['kubeletx', 'operatorx', 'store-1', ''])
    t.is(busUser(stranger).name, 'system:anonymous', stranger);
});

test('the roles of the cluster: view reads no secrets, edit makes no roles', (t) => {
  const objects = firstObjects().map((one) => one.object);
  const roles = objects.filter(({ kind }) => kind === 'ClusterRole');
  const rulesOf = (name: string): readonly PolicyRule[] =>
    effectiveRules(
      roles.find(({ metadata }) => metadata.name === name)!,
      roles,
    );
  const may = (name: string, verb: string, resource: string, group = ''): boolean =>
    rulesOf(name).some((rule) => allows(rule, asked(verb, resource, { group })));
  t.false(may('view', 'get', 'secrets'));
  t.true(may('view', 'get', 'deployments', 'apps'));
  t.true(may('edit', 'get', 'secrets'));
  t.false(may('edit', 'create', 'roles', 'rbac.authorization.k8s.io'));
  t.true(may('admin', 'create', 'roles', 'rbac.authorization.k8s.io'));
  t.false(may('system:kube-scheduler', 'get', 'secrets'));
  t.true(may('admin', 'get', 'pods'), 'admin gathers edit, which gathers view');
  t.false(may('edit', 'create', 'endpoints'), 'as upstream since CVE-2021-25740');
});

test('what one may not hand out is told rule by rule, as upstream prints it', (t) => {
  const missing = uncovered(
    [READ_PODS],
    [
      { verbs: ['get', 'delete', 'patch'], apiGroups: [''], resources: ['pods', 'pods/log'] },
      { verbs: ['get'], nonResourceURLs: ['/metrics'] },
      { verbs: ['get'], apiGroups: [''], resources: ['secrets'], resourceNames: ['a'] },
    ],
  );
  t.deepEqual(missing.map(printRule).toSorted(), [
    '{APIGroups:[""], Resources:["pods"], Verbs:["delete" "patch"]}',
    '{APIGroups:[""], Resources:["pods/log"], Verbs:["get" "delete" "patch"]}',
    '{APIGroups:[""], Resources:["secrets"], ResourceNames:["a"], Verbs:["get"]}',
    '{NonResourceURLs:["/metrics"], Verbs:["get"]}',
  ]);
});

test('an aggregating role is what its selectors choose now, not what was written into it; a circle ends', (t) => {
  const role = (name: string, labels: Record<string, string>, rest: object): KubeObject => {
    const made = object('ClusterRole', name, rest);
    made.metadata.labels = labels;
    return made;
  };
  const gather = (label: string): object => ({
    aggregationRule: { clusterRoleSelectors: [{ matchExpressions: [{ key: label, operator: 'Exists' }] }] },
    rules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
  });
  const roles = [
    role('a', { y: '' }, gather('x')),
    role('b', { x: '' }, gather('y')),
    role('c', { x: '' }, { rules: [READ_PODS] }),
    role('d', { x: '' }, { rules: [READ_PODS] }),
  ];
  t.deepEqual(effectiveRules(roles[0]!, roles), [READ_PODS]);
  t.deepEqual(effectiveRules(roles[1]!, roles), [READ_PODS]);
});
