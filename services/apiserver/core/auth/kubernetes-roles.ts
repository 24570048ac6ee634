// Decides nothing: the rules of the ClusterRoles that every Kubernetes cluster is born with (1.33), as a table, with
// what they still say of groups that nobody serves any more. Never holds what only this cluster's actors need.
import type { PolicyRule } from './rules.ts';

const words = (text: string): string[] => text.split(' ');

/** `core` is the group without a name. */
export function on(verbs: string, groups: string, resources: string, names?: string): PolicyRule {
  return {
    verbs: words(verbs),
    apiGroups: words(groups).map((group) => (group === 'core' ? '' : group)),
    resources: words(resources),
    ...(names === undefined ? {} : { resourceNames: words(names) }),
  };
}

export function paths(verbs: string, urls: string): PolicyRule {
  return { verbs: words(verbs), nonResourceURLs: words(urls) };
}

export const KUBERNETES_ROLES: Readonly<Record<string, readonly PolicyRule[]>> = {
  'cluster-admin': [on('*', '*', '*'), paths('*', '*')],
  'system:aggregate-to-admin': [
    on('create', 'authorization.k8s.io', 'localsubjectaccessreviews'),
    on('create delete deletecollection get list patch update watch', 'rbac.authorization.k8s.io', 'rolebindings roles'),
  ],
  'system:aggregate-to-edit': [
    on('get list watch', 'core', 'pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy'),
    on('impersonate', 'core', 'serviceaccounts'),
    on('create delete deletecollection patch update', 'core', 'pods pods/attach pods/exec pods/portforward pods/proxy'),
    on('create', 'core', 'pods/eviction'),
    on(
      'create delete deletecollection patch update',
      'core',
      'configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services services/proxy',
    ),
    on('create', 'core', 'serviceaccounts/token'),
    on(
      'create delete deletecollection patch update',
      'apps',
      'daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale',
    ),
    on('create delete deletecollection patch update', 'autoscaling', 'horizontalpodautoscalers'),
    on('create delete deletecollection patch update', 'batch', 'cronjobs jobs'),
    on(
      'create delete deletecollection patch update',
      'extensions',
      'daemonsets deployments deployments/rollback deployments/scale ingresses networkpolicies replicasets replicasets/scale replicationcontrollers/scale',
    ),
    on('create delete deletecollection patch update', 'policy', 'poddisruptionbudgets'),
    on('create delete deletecollection patch update', 'networking.k8s.io', 'ingresses networkpolicies'),
    on('create delete deletecollection get list patch update watch', 'coordination.k8s.io', 'leases'),
  ],
  'system:aggregate-to-view': [
    on(
      'get list watch',
      'core',
      'configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status',
    ),
    on(
      'get list watch',
      'core',
      'bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status',
    ),
    on('get list watch', 'core', 'namespaces'),
    on('get list watch', 'discovery.k8s.io', 'endpointslices'),
    on(
      'get list watch',
      'apps',
      'controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status',
    ),
    on('get list watch', 'autoscaling', 'horizontalpodautoscalers horizontalpodautoscalers/status'),
    on('get list watch', 'batch', 'cronjobs cronjobs/status jobs jobs/status'),
    on(
      'get list watch',
      'extensions',
      'daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses ingresses/status networkpolicies replicasets replicasets/scale replicasets/status replicationcontrollers/scale',
    ),
    on('get list watch', 'policy', 'poddisruptionbudgets poddisruptionbudgets/status'),
    on('get list watch', 'networking.k8s.io', 'ingresses ingresses/status networkpolicies'),
  ],
  'system:auth-delegator': [
    on('create', 'authentication.k8s.io', 'tokenreviews'),
    on('create', 'authorization.k8s.io', 'subjectaccessreviews'),
  ],
  'system:basic-user': [
    on('create', 'authorization.k8s.io', 'selfsubjectaccessreviews selfsubjectrulesreviews'),
    on('create', 'authentication.k8s.io', 'selfsubjectreviews'),
  ],
  'system:certificates.k8s.io:certificatesigningrequests:nodeclient': [
    on('create', 'certificates.k8s.io', 'certificatesigningrequests/nodeclient'),
  ],
  'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient': [
    on('create', 'certificates.k8s.io', 'certificatesigningrequests/selfnodeclient'),
  ],
  'system:certificates.k8s.io:kube-apiserver-client-approver': [
    on('approve', 'certificates.k8s.io', 'signers', 'kubernetes.io/kube-apiserver-client'),
  ],
  'system:certificates.k8s.io:kube-apiserver-client-kubelet-approver': [
    on('approve', 'certificates.k8s.io', 'signers', 'kubernetes.io/kube-apiserver-client-kubelet'),
  ],
  'system:certificates.k8s.io:kubelet-serving-approver': [
    on('approve', 'certificates.k8s.io', 'signers', 'kubernetes.io/kubelet-serving'),
  ],
  'system:certificates.k8s.io:legacy-unknown-approver': [
    on('approve', 'certificates.k8s.io', 'signers', 'kubernetes.io/legacy-unknown'),
  ],
  'system:discovery': [
    paths('get', '/api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/'),
  ],
  'system:heapster': [
    on('get list watch', 'core', 'events namespaces nodes pods'),
    on('get list watch', 'extensions', 'deployments'),
  ],
  'system:kube-aggregator': [on('get list watch', 'core', 'endpoints services')],
  'system:kube-controller-manager': [
    on('create patch update', 'core events.k8s.io', 'events'),
    on('create', 'coordination.k8s.io', 'leases'),
    on('get update', 'coordination.k8s.io', 'leases', 'kube-controller-manager'),
    on('create', 'core', 'secrets serviceaccounts'),
    on('delete', 'core', 'secrets'),
    on('get', 'core', 'configmaps namespaces secrets serviceaccounts'),
    on('update', 'core', 'secrets serviceaccounts'),
    on('create', 'authentication.k8s.io', 'tokenreviews'),
    on('create', 'authorization.k8s.io', 'subjectaccessreviews'),
    on('list watch', '*', '*'),
    on('create', 'core', 'serviceaccounts/token'),
  ],
  'system:kube-dns': [on('list watch', 'core', 'endpoints services')],
  'system:kube-scheduler': [
    on('create patch update', 'core events.k8s.io', 'events'),
    on('create', 'coordination.k8s.io', 'leases'),
    on('get list update watch', 'coordination.k8s.io', 'leases', 'kube-scheduler'),
    on('create delete deletecollection get list patch update watch', 'coordination.k8s.io', 'leasecandidates'),
    on('get list watch', 'core', 'nodes'),
    on('delete get list watch', 'core', 'pods'),
    on('create', 'core', 'bindings pods/binding'),
    on('patch update', 'core', 'pods/status'),
    on('get list watch', 'core', 'replicationcontrollers services'),
    on('get list watch', 'apps extensions', 'replicasets'),
    on('get list watch', 'apps', 'statefulsets'),
    on('get list watch', 'policy', 'poddisruptionbudgets'),
    on('get list watch', 'core', 'persistentvolumeclaims persistentvolumes'),
    on('create', 'authentication.k8s.io', 'tokenreviews'),
    on('create', 'authorization.k8s.io', 'subjectaccessreviews'),
    on('get list watch', 'storage.k8s.io', 'csinodes'),
    on('get list watch', 'storage.k8s.io', 'volumeattachments'),
    on('get list watch', 'core', 'namespaces'),
    on('get list watch', 'storage.k8s.io', 'csidrivers'),
    on('get list watch', 'storage.k8s.io', 'csistoragecapacities'),
  ],
  'system:kubelet-api-admin': [
    on('get list watch', 'core', 'nodes'),
    on('proxy', 'core', 'nodes'),
    on('*', 'core', 'nodes/log nodes/metrics nodes/proxy nodes/stats'),
    on('*', 'core', 'nodes/configz nodes/healthz nodes/pods'),
  ],
  'system:monitoring': [paths('get', '/healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/*')],
  'system:node': [
    on('create', 'authentication.k8s.io', 'tokenreviews'),
    on('create', 'authorization.k8s.io', 'localsubjectaccessreviews subjectaccessreviews'),
    on('get list watch', 'core', 'services'),
    on('create get list watch', 'core', 'nodes'),
    on('patch update', 'core', 'nodes/status'),
    on('patch update', 'core', 'nodes'),
    on('create patch update', 'core', 'events'),
    on('get list watch', 'core', 'pods'),
    on('create delete', 'core', 'pods'),
    on('patch update', 'core', 'pods/status'),
    on('create', 'core', 'pods/eviction'),
    on('get list watch', 'core', 'configmaps secrets'),
    on('get', 'core', 'persistentvolumeclaims persistentvolumes'),
    on('get', 'core', 'endpoints'),
    on('create get list watch', 'certificates.k8s.io', 'certificatesigningrequests'),
    on('create delete get patch update', 'coordination.k8s.io', 'leases'),
    on('get', 'storage.k8s.io', 'volumeattachments'),
    on('create', 'core', 'serviceaccounts/token'),
    on('get patch update', 'core', 'persistentvolumeclaims/status'),
    on('get list watch', 'storage.k8s.io', 'csidrivers'),
    on('create delete get patch update', 'storage.k8s.io', 'csinodes'),
    on('get list watch', 'node.k8s.io', 'runtimeclasses'),
  ],
  'system:node-bootstrapper': [on('create get list watch', 'certificates.k8s.io', 'certificatesigningrequests')],
  'system:node-problem-detector': [
    on('get', 'core', 'nodes'),
    on('patch', 'core', 'nodes/status'),
    on('create patch update', 'core events.k8s.io', 'events'),
  ],
  'system:node-proxier': [
    on('list watch', 'core', 'endpoints services'),
    on('get list watch', 'core', 'nodes'),
    on('create patch update', 'core events.k8s.io', 'events'),
    on('list watch', 'networking.k8s.io', 'servicecidrs'),
    on('list watch', 'discovery.k8s.io', 'endpointslices'),
  ],
  'system:persistent-volume-provisioner': [
    on('create delete get list watch', 'core', 'persistentvolumes'),
    on('get list update watch', 'core', 'persistentvolumeclaims'),
    on('get list watch', 'storage.k8s.io', 'storageclasses'),
    on('watch', 'core', 'events'),
    on('create patch update', 'core events.k8s.io', 'events'),
  ],
  'system:public-info-viewer': [paths('get', '/healthz /livez /readyz /version /version/')],
  'system:service-account-issuer-discovery': [
    paths(
      'get',
      '/.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/',
    ),
  ],
  'system:volume-scheduler': [
    on('get list patch update watch', 'core', 'persistentvolumes'),
    on('get list watch', 'storage.k8s.io', 'storageclasses'),
    on('get list patch update watch', 'core', 'persistentvolumeclaims'),
  ],
};
