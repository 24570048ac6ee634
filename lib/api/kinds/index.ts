// Decides which kinds have behaviour of their own: one file and one line each. Kinds without a line keep the generic
// strategy (lib/api/kind.ts). Never holds behaviour itself.
import type { KindBehaviour } from '../object.ts';
import { batch } from './batch.ts';
import { configMap } from './config-map.ts';
import { daemonSet } from './daemon-set.ts';
import { deployment } from './deployment.ts';
import { endpointSlice } from './endpoint-slice.ts';
import { endpoints } from './endpoints.ts';
import { event, eventsV1Event } from './event.ts';
import { lease } from './lease.ts';
import { namespace } from './namespace.ts';
import { node } from './node.ts';
import { OTHERS } from './others.ts';
import { pod } from './pod.ts';
import { RBAC } from './rbac.ts';
import { replicaSet } from './replica-set.ts';
import { secret } from './secret.ts';
import { serviceAccount } from './service-account.ts';
import { service } from './service.ts';
import { statefulSet } from './stateful-set.ts';

export const BEHAVIOURS: readonly KindBehaviour[] = [
  configMap,
  endpoints,
  event,
  namespace,
  node,
  pod,
  secret,
  serviceAccount,
  service,
  daemonSet,
  deployment,
  replicaSet,
  statefulSet,
  lease,
  endpointSlice,
  eventsV1Event,
  ...batch,
  ...RBAC,
  ...OTHERS,
];
