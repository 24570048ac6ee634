// Does: starts and stops all loops together, over caches that they share. Never keeps a cache from one term of leadership
// to the next: what was seen, and when, starts anew, so that a silence of the API is not taken for a silence of nodes.
import type { StatusDetails } from '../../../lib/actor/context.ts';
import type { CacheContext } from '../../../lib/client/cache.ts';
import { Caches } from '../../../lib/reconcile/caches.ts';
import type { Controller } from '../../../lib/reconcile/controller.ts';
import { runController, type RunContext, type RunningController } from '../../../lib/reconcile/run-controller.ts';

export class Loops {
  readonly #ctx: CacheContext & RunContext;
  readonly #controllers: readonly Controller[];
  #caches: Caches | undefined;
  #running: RunningController[] = [];

  constructor(ctx: CacheContext & RunContext, controllers: readonly Controller[]) {
    this.#ctx = ctx;
    this.#controllers = controllers;
  }

  start(): void {
    this.stop();
    const caches = new Caches(this.#ctx);
    this.#caches = caches;
    this.#running = this.#controllers.map((controller) => runController(this.#ctx, controller, caches));
  }

  stop(): void {
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
}
