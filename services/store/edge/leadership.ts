// Decides what becomes of a request that only the leader can answer: done here, sent on to the leader, held for a moment
// while an election may end, or refused. Never holds one for long: without a quorum every writer must know at once.
import type { Clock } from '../../../lib/base/clock.ts';
import type { StoreRefusal } from '../../../lib/bus/messages.ts';

/** A usual election takes one to two seconds; a requester waits a little less than its own attempt's time. */
const HOLD_MS = 1_200;
const ELECTION_MS = 2_500;
const HELD_REQUESTS = 5_000;

export interface LeaderRequest {
  proceed(): void;
  refuse(refusal: StoreRefusal): void;
}

interface Held {
  request: LeaderRequest;
  until: number;
}

export class Leadership {
  leader = '';
  leads = false;
  private readonly member: string;
  private readonly clock: Clock;
  private leaderlessSince: number;
  private held: Held[] = [];

  constructor(member: string, clock: Clock) {
    this.member = member;
    this.clock = clock;
    this.leaderlessSince = clock.monotonic();
  }

  ask(request: LeaderRequest): void {
    if (this.leads) return request.proceed();
    if (this.leader !== '') return request.refuse(this.notLeader());
    const now = this.clock.monotonic();
    if (now - this.leaderlessSince > ELECTION_MS || this.held.length >= HELD_REQUESTS)
      return request.refuse(this.noQuorum());
    this.held.push({ request, until: now + HOLD_MS });
  }

  changed(leader: string, leads: boolean): void {
    if (leader === '' && this.leader !== '') this.leaderlessSince = this.clock.monotonic();
    this.leader = leader;
    this.leads = leads;
    if (leader === '') return;
    const { held } = this;
    this.held = [];
    for (const { request } of held) this.ask(request);
  }

  tick(now: number): void {
    while (this.held.length > 0 && this.held[0]!.until <= now) this.held.shift()!.request.refuse(this.noQuorum());
  }

  stop(): void {
    for (const { request } of this.held.splice(0)) request.refuse(this.refusal('stopping', 'is stopping'));
  }

  notLeader(): StoreRefusal {
    return this.refusal('notLeader', this.leader === '' ? 'knows no leader' : `follows ${this.leader}`);
  }

  noQuorum(): StoreRefusal {
    const seconds = ((this.clock.monotonic() - this.leaderlessSince) / 1000).toFixed(1);
    return this.refusal('noQuorum', `has had no leader for ${seconds} s: a majority of members cannot be reached`);
  }

  refusal(refused: StoreRefusal['refused'], what: string): StoreRefusal {
    return { refused, leader: this.leader, message: `store member ${this.member} ${what}` };
  }
}
