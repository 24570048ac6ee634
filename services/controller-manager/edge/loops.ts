// Does: starts and stops all loops together, over caches that they share. Never keeps a cache from one term of leadership
// to the next: what was seen, and when, starts anew, so that a silence of the API is not taken for a silence of nodes.
import type { StatusDetails } from '../../../lib/actor/context.ts';
import type { APIService } from '../../../lib/api/generated/types.ts';
import { RESOURCES, type ResourceRef } from '../../../lib/api/resource.ts';
import { sleep, type Timer } from '../../../lib/base/clock.ts';
import { messageOf } from '../../../lib/base/errors.ts';
import type { Subscription } from '../../../lib/bus/bus.ts';
import type { CacheContext } from '../../../lib/client/cache.ts';
import { Caches } from '../../../lib/reconcile/caches.ts';
import type { Controller, KubeObject } from '../../../lib/reconcile/controller.ts';
import { runController, type RunContext, type RunningController } from '../../../lib/reconcile/run-controller.ts';
import { ensureAccounts } from './accounts.ts';
import { NOTHING_ELSEWHERE, type Elsewhere } from '../controllers/namespace.ts';
import { discoverElsewhere, discoverKinds } from './discovery.ts';

const RETRY_MS = 1_000;
const REFRESH_MS = 500;
const ASK_AGAIN_MS = 5_000;

export interface ControllerSets {
  lasting(): Controller[];
  /** Those that must know every kind of the cluster. */
  ofKinds(kinds: readonly ResourceRef[], elsewhere: Elsewhere): Controller[];
}

export class Loops {
  readonly #ctx: CacheContext & RunContext;
  readonly #controllers: ControllerSets;
  #caches: Caches | undefined;
  #running: RunningController[] = [];
  #kinds: readonly ResourceRef[] = [];
  #elsewhere: Elsewhere = NOTHING_ELSEWHERE;
  #ofKinds: RunningController[] = [];
  #changes: Subscription[] = [];
  #refresh: Timer | undefined;
  /** Counts starts and stops: what an earlier term began late must not run in this one. */
  #term = 0;

  constructor(ctx: CacheContext & RunContext, controllers: ControllerSets) {
    this.#ctx = ctx;
    this.#controllers = controllers;
  }

  start(): void {
    this.stop();
    void this.#begin(this.#term);
  }

  stop(): void {
    this.#term++;
    for (const controller of [...this.#running, ...this.#ofKinds]) controller.stop();
    this.#running = [];
    this.#ofKinds = [];
    for (const change of this.#changes) change.unsubscribe();
    this.#refresh?.cancel();
    this.#caches?.stop();
    this.#caches = undefined;
  }

  /** Keys that wait, by controller: only those that have any. */
  status(): StatusDetails {
    const queued: Record<string, number> = {};
    for (const { name, queueLength } of [...this.#running, ...this.#ofKinds])
      queued[name] = (queued[name] ?? 0) + queueLength;
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
        const [kinds, elsewhere] = await this.#discover();
        if (this.#term === term) this.#run(kinds, elsewhere, term);
        return;
      } catch (error) {
        this.#ctx.log.warn({ error: messageOf(error) }, 'the API did not say which kinds it keeps; asked again');
        await sleep(this.#ctx.clock, RETRY_MS);
      }
    }
  }

  #discover(): Promise<[ResourceRef[], Elsewhere]> {
    const { client } = this.#ctx;
    return Promise.all([discoverKinds(client), discoverElsewhere(client)]);
  }

  #run(kinds: readonly ResourceRef[], elsewhere: Elsewhere, term: number): void {
    const caches = new Caches(this.#ctx);
    this.#caches = caches;
    const lasting = this.#controllers.lasting();
    const accounts = [...lasting, ...this.#controllers.ofKinds(kinds, elsewhere)].flatMap(
      ({ account }) => account ?? [],
    );
    void ensureAccounts(this.#ctx, accounts, () => this.#term !== term);
    this.#running = lasting.map((controller) => runController(this.#ctx, controller, caches));
    this.#runKinds(kinds, elsewhere, caches);
    const definitions = caches.of(RESOURCES.customResourceDefinitions);
    const services = caches.of<APIService & KubeObject>(RESOURCES.apiServices);
    this.#changes = [
      definitions.onChange(() => this.#refreshSoon(term)),
      services.onChange(({ before, after }) => {
        // Those of the API itself come and go with what it serves.
        if ((after ?? before)?.spec?.service !== undefined) this.#refreshSoon(term);
      }),
    ];
    // What was defined between the question and these watches.
    void Promise.all([definitions.ready, services.ready]).then(() => this.#refreshSoon(term));
    if (!elsewhere.isWhole) this.#refreshSoon(term, ASK_AGAIN_MS);
  }

  #runKinds(kinds: readonly ResourceRef[], elsewhere: Elsewhere, caches: Caches): void {
    for (const controller of this.#ofKinds) controller.stop();
    const present = new Set(kinds.map(idOf));
    for (const ref of this.#kinds) if (!present.has(idOf(ref))) caches.forget(ref);
    this.#kinds = kinds;
    this.#elsewhere = elsewhere;
    this.#ofKinds = this.#controllers
      .ofKinds(kinds, elsewhere)
      .map((controller) => runController(this.#ctx, controller, caches));
  }

  /** Definitions come in bunches, and are served a moment after they are written. */
  #refreshSoon(term: number, pauseMs = REFRESH_MS): void {
    if (this.#term !== term) return;
    this.#refresh?.cancel();
    this.#refresh = this.#ctx.clock.timer(pauseMs, () => void this.#refreshKinds(term));
  }

  async #refreshKinds(term: number): Promise<void> {
    try {
      const [kinds, elsewhere] = await this.#discover();
      if (this.#term !== term || this.#caches === undefined) return;
      if (!elsewhere.isWhole) this.#refreshSoon(term, ASK_AGAIN_MS);
      if (sameKinds(kinds, this.#kinds) && sameElsewhere(elsewhere, this.#elsewhere)) return;
      this.#runKinds(kinds, elsewhere, this.#caches);
    } catch (error) {
      this.#ctx.log.warn({ error: messageOf(error) }, 'the API did not say which kinds it keeps; asked again');
      this.#refreshSoon(term);
    }
  }
}

const idOf = (ref: ResourceRef): string => `${ref.group}/${ref.version}/${ref.resource}/${ref.namespaced}`;

function sameKinds(some: readonly ResourceRef[], others: readonly ResourceRef[]): boolean {
  const known = new Set(others.map(idOf));
  return some.length === others.length && some.every((ref) => known.has(idOf(ref)));
}

const sameElsewhere = (some: Elsewhere, others: Elsewhere): boolean =>
  some.groupVersions.join() === others.groupVersions.join() && sameKinds(some.kinds, others.kinds);
