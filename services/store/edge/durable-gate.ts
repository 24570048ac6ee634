// Does: holds what promises something until that is on the disk: messages, and whoever waits. Never writes to a disk.
import type { AppendId, Message } from '../../../raft/core/index.ts';

export class DurableGate {
  readonly #send: (message: Message) => void;
  #durable: AppendId = 0;
  /** In the order in which they were said. */
  #held: Array<{ afterAppend: AppendId; message: Message }> = [];
  #waiters: Array<{ appendId: AppendId; resolve: () => void }> = [];

  constructor(send: (message: Message) => void) {
    this.#send = send;
  }

  send(message: Message, afterAppend: AppendId | undefined): void {
    if (afterAppend === undefined || afterAppend <= this.#durable) this.#send(message);
    else this.#held.push({ afterAppend, message });
  }

  whenDurable(appendId: AppendId): Promise<void> {
    return new Promise((resolve) => this.#waiters.push({ appendId, resolve }));
  }

  appended(appendId: AppendId): void {
    this.#durable = appendId;
    let released = 0;
    while (released < this.#held.length && this.#held[released]!.afterAppend <= appendId) released++;
    for (const { message } of this.#held.splice(0, released)) this.#send(message);
    this.#waiters = this.#waiters.filter((waiter) => {
      if (waiter.appendId <= appendId) waiter.resolve();
      return waiter.appendId > appendId;
    });
  }
}
