// Does: makes the cache as new as a reader needs it: asks the store's leader for a revision and waits for it. Never gives
// out objects; when there is no quorum it says so in words, and the reader decides.
import type { ActorContext } from '../../../lib/actor/context.ts';
import { ApiError, messageOf } from '../../../lib/base/errors.ts';
import type { StoreClient } from './store-client.ts';
import type { StoreFeed } from './store-feed.ts';

/** A leader is found anew within about a second; a reader waits a little longer before it takes an old answer. */
const PATIENCE_MS = 2_500;
/** After one reader waited in vain, the others do not wait as long, until the store answers again. */
const SHORT_PATIENCE_MS = 150;
/** Upstream waits this long for a revision of the future. */
const FUTURE_MS = 3_000;

/** Both are there, or none. */
interface Outcome {
  warning?: string;
  error?: unknown;
}

const FRESH: Outcome = {};

export class Freshness {
  readonly #ctx: ActorContext;
  readonly #store: StoreClient;
  readonly #feed: StoreFeed;
  #lost = false;
  /** For whoever asks the store together. */
  #shared: { question: Promise<number>; outcome: Promise<Outcome> } | undefined;

  constructor(ctx: ActorContext, store: StoreClient, feed: StoreFeed) {
    this.#ctx = ctx;
    this.#store = store;
    this.#feed = feed;
  }

  /** Whether the last question to the store was answered. */
  get hasQuorum(): boolean {
    return !this.#lost;
  }

  /** The cache then holds every write that was acknowledged before the call. Throws ApiError or TroubleError. */
  async newest(patienceMs?: number): Promise<void> {
    if (patienceMs !== undefined) return this.#reach(this.#store.readIndex(patienceMs), patienceMs);
    const { error } = await this.newestOrWarning();
    if (error !== undefined) throw error;
  }

  /** The same, but an unreachable quorum gives a warning for the answer instead of an error. One promise for many readers. */
  newestOrWarning(): Promise<Outcome> {
    const patienceMs = this.#lost ? SHORT_PATIENCE_MS : PATIENCE_MS;
    const question = this.#store.readIndex(patienceMs);
    if (this.#shared?.question !== question)
      this.#shared = { question, outcome: this.#outcomeOf(this.#reach(question, patienceMs)) };
    return this.#shared.outcome;
  }

  async #outcomeOf(reached: Promise<void>): Promise<Outcome> {
    try {
      await reached;
      return FRESH;
    } catch (error) {
      const warning = `this answer comes from the API server's cache at revision ${this.#feed.revision} and may be old: ${messageOf(error)}`;
      return { warning, error };
    }
  }

  async #reach(question: Promise<number>, patienceMs: number): Promise<void> {
    const began = this.#ctx.clock.monotonic();
    try {
      const revision = await question;
      if (revision > this.#feed.revision)
        await this.#feed.waitFor(revision, Math.max(50, patienceMs - (this.#ctx.clock.monotonic() - began)));
      this.#lost = false;
    } catch (error) {
      this.#lost = true;
      throw error;
    }
  }

  /** Resolves when the cache has the revision of a write, or after a moment. */
  async reached(revision: number): Promise<void> {
    await this.#feed.waitFor(revision, 500).catch(() => {});
  }

  /** Waits until the cache has a revision that a client knows of. Throws 504, which clients retry. */
  async atLeast(revision: number): Promise<void> {
    try {
      await this.#feed.waitFor(revision, FUTURE_MS);
    } catch (error) {
      throw new ApiError(
        'Timeout',
        `Timeout: Too large resource version: ${revision}, current: ${this.#feed.revision}`,
        {
          causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
          retryAfterSeconds: 1,
        },
        { cause: error },
      );
    }
  }
}
