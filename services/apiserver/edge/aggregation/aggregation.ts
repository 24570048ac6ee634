// Does: keeps the Available condition of every APIService, what their servers say that they serve, and one APIService for each
// group and version of our own. Never proxies a request (proxy.ts does); several API actors may do this at once.
import { kindsOfList } from '../../../../lib/api/discovery-kinds.ts';
import type { Kind } from '../../../../lib/api/kind.ts';
import { toTime, type Timer } from '../../../../lib/base/clock.ts';
import { isReason, messageOf } from '../../../../lib/base/errors.ts';
import {
  allRemotes,
  API_SERVICES,
  isAvailable,
  localServices,
  obstacle,
  PASSED,
  statusWith,
  identityHeaders,
  WAKES_AGGREGATION,
  type Condition,
  type Remote,
} from '../../core/aggregation.ts';
import { MASTERS, authenticated } from '../../core/auth/user.ts';
import { KindTable } from '../../core/served-kinds.ts';
import { ensure, mergePatch, remove } from '../bootstrap/internal-calls.ts';
import type { ApiParts } from '../parts.ts';
import { bodyOf, Remotes } from './remote-request.ts';

const COLLECTION = '/apis/apiregistration.k8s.io/v1/apiservices';
/** Servers that answered and may stop, or did not and may begin. */
const AGAIN_MS = 10_000;
/** Nobody waits for our own APIServices: they are made when the rest runs. */
const OWN_AFTER_MS = 3_000;
const CHECK_MS = 6_000;
const MOST_BYTES = 16_777_216;
const AGGREGATOR = authenticated('system:kube-aggregator', [MASTERS]);

/** What a server said of itself. */
interface Told {
  kinds: Kind[];
  /** Of its OpenAPI v3 document; '' : it has none. */
  v3Hash: string;
  v2: { paths?: Record<string, unknown>; definitions?: Record<string, unknown> } | undefined;
  text: string;
}

export class Aggregation {
  readonly remotes: Remotes;
  readonly #parts: () => ApiParts;
  readonly #told = new Map<string, Told>();
  /** Tables with the kinds of others, kept as long as nothing changes. */
  #tables = new WeakMap<KindTable, KindTable>();
  #known: { revision: number; remotes: Remote[] } = { revision: -1, remotes: [] };
  #timer: Timer | undefined;
  #ownTimer: Timer | undefined;
  #ownIsDue = false;
  #ownBegan = false;
  #running = false;
  #again = false;
  #stopped = false;

  constructor(parts: () => ApiParts) {
    this.#parts = parts;
    this.remotes = new Remotes(parts);
  }

