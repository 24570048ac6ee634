// Decides which ordered faults hold now: each until its lease ends, all of them together. Never renews one: an actor
// that nobody tells any more is healed.
import type { Clock, Timer } from '../../base/clock.ts';
import type { FaultOrder, FaultReply, InnerFaults, MessageRule } from '../../bus/messages.ts';
import { asFaultOrder } from './order.ts';

interface Lease {
  faults: InnerFaults;
  timer: Timer;
}

/** The sum of all orders, read at every message, write and look at the clock: plain fields. */
export interface FaultsNow {
  /** undefined: no rule. */
  readonly rules: readonly MessageRule[] | undefined;
  readonly diskFull: boolean;
  readonly diskSlowMs: number;
  readonly skewMs: number;
}

const NONE: FaultsNow = { rules: undefined, diskFull: false, diskSlowMs: 0, skewMs: 0 };

export class InnerFaultsDesk {
  now: FaultsNow = NONE;
  readonly #leases = new Map<string, Lease>();
  readonly #instance: string;
  readonly #clock: Clock;
  readonly #changed: (now: FaultsNow) => void;

  /** `clock`: the true one; a lease must not hang on a clock that it skews. */
  constructor(instance: string, clock: Clock, changed: (now: FaultsNow) => void = () => {}) {
    this.#instance = instance;
    this.#clock = clock;
    this.#changed = changed;
  }

  take(data: unknown): FaultReply {
    const order = asFaultOrder(data);
    if (typeof order === 'string') return { refused: `${this.#instance} cannot take the fault order: ${order}` };
    this.#leases.get(order.id)?.timer.cancel();
    this.#leases.delete(order.id);
    if (order.leaseMs > 0) this.#leases.set(order.id, this.#leaseOf(order));
    this.#sum();
    return { instance: this.#instance, active: this.#leases.size };
  }

  healAll(): void {
    for (const { timer } of this.#leases.values()) timer.cancel();
    this.#leases.clear();
    this.#sum();
  }

  #leaseOf({ id, faults, leaseMs }: FaultOrder): Lease {
    const timer = this.#clock.timer(leaseMs, () => {
      this.#leases.delete(id);
      this.#sum();
    });
    return { faults, timer };
  }

  #sum(): void {
    const all = [...this.#leases.values()].map(({ faults }) => faults);
    const rules = all.flatMap(({ messages }) => messages ?? []);
    const before = this.now;
    this.now =
      all.length === 0
        ? NONE
        : {
            rules: rules.length === 0 ? undefined : rules,
            diskFull: all.some(({ disk }) => disk?.full === true),
            diskSlowMs: all.reduce((sum, { disk }) => sum + (disk?.slowMs ?? 0), 0),
            skewMs: all.reduce((sum, { clockSkewMs }) => sum + (clockSkewMs ?? 0), 0),
          };
    // A renewal changes nothing.
    if (JSON.stringify(before) !== JSON.stringify(this.now)) this.#changed(this.now);
  }
}
