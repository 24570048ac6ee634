// Does: fetches the config maps, secrets and services that a pod uses, keeps them a short while, and remembers on disk
// what each pod was given last, for when the API is gone. Never decides what a pod needs.
import type { ConfigMap, Pod, Secret, Service, TokenRequest } from '../../../lib/api/generated/types.ts';
import { RESOURCES, type ResourceRef } from '../../../lib/api/resource.ts';
import { sleep, type Clock } from '../../../lib/base/clock.ts';
import { isReason } from '../../../lib/base/errors.ts';
import type { Client } from '../../../lib/client/client.ts';
import { readRecord, writeRecord } from '../../../runtime-shims/shared/records.ts';
import type { Sources } from '../core/environment.ts';
import { neededSources } from '../core/volumes.ts';
import type { KubeletPaths } from './paths.ts';

const FRESH_MS = 15_000;

/** How long a container's start waits for the first list of services. */
const SERVICES_WAIT_MS = 3_000;

/** What a cache of services is here. */
export interface ServiceSource {
  list(namespace: string): Service[];
  readonly ready: Promise<void>;
}

interface Fetched {
  object: object | undefined;
  atMs: number;
}

export class PodSources {
  readonly #ctx: { client: Client; clock: Clock; paths: KubeletPaths; services: ServiceSource };
  readonly #fetched = new Map<string, Fetched>();

  constructor(ctx: { client: Client; clock: Clock; paths: KubeletPaths; services: ServiceSource }) {
    this.#ctx = ctx;
  }

  /** What does not exist is absent; where the API cannot be asked, what the pod was given last counts. */
  async of(pod: Pod): Promise<Sources> {
    const { namespace = '', uid = '' } = pod.metadata;
    const needed = neededSources(pod);
    if (needed.configMaps.length + needed.secrets.length === 0) return { configMaps: {}, secrets: {} };
    const file = this.#ctx.paths.sourcesRecord(uid);
    try {
      const sources = {
        configMaps: await this.#all<ConfigMap>(RESOURCES.configMaps, namespace, needed.configMaps),
        secrets: await this.#all<Secret>(RESOURCES.secrets, namespace, needed.secrets),
      };
      await writeRecord(file, sources);
      return sources;
    } catch (error) {
      const last = await readRecord<Sources>(file);
      if (last !== undefined) return last;
      throw error;
    }
  }

  /** Programs read KUBERNETES_SERVICE_HOST once, at their start; without the API they start without it. */
  servicesKnown(): Promise<void> {
    return Promise.race([this.#ctx.services.ready, sleep(this.#ctx.clock, SERVICES_WAIT_MS)]);
  }

  services(pod: Pod): Service[] {
    const { namespace = '' } = pod.metadata;
    const linked = pod.spec.enableServiceLinks === false ? [] : this.#ctx.services.list(namespace);
    const master = this.#ctx.services.list('default').filter(({ metadata }) => metadata.name === 'kubernetes');
    return [...master, ...linked.filter((service) => !master.includes(service))];
  }

  async token(
    pod: Pod,
    audience: string | undefined,
    expirationSeconds: number,
  ): Promise<{ token: string; expiresAtMs: number }> {
    const { namespace = '', name, uid = '' } = pod.metadata;
    const at = { namespace, name: pod.spec.serviceAccountName ?? 'default', subresource: 'token' };
    const answer = await this.#ctx.client.post<TokenRequest>(RESOURCES.serviceAccounts, at, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      metadata: {},
      spec: {
        ...(audience === undefined || audience === '' ? {} : { audiences: [audience] }),
        expirationSeconds,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
      },
    });
    const expiresAtMs =
      Date.parse(answer.status?.expirationTimestamp ?? '') || this.#ctx.clock.now() + expirationSeconds * 1000;
    return { token: answer.status?.token ?? '', expiresAtMs };
  }

  async #all<T extends object>(ref: ResourceRef, namespace: string, names: string[]): Promise<Record<string, T>> {
    const entries = await Promise.all(
      names.map(async (name) => [name, await this.#one<T>(ref, namespace, name)] as const),
    );
    return Object.fromEntries(entries.filter(([, object]) => object !== undefined)) as Record<string, T>;
  }

  async #one<T extends object>(ref: ResourceRef, namespace: string, name: string): Promise<T | undefined> {
    const key = `${ref.resource}/${namespace}/${name}`;
    const known = this.#fetched.get(key);
    const now = this.#ctx.clock.now();
    // What was not there may be there now: only what was found is kept.
    if (known?.object !== undefined && now - known.atMs < FRESH_MS) return known.object as T;
    const object = await this.#ctx.client.get<T>(ref, { namespace, name }).catch((error: unknown) => {
      if (isReason(error, 'NotFound')) return undefined;
      throw error;
    });
    this.#fetched.set(key, { object, atMs: now });
    if (this.#fetched.size > 1000) this.#fetched.delete(this.#fetched.keys().next().value!);
    return object;
  }
}
