// Decides which writes share a log entry, and which answer belongs to which entry. Never decides what a write does, and
// never calls one lost that may still be applied: its writer is told to ask again with the same sequence.
import type { Clock } from '../../../lib/base/clock.ts';
import type { StoreRefusal, StoreWrite, StoreWriteReply, Txn, TxnResult } from '../../../lib/bus/messages.ts';
import { packWrite, unpackTxns, type Packed } from '../../../lib/bus/packed.ts';
import type { Effect, Entry, Index, Term } from '../../../raft/core/index.ts';
import { bytesOfWrite, encodeWrites } from '../core/command.ts';
import { TXN_BYTES } from '../core/limits.ts';
import type { Leadership } from './leadership.ts';

/** Writes of one entry: more would keep the event loop of every member for too long. A larger one goes alone. */
const ENTRY_BYTES = 131_072;
/** Entries that are proposed and not yet applied. What comes meanwhile shares the next: no timer waits for company. */
const ENTRIES_IN_FLIGHT = 4;
const QUEUED_BYTES = 33_554_432;
/** A write of fewer bytes has no transaction that is too large: what `bytesOf` adds to each is less than as much again. */
const SURELY_SMALL_BYTES = TXN_BYTES / 4;
/** A writer has its answer after this, whatever it is. */
const DECISION_MS = 3_000;

interface PendingWrite {
  write: Packed<StoreWrite>;
  /** Results of transactions that are refused without asking the log. */
  refused: TxnResult[];
  deadline: number;
  answer: ((reply: StoreWriteReply) => void) | undefined;
}

interface Proposed {
  term: Term;
  writes: PendingWrite[];
}

type ProposalEffect = Extract<Effect, { type: 'proposalAccepted' | 'proposalRefused' }>;

export class Proposals {
  private readonly clock: Clock;
  private readonly leadership: Leadership;
  private readonly propose: (proposalId: number, data: Uint8Array) => void;
  private queue: PendingWrite[] = [];
  private queuedBytes = 0;
  private readonly offered = new Map<number, PendingWrite[]>();
  private readonly byIndex = new Map<Index, Proposed>();
  private nextId = 1;
  private flushing = false;

  constructor(clock: Clock, leadership: Leadership, propose: (proposalId: number, data: Uint8Array) => void) {
    this.clock = clock;
    this.leadership = leadership;
    this.propose = propose;
  }

  /** Leader only. `answer` is called once. */
  add(write: Packed<StoreWrite>, answer: (reply: StoreWriteReply) => void): void {
    if (this.queuedBytes > QUEUED_BYTES)
      return answer(this.leadership.refusal('overloaded', `has ${this.queuedBytes} bytes of writes waiting`));
    const { kept, refused } = withoutTooLarge(write);
    if (kept === undefined) return answer({ results: refused });
    this.queue.push({ write: kept, refused, deadline: this.clock.monotonic() + DECISION_MS, answer });
    this.queuedBytes += bytesOfWrite(kept);
    this.flushSoon();
  }

  /** At the end of this turn's messages: what arrives together goes together. */
  private flushSoon(): void {
    if (this.flushing || this.queue.length === 0) return;
    this.flushing = true;
    queueMicrotask(() => {
      this.flushing = false;
      this.flush();
    });
  }

  private flush(): void {
    while (this.queue.length > 0 && this.byIndex.size + this.offered.size < ENTRIES_IN_FLIGHT) {
      const writes = this.takeEntry();
      const proposalId = this.nextId++;
      this.offered.set(proposalId, writes);
      this.propose(proposalId, encodeWrites(writes.map(({ write }) => write)));
    }
  }

  private takeEntry(): PendingWrite[] {
    let count = 0;
    let bytes = 0;
    for (const { write } of this.queue) {
      if (count > 0 && bytes + bytesOfWrite(write) > ENTRY_BYTES) break;
      bytes += bytesOfWrite(write);
      count++;
    }
    this.queuedBytes -= bytes;
    return this.queue.splice(0, count);
  }

  decided(effect: ProposalEffect): void {
    const writes = this.offered.get(effect.proposalId);
    if (writes === undefined) return;
    this.offered.delete(effect.proposalId);
    if (effect.type === 'proposalAccepted') this.byIndex.set(effect.firstIndex, { term: effect.term, writes });
    else for (const write of writes) settle(write, this.refusalFor(effect.reason));
  }

