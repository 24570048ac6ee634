// Requests about who may do what: refusals of every shape, access reviews, escalation, and what a node may.
import type { Case } from '../area.ts';

const NS = '/api/v1/namespaces/default';
const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const ROLES = `${RBAC}/namespaces/default/roles`;
const REVIEWS = '/apis/authorization.k8s.io/v1';

const refused = (m: string, p: string, user = 'bob'): Case => ({
  name: `${user || 'nobody'} may not ${m} ${p}`,
  m,
  p,
  user,
  ...(m === 'GET' || m === 'DELETE' ? {} : { b: {} }),
});
const review = (name: string, spec: object, more: object = {}): Case => ({
  name: `access review: ${name}`,
  m: 'POST',
  p: `${REVIEWS}/subjectaccessreviews`,
  b: { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec, ...more },
});
const local = (name: string, spec: object, metadata: object = {}): Case => ({
  name: `local access review: ${name}`,
  m: 'POST',
  p: `${REVIEWS}/namespaces/default/localsubjectaccessreviews`,
  b: { apiVersion: 'authorization.k8s.io/v1', kind: 'LocalSubjectAccessReview', metadata, spec },
});
const pods = (more: object = {}): object => ({ verb: 'list', resource: 'pods', namespace: 'default', ...more });
const selecting = (name: string, selector: object): Case =>
  review(name, { user: 'bob', resourceAttributes: pods(selector) });
const role = (name: string, rules: object[], more: object = {}): object => ({ metadata: { name }, rules, ...more });
const roleRef = (kind: string, name: string): object => ({
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name },
  subjects: [],
});
const NODE = { 'impersonate-user': 'system:node:n1', 'impersonate-group': 'system:nodes' };
const byNode = (name: string, p: Case['p'], more: Partial<Case> = {}): Case => ({
  name: `node: ${name}`,
  p,
  ...more,
  h: { ...NODE, ...more.h },
});
const merge = (b: object): Partial<Case> => ({
  m: 'PATCH',
  b: JSON.stringify(b),
  h: { 'content-type': 'application/merge-patch+json' },
});
const pod = (name: string, nodeName: string, more: object = {}): Case => ({
  name: `pod ${name}`,
  m: 'POST',
  p: `${NS}/pods`,
  b: { metadata: { name }, spec: { nodeName, containers: [{ name: 'c', image: 'i' }], ...more } },
});
const MIRROR = { 'kubernetes.io/config.mirror': 'x' };
const mirror = (name: string, metadata: object, spec: object = {}): Case =>
  byNode(`mirror pod ${name}`, `${NS}/pods`, {
    m: 'POST',
    b: {
      metadata: { name: 'm', annotations: MIRROR, ...metadata },
      spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'i' }], ...spec },
    },
  });
const owner = (more: object): object => ({
  ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: 'n1', uid: 'x', controller: true, ...more }],
});
const LEASES = '/apis/coordination.k8s.io/v1/namespaces';
const token = (name: string, spec: object): Case =>
  byNode(`token ${name}`, `${NS}/serviceaccounts/default/token`, { m: 'POST', b: { spec } });

