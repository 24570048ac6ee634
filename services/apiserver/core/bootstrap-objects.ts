// Decides which objects every cluster has from its first second: namespaces, roles, priority classes, the Service that
// stands for the API itself. Never changes what is there already.
import type { ClusterFacts } from '../../../lib/actor/settings.ts';
import type { KubeObject } from '../../../lib/api/object.ts';
import {
  BOOTSTRAP_CLUSTER_ROLES,
  BOOTSTRAP_CLUSTER_ROLE_BINDINGS,
  type BootstrapBinding,
  type BootstrapRole,
} from './auth/bootstrap-roles.ts';
import { NAMESPACED_BINDINGS, NAMESPACED_ROLES } from './auth/controller-roles.ts';
import type { PolicyRule } from './auth/rules.ts';
import { bootstrapLevels, bootstrapSchemas } from './flow-control/bootstrap.ts';
import { kubernetesServiceIp } from './service-addresses.ts';

export interface BootstrapObject {
  /** Path of the collection. */
  collection: string;
  object: KubeObject;
}

const FLOW_CONTROL = '/apis/flowcontrol.apiserver.k8s.io/v1';
const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const SERVICE_CIDRS = '/apis/networking.k8s.io/v1/servicecidrs';
const RBAC_VERSION = 'rbac.authorization.k8s.io/v1';
const BOOTSTRAP_META = {
  labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' },
  annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' },
};
const API_LABELS = { component: 'apiserver', provider: 'kubernetes' };

export function bootstrapObjects(facts: ClusterFacts, port: number): BootstrapObject[] {
  return [
    ...['kube-system', 'default', 'kube-public', 'kube-node-lease'].map((name) =>
      at('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }),
    ),
    ...BOOTSTRAP_CLUSTER_ROLES.map((role) => at(`${RBAC}/clusterroles`, clusterRole(role))),
    ...BOOTSTRAP_CLUSTER_ROLE_BINDINGS.map(({ name, role, subjects }) =>
      at(`${RBAC}/clusterrolebindings`, bindingOf('ClusterRole', { name }, role, subjects)),
    ),
    ...NAMESPACED_ROLES.map(({ namespace, name, rules }) =>
      at(`${RBAC}/namespaces/${namespace}/roles`, {
        apiVersion: RBAC_VERSION,
        kind: 'Role',
        metadata: { name, namespace, ...structuredClone(BOOTSTRAP_META) },
        rules: structuredClone([...rules]),
      }),
    ),
    ...NAMESPACED_BINDINGS.map(({ namespace, role, name = role, subjects }) =>
      at(
        `${RBAC}/namespaces/${namespace}/rolebindings`,
        bindingOf('Role', { name, namespace }, role, subjects.map(subjectOf)),
      ),
    ),
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
    ...bootstrapLevels().map((level) => at(`${FLOW_CONTROL}/prioritylevelconfigurations`, level)),
    ...bootstrapSchemas().map((schema) => at(`${FLOW_CONTROL}/flowschemas`, schema)),
    at(SERVICE_CIDRS, {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'ServiceCIDR',
      metadata: { name: 'kubernetes' },
      spec: { cidrs: [facts.serviceCidr] },
    }),
    at('/api/v1/namespaces/default/services', apiService(facts, port)),
  ];
}

function at(collection: string, object: KubeObject): BootstrapObject {
  return { collection, object };
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
      ports: [{ name: 'https', protocol: 'TCP', port: 443, targetPort: port }],
    },
  };
}

/** Rules of a bootstrap role that a stored one lacks (an older version wrote it); undefined: it is whole. */
export function missingRules(stored: KubeObject, wanted: readonly PolicyRule[]): PolicyRule[] | undefined {
  if (stored.metadata.annotations?.['rbac.authorization.kubernetes.io/autoupdate'] !== 'true') return undefined;
  const has = new Set(((stored['rules'] ?? []) as PolicyRule[]).map(ruleKey));
  const missing = wanted.filter((rule) => !has.has(ruleKey(rule)));
  return missing.length === 0 ? undefined : missing;
}

function ruleKey(rule: PolicyRule): string {
  const sorted = (values: string[] | undefined): string => (values ?? []).toSorted().join(',');
  return [rule.verbs, rule.apiGroups, rule.resources, rule.resourceNames, rule.nonResourceURLs].map(sorted).join('|');
}

/** How long an API actor's Lease speaks for it after its last renewal. */
export const API_LEASE_SECONDS = 40;
const API_LEASE_LABELS = { 'apiserver.kubernetes.io/identity': 'kube-apiserver' };
const ADDRESS_ANNOTATION = 'flotilla.dev/advertise-address';

export function apiLease(instance: string, address: string, now: string): KubeObject {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      name: instance,
      namespace: 'kube-system',
      labels: { ...API_LEASE_LABELS },
      annotations: { [ADDRESS_ANNOTATION]: address },
    },
    spec: { holderIdentity: instance, leaseDurationSeconds: API_LEASE_SECONDS, renewTime: now },
  };
}

/** Addresses of the API actors whose Lease is fresh; always our own. */
export function apiAddresses(leases: Iterable<KubeObject>, own: string, now: number): string[] {
  const addresses = new Set([own]);
  for (const lease of leases) {
    const address = lease.metadata.annotations?.[ADDRESS_ANNOTATION];
    const renewed = Date.parse(lease['spec']?.renewTime ?? '');
    if (address !== undefined && now - renewed < API_LEASE_SECONDS * 1000) addresses.add(address);
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
