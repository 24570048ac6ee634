// Decides what a committed command does to the replicated state: the same on every member, from the entry alone. Never
// knows of time, of leaders, or of who waits for an answer.
import { invariant } from '../../../lib/base/errors.ts';
import type {
  Cause,
  CommittedTxn,
  KeyValue,
  Operation,
  StoreWrite,
  Txn,
  TxnResult,
} from '../../../lib/bus/messages.ts';
import { decodeCommand, type Command, type LeaseCommand } from './command.ts';
import { committedOf, History, historyBytes, type HistoryTxn } from './history.ts';
import { Leases, type Lease } from './leases.ts';
import { DEFAULT_STORE_LIMITS, PAGE_BYTES, type StoreLimits } from './limits.ts';
import { Sessions, type Session } from './sessions.ts';
import { hashText } from './state-hash.ts';
import { itemBytes, liveOf, Versions, type Item, type Version } from './versions.ts';

/** An operation, and what there is of its key: looked up once, because that is most of what a small write costs. */
interface Change {
  operation: Operation;
  item: Item | undefined;
}

/** What one entry did. */
export class Applied {
  /** One list a write, one result a transaction. */
  readonly results: TxnResult[][] = [];
  readonly txns: HistoryTxn[] = [];
  /** What became of the lease that the entry was about; undefined: there is no such lease. */
  lease: { ttlMs: number; remainingMs: number } | undefined = undefined;

  /** As others are told. Made when asked for: only the leader tells. */
  get committed(): CommittedTxn[] {
    return this.txns.map(committedOf);
  }
}

/** Keys that are pruned after each command for each that it changed: more than one, so that a backlog shrinks. */
const PRUNE_FACTOR = 2;
/** Keys that one entry takes away with leases that are over: what is left goes with the next, so that no turn is long. */
const LEASE_KEYS = 256;
/** Of the quota: what is there already may still change and be marked for deletion when nothing new is taken. */
const RESERVED_SHARE = 1 / 32;

