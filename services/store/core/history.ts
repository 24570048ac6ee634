// Decides which committed transactions are still readable: the youngest, by count and by bytes. Never forgets a version
// by itself: it says which versions a forgotten transaction made, state-machine.ts prunes them.
//
// A transaction is a row of numbers; its cause lies as it came in the log entry. `HistoryTxn` is what is made of them for who reads.
import { ByteReader, type ByteWriter } from '../../../lib/base/bytes.ts';
import { invariant } from '../../../lib/base/errors.ts';
import type { Cause, CommittedTxn } from '../../../lib/bus/messages.ts';
import { decodeCause } from '../../../lib/bus/packed.ts';
import { ByteQueue } from './byte-queue.ts';
import type { StoreLimits } from './limits.ts';
import { revisionItem } from './rest-hash.ts';
import { addHash, subtractHash, type Hash64 } from './state-hash.ts';
import { Table } from './table.ts';
import type { PackedCause } from './txn-places.ts';
import type { Version, Versions } from './versions.ts';

export interface HistoryTxn {
  revision: number;
  cause: Cause;
  changes: { key: string; version: Version }[];
  bytes: number;
}

const NO_VALUE = new Uint8Array(0);
/** What a transaction costs beside its keys and values, roughly; and each change in it. */
const TXN_OVERHEAD_BYTES = 64;
const CHANGE_OVERHEAD_BYTES = 32;

// Columns of a transaction: with all that were ever before it, bytes and changes; and where its cause lies.
const THROUGH_BYTES = 0;
const THROUGH_CHANGES = 1;
const CAUSE_AT = 2;
const CAUSE_LENGTH = 0;
/** The sum of the hashes of the keys as they were after it and after all before it. */
const THROUGH_LOW = 1;
const THROUGH_HIGH = 2;

export class History {
  /** Every revision after it is readable. */
  compactedRevision: number;
  /** The newest transaction. */
  lastRevision: number;
  /** Everything up to it is forgotten; what is between it and `compactedRevision` is unreadable and still lies here. */
  private forgottenRevision: number;
  /** The revision of row 0. */
  private readonly firstRevision: number;
  private readonly txns = new Table(3, 3);
  private readonly causes = new ByteQueue();
  /** The versions that the transactions made, one after another. */
  private readonly changes = new Table(0, 1);
  private pushedBytes = 0;
  private pushedChanges = 0;
  private compactedBytes = 0;
  private readonly through: Hash64 = { low: 0, high: 0 };
  /** What of `through` was before the compacted revision. */
  private readonly unreadableHash: Hash64 = { low: 0, high: 0 };
  /** Used again for each. */
  private readonly item: Hash64 = { low: 0, high: 0 };
  private readonly limits: StoreLimits;
  readonly versions: Versions;

  constructor(limits: StoreLimits, versions: Versions, compactedRevision: number) {
    this.limits = limits;
    this.versions = versions;
    this.compactedRevision = compactedRevision;
    this.lastRevision = compactedRevision;
    this.forgottenRevision = compactedRevision;
    this.firstRevision = compactedRevision;
    this.txns.reach(0);
    this.begin();
  }

  /** Nothing was pushed yet, and the keys are as they were at the compacted revision. */
  begin(): void {
    this.through.low = this.through.high = 0;
    this.sumUp(0, this.firstRevision);
  }

  /** Of the keys as they were after each readable revision, the compacted one too. */
  get hash(): Hash64 {
    const { low, high } = this.through;
    const readable = { low, high };
    subtractHash(readable, this.unreadableHash);
    return readable;
  }

  private sumUp(row: number, revision: number): void {
    const { item, through, txns } = this;
    revisionItem(item, revision, this.versions.hash);
    addHash(through, item);
    txns.setInt(row, THROUGH_LOW, through.low);
    txns.setInt(row, THROUGH_HIGH, through.high);
  }

  /** Changes of all transactions that this history ever held. */
  get changed(): number {
    return this.pushedChanges;
  }

  /** Readable transactions. */
  get length(): number {
    return this.lastRevision - this.compactedRevision;
  }

  /** Transactions that are unreadable and wait for `forgetOldest`. */
  get unreadable(): number {
    return this.compactedRevision - this.forgottenRevision;
  }

  /** One change of the transaction that `push` makes of all since the last one. */
  add(version: number): void {
    this.changes.reach(this.pushedChanges);
    this.changes.setInt(this.pushedChanges++, 0, version);
    this.pushedBytes += this.versions.bytesOf(version) + CHANGE_OVERHEAD_BYTES;
  }

