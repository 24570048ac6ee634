// Decides which objects every cluster has from its first second: namespaces, roles, priority classes, the Service that
// stands for the API itself. Never says how one is brought
// back that somebody changed.
import type { ClusterFacts } from '../../../lib/actor/settings.ts';
import type { KubeObject } from '../../../lib/api/object.ts';
import {
  BOOTSTRAP_CLUSTER_ROLES,
  BOOTSTRAP_CLUSTER_ROLE_BINDINGS,
  type BootstrapBinding,
  type BootstrapRole,
} from './auth/bootstrap-roles.ts';
import { NAMESPACED_BINDINGS, NAMESPACED_ROLES } from './auth/controller-roles.ts';
import { bootstrapLevels, bootstrapSchemas, FLOW_PRODUCER } from './flow-control/bootstrap.ts';
import { kubernetesServiceIp } from './service-addresses.ts';

export interface BootstrapObject {
  /** Path of the collection. */
  collection: string;
  object: KubeObject;
  /** In whose name its fields are written; absent: the API server's own. */
  manager?: string;
}

const FLOW_CONTROL = '/apis/flowcontrol.apiserver.k8s.io/v1';
const RBAC = '/apis/rbac.authorization.k8s.io/v1';
export const SERVICE_CIDRS = '/apis/networking.k8s.io/v1/servicecidrs';
export const DEFAULT_SERVICE_CIDR = 'kubernetes';
const RBAC_VERSION = 'rbac.authorization.k8s.io/v1';
const BOOTSTRAP_META = {
  labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' },
  annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' },
};
const API_LABELS = { component: 'apiserver', provider: 'kubernetes' };

/** What is put back whenever it is gone. */
export function lastingObjects(facts: ClusterFacts, port: number): BootstrapObject[] {
  return [
    ...['kube-system', 'default', 'kube-public', 'kube-node-lease'].map((name) =>
      at('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }),
    ),
    ...bootstrapLevels().map((level) => at(`${FLOW_CONTROL}/prioritylevelconfigurations`, level, FLOW_PRODUCER)),
    ...bootstrapSchemas().map((schema) => at(`${FLOW_CONTROL}/flowschemas`, schema, FLOW_PRODUCER)),
    at(SERVICE_CIDRS, {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'ServiceCIDR',
      metadata: { name: DEFAULT_SERVICE_CIDR },
      spec: { cidrs: [facts.serviceCidr] },
    }),
    at('/api/v1/namespaces/default/services', apiService(facts, port)),
  ];
}

/** What an operator may delete while a server runs: the next one that starts makes it again. */
export function firstObjects(): BootstrapObject[] {
  return [
    ...bootstrapRoles(),
    ...bootstrapBindings(),
    priorityClass(
      'system-node-critical',
      2_000_001_000,
      'Used for system critical pods that must not be moved from their current node.',
    ),
    priorityClass(
      'system-cluster-critical',
      2_000_000_000,
      'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
    ),
  ];
}

export function bootstrapRoles(): BootstrapObject[] {
  return [
    ...BOOTSTRAP_CLUSTER_ROLES.map((role) => at(`${RBAC}/clusterroles`, clusterRole(role))),
    ...NAMESPACED_ROLES.map(({ namespace, name, rules }) =>
      at(`${RBAC}/namespaces/${namespace}/roles`, {
        apiVersion: RBAC_VERSION,
        kind: 'Role',
        metadata: { name, namespace, ...structuredClone(BOOTSTRAP_META) },
        rules: structuredClone([...rules]),
      }),
    ),
  ];
}

export function bootstrapBindings(): BootstrapObject[] {
  return [
    ...BOOTSTRAP_CLUSTER_ROLE_BINDINGS.map(({ name, role, subjects }) =>
      at(`${RBAC}/clusterrolebindings`, bindingOf('ClusterRole', { name }, role, subjects)),
    ),
    ...NAMESPACED_BINDINGS.map(({ namespace, role, name = role, subjects }) =>
      at(
        `${RBAC}/namespaces/${namespace}/rolebindings`,
        bindingOf('Role', { name, namespace }, role, subjects.map(subjectOf)),
      ),
    ),
  ];
}

function at(collection: string, object: KubeObject, manager?: string): BootstrapObject {
  return { collection, object, ...(manager === undefined ? {} : { manager }) };
}

type Subject = BootstrapBinding['subjects'][number];

function bindingOf(
  roleKind: 'ClusterRole' | 'Role',
  named: { name: string; namespace?: string },
  role: string,
  subjects: readonly Subject[],
): KubeObject {
  return {
    apiVersion: RBAC_VERSION,
    kind: `${roleKind}Binding`,
    metadata: { ...named, ...structuredClone(BOOTSTRAP_META) },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: roleKind, name: role },
    subjects: subjects.map((subject) => ({
      ...(subject.kind === 'ServiceAccount' ? {} : { apiGroup: 'rbac.authorization.k8s.io' }),
      ...subject,
    })),
  };
}

