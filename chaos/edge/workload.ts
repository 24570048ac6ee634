// Does: what a user would do beside the load, in a namespace of the run's own: a Deployment with its Service, pods that are
// tried, and looking at them. Never touches a namespace that it did not make.
import { setTimeout as pause } from 'node:timers/promises';
import { RESOURCES } from '../../lib/api/resource.ts';
import type { Node, Pod, Service } from '../../lib/api/generated/types.ts';
import { isReason } from '../../lib/base/errors.ts';
import { Client, type Transport } from '../../lib/client/client.ts';
import type { HttpsTransport } from '../../lib/client/https-transport.ts';
import type { Act, Check } from '../core/scenario.ts';
import { reaches } from './service-load.ts';

const IMAGE = 'ghcr.io/acme/web:1a2b3c4';
const REPLICAS = 3;
const ANSWER_MS = 8000;
const LABELS = { app: 'chaos-web' };
const PORTS = [{ port: 80, targetPort: 8080 }];

export class Workload {
  readonly namespace: string;
  readonly #transports: readonly HttpsTransport[];
  readonly #client: () => Promise<readonly string[]>;
  /** Or was tried to: an answer that was lost may hide that it is there. */
  #isMade = false;

  constructor(namespace: string, transports: readonly HttpsTransport[], client: () => Promise<readonly string[]>) {
    this.namespace = namespace;
    this.#transports = transports;
    this.#client = client;
  }

  async make(): Promise<void> {
    const { namespace } = this;
    this.#isMade = true;
    await this.#any((api) => api.create(RESOURCES.namespaces, '', { metadata: { name: namespace } }));
    await this.#any((api) => api.create(RESOURCES.deployments, namespace, deployment()));
    await this.#makeService('web');
  }

  /** Nodes that only pretend to run pods have nobody who would answer a request. */
  async isHollow(): Promise<boolean> {
    const { items } = await this.#any((api) => api.list<Node>(RESOURCES.nodes));
    return items.every(({ status }) => status?.nodeInfo?.containerRuntimeVersion.startsWith('hollow') === true);
  }

  async serviceUrl(name = 'web'): Promise<string> {
    const { namespace } = this;
    const service = await this.#any((api) => api.get<Service>(RESOURCES.services, { namespace, name }));
    return `http://${service.spec!.clusterIP}/`;
  }

  /** Counted by hand: the Deployment's own status stands still without its controller. */
  async readyPods(): Promise<number> {
    const pods = await this.#webPods();
    return pods.filter(({ metadata, status }) => metadata.deletionTimestamp === undefined && isReady(status)).length;
  }

  async waitReady(timeoutMs: number): Promise<void> {
    const end = performance.now() + timeoutMs;
    for (;;) {
      const ready = await this.readyPods().catch(() => 0);
      if (ready >= REPLICAS) return;
      if (performance.now() > end)
        throw new Error(
          `${ready} of ${REPLICAS} pods of ${this.namespace}/web became ready within ${timeoutMs / 1000} s: nothing was broken yet`,
        );
      await pause(200);
    }
  }

  /** Returns the pod that it hit, as `namespace/name`. */
  async act({ do: verb, what, node }: Act): Promise<string> {
    const [kind, name] = what.split('/') as [string, string?];
    const { namespace } = this;
    if (verb === 'delete') return `${namespace}/${await this.#delete(kind, name)}`;
    if (kind === 'service') await this.#makeService(name!);
    else await this.#any((api) => api.create(RESOURCES.pods, namespace, pod(name!, node)));
    return `${namespace}/${name}`;
  }

