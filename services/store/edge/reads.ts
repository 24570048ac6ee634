// Decides when a question that must see every acknowledged write can be answered: when the leader knows that it still
// leads (Raft ReadIndex) and this state has what was committed then. Never answers from a state that is behind that.
import type { Clock } from '../../../lib/base/clock.ts';
import type { StoreQueryReply } from '../../../lib/bus/messages.ts';
import type { Effect, Index } from '../../../raft/core/index.ts';
import type { Leadership } from './leadership.ts';

const DECISION_MS = 3_000;

interface Read {
  deadline: number;
  answer: (reply: StoreQueryReply) => void;
}

export class Reads {
  private readonly clock: Clock;
  private readonly leadership: Leadership;
  private readonly ask: (readId: number) => void;
  private readonly state: () => { appliedIndex: Index; revision: number };
  private readonly asked = new Map<number, Read>();
  /** Confirmed; the state is not yet at `index`. In order of index. */
  private confirmed: (Read & { index: Index })[] = [];
  private nextId = 1;

  constructor(
    clock: Clock,
    leadership: Leadership,
    ask: (readId: number) => void,
    state: () => { appliedIndex: Index; revision: number },
  ) {
    this.clock = clock;
    this.leadership = leadership;
    this.ask = ask;
    this.state = state;
  }

  /** Leader only. `answer` is called once. */
  add(answer: (reply: StoreQueryReply) => void): void {
    const readId = this.nextId++;
    this.asked.set(readId, { deadline: this.clock.monotonic() + DECISION_MS, answer });
    this.ask(readId);
  }

  /** Whether this member leads and a majority has just said so. */
  leadsStill(): Promise<boolean> {
    if (!this.leadership.leads) return Promise.resolve(false);
    return new Promise((resolve) => this.add((reply) => resolve('readIndex' in reply)));
  }

  ready(readId: number, index: Index): void {
    const read = this.asked.get(readId);
    if (read === undefined) return;
    this.asked.delete(readId);
    this.confirmed.push({ ...read, index });
    this.applied();
  }

  failed({ readId, reason, leader }: Extract<Effect, { type: 'readFailed' }>): void {
    const read = this.asked.get(readId);
    this.asked.delete(readId);
    if (reason === 'overloaded') read?.answer(this.leadership.refusal('overloaded', 'has too many reads waiting'));
    else read?.answer(leader === '' ? this.leadership.noQuorum() : this.leadership.notLeader());
  }

  /** The state has moved on. */
  applied(): void {
    const { appliedIndex, revision } = this.state();
    while (this.confirmed.length > 0 && this.confirmed[0]!.index <= appliedIndex)
      this.confirmed.shift()!.answer({ readIndex: { revision, index: appliedIndex } });
  }

  tick(now: number): void {
    const late = this.leadership.refusal('noQuorum', `got no answer from a majority within ${DECISION_MS / 1000} s`);
    for (const [readId, read] of this.asked) {
      if (read.deadline > now) break;
      this.asked.delete(readId);
      read.answer(late);
    }
    while (this.confirmed.length > 0 && this.confirmed[0]!.deadline <= now) this.confirmed.shift()!.answer(late);
  }

  stop(): void {
    const refusal = this.leadership.refusal('stopping', 'is stopping');
    for (const read of [...this.asked.values(), ...this.confirmed]) read.answer(refusal);
    this.asked.clear();
    this.confirmed = [];
  }
}
