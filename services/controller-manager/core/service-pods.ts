// Decides which pods stand behind a Service, and on which port of each its ports end. Never decides how that is written
// down (EndpointSlices and Endpoints do, each in its way).
import { RESOURCES } from '../../../lib/api/resource.ts';
import type { Pod, Service, ServicePort } from '../../../lib/api/generated/types.ts';
import { equalObjects } from '../../../lib/api/equality.ts';
import type { Key, KubeObject, View, Watch } from '../../../lib/reconcile/controller.ts';
import { selfKey } from '../../../lib/reconcile/controller.ts';
import { isReady, isTerminal, isTerminating } from './pod.ts';

export interface ResolvedPort {
  name: string;
  port: number;
  protocol: string;
  appProtocol?: string | undefined;
}

export interface PodBehind {
  pod: Pod;
  ip: string;
  ports: ResolvedPort[];
  ready: boolean;
  serving: boolean;
  terminating: boolean;
}

/** A Service without selector, or one that is only a name elsewhere, has its endpoints from somebody else. */
export function hasOwnEndpoints(service: Service): boolean {
  return service.spec.type !== 'ExternalName' && Object.keys(service.spec.selector ?? {}).length > 0;
}

function selects(service: Service, labels: Record<string, string> | undefined): boolean {
  return (
    hasOwnEndpoints(service) &&
    Object.entries(service.spec.selector ?? {}).every(([key, value]) => labels?.[key] === value)
  );
}

/** A named port may be another number in each pod: pods that do not have it are left out of that port. */
function portOf(pod: Pod, servicePort: ServicePort): number | undefined {
  const target = servicePort.targetPort ?? servicePort.port;
  if (typeof target === 'number') return target === 0 ? servicePort.port : target;
  const protocol = servicePort.protocol ?? 'TCP';
  const sidecars = (pod.spec.initContainers ?? []).filter((container) => container.restartPolicy === 'Always');
  return [...pod.spec.containers, ...sidecars]
    .flatMap((container) => container.ports ?? [])
    .find((port) => port.name === target && (port.protocol ?? 'TCP') === protocol)?.containerPort;
}

function resolvePorts(service: Service, pod: Pod): ResolvedPort[] {
  return (service.spec.ports ?? []).flatMap((servicePort) => {
    const port = portOf(pod, servicePort);
    if (port === undefined) return [];
    const { name = '', protocol = 'TCP', appProtocol } = servicePort;
    return [{ name, port, protocol, ...(appProtocol === undefined ? {} : { appProtocol }) }];
  });
}

/** All that have an address and are not finished, by name; `ready` is what traffic may go by. */
export function podsBehind(view: View, service: Service): PodBehind[] {
  const publishesAll = service.spec.publishNotReadyAddresses === true;
  return view
    .list<Pod>(RESOURCES.pods, service.metadata.namespace ?? '')
    .filter((pod) => selects(service, pod.metadata.labels) && !isTerminal(pod) && (pod.status?.podIP ?? '') !== '')
    .map((pod) => {
      const serving = isReady(pod);
      const terminating = isTerminating(pod);
      return {
        pod,
        ip: pod.status!.podIP!,
        ports: resolvePorts(service, pod),
        ready: publishesAll || (serving && !terminating),
        serving,
        terminating,
      };
    })
    .toSorted((a, b) => (a.pod.metadata.name < b.pod.metadata.name ? -1 : 1));
}

/** Its name under a headless Service: only where the pod says that it wants one there. */
export function hostnameOf(pod: Pod, service: Service): string | undefined {
  return pod.spec.subdomain === service.metadata.name ? pod.spec.hostname : undefined;
}

export function targetOf(pod: Pod): { kind: string; namespace?: string; name: string; uid?: string } {
  const { namespace, name, uid } = pod.metadata;
  return {
    kind: 'Pod',
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(uid === undefined ? {} : { uid }),
  };
}

/** Nearly all changes of a pod are not about its address or readiness. */
function isSameBehind(before: Pod, after: Pod): boolean {
  return (
    before.metadata.uid === after.metadata.uid &&
    before.status?.podIP === after.status?.podIP &&
    before.spec.nodeName === after.spec.nodeName &&
    isReady(before) === isReady(after) &&
    isTerminal(before) === isTerminal(after) &&
    isTerminating(before) === isTerminating(after) &&
    equalObjects(before.metadata.labels, after.metadata.labels)
  );
}

function servicesOfPod(view: View, before: KubeObject | undefined, after: KubeObject | undefined): Key[] {
  if (before !== undefined && after !== undefined && isSameBehind(before as Pod, after as Pod)) return [];
  const namespace = (after ?? before)!.metadata.namespace ?? '';
  return view
    .list<Service>(RESOURCES.services, namespace)
    .filter((service) => selects(service, before?.metadata.labels) || selects(service, after?.metadata.labels))
    .map((service) => ({ namespace, name: service.metadata.name }));
}

/** What both controllers of endpoints wake on, besides what they write themselves. */
export const SERVICE_WATCHES: Watch[] = [
  { ref: RESOURCES.services, keys: selfKey },
  { ref: RESOURCES.pods, keys: servicesOfPod },
];
