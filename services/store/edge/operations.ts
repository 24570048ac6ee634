// Decides when an operator's wish (hand over, compact) is done, and refuses it when it cannot be. Never changes members.
import type { Clock } from '../../../lib/base/clock.ts';
import type { StoreOperation, StoreOperationReply } from '../../../lib/bus/messages.ts';
import type { Effect, Entry, Input } from '../../../raft/core/index.ts';
import { encodeCompact } from '../core/command.ts';
import type { Leadership } from './leadership.ts';

const DECISION_MS = 5_000;
/** Proposal ids of this part; those of `Proposals` count up from 1. */
const FIRST_ID = 2 ** 40;

interface Waiting {
  deadline: number;
  answer: (reply: StoreOperationReply) => void;
}

export class Operations {
  private readonly clock: Clock;
  private readonly leadership: Leadership;
  private readonly input: (input: Input) => void;
  private readonly waiting = new Map<number, Waiting>();
  /** Compactions by the index and term of their entry. */
  private readonly byIndex = new Map<number, { id: number; term: number }>();
  private nextId = FIRST_ID;

  constructor(clock: Clock, leadership: Leadership, input: (input: Input) => void) {
    this.clock = clock;
    this.leadership = leadership;
    this.input = input;
  }

  /** Leader only. `answer` is called once. */
  add(operation: StoreOperation, answer: (reply: StoreOperationReply) => void): void {
    const id = this.nextId++;
    this.waiting.set(id, { deadline: this.clock.monotonic() + DECISION_MS, answer });
    if (operation.operation === 'transfer')
      this.input({ type: 'transferLeadership', transferId: id, to: operation.to });
    else this.input({ type: 'propose', proposalId: id, data: [encodeCompact(operation.revision)] });
  }

  /** Resolves when another leads, or when none can be found in time. */
  handOver(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.clock.timer(timeoutMs, resolve);
      this.add({ operation: 'transfer', to: '' }, () => {
        timer.cancel();
        resolve();
      });
    });
  }

  decided(effect: Extract<Effect, { type: 'proposalAccepted' | 'proposalRefused' }>): void {
    if (effect.proposalId < FIRST_ID) return;
    if (effect.type === 'proposalAccepted')
      this.byIndex.set(effect.firstIndex, { id: effect.proposalId, term: effect.term });
    else this.settle(effect.proposalId, this.leadership.refusal('notLeader', `cannot do this now: ${effect.reason}`));
  }

  applied(entry: Entry): void {
    const proposed = this.byIndex.get(entry.index);
    if (proposed === undefined) return;
    this.byIndex.delete(entry.index);
    this.settle(proposed.id, proposed.term === entry.term ? { done: true } : this.leadership.notLeader());
  }

  transferEnded({ transferId, done, reason }: Extract<Effect, { type: 'transferEnded' }>): void {
    const refusal = this.leadership.refusal('overloaded', `could not hand leadership over: ${reason}`);
    this.settle(transferId, done ? { done: true } : refusal);
  }

  abandon(): void {
    this.byIndex.clear();
    // A transfer ends with an effect of its own.
  }

  tick(now: number): void {
    for (const [id, { deadline }] of this.waiting)
      if (deadline <= now) this.settle(id, this.leadership.refusal('noQuorum', 'could not do it in time'));
  }

  stop(): void {
    for (const id of this.waiting.keys()) this.settle(id, this.leadership.refusal('stopping', 'is stopping'));
  }

  private settle(id: number, reply: StoreOperationReply): void {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    waiting?.answer(reply);
  }
}
