// Decides which loops the controller-manager runs: one line each. Never runs one.
import { RESOURCES, type ResourceRef } from '../../../lib/api/resource.ts';
import type { Controller } from '../../../lib/reconcile/controller.ts';
import { certificateCleaner } from './certificate-cleaner.ts';
import { certificateSigning, type IssueCertificate } from './certificate-signing.ts';
import { deployment } from './deployment/deployment.ts';
import { disruption } from './disruption.ts';
import { endpoints } from './endpoints.ts';
import { endpointslice } from './endpointslice.ts';
import { garbageCollectors } from './garbage-collector.ts';
import { namespace, type Elsewhere } from './namespace.ts';
import { nodeLifecycle } from './node-lifecycle.ts';
import { podGc } from './pod-gc.ts';
import { replicaset } from './replicaset.ts';
import { resourceQuota } from './resource-quota.ts';
import { rootCaPublisher } from './root-ca-publisher.ts';
import { addressRepair, serviceAddressRepair } from './service-address.ts';
import { serviceCidr } from './service-cidr.ts';
import { serviceaccount } from './serviceaccount.ts';
import { validatingPolicyStatus } from './validating-policy-status.ts';
import { pvcProtection, pvProtection } from './volume-protection.ts';
import { terminatedPodGc } from './terminated-pod-gc.ts';

export interface ControllerOptions {
  /** PEM. */
  rootCa: string;
  /** Absent: somebody else holds the key of the cluster's authority, and signs. */
  issueCertificate?: IssueCertificate | undefined;
  /** Every kind that the API keeps, in one version each. */
  kinds: readonly ResourceRef[];
  elsewhere: Elsewhere;
  nodeMonitorGraceSeconds: number;
  defaultTolerationSeconds: number;
}

/** Events have no owners and own nothing. */
function mayOwn(ref: ResourceRef): boolean {
  return ref.resource !== RESOURCES.events.resource;
}

/** Loops over every kind that there is: with a kind that comes or goes, these begin anew. */
export function controllersOfKinds({ kinds, elsewhere }: Pick<ControllerOptions, 'kinds' | 'elsewhere'>): Controller[] {
  return [...garbageCollectors(kinds.filter(mayOwn)), namespace(kinds, elsewhere), resourceQuota(kinds)];
}

export function controllers(options: Omit<ControllerOptions, 'kinds' | 'elsewhere'>): Controller[] {
  return [
    deployment,
    replicaset,
    endpointslice,
    endpoints,
    nodeLifecycle(options),
    podGc({ quarantineSeconds: options.nodeMonitorGraceSeconds }),
    terminatedPodGc(),
    serviceaccount,
    rootCaPublisher(options.rootCa),
    pvcProtection,
    pvProtection,
    validatingPolicyStatus,
    disruption,
    serviceCidr,
    serviceAddressRepair,
    addressRepair,
    certificateCleaner,
    ...(options.issueCertificate === undefined ? [] : [certificateSigning(options.issueCertificate)]),
  ];
}
