// Does: feeds one open watch: the initial objects, the events, bookmarks, the end; stops writing while the client is slow.
// Never keeps events for a slow client: it reads on from the history.
import type { Clock, Timer } from '../../../lib/base/clock.ts';
import { ApiError } from '../../../lib/base/errors.ts';
import { apiVersionOf } from '../../../lib/api/resource.ts';
import type { SeenEvent } from '../core/cache/cache-event.ts';
import type { WatchHandle, WatchHub } from '../core/cache/watch-hub.ts';
import { viewAs } from '../core/cache/view-as.ts';
import { eventLine, jsonBytes } from './encode.ts';
import type { WatchPlan } from './watch-plan.ts';

export interface WatchOutput {
  /** false: full; `drained` is called when there is room. */
  write(bytes: Uint8Array): boolean;
  end(): void;
}

const BOOKMARK_MS = 60_000;

export class WatchSession {
  readonly #hub: WatchHub;
  readonly #clock: Clock;
  readonly #plan: WatchPlan;
  readonly #output: WatchOutput;
  #sentInitial = 0;
  #handle: WatchHandle | undefined;
  #isFirst = true;
  #isClosed = false;
  #bookmarkTimer: Timer | undefined;
  readonly #endTimer: Timer;

  constructor(hub: WatchHub, clock: Clock, plan: WatchPlan, output: WatchOutput) {
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
    if (this.#isClosed) return;
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
    const line = eventLine(
      { type: seen.type, object: viewAs(kind, seen.object) },
      { kind, form, include, now: this.#clock.now(), withColumns: this.#isFirst },
    );
    this.#isFirst = false;
    return this.#output.write(line);
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
