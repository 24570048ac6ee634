// Decides which EndpointSlices say where a Service's pods are. Never rewrites a slice that is right already: a proxy's
// work is in proportion to what changed.
import { equalObjects } from '../../../lib/api/equality.ts';
import { RESOURCES } from '../../../lib/api/resource.ts';
import { SERVICE_NAME } from '../../../lib/api/slice-owner.ts';
import type { Endpoint, EndpointSlice, Node, Service } from '../../../lib/api/generated/types.ts';
import type { Action, Controller, Key, KubeObject, Reconciled, View } from '../../../lib/reconcile/controller.ts';
import { deletionOf, updateOf } from '../core/actions.ts';
import { canonicalJson, nameSuffix } from '../core/hash.ts';
import { controllerReference } from '../core/owner.ts';
import {
  SERVICE_WATCHES,
  hasOwnEndpoints,
  hostnameOf,
  podsBehind,
  targetOf,
  type PodBehind,
  type ResolvedPort,
} from '../core/service-pods.ts';

const MOST_ENDPOINTS = 100;
const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';
const MANAGER = 'endpointslice-controller.k8s.io';
const HEADLESS = 'service.kubernetes.io/headless';
const ZONE = 'topology.kubernetes.io/zone';

export const endpointslice: Controller = {
  name: 'endpointslice',
  kind: 'Service',
  account: 'endpointslice-controller',
  watches: [...SERVICE_WATCHES, { ref: RESOURCES.endpointSlices, keys: serviceOfSlice }],
  reads: [RESOURCES.nodes],
  reconcile(view, key) {
    const service = view.get<Service>(RESOURCES.services, key.namespace, key.name);
    const slices = slicesOf(view, key);
    if (service === undefined || service.metadata.deletionTimestamp !== undefined)
      return remove(slices, 'no such Service');
    if (!hasOwnEndpoints(service))
      return remove(slices, 'a Service without selector: its endpoints are somebody else’s');
    return reconcile(view, service, slices);
  },
};

function isOurs(slice: KubeObject): boolean {
  return slice.metadata.labels?.[MANAGED_BY] === MANAGER;
}

function serviceOfSlice(_view: View, before: KubeObject | undefined, after: KubeObject | undefined): Key[] {
  const slice = (after ?? before)!;
  const name = slice.metadata.labels?.[SERVICE_NAME];
  return name === undefined || !isOurs(slice) ? [] : [{ namespace: slice.metadata.namespace ?? '', name }];
}

function slicesOf(view: View, key: Key): EndpointSlice[] {
  return view
    .list<EndpointSlice>(RESOURCES.endpointSlices, key.namespace)
    .filter((slice) => isOurs(slice) && slice.metadata.labels?.[SERVICE_NAME] === key.name)
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}

function remove(slices: readonly EndpointSlice[], saw: string): Reconciled {
  return { actions: slices.map((slice) => deletionOf(RESOURCES.endpointSlices, slice)), saw };
}

function reconcile(view: View, service: Service, slices: readonly EndpointSlice[]): Reconciled {
  const behind = podsBehind(view, service);
  const [own, foreign] = partition(slices, (slice) =>
    (slice.metadata.ownerReferences ?? []).some((owner) => owner.uid === service.metadata.uid),
  );
  const stale = foreign.map((slice) => deletionOf(RESOURCES.endpointSlices, slice));
  const groups = groupByPorts(behind);
  if (groups.size === 0) groups.set('[]', []);
  const packer = new Packer(view, service, own);
  for (const group of groups.values()) packer.pack(group);
  const actions = [...stale, ...packer.finish()];
  const ready = behind.filter((one) => one.ready).length;
  return {
    actions,
    saw: `${behind.length} pods with an address, ${ready} ready, ${slices.length} slices`,
    ...(actions.length === 0 ? { why: 'the slices say so already' } : {}),
  };
}

function partition<T>(items: readonly T[], first: (item: T) => boolean): [T[], T[]] {
  return [items.filter(first), items.filter((item) => !first(item))];
}

/** Pods whose named ports resolve to the same numbers share slices: a slice has one list of ports. */
function groupByPorts(behind: readonly PodBehind[]): Map<string, PodBehind[]> {
  return Map.groupBy(behind, (one) => canonicalJson(one.ports));
}

/** Puts endpoints into slices with as few writes as it can: present places stay, gaps are filled, then new slices. */
class Packer {
  readonly #view: View;
  readonly #service: Service;
  readonly #free: Set<EndpointSlice>;
  readonly #actions: Action[] = [];
  #made = 0;

  constructor(view: View, service: Service, slices: readonly EndpointSlice[]) {
    this.#view = view;
    this.#service = service;
    this.#free = new Set(slices);
  }

