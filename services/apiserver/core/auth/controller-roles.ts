// Decides nothing: the rules of the ClusterRoles that Kubernetes (1.33) gives to the loops of its controller-manager, one by one, as
// a table; those of features that are off by default are left out. Loops that do what upstream's API server does by itself have a
// table of their own; never does one of Kubernetes' roles hold more than there.
import { on } from './kubernetes-roles.ts';
import type { PolicyRule } from './rules.ts';

const EVENTS = on('create patch update', 'core events.k8s.io', 'events');
const READ = 'get list watch';

/** The key is the ServiceAccount in kube-system; its role and binding are `system:controller:<key>`. */
export const CONTROLLER_ROLES: Readonly<Record<string, readonly PolicyRule[]>> = {
  'attachdetach-controller': [
    on('list watch', 'core', 'persistentvolumeclaims persistentvolumes'),
    on(READ, 'core', 'nodes'),
    on('patch update', 'core', 'nodes/status'),
    on('list watch', 'core', 'pods'),
    EVENTS,
    on('create delete get list watch', 'storage.k8s.io', 'volumeattachments'),
    on(READ, 'storage.k8s.io', 'csidrivers'),
    on(READ, 'storage.k8s.io', 'csinodes'),
  ],
  'certificate-controller': [
    on('delete get list watch', 'certificates.k8s.io', 'certificatesigningrequests'),
    on('update', 'certificates.k8s.io', 'certificatesigningrequests/approval certificatesigningrequests/status'),
    on('approve', 'certificates.k8s.io', 'signers', 'kubernetes.io/kube-apiserver-client-kubelet'),
    on(
      'sign',
      'certificates.k8s.io',
      'signers',
      'kubernetes.io/kube-apiserver-client kubernetes.io/kube-apiserver-client-kubelet kubernetes.io/kubelet-serving kubernetes.io/legacy-unknown',
    ),
    on('create', 'authorization.k8s.io', 'subjectaccessreviews'),
    EVENTS,
  ],
  'clusterrole-aggregation-controller': [
    on('escalate get list patch update watch', 'rbac.authorization.k8s.io', 'clusterroles'),
  ],
  'cronjob-controller': [
    on('get list update watch', 'batch', 'cronjobs'),
    on('create delete get list patch update watch', 'batch', 'jobs'),
    on('update', 'batch', 'cronjobs/status'),
    on('update', 'batch', 'cronjobs/finalizers'),
    on('delete list watch', 'core', 'pods'),
    EVENTS,
  ],
  'daemon-set-controller': [
    on(READ, 'apps extensions', 'daemonsets'),
    on('update', 'apps extensions', 'daemonsets/status'),
    on('update', 'apps extensions', 'daemonsets/finalizers'),
    on('list watch', 'core', 'nodes'),
    on('create delete list patch watch', 'core', 'pods'),
    on('create', 'core', 'pods/binding'),
    on('create delete get list patch update watch', 'apps', 'controllerrevisions'),
    EVENTS,
  ],
  'deployment-controller': [
    on('get list update watch', 'apps extensions', 'deployments'),
    on('update', 'apps extensions', 'deployments/status'),
    on('update', 'apps extensions', 'deployments/finalizers'),
    on('create delete get list patch update watch', 'apps extensions', 'replicasets'),
    on('get list update watch', 'core', 'pods'),
    EVENTS,
  ],
  'disruption-controller': [
    on(READ, 'apps extensions', 'deployments'),
    on(READ, 'apps extensions', 'replicasets'),
    on(READ, 'core', 'replicationcontrollers'),
    on(READ, 'policy', 'poddisruptionbudgets'),
    on(READ, 'apps', 'statefulsets'),
    on('update', 'policy', 'poddisruptionbudgets/status'),
    on('patch update', 'core', 'pods/status'),
    on('get', '*', '*/scale'),
    EVENTS,
  ],
  'endpoint-controller': [
    on(READ, 'core', 'pods services'),
    on('create delete get list update watch', 'core', 'endpoints'),
    on('create', 'core', 'endpoints/restricted'),
    EVENTS,
  ],
  'endpointslice-controller': [
    on(READ, 'core', 'nodes pods services'),
    on('update', 'core', 'services/finalizers'),
    on('create delete get list update watch', 'discovery.k8s.io', 'endpointslices'),
    EVENTS,
  ],
  'endpointslicemirroring-controller': [
    on(READ, 'core', 'endpoints services'),
    on('update', 'core', 'services/finalizers'),
    on('update', 'core', 'endpoints/finalizers'),
    on('create delete get list update watch', 'discovery.k8s.io', 'endpointslices'),
    EVENTS,
  ],
  'ephemeral-volume-controller': [
    on(READ, 'core', 'pods'),
    on('update', 'core', 'pods/finalizers'),
    on('create get list watch', 'core', 'persistentvolumeclaims'),
    EVENTS,
  ],
  'expand-controller': [
    on('get list patch update watch', 'core', 'persistentvolumes'),
    on('patch update', 'core', 'persistentvolumeclaims/status'),
    on(READ, 'core', 'persistentvolumeclaims'),
    EVENTS,
    on('get', 'core', 'services'),
  ],
  'generic-garbage-collector': [on('delete get list patch update watch', '*', '*'), EVENTS],
  'horizontal-pod-autoscaler': [
    on(READ, 'autoscaling', 'horizontalpodautoscalers'),
    on('update', 'autoscaling', 'horizontalpodautoscalers/status'),
    on('get update', '*', '*/scale'),
    on('list watch', 'core', 'pods'),
    on('list watch', 'metrics.k8s.io', 'pods'),
    on(READ, 'custom.metrics.k8s.io', '*'),
    on(READ, 'external.metrics.k8s.io', '*'),
    EVENTS,
  ],
  'job-controller': [
    on('get list patch update watch', 'batch', 'jobs'),
    on('update', 'batch', 'jobs/status'),
    on('update', 'batch', 'jobs/finalizers'),
    on('create delete list patch watch', 'core', 'pods'),
    EVENTS,
  ],
  'legacy-service-account-token-cleaner': [
    on('get', 'core', 'configmaps', 'kube-apiserver-legacy-service-account-token-tracking'),
    on('delete patch', 'core', 'secrets'),
  ],
  'namespace-controller': [
    on('delete get list watch', 'core', 'namespaces'),
    on('update', 'core', 'namespaces/finalize namespaces/status'),
    on('delete deletecollection get list watch', '*', '*'),
  ],
  'node-controller': [
    on('delete get list patch update watch', 'core', 'nodes'),
    on('patch update', 'core', 'nodes/status'),
    on('patch update', 'core', 'pods/status'),
    on('delete get list watch', 'core', 'pods'),
    EVENTS,
  ],
  'persistent-volume-binder': [
    on('create delete get list update watch', 'core', 'persistentvolumes'),
    on('update', 'core', 'persistentvolumes/status'),
    on('get list update watch', 'core', 'persistentvolumeclaims'),
    on('update', 'core', 'persistentvolumeclaims/status'),
    on('create delete get list watch', 'core', 'pods'),
    on(READ, 'storage.k8s.io', 'storageclasses'),
    on('list watch', 'core', 'nodes'),
    EVENTS,
    on('watch', 'core', 'events'),
    on('get', 'core', 'services'),
  ],
  'pod-garbage-collector': [
    on('delete list watch', 'core', 'pods'),
    on(READ, 'core', 'nodes'),
    on('patch', 'core', 'pods/status'),
  ],
  'pv-protection-controller': [on('get list update watch', 'core', 'persistentvolumes'), EVENTS],
  'pvc-protection-controller': [
    on('get list update watch', 'core', 'persistentvolumeclaims'),
    on(READ, 'core', 'pods'),
    EVENTS,
  ],
  'replicaset-controller': [
    on('get list update watch', 'apps extensions', 'replicasets'),
    on('update', 'apps extensions', 'replicasets/status'),
    on('update', 'apps extensions', 'replicasets/finalizers'),
    on('create delete list patch watch', 'core', 'pods'),
    EVENTS,
  ],
  'replication-controller': [
    on('get list update watch', 'core', 'replicationcontrollers'),
    on('update', 'core', 'replicationcontrollers/status'),
    on('update', 'core', 'replicationcontrollers/finalizers'),
    on('create delete list patch watch', 'core', 'pods'),
    EVENTS,
  ],
  'resourcequota-controller': [on('list watch', '*', '*'), on('update', 'core', 'resourcequotas/status'), EVENTS],
  'root-ca-cert-publisher': [on('create update', 'core', 'configmaps'), EVENTS],
  'route-controller': [on('list watch', 'core', 'nodes'), on('patch', 'core', 'nodes/status'), EVENTS],
  'selinux-warning-controller': [
    EVENTS,
    on(READ, 'core', 'persistentvolumes'),
    on(READ, 'core', 'persistentvolumeclaims'),
    on(READ, 'core', 'pods'),
    on(READ, 'storage.k8s.io', 'csidrivers'),
  ],
  'service-account-controller': [on('create', 'core', 'serviceaccounts'), EVENTS],
  'service-cidrs-controller': [
    on('get list patch update watch', 'networking.k8s.io', 'servicecidrs'),
    on('patch update', 'networking.k8s.io', 'servicecidrs/finalizers'),
    on('patch update', 'networking.k8s.io', 'servicecidrs/status'),
    on(READ, 'networking.k8s.io', 'ipaddresses'),
    EVENTS,
  ],
  'service-controller': [
    on(READ, 'core', 'services'),
    on('patch update', 'core', 'services/status'),
    on('list watch', 'core', 'nodes'),
    EVENTS,
  ],
  'statefulset-controller': [
    on('list watch', 'core', 'pods'),
    on(READ, 'apps', 'statefulsets'),
    on('update', 'apps', 'statefulsets/status'),
    on('update', 'apps', 'statefulsets/finalizers'),
    on('create delete get patch update', 'core', 'pods'),
    on('create delete get list patch update watch', 'apps', 'controllerrevisions'),
    on('create get list watch', 'core', 'persistentvolumeclaims'),
    EVENTS,
    on('delete update', 'core', 'persistentvolumeclaims'),
    on('update', 'core', 'pods/finalizers'),
  ],
  'ttl-after-finished-controller': [on('delete get list watch', 'batch', 'jobs'), EVENTS],
  'ttl-controller': [on('list patch update watch', 'core', 'nodes'), EVENTS],
  'validatingadmissionpolicy-status-controller': [
    on(READ, 'admissionregistration.k8s.io', 'validatingadmissionpolicies'),
    on('get patch update', 'admissionregistration.k8s.io', 'validatingadmissionpolicies/status'),
    EVENTS,
  ],
};

