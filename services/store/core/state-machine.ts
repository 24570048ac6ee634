// Decides what a committed command does to the replicated state: the same on every member, from the entry alone. Never
// knows of time, of leaders, or of who waits for an answer.
import { invariant } from '../../../lib/base/errors.ts';
import type { CommittedTxn, KeyValue, Operation, StoreWrite, Txn, TxnResult } from '../../../lib/bus/messages.ts';
import { decodeCommand } from './command.ts';
import { committedOf, History, historyBytes, type HistoryTxn } from './history.ts';
import { DEFAULT_STORE_LIMITS, PAGE_BYTES, type StoreLimits } from './limits.ts';
import { Sessions, type Session } from './sessions.ts';
import { hashText } from './state-hash.ts';
import { itemBytes, Versions } from './versions.ts';

/** What one entry did. */
export interface Applied {
  /** One list a write, one result a transaction. */
  results: TxnResult[][];
  committed: CommittedTxn[];
}

/** Transactions whose versions are pruned after each command: more than one command adds, so that a backlog shrinks. */
const PRUNE_FACTOR = 2;

export class StateMachine {
  /** Index of the last entry that is in this state. It changes with the data, in one turn: there is no moment between. */
  appliedIndex = 0;
  readonly limits: StoreLimits;
  readonly versions = new Versions();
  readonly sessions: Sessions;
  readonly history: History;
  /** Became unreadable; their versions still lie there, because a snapshot is being written. */
  private garbage: HistoryTxn[] = [];
  private pins = 0;

  constructor(limits: Partial<StoreLimits> = {}, compactedRevision = 0) {
    this.limits = { ...DEFAULT_STORE_LIMITS, ...limits };
    this.sessions = new Sessions(this.limits);
    this.history = new History(this.limits, compactedRevision);
  }

  get revision(): number {
    return this.history.lastRevision;
  }

  get compactedRevision(): number {
    return this.history.compactedRevision;
  }

  get hash(): string {
    return hashText(this.versions.hash);
  }

  /** Hash of the state at a revision that is still in the history. */
  hashAt(revision: number): string | undefined {
    const txn = this.history.at(revision);
    return txn === undefined ? undefined : hashText(txn.hash);
  }

  // ---- writing ----------------------------------------------------------------------------------------------------

  /** `data` undefined: an entry that is not for the state machine, but counts. */
  apply(index: number, data: Uint8Array | undefined): Applied {
    invariant(index === this.appliedIndex + 1, `entry ${index} is applied after entry ${this.appliedIndex}`);
    this.appliedIndex = index;
    const applied: Applied = { results: [], committed: [] };
    if (data === undefined) return applied;
    const command = decodeCommand(data);
    if (command.type === 'compact') this.discard(this.history.compact(Math.min(command.revision, this.revision)));
    else for (const write of command.writes) applied.results.push(this.applyWrite(write, applied.committed));
    this.prune(PRUNE_FACTOR * (applied.committed.length + 1));
    return applied;
  }

  private applyWrite(write: StoreWrite, committed: CommittedTxn[]): TxnResult[] {
    const session = this.sessions.use(write.session, write.acknowledged);
    return write.txns.map((txn) => this.applyOnce(session, write.session, txn, committed));
  }

  private applyOnce(session: Session | undefined, name: string, txn: Txn, committed: CommittedTxn[]): TxnResult {
    const { sequence } = txn;
    const remembered = session === undefined ? 'forgotten' : this.sessions.answer(session, sequence);
    if (remembered === 'forgotten')
      return {
        sequence,
        ok: false,
        reason: 'forgotten',
        message: `transaction ${sequence} of session ${name}: its answer is no longer known; read what it wrote, and begin a new session`,
      };
    if (remembered !== undefined) return remembered;
    const result = this.applyTxn(txn, committed);
    this.sessions.remember(session!, result);
    return result;
  }

