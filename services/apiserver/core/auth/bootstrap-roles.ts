// Decides which roles and bindings every cluster is born with: a plain table. Never overwrites what an operator added to
// them (bootstrap/ensure.ts adds what is missing only).
import type { PolicyRule } from './rules.ts';

const READ = ['get', 'list', 'watch'];
const WRITE = ['create', 'delete', 'deletecollection', 'patch', 'update'];
const CHANGE = ['get', 'list', 'watch', 'create', 'delete', 'deletecollection', 'patch', 'update'];

function rule(verbs: string[], group: string, ...resources: string[]): PolicyRule {
  return { verbs, apiGroups: [group], resources };
}

/** Workloads and what they need, in one namespace; Secrets apart because `view` must not read them. */
const NAMESPACED: ReadonlyArray<[group: string, ...resources: string[]]> = [
  [
    '',
    'configmaps',
    'endpoints',
    'persistentvolumeclaims',
    'pods',
    'replicationcontrollers',
    'replicationcontrollers/scale',
    'serviceaccounts',
    'services',
  ],
  [
    'apps',
    'controllerrevisions',
    'daemonsets',
    'deployments',
    'deployments/scale',
    'replicasets',
    'replicasets/scale',
    'statefulsets',
    'statefulsets/scale',
  ],
  ['autoscaling', 'horizontalpodautoscalers'],
  ['batch', 'cronjobs', 'jobs'],
  ['discovery.k8s.io', 'endpointslices'],
  ['networking.k8s.io', 'ingresses', 'networkpolicies'],
  ['policy', 'poddisruptionbudgets'],
];
const NAMESPACED_STATUS: ReadonlyArray<[group: string, ...resources: string[]]> = [
  [
    '',
    'bindings',
    'events',
    'limitranges',
    'namespaces',
    'namespaces/status',
    'persistentvolumeclaims/status',
    'pods/log',
    'pods/status',
    'replicationcontrollers/status',
    'resourcequotas',
    'resourcequotas/status',
    'services/status',
  ],
  ['apps', 'daemonsets/status', 'deployments/status', 'replicasets/status', 'statefulsets/status'],
  ['autoscaling', 'horizontalpodautoscalers/status'],
  ['batch', 'cronjobs/status', 'jobs/status'],
  ['coordination.k8s.io', 'leases'],
  ['events.k8s.io', 'events'],
  ['networking.k8s.io', 'ingresses/status'],
  ['policy', 'poddisruptionbudgets/status'],
];

const VIEW: PolicyRule[] = [...NAMESPACED, ...NAMESPACED_STATUS].map(([group, ...resources]) =>
  rule(READ, group, ...resources),
);
const EDIT: PolicyRule[] = [
  ...VIEW,
  ...NAMESPACED.map(([group, ...resources]) => rule(WRITE, group, ...resources)),
  rule(CHANGE, '', 'secrets'),
  rule(['create'], '', 'pods/attach', 'pods/exec', 'pods/portforward', 'pods/eviction', 'serviceaccounts/token'),
  rule(['get', 'list', 'watch'], '', 'pods/attach', 'pods/exec', 'pods/portforward'),
  rule(['impersonate'], '', 'serviceaccounts'),
  rule(CHANGE, 'coordination.k8s.io', 'leases'),
  rule(['create', 'patch', 'update', 'delete'], '', 'events'),
];
const ADMIN: PolicyRule[] = [
  ...EDIT,
  rule(['create'], 'authorization.k8s.io', 'localsubjectaccessreviews'),
  rule(CHANGE, 'rbac.authorization.k8s.io', 'rolebindings', 'roles'),
];

/** All loops of the controller-manager ask under one name: it holds the sum of what upstream gives them one by one. */
const CONTROLLER_MANAGER: PolicyRule[] = [
  rule(['delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'], '*', '*'),
  rule(
    ['create'],
    '',
    'configmaps',
    'endpoints',
    'events',
    'persistentvolumeclaims',
    'persistentvolumes',
    'pods',
    'pods/eviction',
    'secrets',
    'serviceaccounts',
    'serviceaccounts/token',
    'replicationcontrollers',
  ),
  rule(['create'], 'apps', 'controllerrevisions', 'replicasets'),
  rule(['create'], 'batch', 'jobs'),
  rule(['create'], 'coordination.k8s.io', 'leases'),
  rule(['create'], 'discovery.k8s.io', 'endpointslices'),
  rule(['create'], 'events.k8s.io', 'events'),
  rule(['create'], 'authentication.k8s.io', 'tokenreviews'),
  rule(['create'], 'authorization.k8s.io', 'subjectaccessreviews'),
  { verbs: ['get'], nonResourceURLs: ['/api', '/api/*', '/apis', '/apis/*'] },
];

const SCHEDULER: PolicyRule[] = [
  rule(
    READ,
    '',
    'nodes',
    'namespaces',
    'persistentvolumeclaims',
    'persistentvolumes',
    'replicationcontrollers',
    'services',
  ),
  rule(['get', 'list', 'watch', 'delete'], '', 'pods'),
  rule(['create'], '', 'bindings', 'pods/binding', 'events'),
  rule(['patch', 'update'], '', 'pods/status', 'events'),
  rule(['create', 'patch', 'update'], 'events.k8s.io', 'events'),
  rule(READ, 'apps', 'replicasets', 'statefulsets'),
  rule(READ, 'policy', 'poddisruptionbudgets'),
  rule(READ, 'scheduling.k8s.io', 'priorityclasses'),
  rule(READ, 'storage.k8s.io', 'csinodes', 'csidrivers', 'csistoragecapacities', 'storageclasses'),
  rule(['create', 'get', 'list', 'watch', 'update', 'patch'], 'coordination.k8s.io', 'leases'),
];