/** As the repair of addresses in upstream's API server, which needs no rights there. */
export const OWN_CONTROLLER_ROLES: Readonly<Record<string, readonly PolicyRule[]>> = {
  'service-address-controller': [
    on(READ, 'core', 'services'),
    on(READ, 'networking.k8s.io', 'servicecidrs'),
    on('create delete get list watch', 'networking.k8s.io', 'ipaddresses'),
    EVENTS,
  ],
};

export interface NamespacedRole {
  namespace: string;
  name: string;
  rules: readonly PolicyRule[];
}

const leaderLocking = (name: string): readonly PolicyRule[] => [
  on('watch', 'core', 'configmaps'),
  on('get update', 'core', 'configmaps', name),
  on('create get list update watch', 'coordination.k8s.io', 'leases'),
  on('create get list update watch', 'coordination.k8s.io', 'leasecandidates'),
];

const inSystem = (name: string, rules: readonly PolicyRule[]): NamespacedRole => ({
  namespace: 'kube-system',
  name,
  rules,
});

export const NAMESPACED_ROLES: readonly NamespacedRole[] = [
  {
    namespace: 'kube-public',
    name: 'system:controller:bootstrap-signer',
    rules: [on(READ, 'core', 'configmaps'), on('update', 'core', 'configmaps', 'cluster-info'), EVENTS],
  },
  inSystem('extension-apiserver-authentication-reader', [
    on(READ, 'core', 'configmaps', 'extension-apiserver-authentication'),
  ]),
  inSystem('system::leader-locking-kube-controller-manager', leaderLocking('kube-controller-manager')),
  inSystem('system::leader-locking-kube-scheduler', leaderLocking('kube-scheduler')),
  inSystem('system:controller:bootstrap-signer', [on(READ, 'core', 'secrets')]),
  inSystem('system:controller:cloud-provider', [on('create get list watch', 'core', 'configmaps')]),
  inSystem('system:controller:token-cleaner', [on('delete get list watch', 'core', 'secrets'), EVENTS]),
];