  private applyTxn(txn: Txn, committed: CommittedTxn[]): TxnResult {
    const { sequence } = txn;
    for (const { key, revision } of txn.compares) {
      const current = this.versions.live(key)?.revision ?? 0;
      if (current !== revision) return { sequence, ok: false, reason: 'conflict', key, current };
    }
    const operations = this.effective(txn.operations);
    const growth = this.growthOf(operations);
    if (growth > 0 && this.versions.liveBytes + growth > this.limits.quotaBytes)
      return {
        sequence,
        ok: false,
        reason: 'quota',
        message: `${this.versions.liveBytes} bytes are stored, ${growth} more would exceed the quota of ${this.limits.quotaBytes}: delete something first`,
      };
    if (operations.length > 0) committed.push(this.commit(operations, txn));
    return { sequence, ok: true, revision: this.revision };
  }

  private commit(operations: readonly Operation[], txn: Txn): CommittedTxn {
    const revision = this.revision + 1;
    const changes = operations.map((operation) => ({
      key: operation.key,
      version:
        operation.type === 'put'
          ? this.versions.put(operation.key, revision, operation.value)
          : this.versions.delete(operation.key, revision),
    }));
    const { low, high } = this.versions.hash;
    const bytes = historyBytes(txn.cause, changes);
    const entry: HistoryTxn = { revision, cause: txn.cause, changes, hash: { low, high }, bytes };
    this.discard(this.history.push(entry));
    return committedOf(entry);
  }

  /** The last operation on a key counts; deleting what is not there is nothing. */
  private effective(operations: readonly Operation[]): Operation[] {
    const does = (operation: Operation): boolean =>
      operation.type === 'put' || this.versions.live(operation.key) !== undefined;
    if (operations.length === 1) return does(operations[0]!) ? [operations[0]!] : [];
    const byKey = new Map(operations.map((operation) => [operation.key, operation]));
    return [...byKey.values()].filter(does);
  }

  private growthOf(operations: readonly Operation[]): number {
    let growth = 0;
    for (const operation of operations) {
      const before = this.versions.live(operation.key);
      if (before !== undefined) growth -= itemBytes(operation.key, before.value);
      if (operation.type === 'put') growth += itemBytes(operation.key, operation.value);
    }
    return growth;
  }

  // ---- forgetting -------------------------------------------------------------------------------------------------

  private discard(txns: readonly HistoryTxn[]): void {
    for (const txn of txns) this.garbage.push(txn);
  }

  /** A little with each command, so that compaction never holds the event loop. */
  private prune(maxTxns: number): void {
    if (this.pins > 0 || this.garbage.length === 0) return;
    for (const txn of this.garbage.splice(0, maxTxns))
      for (const { key } of txn.changes) this.versions.prune(key, this.compactedRevision);
  }

  /** Until `unpin`, every revision that is readable now stays readable for `versions`. */
  pin(): void {
    this.pins++;
  }

  unpin(): void {
    this.pins--;
  }

  // ---- reading ----------------------------------------------------------------------------------------------------

  /** `revision` 0: the latest. 'compacted': what it needs is forgotten. Must not be after `this.revision`. */
  range(prefix: string, after: string, limit: number, revision: number): RangePage | 'compacted' {
    const at = revision === 0 ? this.revision : revision;
    if (at < this.compactedRevision) return 'compacted';
    const items: KeyValue[] = [];
    let bytes = 0;
    for (const { key, version } of this.versions.range(prefix, after, at)) {
      bytes += itemBytes(key, version.value);
      if (items.length >= limit || (items.length > 0 && bytes > PAGE_BYTES)) return { items, revision: at, more: true };
      const { createRevision, revision: modRevision } = version;
      items.push({ key, value: version.value!, createRevision, modRevision });
    }
    return { items, revision: at, more: false };
  }

  /** Committed transactions after `since`, oldest first; `revision` is the last there is. */
  historyAfter(since: number, limit: number): HistoryPage | 'compacted' {
    if (since < this.compactedRevision) return 'compacted';
    const txns: CommittedTxn[] = [];
    let bytes = 0;
    for (let revision = since + 1; revision <= this.revision; revision++) {
      const txn = this.history.at(revision)!;
      bytes += txn.bytes;
      if (txns.length >= limit || (txns.length > 0 && bytes > PAGE_BYTES))
        return { txns, revision: this.revision, more: true };
      txns.push(committedOf(txn));
    }
    return { txns, revision: this.revision, more: false };
  }
}

export interface RangePage {
  items: KeyValue[];
  revision: number;
  more: boolean;
}

export interface HistoryPage {
  txns: CommittedTxn[];
  revision: number;
  more: boolean;
}
