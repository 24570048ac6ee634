// Does: feeds one open watch: the initial objects, the events, bookmarks, the end; stops writing while the client is slow.
// Never keeps events for a slow client: it reads on from the history.
import { NeedsConversion } from '../../../lib/api/custom/conversion.ts';
import type { Clock, Timer } from '../../../lib/base/clock.ts';
import { ApiError, messageOf } from '../../../lib/base/errors.ts';
import { apiVersionOf } from '../../../lib/api/resource.ts';
import type { SeenEvent } from '../core/cache/cache-event.ts';
import type { CachedObject } from '../core/cache/cached-object.ts';
import type { WatchHandle, WatchHub } from '../core/cache/watch-hub.ts';
import { viewAs } from '../core/cache/view-as.ts';
import { eventLine, jsonBytes } from './encode.ts';
import type { WatchTold } from './metrics.ts';
import type { ApiParts } from './parts.ts';
import type { WatchPlan } from './watch-plan.ts';

export interface WatchOutput {
  /** false: full; `drained` is called when there is room. */
  write(bytes: Uint8Array): boolean;
  end(): void;
}

const BOOKMARK_MS = 60_000;

/** One that is counted. */
export const watchSession = ({ hub, ctx, metrics }: ApiParts, plan: WatchPlan, output: WatchOutput): WatchSession =>
  new WatchSession(hub, ctx.clock, plan, output, metrics.watchOf(plan.kind.ref));

export class WatchSession {
  readonly #hub: WatchHub;
  readonly #clock: Clock;
  readonly #plan: WatchPlan;
  readonly #output: WatchOutput;
  readonly #told: WatchTold | undefined;
  #sentInitial = 0;
  #handle: WatchHandle | undefined;
  #isFirst = true;
  #isClosed = false;
  #isConverting = false;
  #bookmarkTimer: Timer | undefined;
  readonly #endTimer: Timer;

  constructor(hub: WatchHub, clock: Clock, plan: WatchPlan, output: WatchOutput, told?: WatchTold) {
    this.#told = told;
    this.#hub = hub;
    this.#clock = clock;
    this.#plan = plan;
    this.#output = output;
    this.#endTimer = clock.timer(plan.timeoutSeconds * 1000, () => this.#end());
    this.#bookmarkLater();
    this.#begin();
  }

  /** The output has room again. */
  drained(): void {
    if (this.#isClosed || this.#isConverting) return;
    if (this.#handle === undefined) this.#begin();
    else this.#handle.resume();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#endTimer.cancel();
    this.#bookmarkTimer?.cancel();
    this.#handle?.close();
  }

  #begin(): void {
    const { initial } = this.#plan;
    while (this.#sentInitial < initial.length)
      if (!this.#send({ type: 'ADDED', object: initial[this.#sentInitial++]! }) && this.#sentInitial < initial.length)
        return;
    if (this.#plan.endsInitial) this.#bookmark(this.#plan.from, true);
    let expired: number | undefined;
    const { scope, matches, from } = this.#plan;
    const handle = this.#hub.watch(scope, matches, from, {
      send: (seen) => this.#send(seen),
      expired: (revision) => {
        expired = revision;
        if (this.#handle !== undefined) this.#expire(revision);
      },
    });
    this.#handle = handle;
    if (expired !== undefined) this.#expire(expired);
  }

  #send(seen: SeenEvent): boolean {
    if (this.#isClosed) return true;
    const { kind, form, include } = this.#plan;
    let shown: SeenEvent | undefined;
    try {
      shown = this.#sifted(seen, viewAs(kind, seen.object));
    } catch (error) {
      if (!(error instanceof NeedsConversion) || this.#plan.convert === undefined) throw error;
      this.#sendConverted(seen, error);
      return false;
    }
    if (shown === undefined) return true;
    const line = eventLine(shown, { kind, form, include, now: this.#clock.now(), withColumns: this.#isFirst });
    this.#isFirst = false;
    this.#told?.count.inc();
    this.#told?.bytes.observe(line.length);
    return this.#output.write(line);
  }

  /** What of an event a client may see whose fields are only known after the conversion. */
  #sifted({ type }: SeenEvent, object: CachedObject): SeenEvent | undefined {
    const { sieve } = this.#plan;
    if (sieve === undefined) return { type, object };
    const was = sieve.inSight.has(object.key);
    const is = type !== 'DELETED' && sieve.matches(object.object);
    if (is) sieve.inSight.add(object.key);
    else sieve.inSight.delete(object.key);
    if (!was && !is) return undefined;
    return { type: is ? (was ? 'MODIFIED' : 'ADDED') : 'DELETED', object };
  }

  /** The watch is parked meanwhile: events stay in order, and nobody else waits for the webhook. */
  #sendConverted(seen: SeenEvent, needed: NeedsConversion): void {
    this.#isConverting = true;
    this.#plan.convert!(needed)
      .then(() => {
        this.#isConverting = false;
        if (this.#send(seen)) this.drained();
      })
      .catch((error: unknown) => this.#fail(error));
  }

  #fail(error: unknown): void {
    if (this.#isClosed) return;
    const status = (error instanceof ApiError ? error : new ApiError('InternalError', messageOf(error))).toStatus();
    this.#output.write(Buffer.concat([jsonBytes({ type: 'ERROR', object: status }), Buffer.from('\n')]));
    this.close();
    this.#output.end();
  }

  #bookmark(revision: number, endsInitial: boolean): void {
    const { kind, form } = this.#plan;
    const annotations = endsInitial ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {};
    const metadata = { resourceVersion: String(revision), ...annotations };
    const object =
      form.as === 'table'
        ? { kind: 'Table', apiVersion: `meta.k8s.io/${form.version}`, metadata, columnDefinitions: null, rows: [] }
        : form.as === 'partial'
          ? { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${form.version}`, metadata }
          : { kind: kind.ref.kind, apiVersion: apiVersionOf(kind.ref), metadata };
    this.#output.write(Buffer.concat([jsonBytes({ type: 'BOOKMARK', object }), Buffer.from('\n')]));
  }

  #bookmarkLater(): void {
    if (!this.#plan.bookmarks) return;
    this.#bookmarkTimer = this.#clock.timer(BOOKMARK_MS, () => {
      this.#bookmarkNow();
      this.#bookmarkLater();
    });
  }

  /** Only a watcher that has been told everything may be told that it was. */
  #bookmarkNow(): void {
    if (this.#handle !== undefined && !this.#handle.parked) this.#bookmark(this.#handle.revision, false);
  }

  #expire(revision: number): void {
    if (this.#isClosed) return;
    const status = new ApiError('Expired', `too old resource version: ${revision} (${this.#hub.revision})`).toStatus();
    this.#output.write(Buffer.concat([jsonBytes({ type: 'ERROR', object: status }), Buffer.from('\n')]));
    this.close();
    this.#output.end();
  }

  #end(): void {
    if (this.#isClosed) return;
    if (this.#plan.bookmarks) this.#bookmarkNow();
    this.close();
    this.#output.end();
  }
}