  private refusalFor(reason: Extract<ProposalEffect, { type: 'proposalRefused' }>['reason']): StoreRefusal {
    if (reason === 'notLeader') return this.leadership.notLeader();
    if (reason === 'overloaded') return this.leadership.refusal('overloaded', 'has too many writes under way');
    return this.leadership.refusal('notLeader', `takes no writes now: ${reason}`);
  }

  /** An entry was applied here. With another term, what was proposed at its index is gone. Results are made when asked for. */
  applied(entry: Entry, told: { readonly results: readonly TxnResult[][] }): void {
    const proposed = this.byIndex.get(entry.index);
    if (proposed === undefined) return;
    this.byIndex.delete(entry.index);
    const { results } = told;
    for (const [i, write] of proposed.writes.entries()) {
      if (proposed.term !== entry.term) settle(write, this.leadership.notLeader());
      else settle(write, { results: merge(results[i]!, write.refused), index: entry.index });
    }
    this.flushSoon();
  }

  /** Leadership ended: what is proposed may or may not be applied; only asking again tells. */
  abandon(): void {
    const refusal =
      this.leadership.leader === ''
        ? this.leadership.refusal('noQuorum', 'lost a majority of members while the write was under way; ask again')
        : this.leadership.refusal('notLeader', `gave way to ${this.leadership.leader} while the write was under way`);
    this.refuseAll(refusal);
  }

  stop(): void {
    this.refuseAll(this.leadership.refusal('stopping', 'is stopping'));
  }

  private refuseAll(refusal: StoreRefusal): void {
    const writes = [
      ...[...this.byIndex.values()].flatMap((proposed) => proposed.writes),
      ...[...this.offered.values()].flat(),
      ...this.queue,
    ];
    this.byIndex.clear();
    this.offered.clear();
    this.queue = [];
    this.queuedBytes = 0;
    for (const write of writes) settle(write, refusal);
  }

  /** Answers those whose time is over; they stay counted as in flight until their entry is applied or given up. */
  tick(now: number): void {
    const late = (write: PendingWrite): boolean => write.deadline <= now && write.answer !== undefined;
    const undecided = this.leadership.refusal(
      'noQuorum',
      `could not get the write to a majority within ${DECISION_MS / 1000} s; it may still be applied: ask again`,
    );
    for (const { writes } of this.byIndex.values())
      for (const write of writes) if (late(write)) settle(write, undecided);
    while (this.queue.length > 0 && late(this.queue[0]!)) {
      const write = this.queue.shift()!;
      this.queuedBytes -= bytesOfWrite(write.write);
      settle(write, undecided);
    }
  }
}

function settle(write: PendingWrite, reply: StoreWriteReply): void {
  const { answer } = write;
  write.answer = undefined;
  answer?.(reply);
}

/** In order of sequence, as they were asked. */
function merge(results: readonly TxnResult[], refused: readonly TxnResult[]): TxnResult[] {
  if (refused.length === 0) return [...results];
  return [...results, ...refused].toSorted((a, b) => a.sequence - b.sequence);
}

/** All of it in nearly every case: what is short as a whole is not even taken apart. `kept` undefined: nothing is left. */
function withoutTooLarge(write: Packed<StoreWrite>): { kept: Packed<StoreWrite> | undefined; refused: TxnResult[] } {
  if (write.txns.length < SURELY_SMALL_BYTES) return { kept: write, refused: [] };
  const refused: TxnResult[] = [];
  const all = unpackTxns(write.txns);
  const txns = all.filter((txn) => {
    const bytes = bytesOf(txn);
    if (bytes <= TXN_BYTES) return true;
    const message = `a transaction of ${bytes} bytes: at most ${TXN_BYTES} can be written at once`;
    refused.push({ sequence: txn.sequence, ok: false, reason: 'too-large', message });
    return false;
  });
  if (txns.length === 0) return { kept: undefined, refused };
  return { kept: refused.length === 0 ? write : packWrite({ ...write, txns }), refused };
}

function bytesOf({ operations, compares }: Txn): number {
  return operations.reduce(
    (sum, operation) => sum + operation.key.length + (operation.type === 'put' ? operation.value.length : 0) + 8,
    compares.reduce((sum, { key }) => sum + key.length + 8, 64),
  );
}
