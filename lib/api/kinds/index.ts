// Decides which kinds have behaviour of their own: one file and one line each. Kinds without a line keep the generic
// strategy (lib/api/kind.ts). Never holds behaviour itself.
import type { KindBehaviour } from '../object.ts';
import { admissionPolicies } from './admission-policies.ts';
import { apiService } from './api-service.ts';
import { certificateSigningRequest } from './certificate-signing-request.ts';
import { componentStatus } from './component-status.ts';
import { configMap } from './config-map.ts';
import { controllerRevision } from './controller-revision.ts';
import { cronJob } from './cron-job.ts';
import { csi } from './csi.ts';
import { customResourceDefinition } from './custom-resource-definition.ts';
import { daemonSet } from './daemon-set.ts';
import { deployment } from './deployment.ts';
import { endpointSlice } from './endpoint-slice.ts';
import { endpoints } from './endpoints.ts';
import { events } from './event.ts';
import { flowControl } from './flow-control.ts';
import { horizontalPodAutoscaler } from './horizontal-pod-autoscaler.ts';
import { ingress } from './ingress.ts';
import { ingressClass } from './ingress-class.ts';
import { ipAddressKind } from './ip-address.ts';
import { job } from './job.ts';
import { lease } from './lease.ts';
import { limitRange } from './limit-range.ts';
import { namespace } from './namespace.ts';
import { networkPolicy } from './network-policy.ts';
import { node } from './node.ts';
import { persistentVolume } from './persistent-volume.ts';
import { persistentVolumeClaim } from './persistent-volume-claim.ts';
import { pod } from './pod.ts';
import { podDisruptionBudget } from './pod-disruption-budget.ts';
import { podTemplate } from './pod-template.ts';
import { priorityClass } from './priority-class.ts';
import { rbac } from './rbac.ts';
import { replicaSet } from './replica-set.ts';
import { replicationController } from './replication-controller.ts';
import { resourceQuota } from './resource-quota.ts';
import { runtimeClass } from './runtime-class.ts';
import { secret } from './secret.ts';
import { service } from './service.ts';
import { serviceCidr } from './service-cidr.ts';
import { serviceAccount } from './service-account.ts';
import { statefulSet } from './stateful-set.ts';
import { storageClass } from './storage-class.ts';
import { webhookConfigurations } from './webhook-configurations.ts';

export const BEHAVIOURS: readonly KindBehaviour[] = [
  ...admissionPolicies,
  apiService,
  certificateSigningRequest,
  componentStatus,
  configMap,
  controllerRevision,
  cronJob,
  ...csi,
  customResourceDefinition,
  daemonSet,
  deployment,
  endpointSlice,
  endpoints,
  ...events,
  ...flowControl,
  ...horizontalPodAutoscaler,
  ingress,
  ingressClass,
  ipAddressKind,
  job,
  lease,
  limitRange,
  namespace,
  networkPolicy,
  node,
  persistentVolume,
  persistentVolumeClaim,
  pod,
  podDisruptionBudget,
  podTemplate,
  priorityClass,
  ...rbac,
  replicaSet,
  replicationController,
  resourceQuota,
  runtimeClass,
  secret,
  service,
  serviceAccount,
  serviceCidr,
  statefulSet,
  storageClass,
  ...webhookConfigurations,
];
