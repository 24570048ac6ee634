// Decides what is put right between Services and the IPAddresses that hold their addresses, as upstream's repair loop does: who has
// no IPAddress gets one, and one that no Service has goes. Never picks an address and never changes a Service.
import type { IPAddress, Service, ServiceCIDR } from '../../../lib/api/generated/types.ts';
import { containsIp } from '../../../lib/api/ip-range.ts';
import { RESOURCES } from '../../../lib/api/resource.ts';
import { hasAllocatorLabels, isByAllocator, serviceAddress, serviceOf } from '../../../lib/api/service-address.ts';
import {
  selfKey,
  type Action,
  type Controller,
  type Key,
  type KubeObject,
  type Reconciled,
  type View,
} from '../../../lib/reconcile/controller.ts';
import { deletionOf, eventAbout } from '../core/actions.ts';
import { PROGRESS_MS } from '../core/protection.ts';

const SERVICES = RESOURCES.services;
const ACCOUNT = 'service-address-controller';
/** How long an IPAddress may wait for its Service: whoever makes them one after the other may be about to. */
const GRACE_MS = 60_000;

type Address = IPAddress & KubeObject;

export const serviceAddressRepair: Controller = {
  name: 'service-address',
  kind: 'Service',
  account: ACCOUNT,
  watches: [
    { ref: SERVICES, keys: selfKey },
    { ref: RESOURCES.ipAddresses, keys: servicesOfAddress },
  ],
  reads: [RESOURCES.serviceCidrs],
  reconcile(view, { namespace, name }) {
    const service = view.get<Service & KubeObject>(SERVICES, namespace, name);
    const [ip] = addressesOf(service);
    if (service === undefined || ip === undefined) return { actions: [], saw: 'no address' };
    const mended = mendingOf(view, service, ip);
    return { ...mended, actions: [...rangeWarnings(view, service, ip), ...mended.actions] };
  },
};

export const addressRepair: Controller = {
  name: 'ip-address',
  kind: 'IPAddress',
  account: ACCOUNT,
  watches: [
    { ref: RESOURCES.ipAddresses, keys: selfKey },
    { ref: SERVICES, keys: addressesOfService },
  ],
  reconcile(view, { name }, now) {
    const address = view.get<Address>(RESOURCES.ipAddresses, '', name);
    if (address === undefined || !isByAllocator(address)) return { actions: [], saw: 'nothing of ours' };
    return leftoverOf(view, address, now);
  },
};

/** Both are written in one transaction, but are seen one after the other, in any order: what is amiss needs proof. */
function mendingOf(view: View, service: Service & KubeObject, ip: string): Reconciled {
  const { namespace, name } = service.metadata;
  const address = view.get<Address>(RESOURCES.ipAddresses, '', ip);
  const owner = address === undefined ? undefined : serviceOf(address);
  const isOwn = owner?.namespace === namespace && owner?.name === name;
  if (address !== undefined && isOwn && hasAllocatorLabels(address)) return { actions: [], saw: `its IPAddress ${ip}` };
  if (isBehind(view, RESOURCES.ipAddresses, service)) return notYet(`the IPAddress ${ip}`);
  if (address === undefined) {
    // It may have gone together with its Service.
    if (view.revision(SERVICES) < view.revision(RESOURCES.ipAddresses)) return notYet('the end of the Service');
    const message = `Cluster IP [IPv4]: ${ip} is not allocated; repairing`;
    return {
      actions: [creationOf(service, ip), eventAbout(SERVICES, service, 'ClusterIPNotAllocated', message, 'Warning')],
      saw: `no IPAddress ${ip}`,
    };
  }
  if (isBehind(view, SERVICES, address)) return notYet(`the Service of ${ip}`);
  const other = owner === undefined ? undefined : view.get<Service>(SERVICES, owner.namespace, owner.name);
  if (!isOwn && addressesOf(other).includes(ip)) return sharedWith(service, ip, `${owner!.namespace}/${owner!.name}`);
  const message = `the ClusterIP [IPv4]: ${ip} for Service ${namespace}/${name} has a wrong reference; repairing`;
  return {
    actions: [
      deletionOf(RESOURCES.ipAddresses, address),
      creationOf(service, ip),
      ...(isOwn ? [] : [eventAbout(SERVICES, service, 'ClusterIPNotAllocated', message, 'Warning')]),
    ],
    saw: `an IPAddress ${ip} that does not tell of it`,
  };
}

