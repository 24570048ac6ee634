// Decides which loops the controller-manager runs: one line each. Never runs one.
import { RESOURCES } from '../../../lib/api/resource.ts';
import type { Controller } from '../../../lib/reconcile/controller.ts';
import { deployment } from './deployment/deployment.ts';
import { endpoints } from './endpoints.ts';
import { endpointslice } from './endpointslice.ts';
import { garbageCollectors } from './garbage-collector.ts';
import { namespace } from './namespace.ts';
import { nodeLifecycle } from './node-lifecycle.ts';
import { podGc } from './pod-gc.ts';
import { replicaset } from './replicaset.ts';
import { rootCaPublisher } from './root-ca-publisher.ts';
import { serviceaccount } from './serviceaccount.ts';
import { terminatedPodGc } from './terminated-pod-gc.ts';

export interface ControllerOptions {
  /** PEM. */
  rootCa: string;
  nodeMonitorGraceSeconds: number;
  defaultTolerationSeconds: number;
}

const EVERY_KIND = Object.values(RESOURCES);
/** Events have no owners and own nothing. */
const OWNING_KINDS = EVERY_KIND.filter((ref) => ref !== RESOURCES.events);

export function controllers(options: ControllerOptions): Controller[] {
  return [
    deployment,
    replicaset,
    endpointslice,
    endpoints,
    nodeLifecycle(options),
    podGc({ quarantineSeconds: options.nodeMonitorGraceSeconds }),
    terminatedPodGc(),
    ...garbageCollectors(OWNING_KINDS),
    namespace(EVERY_KIND),
    serviceaccount,
    rootCaPublisher(options.rootCa),
  ];
}
