// Does: keeps the cache at the store's heels: loads the whole state with the recent past, applies the committed stream,
// and fetches from history whatever the stream lost. Never answers a client.
import type { ActorContext } from '../../../lib/actor/context.ts';
import type { Timer } from '../../../lib/base/clock.ts';
import { messageOf, TroubleError } from '../../../lib/base/errors.ts';
import { LIMITS } from '../../../lib/base/limits.ts';
import type { Subscription } from '../../../lib/bus/bus.ts';
import type { CommittedTxn, KeyValue, StoreCommitted } from '../../../lib/bus/messages.ts';
import { unpackCommitted, type Packed } from '../../../lib/bus/packed.ts';
import { patternOf } from '../../../lib/bus/subjects.ts';
import type { AppliedChange } from '../core/cache/cache-event.ts';
import { ClusterCache } from '../core/cache/cluster-cache.ts';
import { REGISTRY } from '../core/storage-key.ts';
import { rangePages } from './range-pages.ts';
import type { StoreClient } from './store-client.ts';

const HISTORY_TXNS = 500;
const QUERY_MS = 5_000;
/** The store goes on forgetting while we load: what is this close to its edge may be gone before it is read. */
const COMPACTION_SLACK = 1_000;
/** How often the end of the stream is compared with a member's state: a lost last message is noticed this late. */
const LOOK_MS = 1_000;
/** A member that leads makes itself known; the others may wait. */
const LOOKS_A_LESSON = 5;

export interface FeedListener {
  changes(applied: AppliedChange[]): void;
  /** Revisions that this cache has not seen are compacted away: it can never be whole again. */
  lost(revision: number, oldest: number): void;
}

interface Waiter {
  revision: number;
  resolve: () => void;
}

export class StoreFeed {
  readonly cache: ClusterCache;
  readonly #ctx: ActorContext;
  readonly #store: StoreClient;
  readonly #listener: FeedListener;
  readonly #subscription: Subscription;
  #waiters: Waiter[] = [];
  #repairing: Promise<void> | undefined;
  #timer: Timer | undefined;
  #stopped = false;
  #looks = 0;

  private constructor(ctx: ActorContext, store: StoreClient, cache: ClusterCache, listener: FeedListener) {
    this.#ctx = ctx;
    this.#store = store;
    this.cache = cache;
    this.#listener = listener;
    this.#subscription = ctx.bus.subscribe(patternOf(ctx.cluster, 'storeCommitted'), (message) =>
      this.#receive(unpackCommitted(message.data as Packed<StoreCommitted>)),
    );
    this.#look();
  }

  /** Resolves when the cache holds the state of some member; retries until one answers. */
  static async open(ctx: ActorContext, store: StoreClient, listener: FeedListener): Promise<StoreFeed> {
    const feed = new StoreFeed(ctx, store, await loadCache(store), listener);
    // The recent past comes as events, so that watches from before a restart of this actor go on.
    await feed.catchUp();
    return feed;
  }

  get revision(): number {
    return this.cache.revision;
  }

  /** Resolves when the cache has `revision`; rejects with TroubleError after `timeoutMs`. */
  waitFor(revision: number, timeoutMs: number): Promise<void> {
    if (this.cache.revision >= revision) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { revision, resolve: () => (timer.cancel(), resolve()) };
      const timer = this.#ctx.clock.timer(timeoutMs, () => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        reject(
          new TroubleError(
            `the cache is at revision ${this.cache.revision} and did not reach ${revision} in ${timeoutMs} ms`,
          ),
        );
      });
      this.#waiters.push(waiter);
      // The stream usually brings it within a millisecond; if that message was lost, history has it.
      this.#ctx.clock.timer(Math.min(50, timeoutMs), () => {
        if (this.#waiters.includes(waiter)) void this.catchUp();
      });
    });
  }

  /** Fetches what is missing up to a member's state; questions that come meanwhile share the answer. */
  catchUp(): Promise<void> {
    this.#repairing ??= this.#fetch().finally(() => (this.#repairing = undefined));
    return this.#repairing;
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#subscription.unsubscribe();
  }

  #receive(committed: StoreCommitted): void {
    // Only a leader speaks here: whoever waits for another member's answer need not wait any longer.
    this.#store.members.leads(committed.member);
    if (committed.previous > this.cache.revision) void this.catchUp();
    else this.#apply(committed.txns);
  }

  #apply(txns: readonly CommittedTxn[]): void {
    const applied = this.cache.apply(txns);
    if (applied.length > 0) this.#listener.changes(applied);
    const reached = this.#waiters.filter((waiter) => waiter.revision <= this.cache.revision);
    if (reached.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => waiter.revision > this.cache.revision);
    for (const waiter of reached) waiter.resolve();
  }

  async #fetch(): Promise<void> {
    try {
      for (let more = true; more && !this.#stopped;) {
        const reply = await this.#store.query(
          { query: 'history', since: this.cache.revision, limit: HISTORY_TXNS },
          QUERY_MS,
        );
        if ('compacted' in reply) return this.#listener.lost(this.cache.revision, reply.compacted.oldest);
        if (!('history' in reply))
          throw new TroubleError(`unexpected answer to a history query: ${JSON.stringify(Object.keys(reply))}`);
        this.#apply(reply.history.txns);
        more = reply.history.more;
      }
    } catch (error) {
      this.#ctx.log.warn(
        { error: messageOf(error), revision: this.cache.revision },
        'catching up with the store failed',
      );
    }
  }

  #look(): void {
    this.#timer = this.#ctx.clock.timer(LOOK_MS, () => {
      void Promise.all([this.catchUp(), this.#learnMembers()]).finally(() => {
        if (!this.#stopped) this.#look();
      });
    });
  }

  /** Members come and go while this actor runs. Only one that follows somebody knows who they are. */
  async #learnMembers(): Promise<void> {
    if (this.#looks++ % LOOKS_A_LESSON !== 0) return;
    try {
      const reply = await this.#store.query({ query: 'status' }, QUERY_MS);
      if ('status' in reply && reply.status.leader !== '') this.#store.members.learn(reply.status.voters);
    } catch {
      // Whoever needs the store next finds out, and says so.
    }
  }
}

/** The state as far back as history reaches (or a window of it); what came after is left to catchUp. */
async function loadCache(store: StoreClient): Promise<ClusterCache> {
  const status = await store.query({ query: 'status' }, 60_000);
  if (!('status' in status)) throw new TroubleError('the store does not say its revision');
  const { revision, compactedRevision, member } = status.status;
  const oldest = compactedRevision === 0 ? 0 : compactedRevision + COMPACTION_SLACK;
  const from = Math.min(Math.max(revision - LIMITS.watchHistoryEvents / 2, oldest, 0), revision);
  const items = from === 0 ? [] : await rangeAll(store, from, member);
  return new ClusterCache(items, from);
}

async function rangeAll(store: StoreClient, revision: number, member: string): Promise<KeyValue[]> {
  const items: KeyValue[] = [];
  for await (const page of rangePages(store, { prefix: REGISTRY, revision }, member)) items.push(...page);
  return items;
}
