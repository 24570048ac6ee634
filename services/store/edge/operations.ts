// Decides when a wish that goes through the log (hand over, compact, a lease) is done, and refuses it when it cannot be.
// Never changes members (membership.ts).
import type { Clock } from '../../../lib/base/clock.ts';
import type { StoreOperation, StoreOperationReply } from '../../../lib/bus/messages.ts';
import type { Effect, Entry, Input } from '../../../raft/core/index.ts';
import { encodeCompact, encodeLease, encodeLimits, encodeTime, type LeaseCommand } from '../core/command.ts';
import type { StoreLimits } from '../core/limits.ts';
import type { Applied } from '../core/state-machine.ts';
import type { Leadership } from './leadership.ts';

const DECISION_MS = 5_000;
/** Proposal ids of this part; those of `Proposals` count up from 1. */
const FIRST_ID = 2 ** 40;

export type LoggedOperation = Extract<
  StoreOperation,
  { operation: 'transfer' | 'compact' | 'leaseGrant' | 'leaseKeepAlive' | 'leaseRevoke' }
>;

interface Waiting {
  deadline: number;
  /** The lease that it is about. */
  leaseId?: string;
  answer: (reply: StoreOperationReply) => void;
}

export class Operations {
  private readonly clock: Clock;
  private readonly leadership: Leadership;
  private readonly input: (input: Input) => void;
  private readonly storeTimeMs: () => number;
  private readonly waiting = new Map<number, Waiting>();
  /** Compactions by the index and term of their entry. */
  private readonly byIndex = new Map<number, { id: number; term: number }>();
  private nextId = FIRST_ID;

  /** `storeTimeMs`: the store's own time, of the leader. */
  constructor(clock: Clock, leadership: Leadership, input: (input: Input) => void, storeTimeMs: () => number) {
    this.clock = clock;
    this.leadership = leadership;
    this.input = input;
    this.storeTimeMs = storeTimeMs;
  }

  /** Leader only. `answer` is called once. */
  add(operation: LoggedOperation, answer: (reply: StoreOperationReply) => void): void {
    const id = this.nextId++;
    const deadline = this.clock.monotonic() + DECISION_MS;
    if (operation.operation === 'transfer') {
      this.waiting.set(id, { deadline, answer });
      return this.input({ type: 'transferLeadership', transferId: id, to: operation.to });
    }
    if (operation.operation === 'compact') {
      this.waiting.set(id, { deadline, answer });
      return this.propose(id, encodeCompact(operation.revision));
    }
    this.waiting.set(id, { deadline, answer, leaseId: operation.id });
    this.propose(id, encodeLease(leaseCommandOf(operation, this.storeTimeMs())));
  }

  /** The store's time goes on in the log: leases that are over end there. `ended`: whether it was written or not. */
  writeTime(atMs: number, ended: () => void): void {
    const id = this.nextId++;
    this.waiting.set(id, { deadline: this.clock.monotonic() + DECISION_MS, answer: ended });
    this.propose(id, encodeTime(atMs));
  }

  /** What the state may hold, from that entry on, on every member. */
  writeLimits(limits: StoreLimits, ended: () => void): void {
    const id = this.nextId++;
    this.waiting.set(id, { deadline: this.clock.monotonic() + DECISION_MS, answer: ended });
    this.propose(id, encodeLimits(limits));
  }

  private propose(proposalId: number, data: Uint8Array): void {
    this.input({ type: 'propose', proposalId, data: [data] });
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

  applied(entry: Entry, { lease }: Applied): void {
    const proposed = this.byIndex.get(entry.index);
    if (proposed === undefined) return;
    this.byIndex.delete(entry.index);
    if (proposed.term !== entry.term) return this.settle(proposed.id, this.leadership.notLeader());
    const leaseId = this.waiting.get(proposed.id)?.leaseId;
    if (leaseId === undefined) this.settle(proposed.id, { done: true });
    else if (lease !== undefined) this.settle(proposed.id, { lease });
    else this.settle(proposed.id, this.leadership.refusal('invalid', `knows no lease ${leaseId}: it is over`));
  }

  transferEnded({ transferId, done, reason }: Extract<Effect, { type: 'transferEnded' }>): void {
    const refusal = this.leadership.refusal('overloaded', `could not hand leadership over: ${reason}`);
    this.settle(transferId, done ? { done: true } : refusal);
  }

  abandon(): void {
    // A transfer ends with an effect of its own.
    for (const { id } of this.byIndex.values()) this.settle(id, this.leadership.notLeader());
    this.byIndex.clear();
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

function leaseCommandOf(
  operation: Extract<LoggedOperation, { operation: 'leaseGrant' | 'leaseKeepAlive' | 'leaseRevoke' }>,
  atMs: number,
): LeaseCommand {
  const { id } = operation;
  switch (operation.operation) {
    case 'leaseGrant':
      return { type: 'lease', action: 'grant', id, ttlMs: operation.ttlSeconds * 1_000, atMs };
    case 'leaseKeepAlive':
      return { type: 'lease', action: 'keepAlive', id, ttlMs: 0, atMs };
    case 'leaseRevoke':
      return { type: 'lease', action: 'revoke', id, ttlMs: 0, atMs };
    default:
      return operation satisfies never;
  }
}
