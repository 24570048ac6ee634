// Decides where the requests are kept that run: in no order, and where those that are done leave nothing behind. Never decides
// which run.
import type { Ticket } from './queue-set.ts';

/**
 * Not a Set: where entries come and go all the time, each table that V8 leaves behind points to the next, and one that has
 * reached the old generation keeps all that follow until that is collected, with the requests that ran at the time.
 */
export class Running {
  readonly #tickets: Ticket[] = [];

  get size(): number {
    return this.#tickets.length;
  }

  add(ticket: Ticket): void {
    ticket.place = this.#tickets.push(ticket) - 1;
  }

  /** One that was added. */
  delete(ticket: Ticket): void {
    const last = this.#tickets.pop()!;
    if (last === ticket) return;
    this.#tickets[ticket.place] = last;
    last.place = ticket.place;
  }

  [Symbol.iterator](): Iterator<Ticket> {
    return this.#tickets.values();
  }
}