  start(): void {
    this.#ownTimer = this.#parts().ctx.clock.timer(OWN_AFTER_MS, () => {
      this.#ownIsDue = true;
      void this.#run();
    });
    void this.#run();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#ownTimer?.cancel();
    this.remotes.close();
  }

  /** Something has changed in this stream. */
  wake(stream: string): void {
    if (!WAKES_AGGREGATION.has(stream)) return;
    const isEndpoint = stream !== API_SERVICES && this.#all().length === 0;
    if (!isEndpoint || this.#ownIsDue) void this.#run();
  }

  #all(): Remote[] {
    const { cache } = this.#parts();
    const revision = cache.resource(API_SERVICES).lastRevision;
    if (this.#known.revision !== revision) {
      this.#known = { revision, remotes: allRemotes(cache) };
      this.#tables = new WeakMap();
    }
    return this.#known.remotes;
  }

  /** What is served here and elsewhere. */
  tableWith(own: KindTable): KindTable {
    const remotes = this.#all();
    if (remotes.length === 0) return own;
    const known = this.#tables.get(own);
    if (known !== undefined) return known;
    const kinds = remotes.flatMap((remote) => this.#told.get(remote.name)?.kinds ?? []);
    const theirs = new Set(remotes.map(({ group, version }) => `${group}/${version}`));
    const ours = own.kinds.filter(({ ref }) => !theirs.has(`${ref.group}/${ref.version}`));
    const made = new KindTable([...ours, ...kinds]);
    this.#tables.set(own, made);
    return made;
  }

  /** OpenAPI v3 documents of others: `apis/<group>/<version>` and their hashes. */
  get openApiPaths(): Array<{ group: string; version: string; hash: string }> {
    return this.#all().flatMap(({ name, group, version }) => {
      const hash = this.#told.get(name)?.v3Hash ?? '';
      return hash === '' ? [] : [{ group, version, hash }];
    });
  }

  get openApiV2(): Array<NonNullable<Told['v2']>> {
    return this.#all().flatMap(({ name }) => this.#told.get(name)?.v2 ?? []);
  }

  isStale(group: string, version: string): boolean {
    const remote = this.#all().find((one) => one.group === group && one.version === version);
    return remote !== undefined && !isAvailable(remote);
  }

  async #run(): Promise<void> {
    this.#again = true;
    if (this.#running || this.#stopped) return;
    this.#running = true;
    this.#timer?.cancel();
    while (this.#again && !this.#stopped) {
      this.#again = false;
      await Promise.all(this.#all().map((remote) => this.#tend(remote)));
      if (this.#ownIsDue) await this.#keepOwn();
    }
    this.#running = false;
    if (!this.#stopped && this.#all().length > 0)
      this.#timer = this.#parts().ctx.clock.timer(AGAIN_MS, () => void this.#run());
  }

  async #tend(remote: Remote): Promise<void> {
    const parts = this.#parts();
    try {
      const condition = obstacle(parts.cache, remote) ?? (await this.#ask(remote));
      if (this.#stopped) return;
      const status = statusWith(remote.object, condition, toTime(parts.ctx.clock.now()));
      if (status === undefined) return;
      const metadata = { resourceVersion: remote.object.metadata.resourceVersion };
      await mergePatch(parts, `${COLLECTION}/${remote.name}/status`, { metadata, status });
    } catch (error) {
      // Another API actor did it first: what it wrote wakes us again.
      if (isReason(error, 'Conflict', 'NotFound')) return;
      parts.ctx.log.warn({ error: messageOf(error), name: remote.name }, 'an APIService could not be tended');
    }
  }

  async #ask(remote: Remote): Promise<Condition> {
    const address = this.remotes.addressOf(remote);
    if (address === undefined) return { status: 'False', reason: 'MissingEndpoints', message: 'no address' };
    const path = `/apis/${remote.group}/${remote.version}`;
    const url = `https://${address.host}:${address.port}${path}`;
    try {
      const { code, text } = await this.#get(remote, path);
      if (code < 200 || code >= 300) throw new Error(`bad status from ${url}: ${code}`);
      await this.#learn(remote, text);
      return PASSED;
    } catch (error) {
      const message = `failing or missing response from ${url}: ${messageOf(error)}`;
      return { status: 'False', reason: 'FailedDiscoveryCheck', message };
    }
  }

  async #get(remote: Remote, path: string): Promise<{ code: number; text: string }> {
    const address = this.remotes.addressOf(remote);
    if (address === undefined) throw new Error('no endpoints');
    const headers = { accept: 'application/json', ...identityHeaders(AGGREGATOR) };
    const signal = AbortSignal.timeout(CHECK_MS);
    const answer = await this.remotes.send(remote, address, { method: 'GET', path, headers, signal });
    return { code: answer.statusCode ?? 0, text: (await bodyOf(answer, MOST_BYTES)).toString() };
  }

  async #learn(remote: Remote, text: string): Promise<void> {
    const v3Hash = await this.#v3Hash(remote);
    const known = this.#told.get(remote.name);
    // A document that did not come once is asked for again.
    if (known?.text === text && known.v3Hash === v3Hash && v3Hash !== '' && known.v2 !== undefined) return;
    const v2 = await this.#document(remote, '/openapi/v2');
    const kinds = kindsOfList(remote.group, remote.version, JSON.parse(text) as unknown);
    this.#told.set(remote.name, { kinds, v3Hash, v2: v2 as Told['v2'], text });
    const isSame = known?.text === text && known.v3Hash === v3Hash && (known.v2 === undefined) === (v2 === undefined);
    if (!isSame) this.#tables = new WeakMap();
  }

  async #v3Hash(remote: Remote): Promise<string> {
    const index = (await this.#document(remote, '/openapi/v3')) as
      | { paths?: Record<string, { serverRelativeURL?: string }> }
      | undefined;
    const url = index?.paths?.[`apis/${remote.group}/${remote.version}`]?.serverRelativeURL;
    return typeof url === 'string' ? (/[?&]hash=([^&]+)/.exec(url)?.[1] ?? 'none') : '';
  }

  /** A server need not have it. */
  async #document(remote: Remote, path: string): Promise<object | undefined> {
    try {
      const { code, text } = await this.#get(remote, path);
      const value: unknown = code === 200 ? JSON.parse(text) : undefined;
      return typeof value === 'object' && value !== null ? value : undefined;
    } catch {
      return undefined;
    }
  }

  /** Those of what is built in only once: who deletes one, or gives it another priority, has it so until the next start. */
  async #keepOwn(): Promise<void> {
    const parts = this.#parts();
    const { create, correct, remove: gone } = localServices(parts.cache, parts.kinds.table, !this.#ownBegan);
    try {
      await Promise.all(create.map((object) => ensure(parts, COLLECTION, object)));
      await Promise.all(
        correct.map(({ metadata, spec }) => mergePatch(parts, `${COLLECTION}/${metadata.name}`, { spec })),
      );
      await Promise.all(
        gone.map(({ metadata }) => remove(parts, `${COLLECTION}/${metadata.name}`, metadata.resourceVersion!)),
      );
      this.#ownBegan = true;
    } catch (error) {
      parts.ctx.log.warn({ error: messageOf(error) }, 'not every group and version has its APIService');
    }
  }
}
