// Does: sees to it that the first objects of the cluster exist, now and again later; and that the Service of the API leads
// to the API actors that live. Never gives up: what fails is tried again.
import type { Timer } from '../../../../lib/base/clock.ts';
import { toMicroTime, toTime } from '../../../../lib/base/clock.ts';
import { messageOf } from '../../../../lib/base/errors.ts';
import { equalObjects } from '../../../../lib/api/equality.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { BOOTSTRAP_CLUSTER_ROLES } from '../../core/auth/bootstrap-roles.ts';
import {
  apiAddresses,
  apiEndpoints,
  apiEndpointSlice,
  apiLease,
  bootstrapObjects,
  missingRules,
} from '../../core/bootstrap-objects.ts';
import { FLOW_SCHEMAS, PRIORITY_LEVELS } from '../../core/flow-control/bootstrap.ts';
import { flowUpkeep } from '../../core/flow-control/upkeep.ts';
import { parseKeyOfPath } from './paths.ts';
import type { ApiParts } from '../parts.ts';
import { ensure, mergePatch } from './internal-calls.ts';

const AGAIN_MS = 10_000;
const AFTER_FAILURE_MS = 500;

export class Bootstrap {
  readonly #parts: () => ApiParts;
  #timer: Timer | undefined;
  #stopped = false;
  isDone = false;
  problem: string | undefined;

  /** The parts know their bootstrap, so it gets them late. */
  constructor(parts: () => ApiParts) {
    this.#parts = parts;
  }

  /** Resolves after the first attempt; later ones follow by themselves. */
  async start(): Promise<void> {
    const { ctx } = this.#parts();
    try {
      await this.#once();
      this.isDone = true;
      this.problem = undefined;
    } catch (error) {
      this.problem = messageOf(error);
      ctx.log.warn({ error: this.problem }, 'the first objects of the cluster could not all be made');
    }
    if (this.#stopped) return;
    const pause = this.problem === undefined ? AGAIN_MS : AFTER_FAILURE_MS;
    this.#timer = ctx.clock.timer(pause, () => void this.start());
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  async #once(): Promise<void> {
    const parts = this.#parts();
    const { cluster, port } = parts.ctx.settings;
    const missing = bootstrapObjects(cluster, port).filter(
      ({ collection, object }) => parts.cache.get(parseKeyOfPath(collection, object.metadata.name)) === undefined,
    );
    // Namespaces before what is in them; the rest at once, so that a few batches of the store carry it.
    for (const first of [true, false])
      await Promise.all(
        missing
          .filter(({ object }) => (object.kind === 'Namespace') === first)
          .map(({ collection, object }) => ensure(parts, collection, object)),
      );
    await this.#completeRoles(parts);
    await this.#keepFlowControl(parts);
    await this.#announce(parts);
  }

  async #completeRoles(parts: ApiParts): Promise<void> {
    for (const { name, rules, partOf } of BOOTSTRAP_CLUSTER_ROLES) {
      const stored = parts.cache.get({ stream: 'rbac.authorization.k8s.io/clusterroles', namespace: '', name })?.object;
      if (stored === undefined) continue;
      const missing = missingRules(stored, rules);
      // A label that an earlier version did not set: the larger role would be without this one.
      const unlabelled = partOf !== undefined && stored.metadata.labels?.[partOf] === undefined;
      if (missing === undefined && !unlabelled) continue;
      await mergePatch(parts, `/apis/rbac.authorization.k8s.io/v1/clusterroles/${name}`, {
        ...(unlabelled ? { metadata: { labels: { [partOf]: 'true' } } } : {}),
        ...(missing === undefined ? {} : { rules: [...(stored['rules'] ?? []), ...missing] }),
      });
    }
  }

  async #keepFlowControl(parts: ApiParts): Promise<void> {
    const [schemas, levels] = [FLOW_SCHEMAS, PRIORITY_LEVELS].map((stream) =>
      [...parts.cache.list(stream)].map((item) => item.object),
    );
    const due = flowUpkeep(schemas!, levels!, toTime(parts.ctx.clock.now()));
    await Promise.all(
      due.map(({ resource, name, subresource, patch }) =>
        mergePatch(
          parts,
          `/apis/flowcontrol.apiserver.k8s.io/v1/${resource}/${name}${subresource && '/'}${subresource}`,
          patch,
        ),
      ),
    );
  }

  async #announce(parts: ApiParts): Promise<void> {
    const { ctx, cache } = parts;
    const { advertiseAddress, port } = ctx.settings;
    const now = ctx.clock.now();
    await put(
      parts,
      '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases',
      apiLease(ctx.instance, advertiseAddress, toMicroTime(now)),
    );
    const leases = [...cache.list('coordination.k8s.io/leases', 'kube-system')].map((item) => item.object);
    const addresses = apiAddresses(leases, advertiseAddress, now);
    await put(parts, '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', apiEndpointSlice(addresses, port));
    await put(parts, '/api/v1/namespaces/default/endpoints', apiEndpoints(addresses, port));
  }
}

/** Creates the object, or brings the stored one to it. */
async function put(parts: ApiParts, collection: string, object: KubeObject): Promise<void> {
  const known = parts.cache.get(parseKeyOfPath(collection, object.metadata.name))?.object;
  if (known === undefined) return ensure(parts, collection, object);
  const { apiVersion: _version, kind: _kind, metadata: _metadata, ...content } = object;
  const differs = Object.entries(content).some(([field, value]) => !equalObjects(known[field], value));
  if (differs) await mergePatch(parts, `${collection}/${object.metadata.name}`, content);
}
