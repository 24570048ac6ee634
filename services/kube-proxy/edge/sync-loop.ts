// Decides when rules are put into force: soon after a change, many changes at once, one run at a time, again with
// backoff after a failure, and now and then to see whether somebody else changed them. Never knows what the rules are.
import type { StatusDetails } from '../../../lib/actor/context.ts';
import type { Tracer } from '../../../lib/actor/tracer.ts';
import type { Clock, Timer } from '../../../lib/base/clock.ts';
import { messageOf } from '../../../lib/base/errors.ts';
import type { Log } from '../../../lib/base/log.ts';
import type { Applied, Applier } from './applier.ts';

/** Changes of one cause arrive within milliseconds of each other: slices follow each other closely in a rollout. */
const GATHER_MS = 10;
const RETRY_MS = [100, 300, 1000, 3000, 5000];
const MAX_REVISIONS = 200;

export interface SyncLoopContext {
  clock: Clock;
  log: Log;
  tracer: Tracer;
  node: string;
  applier: Applier;
  /** Longer after a check that took long: they may cost a hundredth of a processor. */
  verifyMs: number;
}

export class SyncLoop {
  readonly #ctx: SyncLoopContext;
  readonly #revisions = new Set<number>();
  #timer: Timer | undefined;
  #verifyTimer: Timer | undefined;
  #running: Promise<void> | undefined;
  #wokenAt: number | undefined;
  #runs = 0;
  #open = false;
  #stopped = false;
  #failures = 0;
  #syncs = 0;
  #mended = 0;
  #lastSyncMs = 0;
  #lastError = '';
  readonly #first = Promise.withResolvers<void>();

  constructor(ctx: SyncLoopContext) {
    this.#ctx = ctx;
  }

  /** Resolves when rules have been put into force once. */
  get first(): Promise<void> {
    return this.#first.promise;
  }

  /** Before this, changes only gather: half a list of services must not replace the rules that are there. */
  begin(): void {
    this.#open = true;
    this.wake();
    this.#planVerify(this.#ctx.verifyMs);
  }

  /** Something changed; `revision` is its cause. */
  wake(revision?: number): void {
    if (revision !== undefined && this.#revisions.size < MAX_REVISIONS) this.#revisions.add(revision);
    this.#wokenAt ??= this.#ctx.clock.monotonic();
    this.#plan(GATHER_MS);
  }

  status(): StatusDetails {
    return {
      synced: this.#syncs > 0 && this.#failures === 0,
      syncs: this.#syncs,
      lastSyncMs: Math.round(this.#lastSyncMs * 10) / 10,
      mended: this.#mended,
      ...(this.#failures === 0 ? {} : { failures: this.#failures, lastError: this.#lastError }),
    };
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#verifyTimer?.cancel();
    await this.#running;
  }

  /** One timer, one run: whatever comes meanwhile is seen when the run ends. */
  #plan(delayMs: number): void {
    if (!this.#open || this.#stopped || this.#timer !== undefined || this.#running !== undefined) return;
    this.#timer = this.#ctx.clock.timer(delayMs, () => {
      this.#timer = undefined;
      this.#runs++;
      this.#running = this.#sync().finally(() => {
        this.#running = undefined;
        if (this.#wokenAt !== undefined) this.#plan(this.#pause());
      });
    });
  }

  #pause(): number {
    return this.#failures === 0 ? GATHER_MS : RETRY_MS[Math.min(this.#failures, RETRY_MS.length) - 1]!;
  }

  #planVerify(delayMs: number): void {
    if (this.#stopped) return;
    this.#verifyTimer = this.#ctx.clock.timer(delayMs, () => {
      const began = this.#ctx.clock.monotonic();
      void this.#verify().finally(() => {
        const tookMs = this.#ctx.clock.monotonic() - began;
        this.#planVerify(Math.max(this.#ctx.verifyMs, tookMs * 100));
      });
    });
  }

  /** Runs beside syncs, which must not wait for it; what it saw while one ran is worth nothing. */
  async #verify(): Promise<void> {
    const runs = this.#runs;
    if (this.#running !== undefined) return;
    try {
      const why = await this.#ctx.applier.verify();
      if (why === undefined || this.#runs !== runs || this.#stopped) return;
      this.#mended++;
      this.#ctx.log.warn({ why }, 'the rules were changed by somebody else: putting them right');
      this.#ctx.applier.distrust();
      this.wake();
    } catch (error) {
      this.#ctx.log.warn({ error: messageOf(error) }, 'cannot verify the rules');
    }
  }

  async #sync(): Promise<void> {
    const { clock, tracer, node, applier } = this.#ctx;
    const began = clock.monotonic();
    const revisions = [...this.#revisions];
    const queuedMs = began - (this.#wokenAt ?? began);
    this.#revisions.clear();
    this.#wokenAt = undefined;
    const span = tracer.start({ verb: 'rules', kind: 'Node', name: node, revisions, queuedMs });
    try {
      const applied = await applier.apply();
      this.#syncs++;
      this.#failures = 0;
      this.#lastSyncMs = clock.monotonic() - began;
      this.#first.resolve();
      span.end(endOf(applied));
    } catch (error) {
      this.#failed(error, revisions);
      span.end({ outcome: 'failed', why: messageOf(error) });
    }
  }

  /** The causes stay: the run that succeeds is their effect. */
  #failed(error: unknown, revisions: readonly number[]): void {
    this.#failures++;
    this.#lastError = messageOf(error);
    for (const revision of revisions) this.#revisions.add(revision);
    this.#wokenAt ??= this.#ctx.clock.monotonic();
    this.#ctx.log.warn({ error: this.#lastError, failures: this.#failures }, 'rules are not in force');
  }
}

function endOf({ services, did }: Applied) {
  const shown = services.slice(0, 10).join(', ');
  const more = services.length > 10 ? ` and ${services.length - 10} more` : '';
  return {
    outcome: did.length > 0 ? ('changed' as const) : ('unchanged' as const),
    saw: services.length === 0 ? 'no service changed' : `services ${shown}${more}`,
    did: did.length > 20 ? [...did.slice(0, 20), `and ${did.length - 20} more`] : did,
    ...(did.length > 0 ? {} : { why: 'the change asks for no other rules' }),
  };
}
