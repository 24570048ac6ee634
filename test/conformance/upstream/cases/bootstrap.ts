// Requests about what a cluster is born with, and what becomes of it when an operator deletes or changes some of it.
import type { Answer, Case } from '../area.ts';

const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const FLOW = '/apis/flowcontrol.apiserver.k8s.io/v1';
const NETWORKING = '/apis/networking.k8s.io/v1';
const PRIORITIES = '/apis/scheduling.k8s.io/v1/priorityclasses';
const API_SERVICES = '/apis/apiregistration.k8s.io/v1/apiservices';

const isThere = ({ code }: Answer): boolean => code === 200;
const sees = (name: string, p: string, until: Case['until'] = isThere): Case => ({ name, p, until });
const gone = (p: string): Case => ({ name: `delete ${p}`, m: 'DELETE', p });
const patched = (p: string, b: object): Case => ({
  name: `patch ${p}`,
  m: 'PATCH',
  p,
  b,
  h: { 'content-type': 'application/merge-patch+json' },
});

/** One by one: what ours is born with besides is in no list of them. */
const words = (text: string): string[] => text.trim().split(/\s+/);
const controllers =
  words(`attachdetach-controller certificate-controller clusterrole-aggregation-controller cronjob-controller
daemon-set-controller deployment-controller disruption-controller endpoint-controller endpointslice-controller
endpointslicemirroring-controller ephemeral-volume-controller expand-controller generic-garbage-collector
horizontal-pod-autoscaler job-controller legacy-service-account-token-cleaner namespace-controller node-controller
persistent-volume-binder pod-garbage-collector pv-protection-controller pvc-protection-controller replicaset-controller
replication-controller resourcequota-controller root-ca-cert-publisher route-controller selinux-warning-controller
service-account-controller service-cidrs-controller service-controller statefulset-controller ttl-after-finished-controller
ttl-controller validatingadmissionpolicy-status-controller`).map((name) => `system:controller:${name}`);
const bound = words(`cluster-admin system:basic-user system:discovery system:kube-controller-manager system:kube-dns
system:kube-scheduler system:monitoring system:node system:node-proxier system:public-info-viewer
system:service-account-issuer-discovery system:volume-scheduler`);
const CERTIFICATES = 'system:certificates.k8s.io:';
const unbound = words(`admin edit view system:aggregate-to-admin system:aggregate-to-edit system:aggregate-to-view
system:auth-delegator ${CERTIFICATES}certificatesigningrequests:nodeclient
${CERTIFICATES}certificatesigningrequests:selfnodeclient ${CERTIFICATES}kube-apiserver-client-approver
${CERTIFICATES}kube-apiserver-client-kubelet-approver ${CERTIFICATES}kubelet-serving-approver
${CERTIFICATES}legacy-unknown-approver system:heapster system:kube-aggregator system:kubelet-api-admin
system:node-bootstrapper system:node-problem-detector system:persistent-volume-provisioner`);

const isFollowing = ({ body }: Answer): boolean =>
  body?.metadata?.annotations?.['apf.kubernetes.io/autoupdate-spec'] === 'true';

export const cases: readonly Case[] = [
  sees('namespaces', '/api/v1/namespaces'),
  ...[...bound, ...unbound, ...controllers].map((name) => sees(`role ${name}`, `${RBAC}/clusterroles/${name}`)),
  ...[...bound, ...controllers].map((name) => sees(`binding ${name}`, `${RBAC}/clusterrolebindings/${name}`)),
  sees('roles', `${RBAC}/roles`),
  sees('role bindings', `${RBAC}/rolebindings`),
  sees('priority classes', PRIORITIES),
  sees(
    'range of services',
    `${NETWORKING}/servicecidrs/kubernetes`,
    ({ body }) => body?.status?.conditions !== undefined,
  ),
  sees('API service of the core', `${API_SERVICES}/v1.`),
  sees('API service of a group', `${API_SERVICES}/v1.flowcontrol.apiserver.k8s.io`),
  sees('API service of a second version', `${API_SERVICES}/v2.autoscaling`),
  sees(
    'whom extension servers believe',
    '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication',
  ),
  sees(
    'since when tokens are tracked',
    '/api/v1/namespaces/kube-system/configmaps/kube-apiserver-legacy-service-account-token-tracking',
  ),

  gone(`${PRIORITIES}/system-node-critical`),
  gone(`${RBAC}/clusterroles/system:heapster`),
  gone('/api/v1/namespaces/kube-public'),
  gone('/api/v1/namespaces/kube-system'),
  { name: 'a role stays deleted', p: `${RBAC}/clusterroles/system:heapster` },

  // What flow control is born with comes back, unless somebody took it over.
  sees('schemas', `${FLOW}/flowschemas`, ({ body }) =>
    body?.items?.every((each: any) => each.status?.conditions !== undefined),
  ),
  gone(`${FLOW}/flowschemas/probes`),
  patched(`${FLOW}/prioritylevelconfigurations/workload-low`, { spec: { limited: { nominalConcurrencyShares: 7 } } }),
  patched(`${FLOW}/prioritylevelconfigurations/system`, {
    metadata: { annotations: { 'apf.kubernetes.io/autoupdate-spec': 'false' } },
    spec: { limited: { nominalConcurrencyShares: 7 } },
  }),
  patched(`${FLOW}/prioritylevelconfigurations/node-high`, { metadata: { annotations: null } }),
  {
    name: 'a schema of an earlier version',
    m: 'POST',
    p: `${FLOW}/flowschemas`,
    b: {
      metadata: { name: 'earlier', annotations: { 'apf.kubernetes.io/autoupdate-spec': 'true' } },
      spec: { priorityLevelConfiguration: { name: 'nowhere' } },
    },
  },
  sees(
    'a schema that leads nowhere says so',
    `${FLOW}/flowschemas/earlier`,
    ({ body }) => body?.status?.conditions?.length === 1,
  ),
  sees('a schema that was deleted', `${FLOW}/flowschemas/probes`, ({ body }) => body?.status?.conditions?.length === 1),
  sees(
    'a level that was changed',
    `${FLOW}/prioritylevelconfigurations/workload-low`,
    ({ body }) => body.spec.limited.nominalConcurrencyShares === 100,
  ),
  sees('a level that lost its mark', `${FLOW}/prioritylevelconfigurations/node-high`, isFollowing),
  sees('a level that was taken over', `${FLOW}/prioritylevelconfigurations/system`),
  {
    name: 'the schema of an earlier version is gone',
    p: `${FLOW}/flowschemas/earlier`,
    until: ({ code }) => code === 404,
  },
];

const GATHERED =
  'the API server itself shows what the roles gather; there the controller-manager does, which does not run';

export const differs = {
  'role admin': GATHERED,
  'role edit': GATHERED,
  'role view': GATHERED,
  'whom extension servers believe': 'each has its own CA, and ours has one for the front proxy',
};
