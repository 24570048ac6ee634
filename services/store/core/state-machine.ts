// Decides what a committed command does to the replicated state: the same on every member, from the entry alone. Never
// knows of time, of leaders, or of who waits for an answer.
import { invariant } from '../../../lib/base/errors.ts';
import { ByteReader } from '../../../lib/base/bytes.ts';
import type { CommittedTxn, KeyValue } from '../../../lib/bus/messages.ts';
import { Applied } from './applied.ts';
import { decodeCommand, isWrites, readWriteHead, type Command, type LeaseCommand } from './command.ts';
import { committedOf, History } from './history.ts';
import { Leases, type Lease } from './leases.ts';
import { decodeText } from '../../../lib/base/bytes.ts';
import { DEFAULT_STORE_LIMITS, limitNumbers, PAGE_BYTES, type StoreLimits } from './limits.ts';
import { restText } from './rest-hash.ts';
import { Sessions, type Outcome, type Refusal, type Session } from './sessions.ts';
import { hashText } from './state-hash.ts';
import {
  packCause,
  readTxn,
  type OperationPlaces,
  type PackedCause,
  type Place,
  type TxnPlaces,
} from './txn-places.ts';
import { Versions, type Put } from './versions.ts';

/** What becomes of one key. */
interface Change {
  /** Its number, or 0 and the key. */
  key: number;
  newKey: string;
  /** undefined: it is deleted. */
  put: Put | undefined;
}