const subjectOf = ([kind, name]: readonly ['User' | 'ServiceAccount', string]): Subject =>
  kind === 'ServiceAccount' ? { kind, name, namespace: 'kube-system' } : { kind, name };

function clusterRole({ name, rules, aggregates, partOf }: BootstrapRole): KubeObject {
  const { labels, annotations } = structuredClone(BOOTSTRAP_META);
  return {
    apiVersion: RBAC_VERSION,
    kind: 'ClusterRole',
    metadata: { name, labels: { ...labels, ...(partOf === undefined ? {} : { [partOf]: 'true' }) }, annotations },
    ...(aggregates === undefined
      ? {}
      : { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [aggregates]: 'true' } }] } }),
    rules: structuredClone([...rules]),
  };
}

function priorityClass(name: string, value: number, description: string): BootstrapObject {
  return at('/apis/scheduling.k8s.io/v1/priorityclasses', {
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: { name },
    value,
    description,
  });
}

function apiService(facts: ClusterFacts, port: number): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'kubernetes', labels: { ...API_LABELS } },
    spec: {
      type: 'ClusterIP',
      clusterIP: kubernetesServiceIp(facts.serviceCidr),
      ipFamilyPolicy: 'SingleStack',
      ports: [{ name: 'https', protocol: 'TCP', port: 443, targetPort: port }],
    },
  };
}

const READY = 'Ready';

/** What is to be applied to the status of the cluster's own range so that it is ready; undefined: it says so, or another range. */
export function serviceCidrReady(stored: KubeObject, { serviceCidr }: ClusterFacts, now: string): object | undefined {
  const { cidrs = [] } = stored['spec'] ?? {};
  const isOurs = cidrs.length === 1 && cidrs[0] === serviceCidr;
  const conditions = (stored['status']?.conditions ?? []) as Array<{ type: string }>;
  if (!isOurs || stored.metadata.deletionTimestamp !== undefined || conditions.some(({ type }) => type === READY))
    return undefined;
  const message = 'Kubernetes default Service CIDR is ready';
  return { conditions: [{ type: READY, status: 'True', lastTransitionTime: now, message }] };
}

/** Since when it is written down which old tokens are used; undefined: it says so already. */
export function tokenTracking(stored: KubeObject | undefined, today: string): KubeObject | undefined {
  const since: unknown = stored?.['data']?.since;
  if (typeof since === 'string' && !Number.isNaN(Date.parse(since))) return undefined;
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: TOKEN_TRACKING, namespace: 'kube-system' },
    data: { since: today },
  };
}

export const TOKEN_TRACKING = 'kube-apiserver-legacy-service-account-token-tracking';

/** How long an API actor is believed to serve after it last renewed its Lease. */
export const API_FRESH_SECONDS = 40;
/** How long its Lease stays, as upstream's. */
const API_LEASE_SECONDS = 3600;
const IDENTITY = 'apiserver.kubernetes.io/identity';
const API_SERVER = 'kube-apiserver';
const ADDRESS_ANNOTATION = 'flotilla.dev/advertise-address';

export interface ApiIdentity {
  instance: string;
  host: string;
  address: string;
}

export function apiLease({ instance, host, address }: ApiIdentity, now: string): KubeObject {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      name: instance,
      namespace: 'kube-system',
      labels: { [IDENTITY]: API_SERVER, 'kubernetes.io/hostname': host },
      annotations: { [ADDRESS_ANNOTATION]: address },
    },
    spec: { holderIdentity: instance, leaseDurationSeconds: API_LEASE_SECONDS, renewTime: now },
  };
}

/** Leases of API actors that have been gone for long. */
export function expiredLeases(leases: Iterable<KubeObject>, now: number): KubeObject[] {
  return [...leases].filter(({ metadata, spec }) => {
    if (metadata.labels?.[IDENTITY] !== API_SERVER) return false;
    const end = Date.parse(spec?.renewTime ?? '') + (spec?.leaseDurationSeconds ?? Number.NaN) * 1000;
    return !(end >= now);
  });
}

/** Addresses of the API actors whose Lease is fresh; always our own. */
export function apiAddresses(leases: Iterable<KubeObject>, own: string, now: number): string[] {
  const addresses = new Set([own]);
  for (const lease of leases) {
    const address = lease.metadata.annotations?.[ADDRESS_ANNOTATION];
    const renewed = Date.parse(lease['spec']?.renewTime ?? '');
    if (address !== undefined && now - renewed < API_FRESH_SECONDS * 1000) addresses.add(address);
  }
  return [...addresses].toSorted();
}

export function apiEndpointSlice(addresses: readonly string[], port: number): KubeObject {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'kubernetes', namespace: 'default', labels: { 'kubernetes.io/service-name': 'kubernetes' } },
    addressType: 'IPv4',
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
    ports: [{ name: 'https', port, protocol: 'TCP' }],
  };
}

export function apiEndpoints(addresses: readonly string[], port: number): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: {
      name: 'kubernetes',
      namespace: 'default',
      labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' },
    },
    subsets: [{ addresses: addresses.map((ip) => ({ ip })), ports: [{ name: 'https', port, protocol: 'TCP' }] }],
  };
}
