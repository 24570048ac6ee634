// Decides how Services and EndpointSlices are found by name and by address. Never decides what is answered.
import type { EndpointSlice, Service, ServiceCIDR } from '../../../lib/api/generated/types.ts';
import { ServiceRanges } from '../../../lib/api/service-ranges.ts';
import { sliceOwner } from '../../../lib/api/slice-owner.ts';

/** One endpoint of a service as names see it. */
export interface NamedEndpoint {
  ip: string;
  hostname: string;
  ports: Array<{ name: string; protocol: string; port: number }>;
}

/** Every look-up costs O(answer), whatever the number of services. */
export class DnsIndex {
  readonly #services = new Map<string, Service>();
  readonly #namespaces = new Map<string, number>();
  readonly #slices = new Map<string, Map<string, EndpointSlice>>();
  readonly #clusterIps = new Map<string, Set<string>>();
  readonly #endpointIps = new Map<string, Map<string, number>>();
  readonly #ranges = new ServiceRanges();
  #serial = 1;

  /** Counts changes: the zone's SOA serial. */
  get serial(): number {
    return this.#serial;
  }

  get services(): number {
    return this.#services.size;
  }

  service(namespace: string, name: string): Service | undefined {
    return this.#services.get(`${namespace}/${name}`);
  }

  /** Whether any service lives there. */
  hasNamespace(namespace: string): boolean {
    return this.#namespaces.has(namespace);
  }

  servicesAt(ip: string): Service[] {
    return [...(this.#clusterIps.get(ip) ?? [])].flatMap((key) => this.#services.get(key) ?? []);
  }

  /** Services that have an endpoint of this address. */
  servicesBehind(ip: string): Service[] {
    return [...(this.#endpointIps.get(ip)?.keys() ?? [])].flatMap((key) => this.#services.get(key) ?? []);
  }

  /** Of ServiceCIDRs: `10.112.0.0/16`. */
  get ranges(): string[] {
    return this.#ranges.cidrs;
  }

  /** Ready ones, or all if the service publishes those that are not ready; IPv4, without duplicates. */
  endpoints(service: Service): NamedEndpoint[] {
    const all = service.spec.publishNotReadyAddresses === true;
    const found = new Map<string, NamedEndpoint>();
    for (const slice of this.#slices.get(keyOf(service))?.values() ?? []) {
      if (slice.addressType !== 'IPv4') continue;
      const ports = (slice.ports ?? []).flatMap(({ name = '', protocol = 'TCP', port }) =>
        port === undefined ? [] : [{ name, protocol, port }],
      );
      for (const endpoint of slice.endpoints ?? []) {
        const ip = endpoint.addresses[0];
        if (ip === undefined || !(all || endpoint.conditions?.ready !== false)) continue;
        const known = found.get(ip);
        if (known === undefined) found.set(ip, { ip, hostname: endpoint.hostname ?? dashed(ip), ports });
        else known.ports = [...known.ports, ...ports];
      }
    }
    return [...found.values()];
  }

  setService(before: Service | undefined, after: Service | undefined): void {
    this.#serial++;
    if (before !== undefined) this.#dropService(before);
    if (after === undefined) return;
    this.#services.set(keyOf(after), after);
    const namespace = after.metadata.namespace ?? '';
    this.#namespaces.set(namespace, (this.#namespaces.get(namespace) ?? 0) + 1);
    for (const ip of clusterIps(after)) {
      const keys = this.#clusterIps.get(ip) ?? new Set<string>();
      this.#clusterIps.set(ip, keys.add(keyOf(after)));
    }
  }

  setSlice(before: EndpointSlice | undefined, after: EndpointSlice | undefined): void {
    this.#serial++;
    if (before !== undefined) this.#dropSlice(before);
    const owner = after === undefined ? undefined : sliceOwner(after);
    if (after === undefined || owner === undefined) return;
    const slices = this.#slices.get(owner) ?? new Map<string, EndpointSlice>();
    this.#slices.set(owner, slices.set(after.metadata.name, after));
    for (const ip of addressesOf(after)) {
      const owners = this.#endpointIps.get(ip) ?? new Map<string, number>();
      this.#endpointIps.set(ip, owners.set(owner, (owners.get(owner) ?? 0) + 1));
    }
  }

  setRange(before: ServiceCIDR | undefined, after: ServiceCIDR | undefined): void {
    this.#serial++;
    this.#ranges.set(before, after);
  }

  #dropService(service: Service): void {
    if (!this.#services.delete(keyOf(service))) return;
    const namespace = service.metadata.namespace ?? '';
    const left = (this.#namespaces.get(namespace) ?? 1) - 1;
    if (left === 0) this.#namespaces.delete(namespace);
    else this.#namespaces.set(namespace, left);
    for (const ip of clusterIps(service)) {
      const keys = this.#clusterIps.get(ip);
      keys?.delete(keyOf(service));
      if (keys?.size === 0) this.#clusterIps.delete(ip);
    }
  }

  #dropSlice(slice: EndpointSlice): void {
    const owner = sliceOwner(slice);
    const slices = owner === undefined ? undefined : this.#slices.get(owner);
    if (owner === undefined || slices?.delete(slice.metadata.name) !== true) return;
    if (slices.size === 0) this.#slices.delete(owner);
    for (const ip of addressesOf(slice)) {
      const owners = this.#endpointIps.get(ip);
      const left = (owners?.get(owner) ?? 1) - 1;
      if (left === 0) owners?.delete(owner);
      else owners?.set(owner, left);
      if (owners?.size === 0) this.#endpointIps.delete(ip);
    }
  }
}

export function isHeadless(service: Service): boolean {
  return service.spec.clusterIP === 'None';
}

/** Neither 'None' nor empty: there are addresses to give. */
export function clusterIps(service: Service): string[] {
  const all = service.spec.clusterIPs ?? (service.spec.clusterIP === undefined ? [] : [service.spec.clusterIP]);
  return all.filter((ip) => ip !== '' && ip !== 'None');
}

function keyOf(service: Service): string {
  return `${service.metadata.namespace ?? ''}/${service.metadata.name}`;
}

function addressesOf(slice: EndpointSlice): string[] {
  return (slice.endpoints ?? []).flatMap((endpoint) => endpoint.addresses[0] ?? []);
}

/** The name of an endpoint that has none: `10-244-1-2`. */
function dashed(ip: string): string {
  return ip.replaceAll('.', '-');
}