export class StateMachine {
  /** Index of the last entry that is in this state. It changes with the data, in one turn: there is no moment between. */
  appliedIndex = 0;
  /** Those of the program until a leader has written others into the log. */
  readonly limits: StoreLimits;
  areLimitsWritten = false;
  readonly versions = new Versions();
  readonly sessions: Sessions;
  readonly history: History;
  /** As long as there is one, nothing that is unreadable is forgotten: a snapshot is being written. */
  private pins = 0;
  /** What the last write wanted that the quota refused; 0: none was refused yet. */
  private refusedGrowth = 0;
  readonly leases = new Leases();

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
    const applied = new Applied();
    if (data === undefined) return applied;
    this.applyCommand(decodeCommand(data), applied);
    this.prune(PRUNE_FACTOR * (1 + applied.txns.reduce((sum, { changes }) => sum + changes.length, 0)));
    return applied;
  }

  private applyCommand(command: Command, applied: Applied): void {
    switch (command.type) {
      case 'writes':
        for (const write of command.writes) applied.results.push(this.applyWrite(write, applied.txns));
        return;
      case 'compact':
        return this.history.compact(command.revision);
      case 'lease':
        return this.applyLease(command, applied);
      case 'limits':
        return this.useLimits(command.limits);
      case 'time':
        this.leases.advance(command.atMs);
        return this.endLeases(applied.txns);
      default:
        return command satisfies never;
    }
  }

  /** From here on; what is too much now goes bit by bit. */
  useLimits(limits: Partial<StoreLimits>): void {
    Object.assign(this.limits, limits);
    this.areLimitsWritten = true;
    this.history.keepLimits();
  }

  // ---- leases -----------------------------------------------------------------------------------------------------

  private applyLease({ action, id, ttlMs, atMs }: LeaseCommand, applied: Applied): void {
    const { leases } = this;
    leases.advance(atMs);
    const lease = action === 'grant' ? leases.grant(id, ttlMs) : leases[action](id);
    if (lease !== undefined) applied.lease = { ttlMs: lease.ttlMs, remainingMs: leases.remainingMs(lease) };
    this.endLeases(applied.txns);
  }

  private endLeases(committed: HistoryTxn[]): void {
    let left = LEASE_KEYS;
    for (const lease of this.leases.over()) {
      const keys = firstOf(lease.keys, left);
      left -= keys.length;
      if (keys.length > 0) committed.push(this.removeKeys(lease, keys));
      if (left === 0) break;
    }
    this.leases.forgetEmpty();
  }

  private removeKeys({ id }: Lease, keys: readonly string[]): HistoryTxn {
    const cause = { span: `lease/${id}`, actor: 'store' };
    return this.commit(
      keys.map((key) => ({ operation: { type: 'delete', key }, item: this.versions.item(key) })),
      cause,
    );
  }

  // ---- transactions -----------------------------------------------------------------------------------------------

  private applyWrite(write: StoreWrite, committed: HistoryTxn[]): TxnResult[] {
    const session = this.sessions.use(
      write.session,
      { acknowledged: write.acknowledged, since: write.since ?? 0 },
      this.appliedIndex,
    );
    return write.txns.map((txn) => this.applyOnce(session, write.session, txn, committed));
  }

  private applyOnce(session: Session | undefined, name: string, txn: Txn, committed: HistoryTxn[]): TxnResult {
    const { sequence } = txn;
    const remembered = session === undefined ? 'forgotten' : this.sessions.answer(session, sequence);
    if (remembered === 'forgotten')
      return {
        sequence,
        ok: false,
        reason: 'forgotten',
        message: `transaction ${sequence} of session ${name}: whether it was applied is no longer known; do not send it again: read what it wrote, and begin a new session`,
      };
    if (remembered !== undefined) return remembered;
    const result = this.applyTxn(txn, committed);
    this.sessions.remember(session!, result);
    return result;
  }

  private applyTxn(txn: Txn, committed: HistoryTxn[]): TxnResult {
    const { sequence } = txn;
    for (const { key, revision } of txn.compares) {
      const current = this.versions.live(key)?.revision ?? 0;
      if (current !== revision) return { sequence, ok: false, reason: 'conflict', key, current };
    }
    const changes = this.effective(txn.operations);
    const noLease = this.missingLease(changes);
    if (noLease !== undefined) {
      const message = `lease ${noLease} does not exist, or is over: grant it again`;
      return { sequence, ok: false, reason: 'no-lease', message };
    }
    const full = this.whyFull(changes);
    if (full !== undefined) return { sequence, ok: false, reason: 'quota', message: full };
    if (changes.length > 0) committed.push(this.commit(changes, txn.cause));
    return { sequence, ok: true, revision: this.revision };
  }

  private missingLease(changes: readonly Change[]): string | undefined {
    for (const { operation } of changes) {
      if (operation.type !== 'put' || operation.lease === undefined) continue;
      if (this.leases.living(operation.lease) === undefined) return operation.lease;
    }
    return undefined;
  }

  /** New keys meet the quota; a change of what is there may use the reserve, or nothing could be marked for deletion. */
  private whyFull(changes: readonly Change[]): string | undefined {
    const growth = growthOf(changes);
    if (growth <= 0) return undefined;
    const { quotaBytes } = this.limits;
    const isNew = changes.some(({ operation, item }) => operation.type === 'put' && liveOf(item) === undefined);
    const allowed = isNew ? quotaBytes : quotaBytes * (1 + RESERVED_SHARE);
    if (this.versions.liveBytes + growth <= allowed) return undefined;
    this.refusedGrowth = growth;
    return (
      `store: space exceeded: ${this.versions.liveBytes} bytes are stored and ${growth} more would exceed the quota of ` +
      `${quotaBytes}; deleting still works, and writes are taken again by themselves when there is room`
    );
  }

  /** '' when there is room: for what was last refused, too. */
  get spaceAlarm(): string {
    const { liveBytes } = this.versions;
    const { quotaBytes } = this.limits;
    if (liveBytes < quotaBytes && liveBytes + this.refusedGrowth <= quotaBytes) return '';
    return `space exceeded: ${liveBytes} of ${quotaBytes} bytes are stored; only deletions are taken until there is room`;
  }

  private commit(wanted: readonly Change[], cause: Cause): HistoryTxn {
    const revision = this.revision + 1;
    const changes = wanted.map(({ operation, item }) => {
      const { key } = operation;
      const put = operation.type === 'put' ? operation : undefined;
      return { key: item?.key ?? key, version: this.changeItem(key, item, revision, put?.value, put?.lease) };
    });
    return this.record(revision, cause, changes);
  }

  /** One key becomes `value` (undefined: deleted), in the lease or out of any. */
  change(key: string, revision: number, value: Uint8Array | undefined, lease: string | undefined): Version {
    return this.changeItem(key, this.versions.item(key), revision, value, lease);
  }

  private changeItem(
    key: string,
    item: Item | undefined,
    revision: number,
    value: Uint8Array | undefined,
    lease: string | undefined,
  ): Version {
    const before = liveOf(item)?.lease;
    if (before !== undefined) this.leases.detach(key, before);
    if (value === undefined) return this.versions.delete(key, revision);
    if (lease !== undefined) this.leases.attach(key, lease);
    return this.versions.putItem(key, item, revision, value, lease);
  }

  /** The transaction goes into the history, whatever falls out of it is forgotten bit by bit. */
  record(revision: number, cause: Cause, changes: HistoryTxn['changes']): HistoryTxn {
    const { low, high } = this.versions.hash;
    const entry: HistoryTxn = { revision, cause, changes, hash: { low, high }, bytes: historyBytes(cause, changes) };
    this.history.push(entry);
    return entry;
  }

  /** The last operation on a key counts; deleting what is not there is nothing. */
  private effective(operations: readonly Operation[]): Change[] {
    const last =
      operations.length === 1
        ? operations
        : new Map(operations.map((operation) => [operation.key, operation])).values();
    const changes: Change[] = [];
    for (const operation of last) {
      const item = this.versions.item(operation.key);
      if (operation.type === 'put' || liveOf(item) !== undefined) changes.push({ operation, item });
    }
    return changes;
  }

  // ---- forgetting -------------------------------------------------------------------------------------------------

  /** A little with each command, so that compaction never holds the event loop. Whole transactions, at least one. */
  private prune(maxKeys: number): number {
    if (this.pins > 0) return 0;
    let pruned = 0;
    while (pruned < maxKeys) {
      const txn = this.history.forgetOldest();
      if (txn === undefined) break;
      for (const { key, version } of txn.changes) this.versions.prune(key, version);
      pruned += txn.changes.length;
    }
    return pruned;
  }

  /** Forgets more while nothing is written; says of how many keys: 0 = there is nothing to forget now. */
  tidy(maxKeys: number): number {
    return this.prune(maxKeys);
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

/** Not all of a set that may be long. */
function firstOf<T>(items: Iterable<T>, most: number): T[] {
  const first: T[] = [];
  for (const item of items) {
    if (first.length >= most) break;
    first.push(item);
  }
  return first;
}

function growthOf(changes: readonly Change[]): number {
  let growth = 0;
  for (const { operation, item } of changes) {
    const before = liveOf(item);
    if (before !== undefined) growth -= operation.key.length + before.length;
    if (operation.type === 'put') growth += itemBytes(operation.key, operation.value);
  }
  return growth;
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