export type { Applied };

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
    this.history = new History(this.limits, this.versions, compactedRevision);
  }

  get revision(): number {
    return this.history.lastRevision;
  }

  get compactedRevision(): number {
    return this.history.compactedRevision;
  }

  /** Of the living keys alone: what stays when a state begins anew elsewhere, and what members of older versions tell. */
  get keysHash(): string {
    return hashText(this.versions.hash);
  }

  /** Of all that counts, history and sessions too: behind what `keysHash` is. */
  get hash(): string {
    return this.keysHash + this.restHash;
  }

  get restHash(): string {
    const { history, sessions, leases, limits, areLimitsWritten } = this;
    const { forgottenThrough } = sessions;
    return restText({
      history: history.hash,
      sessions: sessions.hash,
      leases: leases.hash,
      forgottenThrough,
      timeMs: leases.timeMs,
      limits: areLimitsWritten ? limitNumbers(limits) : [],
    });
  }

  // ---- writing ----------------------------------------------------------------------------------------------------

  /** `data` undefined: an entry that is not for the state machine, but counts. */
  apply(index: number, data: Uint8Array | undefined): Applied {
    invariant(index === this.appliedIndex + 1, 'entry % is applied after entry %', index, this.appliedIndex);
    this.appliedIndex = index;
    const before = this.revision;
    const applied = new Applied(this.history);
    if (data === undefined) return applied;
    this.applyCommand(data, applied);
    applied.end();
    // What this entry did is yet to be told: no limit is so small that it would be forgotten before.
    this.prune(PRUNE_FACTOR * (1 + applied.changes), before);
    return applied;
  }

  private applyCommand(data: Uint8Array, applied: Applied): void {
    if (isWrites(data)) return this.applyWrites(data, applied);
    const command = decodeCommand(data) as Exclude<Command, { type: 'writes' }>;
    switch (command.type) {
      case 'compact':
        return this.history.compact(command.revision);
      case 'lease':
        return this.applyLease(command, applied);
      case 'limits':
        return this.useLimits(command.limits);
      case 'time':
        this.leases.advance(command.atMs);
        return this.endLeases();
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
    this.endLeases();
  }

  private endLeases(): void {
    let left = LEASE_KEYS;
    for (const lease of this.leases.over()) {
      const keys = firstOf(lease.keys, left);
      left -= keys.length;
      if (keys.length > 0) this.removeKeys(lease, keys);
      if (left === 0) break;
    }
    this.leases.forgetEmpty();
  }

  private removeKeys({ id }: Lease, keys: readonly string[]): void {
    const revision = this.revision + 1;
    for (const key of keys) this.change(this.versions.keys.find(key), revision, undefined);
    this.record(revision, packCause({ span: `lease/${id}`, actor: 'store' }));
  }

  // ---- transactions -----------------------------------------------------------------------------------------------

  /** Read and applied one by one: nothing is made of a transaction that is not needed for it. */
  private applyWrites(data: Uint8Array, applied: Applied): void {
    // A plain view: parts of a Buffer are Buffers, and dear.
    const reader = new ByteReader(new Uint8Array(data.buffer, data.byteOffset, data.length));
    const type = reader.byte();
    while (!reader.done) {
      const { session: name, count, ...head } = readWriteHead(type, reader);
      const session = this.sessions.use(name, head, this.appliedIndex);
      for (let left = count; left > 0; left--) {
        const txn = readTxn(reader);
        applied.note(txn.sequence, this.applyOnce(session, name, txn));
      }
      applied.endWrite();
    }
  }

  private applyOnce(session: Session | undefined, name: string, txn: TxnPlaces): Outcome {
    const { sequence } = txn;
    const remembered = session === undefined ? 'forgotten' : this.sessions.answer(session, sequence);
    if (remembered === 'forgotten')
      return {
        reason: 'forgotten',
        message: `transaction ${sequence} of session ${name}: whether it was applied is no longer known; do not send it again: read what it wrote, and begin a new session`,
      };
    if (remembered !== undefined) return remembered;
    const outcome = this.applyTxn(txn);
    this.sessions.remember(session!, sequence, outcome);
    return outcome;
  }

  private applyTxn(txn: TxnPlaces): Outcome {
    for (const { key, revision } of txn.compares) {
      const current = this.versions.liveRevision(this.numberOf(txn, key));
      if (current !== revision) return { reason: 'conflict', key: decodeText(txn.data, key.from, key.to), current };
    }
    const changes = this.effective(txn);
    const refusal = this.missingLease(changes) ?? this.whyFull(changes);
    if (refusal !== undefined) return refusal;
    if (changes.length > 0) this.commit(changes, txn.cause);
    return this.revision;
  }

  private numberOf({ data }: TxnPlaces, { from, to }: Place): number {
    return this.versions.keys.findBytes(data, from, to);
  }

  /** The last operation on a key counts; deleting what is not there is nothing. */
  private effective(txn: TxnPlaces): Change[] {
    const changes =
      txn.operations.length === 1 ? [this.changeOf(txn, txn.operations[0]!)] : lastOfEachKey(this.changesOf(txn));
    return this.isAnyVain(changes) ? changes.filter((change) => !this.isVain(change)) : changes;
  }

  private isAnyVain(changes: readonly Change[]): boolean {
    for (const change of changes) if (this.isVain(change)) return true;
    return false;
  }

  private isVain({ key, put }: Change): boolean {
    return put === undefined && this.versions.live(key) === 0;
  }

  private changesOf(txn: TxnPlaces): Change[] {
    return txn.operations.map((operation) => this.changeOf(txn, operation));
  }

  private changeOf(txn: TxnPlaces, { key: place, put }: OperationPlaces): Change {
    const key = this.numberOf(txn, place);
    return { key, newKey: key === 0 ? decodeText(txn.data, place.from, place.to) : '', put };
  }

  private missingLease(changes: readonly Change[]): Refusal | undefined {
    for (const { put } of changes) {
      if (put?.lease === undefined || this.leases.living(put.lease) !== undefined) continue;
      return { reason: 'no-lease', message: `lease ${put.lease} does not exist, or is over: grant it again` };
    }
    return undefined;
  }

  /** New keys meet the quota; a change of what is there may use the reserve, or nothing could be marked for deletion. */
  private whyFull(changes: readonly Change[]): Refusal | undefined {
    const { versions } = this;
    let growth = 0;
    for (const change of changes) growth += this.growthOf(change);
    if (growth <= 0) return undefined;
    const { quotaBytes } = this.limits;
    const isNew = changes.some(({ key, put }) => put !== undefined && versions.live(key) === 0);
    const allowed = isNew ? quotaBytes : quotaBytes * (1 + RESERVED_SHARE);
    if (versions.liveBytes + growth <= allowed) return undefined;
    this.refusedGrowth = growth;
    const message =
      `store: space exceeded: ${versions.liveBytes} bytes are stored and ${growth} more would exceed the quota of ` +
      `${quotaBytes}; deleting still works, and writes are taken again by themselves when there is room`;
    return { reason: 'quota', message };
  }

  private growthOf({ key, newKey, put }: Change): number {
    const before = this.versions.sizeOf(key);
    if (put === undefined) return -before;
    return (key === 0 ? newKey : this.versions.keys.text(key)).length + put.to - put.from - before;
  }

  /** '' when there is room: for what was last refused, too. */
  get spaceAlarm(): string {
    const { liveBytes } = this.versions;
    const { quotaBytes } = this.limits;
    if (liveBytes < quotaBytes && liveBytes + this.refusedGrowth <= quotaBytes) return '';
    return `space exceeded: ${liveBytes} of ${quotaBytes} bytes are stored; only deletions are taken until there is room`;
  }

  private commit(changes: readonly Change[], cause: PackedCause): void {
    const revision = this.revision + 1;
    for (const { key, newKey, put } of changes)
      this.change(key === 0 ? this.versions.enter(newKey) : key, revision, put);
    this.record(revision, cause);
    this.leases.forgetEmptied();
  }

  /** One key becomes what is put (undefined: deleted), in the lease or out of any. */
  change(key: number, revision: number, put: Put | undefined): void {
    const { versions, leases, history } = this;
    const before = versions.liveLease(key);
    if (before !== undefined) leases.detach(versions.keys.text(key), before);
    if (put?.lease !== undefined) leases.attach(versions.keys.text(key), put.lease);
    history.add(put === undefined ? versions.delete(key, revision) : versions.put(key, revision, put));
  }

  /** All changes since the last one go into the history as a transaction; what falls out of it is forgotten bit by bit. */
  record(revision: number, cause: PackedCause): void {
    this.history.push(revision, cause);
  }

  // ---- forgetting -------------------------------------------------------------------------------------------------

  /** A little with each command, so that compaction never holds the event loop. Whole transactions, at least one. */
  private prune(maxKeys: number, through: number): number {
    if (this.pins > 0) return 0;
    let pruned = 0;
    const forget = (version: number): void => this.versions.prune(version);
    while (pruned < maxKeys) {
      const changes = this.history.forgetOldest(through, forget);
      if (changes === 0) break;
      pruned += changes;
    }
    return pruned;
  }

  /** Forgets more while nothing is written; says of how many keys: 0 = there is nothing to forget now. */
  tidy(maxKeys: number): number {
    return this.prune(maxKeys, this.revision);
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
      bytes += key.length + version.length;
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
      const txn = this.history.at(revision);
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

/** In the order in which the keys come first. */
function lastOfEachKey(changes: readonly Change[]): Change[] {
  return [...new Map(changes.map((change) => [change.key === 0 ? change.newKey : change.key, change])).values()];
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
