// Decides the old core/v1 Endpoints of a Service, which older clients still read: the same truth as its EndpointSlices.
// Never touches Endpoints that somebody else wrote for a Service without selector.
import { equalObjects } from '../../../lib/api/equality.ts';
import { RESOURCES } from '../../../lib/api/resource.ts';
import type { EndpointAddress, EndpointSubset, Endpoints, Service } from '../../../lib/api/generated/types.ts';
import type { Action, Controller, Reconciled } from '../../../lib/reconcile/controller.ts';
import { selfKey } from '../../../lib/reconcile/controller.ts';
import { deletionOf, updateOf } from '../core/actions.ts';
import { canonicalJson } from '../core/hash.ts';
import {
  SERVICE_WATCHES,
  hasOwnEndpoints,
  hostnameOf,
  podsBehind,
  targetOf,
  type PodBehind,
} from '../core/service-pods.ts';

const MOST_ADDRESSES = 1000;
const MANAGED_BY = 'endpoints.kubernetes.io/managed-by';
const MANAGER = 'endpoint-controller';
const HEADLESS = 'service.kubernetes.io/headless';
const OVER_CAPACITY = 'endpoints.kubernetes.io/over-capacity';

export const endpoints: Controller = {
  name: 'endpoints',
  kind: 'Service',
  account: 'endpoint-controller',
  watches: [...SERVICE_WATCHES, { ref: RESOURCES.endpoints, keys: selfKey }],
  reconcile(view, key) {
    const service = view.get<Service>(RESOURCES.services, key.namespace, key.name);
    const present = view.get<Endpoints>(RESOURCES.endpoints, key.namespace, key.name);
    if (service !== undefined && hasOwnEndpoints(service) && service.metadata.deletionTimestamp === undefined)
      return reconcile(service, present, podsBehind(view, service));
    const isOurs = present?.metadata.labels?.[MANAGED_BY] === MANAGER;
    return {
      actions:
        present !== undefined && isOurs && service === undefined ? [deletionOf(RESOURCES.endpoints, present)] : [],
      saw: service === undefined ? 'no such Service' : 'a Service without selector',
    };
  },
};

function reconcile(service: Service, present: Endpoints | undefined, behind: readonly PodBehind[]): Reconciled {
  // Readers of Endpoints cannot tell that a pod is leaving: it is not in there any more.
  const publishesAll = service.spec.publishNotReadyAddresses === true;
  const shown = behind.filter((one) => publishesAll || !one.terminating).slice(0, MOST_ADDRESSES);
  const subsets = subsetsOf(service, shown);
  const labels = labelsOf(service);
  const annotations = behind.length > MOST_ADDRESSES ? { [OVER_CAPACITY]: 'truncated' } : {};
  const { namespace = '', name } = service.metadata;
  const saw = `${behind.length} pods with an address, ${behind.filter((one) => one.ready).length} ready`;
  const actions: Action[] = [];
  if (present === undefined)
    actions.push({
      type: 'create',
      ref: RESOURCES.endpoints,
      namespace,
      object: { metadata: { name, namespace, labels, annotations }, subsets },
    });
  else if (!equalObjects(present.subsets, subsets) || !equalObjects(present.metadata.labels, labels))
    actions.push(
      updateOf(RESOURCES.endpoints, {
        ...present,
        metadata: { ...present.metadata, labels, annotations: { ...present.metadata.annotations, ...annotations } },
        subsets,
      }),
    );
  return { actions, saw, ...(actions.length === 0 ? { why: 'the Endpoints say so already' } : {}) };
}

function labelsOf(service: Service): Record<string, string> {
  const { [HEADLESS]: _own, ...copied } = service.metadata.labels ?? {};
  const headless = service.spec.clusterIP === 'None' ? { [HEADLESS]: '' } : {};
  return { ...copied, ...headless, [MANAGED_BY]: MANAGER };
}

function subsetsOf(service: Service, behind: readonly PodBehind[]): EndpointSubset[] {
  const groups = Map.groupBy(behind, (one) => canonicalJson(one.ports));
  const ordered = [...groups].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return ordered.map(([, group]) => {
    const addresses = group.filter((one) => one.ready).map((one) => addressOf(service, one));
    const notReadyAddresses = group.filter((one) => !one.ready).map((one) => addressOf(service, one));
    const ports = group[0]!.ports.map(({ name, port, protocol, appProtocol }) => ({
      ...(name === '' ? {} : { name }),
      port,
      protocol,
      ...(appProtocol === undefined ? {} : { appProtocol }),
    }));
    return {
      ...(addresses.length === 0 ? {} : { addresses }),
      ...(notReadyAddresses.length === 0 ? {} : { notReadyAddresses }),
      ports,
    };
  });
}

function addressOf(service: Service, { pod, ip }: PodBehind): EndpointAddress {
  const hostname = hostnameOf(pod, service);
  return {
    ip,
    ...(hostname === undefined ? {} : { hostname }),
    ...(pod.spec.nodeName === undefined ? {} : { nodeName: pod.spec.nodeName }),
    targetRef: targetOf(pod),
  };
}