const DISCOVERY_PATHS = [
  '/api',
  '/api/*',
  '/apis',
  '/apis/*',
  '/healthz',
  '/livez',
  '/openapi',
  '/openapi/*',
  '/readyz',
  '/version',
  '/version/',
];

export interface BootstrapRole {
  name: string;
  rules: PolicyRule[];
  /** Roles with this label are added to it. */
  aggregates?: string;
}

export const BOOTSTRAP_CLUSTER_ROLES: readonly BootstrapRole[] = [
  { name: 'cluster-admin', rules: [rule(['*'], '*', '*'), { verbs: ['*'], nonResourceURLs: ['*'] }] },
  { name: 'admin', rules: ADMIN, aggregates: 'rbac.authorization.k8s.io/aggregate-to-admin' },
  { name: 'edit', rules: EDIT, aggregates: 'rbac.authorization.k8s.io/aggregate-to-edit' },
  { name: 'view', rules: [...VIEW, rule(READ, 'metrics.k8s.io', 'nodes', 'pods')], aggregates: 'rbac.authorization.k8s.io/aggregate-to-view' },
  { name: 'system:discovery', rules: [{ verbs: ['get'], nonResourceURLs: DISCOVERY_PATHS }] },
  {
    name: 'system:public-info-viewer',
    rules: [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/livez', '/readyz', '/version', '/version/'] }],
  },
  {
    name: 'system:monitoring',
    rules: [
      {
        verbs: ['get'],
        nonResourceURLs: ['/metrics', '/healthz', '/healthz/*', '/livez', '/livez/*', '/readyz', '/readyz/*'],
      },
      ...VIEW,
      rule(READ, '', 'nodes', 'persistentvolumes'),
      rule(READ, 'storage.k8s.io', 'storageclasses'),
    ],
  },
  {
    name: 'system:basic-user',
    rules: [
      rule(['create'], 'authorization.k8s.io', 'selfsubjectaccessreviews', 'selfsubjectrulesreviews'),
      rule(['create'], 'authentication.k8s.io', 'selfsubjectreviews'),
    ],
  },
  {
    name: 'system:service-account-issuer-discovery',
    rules: [{ verbs: ['get'], nonResourceURLs: ['/.well-known/openid-configuration', '/openid/v1/jwks'] }],
  },
  { name: 'system:kube-scheduler', rules: SCHEDULER },
  { name: 'system:kube-controller-manager', rules: CONTROLLER_MANAGER },
  {
    name: 'system:node-proxier',
    rules: [
      rule(READ, '', 'endpoints', 'services', 'nodes', 'namespaces'),
      rule(READ, 'discovery.k8s.io', 'endpointslices'),
      rule(['create', 'patch', 'update'], '', 'events'),
      rule(['create', 'patch', 'update'], 'events.k8s.io', 'events'),
    ],
  },
  {
    name: 'system:dns',
    rules: [
      rule(READ, '', 'endpoints', 'services', 'pods', 'namespaces', 'nodes'),
      rule(READ, 'discovery.k8s.io', 'endpointslices'),
      // It keeps its own Service pointed at itself; a create cannot be limited to a name.
      rule(['create'], '', 'services'),
      rule(['create'], 'discovery.k8s.io', 'endpointslices'),
      { ...rule(['update', 'patch'], '', 'services'), resourceNames: ['kube-dns'] },
      { ...rule(['update', 'patch'], 'discovery.k8s.io', 'endpointslices'), resourceNames: ['kube-dns'] },
    ],
  },
];

export interface BootstrapBinding {
  name: string;
  role: string;
  subjects: Array<{ kind: 'User' | 'Group'; name: string }>;
}

function bind(
  name: string,
  role: string,
  ...subjects: Array<[kind: 'User' | 'Group', name: string]>
): BootstrapBinding {
  return { name, role, subjects: subjects.map(([kind, subject]) => ({ kind, name: subject })) };
}

export const BOOTSTRAP_CLUSTER_ROLE_BINDINGS: readonly BootstrapBinding[] = [
  bind('cluster-admin', 'cluster-admin', ['Group', 'system:masters']),
  bind('system:discovery', 'system:discovery', ['Group', 'system:authenticated']),
  bind('system:basic-user', 'system:basic-user', ['Group', 'system:authenticated']),
  bind(
    'system:public-info-viewer',
    'system:public-info-viewer',
    ['Group', 'system:authenticated'],
    ['Group', 'system:unauthenticated'],
  ),
  bind('system:service-account-issuer-discovery', 'system:service-account-issuer-discovery', [
    'Group',
    'system:serviceaccounts',
  ]),
  bind('system:monitoring', 'system:monitoring', ['Group', 'system:monitoring']),
  bind('system:kube-scheduler', 'system:kube-scheduler', ['User', 'system:kube-scheduler']),
  bind('system:kube-controller-manager', 'system:kube-controller-manager', ['User', 'system:kube-controller-manager']),
  bind('system:node-proxier', 'system:node-proxier', ['User', 'system:kube-proxy'], ['Group', 'system:node-proxier']),
  bind('system:dns', 'system:dns', ['User', 'system:dns']),
];
