// Decides when a message goes that only tells a follower how far the log is committed: with the next entries, or at the next
// tick. At once would be a message, and a turn, for each follower and each write, just when its writer waits for the answer,
// and nobody waits for a follower to know. Never holds back anything else.
import type { MemberId, Message } from '../../../raft/core/index.ts';

export class LateNotices {
  readonly #send: (message: Message) => void;
  /** The latest to each follower. */
  readonly #held = new Map<MemberId, Message>();

  constructor(send: (message: Message) => void) {
    this.#send = send;
  }

  send(message: Message): void {
    if (message.type !== 'append') return this.#send(message);
    if (message.quiet) return void this.#held.set(message.to, message);
    // It tells as much: the core never tells a follower less than before.
    this.#held.delete(message.to);
    this.#send(message);
  }

  tick(): void {
    for (const message of this.#held.values()) this.#send(message);
    this.#held.clear();
  }
}
