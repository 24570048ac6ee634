// Decides which committed transactions are still readable: the youngest, by count and by bytes. Never forgets a version
// by itself: it says which keys lost a transaction, state-machine.ts prunes them.
import { invariant } from '../../../lib/base/errors.ts';
import type { Cause, CommittedTxn } from '../../../lib/bus/messages.ts';
import type { StoreLimits } from './limits.ts';
import type { Hash64 } from './state-hash.ts';
import type { Version } from './versions.ts';

export interface HistoryTxn {
  revision: number;
  cause: Cause;
  changes: { key: string; version: Version }[];
  /** Of the whole state after it. */
  hash: Hash64;
  bytes: number;
}

interface Kept {
  txn: HistoryTxn;
  /** Bytes of all transactions that this history ever held, up to and with this one. */
  throughBytes: number;
}

const NO_VALUE = new Uint8Array(0);
/** What a transaction costs beside its keys and values, roughly. */
const TXN_OVERHEAD_BYTES = 64;

export class History {
  /** Every revision after it is readable. */
  compactedRevision: number;
  /** Everything up to it is forgotten; what is between it and `compactedRevision` is unreadable and still lies here. */
  private forgottenRevision: number;
  private kept: Kept[] = [];
  /** Where in `kept` the oldest is: what is before it is dropped now and then, all at once. */
  private head = 0;
  private pushedBytes = 0;
  private compactedBytes = 0;
  private readonly limits: StoreLimits;

  constructor(limits: StoreLimits, compactedRevision: number) {
    this.limits = limits;
    this.compactedRevision = compactedRevision;
    this.forgottenRevision = compactedRevision;
  }

  get lastRevision(): number {
    return this.forgottenRevision + this.kept.length - this.head;
  }

  /** Readable transactions. */
  get length(): number {
    return this.lastRevision - this.compactedRevision;
  }

  /** Transactions that are unreadable and wait for `forgetOldest`. */
  get unreadable(): number {
    return this.compactedRevision - this.forgottenRevision;
  }

  push(txn: HistoryTxn): void {
    invariant(txn.revision === this.lastRevision + 1, `revision ${txn.revision} follows ${this.lastRevision}`);
    this.pushedBytes += txn.bytes;
    this.kept.push({ txn, throughBytes: this.pushedBytes });
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
    this.compactedBytes = this.keptAt(through)!.throughBytes;
    this.compactedRevision = through;
  }

  /** Takes out the oldest unreadable transaction; undefined: there is none. */
  forgetOldest(): HistoryTxn | undefined {
    if (this.unreadable === 0) return undefined;
    const { txn } = this.kept[this.head]!;
    this.kept[this.head++] = undefined as never;
    this.forgottenRevision = txn.revision;
    if (this.head >= 4096 && this.head * 2 >= this.kept.length) {
      this.kept = this.kept.slice(this.head);
      this.head = 0;
    }
    return txn;
  }

  at(revision: number): HistoryTxn | undefined {
    return revision <= this.compactedRevision ? undefined : this.keptAt(revision)?.txn;
  }

  private keptAt(revision: number): Kept | undefined {
    return this.kept[this.head + revision - this.forgottenRevision - 1];
  }

  /** One by one; those that become unreadable meanwhile are given all the same: until the last, nothing must be forgotten. */
  *between(after: number, through: number): Generator<HistoryTxn> {
    for (let revision = after + 1; revision <= through; revision++) {
      invariant(revision > this.forgottenRevision, `revision ${revision} is forgotten`);
      yield this.keptAt(revision)!.txn;
    }
  }
}

export function historyBytes(cause: Cause, changes: readonly { key: string; version: Version }[]): number {
  const own = TXN_OVERHEAD_BYTES + cause.span.length + cause.actor.length + (cause.revisions?.length ?? 0) * 8;
  return changes.reduce((sum, { key, version }) => sum + key.length + version.length + 32, own);
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
