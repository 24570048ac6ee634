// Does: sees to it that the first objects of the cluster exist, now and again later; and that the Service of the API leads
// to the API actors that live. Never gives up: what fails is tried again.
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { equalObjects } from '../../../../lib/api/equality.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import type { Timer } from '../../../../lib/base/clock.ts';
import { toDay, toMicroTime, toTime } from '../../../../lib/base/clock.ts';
import { messageOf } from '../../../../lib/base/errors.ts';
import {
  apiAddresses,
  apiEndpoints,
  apiEndpointSlice,
  apiLease,
  DEFAULT_SERVICE_CIDR,
  expiredLeases,
  firstObjects,
  lastingObjects,
  SERVICE_CIDRS,
  serviceCidrReady,
  TOKEN_TRACKING,
  tokenTracking,
  type BootstrapObject,
} from '../../core/bootstrap-objects.ts';
import { trustConfigMap } from '../aggregation/front-proxy.ts';
import type { ApiParts } from '../parts.ts';
import { FlowObjects } from './flow-objects.ts';
import { apply, ensure, mergePatch, remove, replace } from './internal-calls.ts';
import { storedAt } from './paths.ts';
import { reconcileRoles } from './roles.ts';

const AGAIN_MS = 10_000;
const AFTER_FAILURE_MS = 500;
const CONFIG_MAPS = '/api/v1/namespaces/kube-system/configmaps';
const LEASES = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases';
/** Upstream's name for who says that the cluster's own range of Service addresses is ready. */
const CIDR_MANAGER = 'kubernetes-service-cidr-controller';

export class Bootstrap {
  readonly #parts: () => ApiParts;
  readonly #flow: FlowObjects;
  #timer: Timer | undefined;
  #stopped = false;
  isDone = false;
  problem: string | undefined;

  /** The parts know their bootstrap, so it gets them late. */
  constructor(parts: () => ApiParts) {
    this.#parts = parts;
    this.#flow = new FlowObjects(parts);
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

  /** Something has changed in this stream. */
  wake(stream: string): void {
    if (this.isDone && !this.#stopped) this.#flow.wake(stream);
  }

  async #once(): Promise<void> {
    const parts = this.#parts();
    const { cluster, port } = parts.ctx.settings;
    await makeMissing(parts, lastingObjects(cluster, port));
    // What an operator takes away later is not there until the next start, as upstream.
    if (!this.isDone) {
      await makeMissing(parts, firstObjects());
      await reconcileRoles(parts);
    }
    await this.#flow.keep();
    await keepConfigMaps(parts);
    await keepServiceCidr(parts);
    await announce(parts);
  }
}

async function makeMissing(parts: ApiParts, objects: readonly BootstrapObject[]): Promise<void> {
  const missing = objects.filter(
    ({ collection, object }) => storedAt(parts, collection, object.metadata.name) === undefined,
  );
  // Namespaces before what is in them; the rest at once, so that a few batches of the store carry it.
  for (const first of [true, false])
    await Promise.all(
      missing
        .filter(({ object }) => (object.kind === 'Namespace') === first)
        .map(({ collection, object, manager }) => ensure(parts, collection, object, manager)),
    );
}

/** What other servers read: whom to believe, and since when it is known which tokens of Secrets are used. */
async function keepConfigMaps(parts: ApiParts): Promise<void> {
  const { ctx } = parts;
  const { frontProxy, clientCaFile } = ctx.settings;
  const pem = (file: string): string => readFileSync(file, 'utf8');
  const trust = trustConfigMap(pem(clientCaFile), frontProxy === undefined ? undefined : pem(frontProxy.caFile));
  await put(parts, CONFIG_MAPS, trust);
  const today = toDay(ctx.clock.now());
  const tracking = tokenTracking(storedAt(parts, CONFIG_MAPS, TOKEN_TRACKING), today);
  if (tracking !== undefined) await put(parts, CONFIG_MAPS, tracking);
}

async function keepServiceCidr(parts: ApiParts): Promise<void> {
  const { ctx } = parts;
  const stored = storedAt(parts, SERVICE_CIDRS, DEFAULT_SERVICE_CIDR);
  if (stored === undefined) return;
  const status = serviceCidrReady(stored, ctx.settings.cluster, toTime(ctx.clock.now()));
  if (status === undefined) return;
  const { apiVersion, kind } = stored;
  const object = { apiVersion, kind, metadata: { name: DEFAULT_SERVICE_CIDR }, status };
  await apply(parts, `${SERVICE_CIDRS}/${DEFAULT_SERVICE_CIDR}/status`, object, CIDR_MANAGER);
}

async function announce(parts: ApiParts): Promise<void> {
  const { ctx, cache } = parts;
  const { advertiseAddress: address, port } = ctx.settings;
  const now = ctx.clock.now();
  await put(parts, LEASES, apiLease({ instance: ctx.instance, host: hostname(), address }, toMicroTime(now)));
  const leases = [...cache.list('coordination.k8s.io/leases', 'kube-system')].map((item) => item.object);
  for (const { metadata } of expiredLeases(leases, now))
    await remove(parts, `${LEASES}/${metadata.name}`, metadata.resourceVersion!);
  const addresses = apiAddresses(leases, address, now);
  await put(parts, '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', apiEndpointSlice(addresses, port));
  await put(parts, '/api/v1/namespaces/default/endpoints', apiEndpoints(addresses, port));
}

/** Creates the object, or brings the stored one's content to it. */
async function put(parts: ApiParts, collection: string, object: KubeObject): Promise<void> {
  const known = storedAt(parts, collection, object.metadata.name);
  if (known === undefined) return ensure(parts, collection, object);
  const { apiVersion: _version, kind: _kind, metadata: _metadata, ...content } = object;
  const differs = Object.entries(content).some(([field, value]) => !equalObjects(known[field], value));
  if (!differs) return;
  const path = `${collection}/${object.metadata.name}`;
  // A patch would leave what somebody else wrote into it.
  if (object.kind === 'ConfigMap') await replace(parts, path, { ...known, ...content });
  else await mergePatch(parts, path, content);
}