  /** What there is to see, in the check's own words. */
  async look({ that }: Check): Promise<string> {
    const [kind, name = ''] = that.split('/');
    if (kind === 'ready pods') return String(await this.readyPods());
    if (kind === 'service')
      return (await reaches(await this.#client(), await this.serviceUrl(name))) ? 'reachable' : 'unreachable';
    return this.#podState(name);
  }

  /** Best effort, and in the background of the cluster: the namespace's own loop takes what is in it. */
  async remove(): Promise<void> {
    const { namespace: name } = this;
    if (!this.#isMade) return;
    // All at once: the namespace's loop would take thousands of objects one by one.
    await this.#any((api) => api.raw({ method: 'DELETE', path: `/api/v1/namespaces/${name}/configmaps` }));
    await this.#any((api) => api.delete(RESOURCES.namespaces, { name }));
  }

  async waitGone(timeoutMs: number): Promise<boolean> {
    if (!this.#isMade) return true;
    const end = performance.now() + timeoutMs;
    const look = (): Promise<boolean> =>
      this.#any((api) => api.get(RESOURCES.namespaces, { name: this.namespace })).then(
        () => false,
        (error) => isReason(error, 'NotFound'),
      );
    while (performance.now() < end) {
      if (await look()) return true;
      await pause(300);
    }
    return false;
  }

  async #podState(name: string): Promise<string> {
    try {
      const { status } = await this.#any((api) => api.get<Pod>(RESOURCES.pods, { namespace: this.namespace, name }));
      return isReady(status) ? 'Ready' : (status?.phase ?? 'Pending');
    } catch (error) {
      if (isReason(error, 'NotFound')) return 'Absent';
      throw error;
    }
  }

  async #delete(kind: string, name: string | undefined): Promise<string> {
    const { namespace } = this;
    const ref = kind === 'service' ? RESOURCES.services : RESOURCES.pods;
    const chosen = name ?? (await this.#anyWebPod());
    await this.#any((api) => api.delete(ref, { namespace, name: chosen }));
    return chosen;
  }

  async #anyWebPod(): Promise<string> {
    const found = (await this.#webPods()).find(({ metadata }) => metadata.deletionTimestamp === undefined);
    if (found === undefined) throw new Error(`there is no pod of ${this.namespace}/web to delete`);
    return found.metadata.name;
  }

  async #webPods(): Promise<Pod[]> {
    const { namespace } = this;
    const labelSelector = `app=${LABELS.app}`;
    return (await this.#any((api) => api.list<Pod>(RESOURCES.pods, { namespace, labelSelector }))).items;
  }

  async #makeService(name: string): Promise<void> {
    const service = { metadata: { name }, spec: { selector: LABELS, ports: PORTS } };
    await this.#any((api) => api.create(RESOURCES.services, this.namespace, service));
  }

  /** Asks one API actor after the other: any that lives will do. Refusals are answers. */
  async #any<T>(ask: (api: Client) => Promise<T>): Promise<T> {
    let last: unknown;
    for (const transport of this.#transports) {
      try {
        return await ask(new Client(inTime(transport)));
      } catch (error) {
        if (isReason(error, 'NotFound', 'AlreadyExists', 'Conflict', 'Invalid', 'Forbidden')) throw error;
        last = error;
      }
    }
    throw last;
  }
}

/** An actor that was stopped in the middle of an answer must not hold the whole run. */
function inTime(transport: HttpsTransport): Transport {
  return { request: (request) => transport.request(request, { signal: AbortSignal.timeout(ANSWER_MS) }) };
}

function isReady(status: Pod['status']): boolean {
  return status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') ?? false;
}

function deployment(): object {
  return {
    metadata: { name: 'web' },
    spec: {
      replicas: REPLICAS,
      selector: { matchLabels: LABELS },
      template: { metadata: { labels: LABELS }, spec: { ...podSpec(), terminationGracePeriodSeconds: 5 } },
    },
  };
}

function podSpec(): object {
  return {
    containers: [
      {
        name: 'web',
        image: IMAGE,
        ports: [{ containerPort: 8080 }],
        resources: { requests: { cpu: '10m', memory: '16Mi' } },
        readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 },
      },
    ],
  };
}

function pod(name: string, node: string | undefined): object {
  const spec = { ...podSpec(), terminationGracePeriodSeconds: 1 };
  return { metadata: { name }, spec: node === undefined ? spec : { ...spec, nodeName: node } };
}