function sharedWith(service: Service & KubeObject, ip: string, other: string): Reconciled {
  const message = `Cluster IP [IPv4]:${ip} was assigned to multiple services; please recreate service`;
  return {
    actions: [eventAbout(SERVICES, service, 'ClusterIPAlreadyAllocated', message, 'Warning')],
    saw: `${ip} is given to ${other} too`,
  };
}

function rangeWarnings(view: View, service: Service & KubeObject, ip: string): Action[] {
  const ranges = view.list<ServiceCIDR & KubeObject>(RESOURCES.serviceCidrs).flatMap(({ spec }) => spec?.cidrs ?? []);
  if (ranges.length === 0 || ranges.some((range) => containsIp(range, ip))) return [];
  const message = `Cluster IP [IPv4]: ${ip} is not within any configured Service CIDR; please recreate service`;
  return [eventAbout(SERVICES, service, 'ClusterIPOutOfRange', message, 'Warning')];
}

function leftoverOf(view: View, address: Address, now: number): Reconciled {
  const ip = address.metadata.name;
  const owner = serviceOf(address);
  if (owner === undefined)
    return removal(
      address,
      'IPAddressNotAllocated',
      `IPAddress ${ip} appears to have been modified, not referencing a Service ${JSON.stringify(address.spec?.parentRef ?? null)}: cleaning up`,
    );
  if (isBehind(view, SERVICES, address)) return notYet(`the Service of ${ip}`);
  const at = `IPAddress: ${ip} for Service ${owner.namespace}/${owner.name}`;
  const service = view.get<Service & KubeObject>(SERVICES, owner.namespace, owner.name);
  if (addressesOf(service).includes(ip)) return { actions: [], saw: 'its Service' };
  if (service !== undefined)
    return isBehind(view, RESOURCES.ipAddresses, service)
      ? notYet(`the end of ${ip}`)
      : removal(address, 'IPAddressWrongReference', `${at} has a wrong reference; cleaning up`, 'Warning');
  const ageMs = now - (view.seenAt(RESOURCES.ipAddresses, '', ip) ?? now);
  if (ageMs < GRACE_MS) return { actions: [], saw: 'no Service', why: 'it may yet come', againInMs: GRACE_MS - ageMs };
  return removal(address, 'IPAddressNotAllocated', `${at} appears to have leaked: cleaning up`);
}

function removal(address: Address, reason: string, message: string, type: 'Normal' | 'Warning' = 'Normal'): Reconciled {
  return {
    actions: [
      eventAbout(RESOURCES.ipAddresses, address, reason, message, type),
      deletionOf(RESOURCES.ipAddresses, address),
    ],
    saw: message,
  };
}

const creationOf = (service: Service, ip: string): Action => ({
  type: 'create',
  ref: RESOURCES.ipAddresses,
  namespace: '',
  object: serviceAddress(service, ip),
});

/** Whether what `object` says of the other kind may not have been seen yet. */
const isBehind = (view: View, ref: typeof RESOURCES.ipAddresses, { metadata }: KubeObject): boolean =>
  view.revision(ref) < Number(metadata.resourceVersion);

const notYet = (what: string): Reconciled => ({
  actions: [],
  saw: 'an address',
  why: `${what} may only not be known yet`,
  againInMs: PROGRESS_MS,
});

function addressesOf(service: Service | undefined): string[] {
  const ip = service?.spec.clusterIP ?? '';
  return ip === '' || ip === 'None' ? [] : [ip];
}

function servicesOfAddress(_view: View, before: KubeObject | undefined, after: KubeObject | undefined): Key[] {
  return [before, after].flatMap((address) => (address === undefined ? [] : (serviceOf(address as Address) ?? [])));
}

function addressesOfService(_view: View, before: KubeObject | undefined, after: KubeObject | undefined): Key[] {
  return [before, after]
    .flatMap((service) => addressesOf(service as Service | undefined))
    .map((name) => ({ namespace: '', name }));
}
