// Decides which store member to ask next: the one that was last known to lead, else the others in turn. Never asks.
import type { StoreRefusal } from '../../../lib/bus/messages.ts';

export class StoreMembers {
  readonly #members: readonly string[];
  #turn = 0;
  #leader: string | undefined;

  constructor(members: readonly string[]) {
    this.#members = members;
  }

  /** The leader as far as known, else the next member in turn. */
  get likelyLeader(): string {
    return this.#leader ?? this.next();
  }

  /** Any member, another each time. */
  next(): string {
    return this.#members[this.#turn++ % this.#members.length]!;
  }

  /** Who to ask after this one failed: the leader that is known by now, else its neighbour, so that none is left out. */
  after(member: string): string {
    const neighbour = this.#members[(this.#members.indexOf(member) + 1) % this.#members.length]!;
    return this.#leader ?? neighbour;
  }

  leads(member: string): void {
    if (this.#members.includes(member)) this.#leader = member;
  }

  /** A refusal names the leader, if the member knows it. */
  refusedBy(member: string, refusal: StoreRefusal): void {
    if (refusal.leader !== '' && refusal.leader !== member) this.leads(refusal.leader);
    else this.lost(member);
  }

  /** It did not answer, or does not lead. */
  lost(member: string): void {
    if (this.#leader === member) this.#leader = undefined;
  }
}

export function isRefusal(reply: unknown): reply is StoreRefusal {
  return typeof reply === 'object' && reply !== null && 'refused' in reply;
}