  pack(group: readonly PodBehind[]): void {
    const ports = (group[0]?.ports ?? []).map(({ name, port, protocol, appProtocol }: ResolvedPort) => ({
      name,
      port,
      protocol,
      ...(appProtocol === undefined ? {} : { appProtocol }),
    }));
    const mine = [...this.#free].filter((slice) => equalObjects(slice.ports ?? [], ports));
    for (const slice of mine) this.#free.delete(slice);
    const todo = new Map(group.map((one) => [one.pod.metadata.uid ?? one.pod.metadata.name, this.#endpoint(one)]));
    const filled = mine.map((slice) => ({ slice, endpoints: this.#stay(slice, todo) }));
    for (const one of filled.toSorted((a, b) => b.endpoints.length - a.endpoints.length)) fill(one.endpoints, todo);
    const kept = filled.filter((one) => one.endpoints.length > 0);
    while (todo.size > 0) this.#create(ports, fill([], todo));
    // An empty Service keeps one empty slice: readers can tell "no endpoints" from "not looked at yet".
    if (group.length === 0 && filled[0] !== undefined) kept.push(filled[0]);
    else if (group.length === 0) this.#create(ports, []);
    for (const one of filled) {
      if (kept.includes(one)) this.#write(one.slice, one.endpoints);
      else this.#actions.push(deletionOf(RESOURCES.endpointSlices, one.slice));
    }
  }

  /** Creates and updates before deletes: no reader sees an endpoint missing in between. */
  finish(): Action[] {
    const leftovers = [...this.#free].map((slice) => deletionOf(RESOURCES.endpointSlices, slice));
    const all = [...this.#actions, ...leftovers];
    return [...all.filter((action) => action.type !== 'delete'), ...all.filter((action) => action.type === 'delete')];
  }

  #stay(slice: EndpointSlice, todo: Map<string, Endpoint>): Endpoint[] {
    const endpoints: Endpoint[] = [];
    for (const present of slice.endpoints ?? []) {
      const id = present.targetRef?.uid ?? '';
      const next = todo.get(id);
      if (next === undefined) continue;
      endpoints.push(next);
      todo.delete(id);
    }
    return endpoints;
  }

  #endpoint({ pod, ip, ready, serving, terminating }: PodBehind): Endpoint {
    const hostname = hostnameOf(pod, this.#service);
    const nodeName = pod.spec.nodeName;
    const node = nodeName === undefined ? undefined : this.#view.get<Node>(RESOURCES.nodes, '', nodeName);
    const zone = node?.metadata.labels?.[ZONE];
    return {
      addresses: [ip],
      conditions: { ready, serving, terminating },
      ...(hostname === undefined ? {} : { hostname }),
      targetRef: targetOf(pod),
      ...(nodeName === undefined ? {} : { nodeName }),
      ...(zone === undefined ? {} : { zone }),
    };
  }

  #labels(): Record<string, string> {
    const { labels, name } = this.#service.metadata;
    const { [HEADLESS]: _own, ...copied } = labels ?? {};
    const headless = this.#service.spec.clusterIP === 'None' ? { [HEADLESS]: '' } : {};
    return { ...copied, ...headless, [SERVICE_NAME]: name, [MANAGED_BY]: MANAGER };
  }

  #write(slice: EndpointSlice, endpoints: Endpoint[]): void {
    const labels = this.#labels();
    if (equalObjects(slice.endpoints, endpoints) && equalObjects(slice.metadata.labels, labels)) return;
    const next: EndpointSlice = { ...slice, metadata: { ...slice.metadata, labels }, endpoints };
    this.#actions.push(updateOf(RESOURCES.endpointSlices, next));
  }

  /** The name comes from what is in it: repeated after a lost answer, the create meets itself. */
  #create(ports: object[], endpoints: Endpoint[]): void {
    const { namespace = '', name, uid, resourceVersion } = this.#service.metadata;
    const seed = `${uid}/${resourceVersion}/${this.#made++}/${canonicalJson(ports)}/${canonicalJson(endpoints)}`;
    const object: Omit<EndpointSlice, 'addressType'> & { addressType: string } = {
      metadata: {
        name: `${name}-${nameSuffix(seed)}`,
        generateName: `${name}-`,
        namespace,
        labels: this.#labels(),
        ownerReferences: [controllerReference(RESOURCES.services, this.#service)],
      },
      addressType: this.#service.spec.ipFamilies?.[0] ?? 'IPv4',
      endpoints,
      ports,
    };
    this.#actions.push({ type: 'create', ref: RESOURCES.endpointSlices, namespace, object });
  }
}

/** Moves endpoints from `todo` into `endpoints` until it is full; gives it back. */
function fill(endpoints: Endpoint[], todo: Map<string, Endpoint>): Endpoint[] {
  for (const [id, endpoint] of todo) {
    if (endpoints.length >= MOST_ENDPOINTS) break;
    endpoints.push(endpoint);
    todo.delete(id);
  }
  return endpoints;
}
