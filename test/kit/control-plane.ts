// Does: runs the API actor, the scheduler and the controller-manager together, each the real one, over one memory bus, with nodes that
// are only played. Never outlives its test: `stop` takes everything away.
import { join } from 'node:path';
import type { RunningActor } from '../../lib/actor/context.ts';
import type { ControllerManagerSettings } from '../../lib/actor/settings.ts';
import { RESOURCES, type ResourceRef } from '../../lib/api/resource.ts';
import { isReason } from '../../lib/base/errors.ts';
import { Client } from '../../lib/client/client.ts';
import { start as startControllerManager } from '../../services/controller-manager/main.ts';
import { start as startScheduler } from '../../services/scheduler/main.ts';
import { startOver } from './api-model-actor.ts';
import { startApi, type TestApi } from './api-server.ts';
import { eventually } from './eventually.ts';
import { PlayedNodes } from './played-nodes.ts';

const NODES = ['node-1', 'node-2', 'node-3'];
/** Of many actors, each of which waits for others. */
const PATIENCE_MS = 240_000;

export class ControlPlane {
  readonly api: TestApi;
  readonly client: Client;
  readonly nodes: PlayedNodes;
  readonly #stops: Array<() => Promise<void>> = [];

  private constructor(api: TestApi) {
    this.api = api;
    this.client = clientOf(api);
    this.nodes = new PlayedNodes(this.client, NODES);
  }

  /** Resolves when pods may be created. */
  static async start(settings: { graceSeconds?: number } = {}): Promise<ControlPlane> {
    const api = await startApi({ settings: { defaultTolerationSeconds: 1 } });
    const plane = new ControlPlane(api);
    plane.#stops.push(() => api.stop());
    await plane.nodes.start();
    const { actor: scheduler } = await startOver(api.network, startScheduler, {
      cluster: 'c1',
      actor: 'scheduler',
      instance: 'scheduler-1',
      settings: { leaderElect: true },
    });
    plane.#stops.push(() => scheduler.stop());
    const manager = await startManager(api, {
      leaderElect: true,
      signer: { certFile: join(api.dir, 'ca.crt'), keyFile: join(api.dir, 'ca.key') },
      nodeMonitorGraceSeconds: settings.graceSeconds ?? 40,
      defaultTolerationSeconds: 1,
    });
    plane.#stops.push(
      () => manager.stop(),
      () => plane.nodes.stop(),
    );
    await plane.eventually(
      'pods may be created',
      async () => (await plane.find(RESOURCES.serviceAccounts, 'default', 'default')) !== undefined,
    );
    return plane;
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops.toReversed()) await stop();
  }

  async list<T>(ref: ResourceRef, namespace?: string): Promise<T[]> {
    return (await this.client.list<T>(ref, namespace === undefined ? {} : { namespace })).items;
  }

  async find<T>(ref: ResourceRef, namespace: string, name: string): Promise<T | undefined> {
    try {
      return await this.client.get<T>(ref, { namespace, name });
    } catch (error) {
      if (isReason(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  async eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
    await eventually(what, holds, PATIENCE_MS);
  }
}

/** What is not said is as in every cluster. */
export async function startManager(
  api: TestApi,
  settings: Partial<ControllerManagerSettings> = {},
): Promise<RunningActor> {
  const { actor } = await startOver(api.network, startControllerManager, {
    cluster: 'c1',
    actor: 'controller-manager',
    instance: 'controller-manager-1',
    settings: {
      cluster: { name: 'c1', clusterId: 'x', domain: 'cluster.local', podCidr: '', serviceCidr: '', dnsIp: '' },
      leaderElect: false,
      rootCaFile: join(api.dir, 'ca.crt'),
      nodeMonitorGraceSeconds: 40,
      defaultTolerationSeconds: 300,
      ...settings,
    },
  });
  return actor;
}

/** An actor's client, over HTTPS as the administrator. */
function clientOf(api: TestApi): Client {
  return new Client({
    request: async ({ method, path, query, contentType, body }) => {
      const search = new URLSearchParams(query ?? {}).toString();
      const headers = contentType === undefined ? {} : { headers: { 'content-type': contentType } };
      const answer = await api.http(method, `${path}${search === '' ? '' : `?${search}`}`, { body, ...headers });
      return { code: answer.code, body: answer.body };
    },
  });
}
