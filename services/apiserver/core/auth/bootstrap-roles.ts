// Decides which roles and bindings every cluster is born with: Kubernetes' own as they are there, and beside them
// what this cluster's actors need beyond. Never says what becomes of one that somebody changed (reconcile-roles.ts does).
import { CONTROLLER_ROLES, OWN_CONTROLLER_ROLES } from './controller-roles.ts';
import { KUBERNETES_ROLES } from './kubernetes-roles.ts';
import type { PolicyRule } from './rules.ts';

const READ = ['get', 'list', 'watch'];

function rule(verbs: string[], group: string, ...resources: string[]): PolicyRule {
  return { verbs, apiGroups: [group], resources };
}

const LOOPS: Readonly<Record<string, readonly PolicyRule[]>> = { ...CONTROLLER_ROLES, ...OWN_CONTROLLER_ROLES };

/** What the actors of this cluster may do beyond the roles of Kubernetes that they are bound to; each is bound to its actor. */
const OWN_ROLES: Readonly<Record<string, { user: string; rules: readonly PolicyRule[] }>> = {
  // It speaks for its loops, each of which has its own account and role; nobody else does.
  'flotilla:controller-manager': {
    user: 'system:kube-controller-manager',
    rules: [{ ...rule(['impersonate'], '', 'serviceaccounts'), resourceNames: Object.keys(LOOPS) }],
  },
  // It looks at everything but Secrets.
  'flotilla:dashboard': {
    user: 'system:dashboard',
    rules: [
      ...KUBERNETES_ROLES['system:aggregate-to-view']!,
      rule(READ, '', 'nodes', 'persistentvolumes'),
      rule(READ, 'storage.k8s.io', 'storageclasses'),
    ],
  },
  'system:dns': {
    user: 'system:dns',
    rules: [
      rule(READ, '', 'endpoints', 'services', 'pods', 'namespaces', 'nodes'),
      rule(READ, 'discovery.k8s.io', 'endpointslices'),
      rule(READ, 'networking.k8s.io', 'servicecidrs'),
      // It keeps its own Service pointed at itself; a create cannot be limited to a name.
      rule(['create'], '', 'services'),
      rule(['create'], 'discovery.k8s.io', 'endpointslices'),
      { ...rule(['update', 'patch'], '', 'services'), resourceNames: ['kube-dns'] },
      { ...rule(['update', 'patch'], 'discovery.k8s.io', 'endpointslices'), resourceNames: ['kube-dns'] },
    ],
  },
};

const AGGREGATE_TO = 'rbac.authorization.k8s.io/aggregate-to-';

/** Each is the sum of the roles with its label; some are part of a larger one themselves. */
const AGGREGATED: ReadonlyArray<[name: string, partOf?: string]> = [['admin'], ['edit', 'admin'], ['view', 'edit']];

export interface BootstrapRole {
  name: string;
  rules: readonly PolicyRule[];
  /** Roles with this label are added to it. */
  aggregates?: string;
  /** The label by which it is added to another. */
  partOf?: string;
}

export const BOOTSTRAP_CLUSTER_ROLES: readonly BootstrapRole[] = [
  ...Object.entries(KUBERNETES_ROLES).map(([name, rules]): BootstrapRole => {
    const target = /^system:aggregate-to-(.*)$/.exec(name)?.[1];
    return { name, rules, ...(target === undefined ? {} : { partOf: AGGREGATE_TO + target }) };
  }),
  ...Object.entries(OWN_ROLES).map(([name, { rules }]): BootstrapRole => ({ name, rules })),
  ...Object.entries(LOOPS).map(([account, rules]): BootstrapRole => ({
    name: `system:controller:${account}`,
    rules,
  })),
  ...AGGREGATED.map(([name, partOf]): BootstrapRole => ({
    name,
    rules: [],
    aggregates: AGGREGATE_TO + name,
    ...(partOf === undefined ? {} : { partOf: AGGREGATE_TO + partOf }),
  })),
];

export interface BootstrapBinding {
  name: string;
  role: string;
  subjects: Array<{ kind: 'User' | 'Group' | 'ServiceAccount'; name: string; namespace?: string }>;
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
  bind('system:node-proxier', 'system:node-proxier', ['User', 'system:kube-proxy']),
  bind('system:volume-scheduler', 'system:volume-scheduler', ['User', 'system:kube-scheduler']),
  // Nodes have an authorizer of their own; upstream keeps the binding for who wants it back.
  bind('system:node', 'system:node'),
  {
    name: 'system:kube-dns',
    role: 'system:kube-dns',
    subjects: [{ kind: 'ServiceAccount', name: 'kube-dns', namespace: 'kube-system' }],
  },
  ...Object.entries(OWN_ROLES).map(([name, { user }]) => bind(name, name, ['User', user])),
  ...Object.keys(LOOPS).map((account): BootstrapBinding => {
    const name = `system:controller:${account}`;
    return { name, role: name, subjects: [{ kind: 'ServiceAccount', name: account, namespace: 'kube-system' }] };
  }),
];
