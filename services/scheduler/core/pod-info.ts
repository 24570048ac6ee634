// Decides what of a pod matters to placing it, worked out once a decision. Never looks at nodes.
import type { Pod } from '../../../lib/api/generated/types.ts';
import { requestsForScore, requestsOf, type Amounts } from './resources.ts';

export interface HostPort {
  ip: string;
  protocol: string;
  port: number;
}

export interface PodInfo {
  pod: Pod;
  requests: Amounts;
  scoreRequests: Amounts;
  hostPorts: HostPort[];
  /** uid of its controller: replicas of one owner are spread. */
  owner: string | undefined;
}

const ANY_IP = '0.0.0.0';

function hostPortsOf(pod: Pod): HostPort[] {
  const sidecars = (pod.spec.initContainers ?? []).filter((container) => container.restartPolicy === 'Always');
  return [...pod.spec.containers, ...sidecars]
    .flatMap((container) => container.ports ?? [])
    .filter((port) => (port.hostPort ?? 0) > 0)
    .map((port) => ({ ip: port.hostIP || ANY_IP, protocol: port.protocol ?? 'TCP', port: port.hostPort! }));
}

export function podInfo(pod: Pod): PodInfo {
  return {
    pod,
    requests: requestsOf(pod),
    scoreRequests: requestsForScore(pod),
    hostPorts: hostPortsOf(pod),
    owner: pod.metadata.ownerReferences?.find((one) => one.controller === true)?.uid,
  };
}

/** Two pods cannot hold the same port of the same address; the any-address holds it on all. */
export function portsClash(a: HostPort, b: HostPort): boolean {
  return a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || a.ip === ANY_IP || b.ip === ANY_IP);
}
