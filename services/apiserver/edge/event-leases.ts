// Decides which lease of the store an Event ends with: an hour after it was last written, as upstream, by itself and without
// anybody looking for old ones. Never lets a write fail for want of a lease: event-expiry.ts finds what has none.
import type { ActorContext } from '../../../lib/actor/context.ts';
import { messageOf } from '../../../lib/base/errors.ts';
import type { Operation } from '../../../lib/bus/messages.ts';
import type { Kind } from '../../../lib/api/kind.ts';
import { operateStore } from './operate-store.ts';
import type { StoreClient } from './store-client.ts';

const LIFE_SECONDS = 3_600;
/** Events of the same minute share a lease, and live up to a minute longer for it (upstream's lease manager does alike). */
const SHARED_SECONDS = 60;
/** More would make its end a long one. */
const MOST_EVENTS = 1_000;
const GRANT_MS = 1_000;

interface Granted {
  id: string;
  until: number;
  left: number;
}

export class EventLeases {
  readonly #ctx: ActorContext;
  readonly #store: StoreClient;
  #granted: Promise<Granted | undefined> | undefined;

  constructor(ctx: ActorContext, store: StoreClient) {
    this.#ctx = ctx;
    this.#store = store;
  }

  /** The same operations; puts of an Event with its lease, which may have to be waited for. */
  attach(kind: Kind, operations: Operation[]): Operation[] | Promise<Operation[]> {
    return kind.ref.resource === 'events' ? this.#withLease(operations) : operations;
  }

  /** The store does not know it any more: the next Event gets another. */
  forget(): void {
    this.#granted = undefined;
  }

  async #withLease(operations: Operation[]): Promise<Operation[]> {
    const granted = await this.#current();
    if (granted === undefined) return operations;
    granted.left--;
    return operations.map((operation) => (operation.type === 'put' ? { ...operation, lease: granted.id } : operation));
  }

  async #current(): Promise<Granted | undefined> {
    const now = this.#ctx.clock.monotonic();
    this.#granted ??= this.#grant(now);
    const granted = await this.#granted;
    if (granted !== undefined && granted.until > now && granted.left > 0)
      return granted.id === '' ? undefined : granted;
    this.#granted = this.#grant(now);
    const fresh = await this.#granted;
    return fresh?.id === '' ? undefined : fresh;
  }

  /** An id of '': refused; not asked again for a minute, since every Event would wait for it. */
  async #grant(now: number): Promise<Granted> {
    const id = `events/${this.#ctx.instance}/${this.#ctx.chance.uuid()}`;
    const until = now + SHARED_SECONDS * 1_000;
    try {
      const grant = { operation: 'leaseGrant', id, ttlSeconds: LIFE_SECONDS + SHARED_SECONDS } as const;
      await operateStore(this.#ctx, this.#store.members, grant, GRANT_MS);
      return { id, until, left: MOST_EVENTS };
    } catch (error) {
      this.#ctx.log.debug({ error: messageOf(error) }, 'no lease for Events; they are removed by their age');
      return { id: '', until, left: Infinity };
    }
  }
}