  push(revision: number, { data, from, to, cost }: PackedCause): void {
    invariant(revision === this.lastRevision + 1, 'revision % follows %', revision, this.lastRevision);
    this.lastRevision = revision;
    this.pushedBytes += TXN_OVERHEAD_BYTES + cost;
    const row = revision - this.firstRevision;
    this.txns.reach(row);
    this.txns.setLong(row, THROUGH_CHANGES, this.pushedChanges);
    this.txns.setLong(row, THROUGH_BYTES, this.pushedBytes);
    this.txns.setLong(row, CAUSE_AT, this.causes.push(data, from, to));
    this.txns.setInt(row, CAUSE_LENGTH, to - from);
    this.sumUp(row, revision);
    this.keepLimits();
  }

  keepLimits(): void {
    while (this.isTooMuch()) this.compact(this.compactedRevision + 1);
  }

  private isTooMuch(): boolean {
    const { historyRevisions, historyBytes } = this.limits;
    const { length } = this;
    return length > historyRevisions || (this.pushedBytes - this.compactedBytes > historyBytes && length > 1);
  }

  /** However many become unreadable, it costs the same: they are forgotten one by one. */
  compact(revision: number): void {
    const through = Math.min(revision, this.lastRevision);
    if (through <= this.compactedRevision) return;
    const row = through - this.firstRevision;
    this.compactedBytes = this.txns.long(row, THROUGH_BYTES);
    this.unreadableHash.low = this.txns.int(row - 1, THROUGH_LOW);
    this.unreadableHash.high = this.txns.int(row - 1, THROUGH_HIGH);
    this.compactedRevision = through;
  }

  /**
   * Takes out the oldest unreadable transaction, not after revision `through`, and gives `forget` each version that it made; says
   * how many: 0 = there is no such transaction.
   */
  forgetOldest(through: number, forget: (version: number) => void): number {
    if (this.unreadable === 0 || this.forgottenRevision >= through) return 0;
    const row = ++this.forgottenRevision - this.firstRevision;
    const changes = this.changesOf(row);
    this.eachVersion(row, forget);
    this.txns.drop(row);
    this.changes.drop(this.txns.long(row, THROUGH_CHANGES));
    this.causes.drop(this.txns.long(row, CAUSE_AT));
    return changes;
  }

  private versionsOf(row: number): number[] {
    const versions: number[] = [];
    this.eachVersion(row, (version) => versions.push(version));
    return versions;
  }

  private changesOf(row: number): number {
    return this.txns.long(row, THROUGH_CHANGES) - this.txns.long(row - 1, THROUGH_CHANGES);
  }

  private eachVersion(row: number, visit: (version: number) => void): void {
    const end = this.txns.long(row, THROUGH_CHANGES);
    for (let at = this.txns.long(row - 1, THROUGH_CHANGES); at < end; at++) visit(this.changes.int(at, 0));
  }

  /** What it counts in the limits: about what it takes in bytes. */
  bytesOf(revision: number): number {
    const row = this.rowOf(revision);
    return this.txns.long(row, THROUGH_BYTES) - this.txns.long(row - 1, THROUGH_BYTES);
  }

  /** Revision, cause and number of changes, and each as `writeChange` lays it: nothing is made of them on the way. */
  write(revision: number, out: ByteWriter, writeChange: (version: number) => void): void {
    const row = this.rowOf(revision);
    out.number(revision);
    this.causes.write(this.txns.long(row, CAUSE_AT), this.txns.int(row, CAUSE_LENGTH), out);
    out.number(this.changesOf(row));
    this.eachVersion(row, writeChange);
  }

  private rowOf(revision: number): number {
    invariant(revision > this.forgottenRevision, 'revision % is forgotten', revision);
    return revision - this.firstRevision;
  }

  at(revision: number): HistoryTxn {
    const row = this.rowOf(revision);
    const { versions } = this;
    return {
      revision,
      cause: decodeCause(
        new ByteReader(this.causes.at(this.txns.long(row, CAUSE_AT), this.txns.int(row, CAUSE_LENGTH))),
      ),
      changes: this.versionsOf(row).map((each) => ({ key: versions.keyOf(each), version: versions.show(each) })),
      bytes: this.bytesOf(revision),
    };
  }
}

export function committedOf({ revision, cause, changes }: HistoryTxn): CommittedTxn {
  return {
    revision,
    cause,
    changes: changes.map(({ key, version }) => ({
      type: version.isDeleted ? 'delete' : 'put',
      key,
      value: version.value ?? NO_VALUE,
      createRevision: version.createRevision,
    })),
  };
}
