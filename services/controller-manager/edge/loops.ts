// Does: starts and stops all loops together, over caches that they share. Never keeps a cache from one term of leadership
// to the next: what was seen, and when, starts anew, so that a silence of the API is not taken for a silence of nodes.
import type { StatusDetails } from '../../../lib/actor/context.ts';
import type { ResourceRef } from '../../../lib/api/resource.ts';
import { sleep } from '../../../lib/base/clock.ts';
import { messageOf } from '../../../lib/base/errors.ts';
import type { CacheContext } from '../../../lib/client/cache.ts';
import { Caches } from '../../../lib/reconcile/caches.ts';
import type { Controller } from '../../../lib/reconcile/controller.ts';
import { runController, type RunContext, type RunningController } from '../../../lib/reconcile/run-controller.ts';
import { discoverKinds } from './discovery.ts';

const RETRY_MS = 1_000;

export class Loops {
  readonly #ctx: CacheContext & RunContext;
  readonly #controllers: (kinds: readonly ResourceRef[]) => Controller[];
  #caches: Caches | undefined;
  #running: RunningController[] = [];
  /** Counts starts and stops: what an earlier term began late must not run in this one. */
  #term = 0;

  constructor(ctx: CacheContext & RunContext, controllers: (kinds: readonly ResourceRef[]) => Controller[]) {
    this.#ctx = ctx;
    this.#controllers = controllers;
  }

  start(): void {
    this.stop();
    void this.#begin(this.#term);
  }

  stop(): void {
    this.#term++;
    for (const controller of this.#running) controller.stop();
    this.#running = [];
    this.#caches?.stop();
    this.#caches = undefined;
  }

  /** Keys that wait, by controller: only those that have any. */
  status(): StatusDetails {
    const queued: Record<string, number> = {};
    for (const { name, queueLength } of this.#running) queued[name] = (queued[name] ?? 0) + queueLength;
    const waiting = Object.entries(queued).filter(([, length]) => length > 0);
    return {
      controllers: Object.keys(queued).length,
      queued: waiting.reduce((sum, [, length]) => sum + length, 0),
      ...Object.fromEntries(waiting.map(([name, length]) => [`queued.${name}`, length])),
    };
  }

  async #begin(term: number): Promise<void> {
    while (this.#term === term) {
      try {
        const kinds = await discoverKinds(this.#ctx.client);
        if (this.#term === term) this.#run(kinds);
        return;
      } catch (error) {
        this.#ctx.log.warn({ error: messageOf(error) }, 'the API did not say which kinds it keeps; asked again');
        await sleep(this.#ctx.clock, RETRY_MS);
      }
    }
  }

  #run(kinds: readonly ResourceRef[]): void {
    const caches = new Caches(this.#ctx);
    this.#caches = caches;
    this.#running = this.#controllers(kinds).map((controller) => runController(this.#ctx, controller, caches));
  }
}