export const cases: readonly Case[] = [
  refused('GET', `${NS}/pods`),
  refused('GET', `${NS}/pods/x/log`),
  refused('POST', `${NS}/pods/x/exec`),
  refused('PATCH', `${NS}/pods/x/status`),
  refused('GET', '/api/v1/nodes?watch=1'),
  refused('DELETE', '/apis/apps/v1/namespaces/default/deployments'),
  refused('GET', '/apis/nothing.io/v1/things/x'),
  refused('PUT', `${NS}/pods`),
  refused('OPTIONS', `${NS}/pods`),
  refused('GET', '/metrics'),
  refused('GET', '/livez/ping'),
  refused('GET', `${NS}/pods/x`, ''),
  { name: 'service account', m: 'POST', p: `${NS}/serviceaccounts`, b: { metadata: { name: 'default' } } },
  review('who may not', { user: 'bob', resourceAttributes: pods() }),
  review('who may', { user: 'x', groups: ['system:masters'], resourceAttributes: pods() }),
  review('by which role', { user: 'system:kube-scheduler', resourceAttributes: pods({ namespace: '' }) }),
  review('nothing', {}),
  review('both', { user: 'bob', resourceAttributes: {}, nonResourceAttributes: { path: '/', verb: 'get' } }),
  selecting('a field', { fieldSelector: { rawSelector: 'spec.nodeName=n1' } }),
  selecting('no selector', { fieldSelector: {}, labelSelector: {} }),
  selecting('twice', { labelSelector: { rawSelector: 'a=b', requirements: [{ key: 'a', operator: 'Exists' }] } }),
  selecting('two values', { fieldSelector: { requirements: [{ key: 'a', operator: 'In', values: ['a', 'b'] }] } }),
  selecting('no values', { fieldSelector: { requirements: [{ key: 'a', operator: 'In' }] } }),
  selecting('a label that is none', { labelSelector: { requirements: [{ key: '-', operator: 'Exists' }] } }),
  selecting('what cannot be read', { labelSelector: { rawSelector: 'a in (' } }),
  review('a node without a name', {
    user: 'system:node:',
    groups: ['system:nodes'],
    resourceAttributes: pods({ resource: 'secrets', verb: 'get', name: 's' }),
  }),
  local('in no namespace', { user: 'bob', resourceAttributes: pods() }),
  local('in another namespace', { user: 'bob', resourceAttributes: pods({ namespace: 'x' }) }),
  local('of another namespace', { user: 'bob', resourceAttributes: pods() }, { namespace: 'x' }),
  local('of a path', { user: 'bob', nonResourceAttributes: { path: '/', verb: 'get' } }),
  {
    name: 'a role that may edit roles',
    m: 'POST',
    p: `${RBAC}/clusterroles`,
    b: role('editor', [
      {
        apiGroups: ['rbac.authorization.k8s.io'],
        resources: ['roles', 'rolebindings', 'clusterroles', 'clusterrolebindings'],
        verbs: ['get', 'create', 'update'],
      },
    ]),
  },
  {
    name: 'bob has it',
    m: 'POST',
    p: `${RBAC}/clusterrolebindings`,
    b: { metadata: { name: 'editor' }, ...roleRef('ClusterRole', 'editor'), subjects: [{ kind: 'User', name: 'bob' }] },
  },
  {
    name: 'bob may edit roles',
    p: `${ROLES}/none`,
    user: 'bob',
    until: ({ code }) => code === 404,
  },
  {
    name: 'a role of what bob may not',
    m: 'POST',
    p: ROLES,
    user: 'bob',
    b: role('r', [
      { apiGroups: ['', 'apps'], resources: ['pods', 'deployments'], verbs: ['get', '*'], resourceNames: ['b', 'a'] },
    ]),
  },
  {
    name: 'a role of paths that bob may not',
    m: 'POST',
    p: `${RBAC}/clusterroles`,
    user: 'bob',
    b: role('r', [{ nonResourceURLs: ['/metrics', '/logs/*'], verbs: ['get', 'post'] }]),
  },
  {
    name: 'a role that gathers',
    m: 'POST',
    p: `${RBAC}/clusterroles`,
    user: 'bob',
    b: role('r', [], { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] } }),
  },
  {
    name: 'a binding to a role that bob has not',
    m: 'POST',
    p: `${RBAC}/namespaces/default/rolebindings`,
    user: 'bob',
    b: { metadata: { name: 'b' }, ...roleRef('ClusterRole', 'cluster-admin') },
  },
  {
    name: 'a binding to no role',
    m: 'POST',
    p: `${RBAC}/namespaces/default/rolebindings`,
    user: 'bob',
    b: { metadata: { name: 'b' }, ...roleRef('Role', 'none') },
  },
  { name: 'node n2', m: 'POST', p: '/api/v1/nodes', b: { metadata: { name: 'n2' } } },
  byNode('itself', '/api/v1/nodes', { m: 'POST', b: { metadata: { name: 'n1' } } }),
  byNode('another', '/api/v1/nodes', { m: 'POST', b: { metadata: { name: 'n3' } } }),
  { name: 'secret', m: 'POST', p: `${NS}/secrets`, b: { metadata: { name: 'theirs' } } },
  pod('on1', 'n1'),
  pod('on2', 'n2', { volumes: [{ name: 's', secret: { secretName: 'theirs' } }] }),
  byNode('its pod', `${NS}/pods/on1`, { until: ({ code }) => code === 200 }),
  byNode("another's pod", `${NS}/pods/on2`),
  byNode('all pods', '/api/v1/pods'),
  byNode("another's pods", '/api/v1/pods?fieldSelector=spec.nodeName%3Dn2'),
  byNode("another's secret", `${NS}/secrets/theirs`),
  byNode('secrets of a namespace', `${NS}/secrets`),
  byNode('all secrets', '/api/v1/secrets'),
  byNode('a new secret', `${NS}/secrets`, { m: 'POST', b: { metadata: { name: 'x' } } }),
  byNode('a service account', `${NS}/serviceaccounts/default`),
  byNode('another node', '/api/v1/nodes/n2'),
  byNode('all nodes', '/api/v1/nodes'),
  byNode('the end of itself', '/api/v1/nodes/n1', { m: 'DELETE' }),
  byNode("another's status", '/api/v1/nodes/n2/status', merge({ status: {} })),
  byNode("another's pod's status", `${NS}/pods/on2/status`, merge({ status: { phase: 'Running' } })),
  byNode("another's pod's end", `${NS}/pods/on2`, { m: 'DELETE' }),
  byNode("another's eviction", `${NS}/pods/on2/eviction`, {
    m: 'POST',
    b: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'on2' } },
  }),
  byNode('labels through the status', `${NS}/pods/on1/status`, merge({ metadata: { labels: { a: 'b' } } })),
  byNode(
    'labels that are not its own',
    '/api/v1/nodes/n1',
    merge({ metadata: { labels: { 'node-restriction.kubernetes.io/x': '', 'foo.k8s.io/y': '' } } }),
  ),
  byNode('taints', '/api/v1/nodes/n1', merge({ spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } })),
  byNode(
    'owners',
    '/api/v1/nodes/n1',
    merge({ metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'x', uid: 'y' }] } }),
  ),
  byNode('a pod that is no mirror', `${NS}/pods`, {
    m: 'POST',
    b: { metadata: { name: 'm' }, spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'i' }] } },
  }),
  mirror('without an owner', {}),
  mirror('of another node', {}, { nodeName: 'n2' }),
  mirror('of a pod', owner({ kind: 'Pod' })),
  mirror('that its node does not control', owner({ controller: false })),
  mirror('that blocks', owner({ blockOwnerDeletion: true })),
  byNode("another's lease", `${LEASES}/kube-node-lease/leases/n2`),
  byNode('a lease elsewhere', `${LEASES}/default/leases`, { m: 'POST', b: { metadata: { name: 'n1' } } }),
  byNode('leases', `${LEASES}/kube-node-lease/leases`),
  byNode("another's CSINode", '/apis/storage.k8s.io/v1/csinodes/n2'),
  byNode('CSINodes', '/apis/storage.k8s.io/v1/csinodes'),
  token('of its own', {}),
  token('without a uid', { boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'on1' } }),
  token('of another uid', { boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'on1', uid: 'x' } }),
  token('for a secret', { boundObjectRef: { kind: 'Secret', apiVersion: 'v1', name: 'theirs', uid: 'x' } }),
];

export const differs = {};
