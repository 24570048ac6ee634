// Decides which store member to ask next: the one that was last known to lead, else the others in turn. Never asks.
import { TroubleError } from '../../../lib/base/errors.ts';
import type { StoreRefusal } from '../../../lib/bus/messages.ts';

export class StoreMembers {
  #members: readonly string[];
  #turn = 0;
  #leader: string | undefined;
  /** Few at a time. A promise of the next leader, which may never come, would keep all that ever waited for it. */
  readonly #waiting: Array<{ to: string; moved: (error: TroubleError) => void }> = [];

  constructor(members: readonly string[]) {
    this.#members = members;
  }

  /** What a member says: some were added, some left. */
  learn(members: readonly string[]): void {
    if (members.length === 0) return;
    this.#members = [...members];
    if (this.#leader !== undefined && !members.includes(this.#leader)) this.#leader = undefined;
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
    if (this.#leader === member) return;
    // Only members lead: one that is not known here was added since.
    if (!this.#members.includes(member)) this.#members = [...this.#members, member];
    this.#leader = member;
    for (const { to, moved } of this.#waiting)
      if (to !== member) moved(new TroubleError(`${to} did not answer before ${member} led`));
  }

  /** What `to` answers, or a rejection as soon as another member is known to lead: a dead leader would never answer. */
  async unlessMoved<Reply>(to: string, asked: Promise<Reply>): Promise<Reply> {
    const { promise: moved, reject } = Promise.withResolvers<never>();
    const waiting = { to, moved: reject };
    this.#waiting.push(waiting);
    try {
      return await Promise.race([asked, moved]);
    } finally {
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
    }
  }

  /** Do these refusals and failures leave no member that could have said yes? */
  noneLeft(without: ReadonlyMap<string, 'noQuorum' | 'gone'>): boolean {
    return this.#members.every((member) => without.has(member)) && [...without.values()].includes('noQuorum');
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
