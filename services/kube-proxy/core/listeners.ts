// Decides on which TCP addresses a proxy in user space listens, and where each leads. Never listens; UDP is not served
// in this mode.
import { usableEndpoints, type Endpoint } from './endpoints.ts';
import type { ServiceIndex } from './service-index.ts';
import { servicePorts, type ServicePort } from './service-ports.ts';

export interface Listener {
  address: string;
  port: number;
  endpoints: Endpoint[];
  stickySeconds: number;
  /** `default/web` */
  service: string;
}

export class ListenerState {
  readonly index: ServiceIndex;
  readonly #node: { name: string; ip: string };
  readonly #byService = new Map<string, Listener[]>();

  constructor(index: ServiceIndex, node: { name: string; ip: string }) {
    this.index = index;
    this.#node = node;
  }

  /** Keys of the services that were computed again. */
  recompute(): string[] {
    const dirty = this.index.takeDirty();
    for (const { key, service, slices } of dirty) {
      const ports = service === undefined ? [] : servicePorts(service);
      this.#byService.set(
        key,
        ports.flatMap((port) => this.#listenersOf(key, port, usableEndpoints(port, slices, this.#node.name))),
      );
      if (ports.length === 0) this.#byService.delete(key);
    }
    return dirty.map(({ key }) => key);
  }

  /** By `address:port`; of two services that claim one, the first by name has it. */
  listeners(): Map<string, Listener> {
    const all = new Map<string, Listener>();
    for (const key of [...this.#byService.keys()].toSorted())
      for (const listener of this.#byService.get(key) ?? []) {
        const at = `${listener.address}:${listener.port}`;
        if (!all.has(at)) all.set(at, listener);
      }
    return all;
  }

  #listenersOf(service: string, port: ServicePort, usable: { cluster: Endpoint[]; local: Endpoint[] }): Listener[] {
    if (port.protocol !== 'tcp') return [];
    const common = { service, stickySeconds: port.stickySeconds };
    const external = port.externalLocal ? usable.local : usable.cluster;
    return [
      {
        ...common,
        address: port.clusterIP,
        port: port.port,
        endpoints: port.internalLocal ? usable.local : usable.cluster,
      },
      ...(port.nodePort === undefined
        ? []
        : [{ ...common, address: this.#node.ip, port: port.nodePort, endpoints: external }]),
    ];
  }
}
