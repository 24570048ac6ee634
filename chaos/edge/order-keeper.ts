// Does: gives actors their orders over the bus and renews them until told to stop. Never decides what is ordered; an
// actor that hears no renewal has healed itself.
import { setTimeout as pause } from 'node:timers/promises';
import { messageOf, TroubleError } from '../../lib/base/errors.ts';
import { BusError, type Bus } from '../../lib/bus/bus.ts';
import { MESSAGE_VERSION, type FaultOrder, type FaultReply, type InnerFaults } from '../../lib/bus/messages.ts';
import { subjectOf } from '../../lib/bus/subjects.ts';
import type { Order } from '../core/orders.ts';

/** An actor is healed this long after its last order: long enough for a machine that is busy, short for a person. */
const LEASE_MS = 6000;
const RENEW_MS = 1000;
/** An actor that is being started again must be broken again before it does much. */
const ABSENT_MS = 100;
const ANSWER_MS = 2000;

/** Who may give orders, on the bus of which cluster. */
export interface Speaker {
  cluster: string;
  bus: Pick<Bus, 'instance' | 'request'>;
}

export class OrderKeeper {
  readonly #speaker: () => Promise<Speaker>;
  readonly #kept = new Map<string, AbortController>();

  constructor(speaker: () => Promise<Speaker>) {
    this.#speaker = speaker;
  }

  /** Resolves when every actor does what it is told; then renews. Fails, with none left behind, when one does not. */
  async give(id: string, orders: readonly Order[], wanted: () => boolean): Promise<void> {
    try {
      await Promise.all(orders.map((order) => this.#must(id, order)));
    } catch (error) {
      await this.end(id, orders);
      throw error;
    }
    const end = new AbortController();
    this.#kept.set(id, end);
    for (const order of orders) void this.#renew(id, order, wanted, end.signal);
  }

  /** Actors that do not answer are healed when their lease is over. */
  async end(id: string, orders: readonly Order[]): Promise<void> {
    this.#kept.get(id)?.abort();
    this.#kept.delete(id);
    await Promise.allSettled(orders.map(({ instance }) => this.#send(id, instance, {}, 0)));
  }

  async #renew(id: string, order: Order, wanted: () => boolean, end: AbortSignal): Promise<void> {
    let waitMs = RENEW_MS;
    for (;;) {
      await pause(waitMs, undefined, { signal: end }).catch(() => {});
      if (end.aborted || !wanted()) return;
      waitMs = await this.#send(id, order.instance, order.faults, LEASE_MS).then(
        () => RENEW_MS,
        (error: unknown) => (error instanceof BusError && error.kind === 'no-responders' ? ABSENT_MS : RENEW_MS),
      );
    }
  }

  async #must(id: string, { instance, faults }: Order): Promise<void> {
    let reply: FaultReply;
    try {
      reply = await this.#send(id, instance, faults, LEASE_MS);
    } catch (error) {
      throw new TroubleError(`${instance} cannot be told to break itself: ${messageOf(error)}; does it run?`, {
        cause: error,
      });
    }
    if ('refused' in reply) throw new TroubleError(reply.refused);
  }

  async #send(id: string, instance: string, faults: InnerFaults, leaseMs: number): Promise<FaultReply> {
    const order: FaultOrder = { version: MESSAGE_VERSION, id, leaseMs, faults };
    const { cluster, bus } = await this.#speaker();
    const subject = subjectOf(cluster, 'actorFault', { instance, from: bus.instance });
    return (await bus.request(subject, order, { timeoutMs: ANSWER_MS })) as FaultReply;
  }
}