type Subject = readonly [kind: 'User' | 'ServiceAccount', name: string];

/** Role and who has it; the binding has the name of the role, unless it says another. */
export const NAMESPACED_BINDINGS: ReadonlyArray<{
  namespace: string;
  role: string;
  name?: string;
  subjects: readonly Subject[];
}> = [
  {
    namespace: 'kube-public',
    role: 'system:controller:bootstrap-signer',
    subjects: [['ServiceAccount', 'bootstrap-signer']],
  },
  {
    namespace: 'kube-system',
    role: 'extension-apiserver-authentication-reader',
    name: 'system::extension-apiserver-authentication-reader',
    subjects: [
      ['User', 'system:kube-controller-manager'],
      ['User', 'system:kube-scheduler'],
    ],
  },
  {
    namespace: 'kube-system',
    role: 'system::leader-locking-kube-controller-manager',
    subjects: [
      ['User', 'system:kube-controller-manager'],
      ['ServiceAccount', 'kube-controller-manager'],
      ['ServiceAccount', 'leader-election-controller'],
    ],
  },
  {
    namespace: 'kube-system',
    role: 'system::leader-locking-kube-scheduler',
    subjects: [
      ['User', 'system:kube-scheduler'],
      ['ServiceAccount', 'kube-scheduler'],
    ],
  },
  {
    namespace: 'kube-system',
    role: 'system:controller:bootstrap-signer',
    subjects: [['ServiceAccount', 'bootstrap-signer']],
  },
  {
    namespace: 'kube-system',
    role: 'system:controller:cloud-provider',
    subjects: [['ServiceAccount', 'cloud-provider']],
  },
  {
    namespace: 'kube-system',
    role: 'system:controller:token-cleaner',
    subjects: [['ServiceAccount', 'token-cleaner']],
  },
];
