// Decides which committed transactions are still readable: the youngest, by count and by bytes. Never forgets a version
// by itself: it says which keys lost a transaction, state-machine.ts prunes them.
import { invariant } from '../../../lib/base/errors.ts';
import type { Cause, CommittedTxn } from '../../../lib/bus/messages.ts';
import type { StoreLimits } from './limits.ts';
import type { Hash64 } from './state-hash.ts';
import { itemBytes, type Version } from './versions.ts';

export interface HistoryTxn {
  revision: number;
  cause: Cause;
  changes: { key: string; version: Version }[];
  /** Of the whole state after it. */
  hash: Hash64;
  bytes: number;
}

const NO_VALUE = new Uint8Array(0);
/** What a transaction costs beside its keys and values, roughly. */
const TXN_OVERHEAD_BYTES = 64;

export class History {
  /** Every revision after it is readable. */
  compactedRevision: number;
  private txns: HistoryTxn[] = [];
  /** Where in `txns` the oldest is: what is before it is dropped now and then, all at once. */
  private head = 0;
  private bytes = 0;
  private readonly limits: StoreLimits;

  constructor(limits: StoreLimits, compactedRevision: number) {
    this.limits = limits;
    this.compactedRevision = compactedRevision;
  }

  get lastRevision(): number {
    return this.compactedRevision + this.length;
  }

  get length(): number {
    return this.txns.length - this.head;
  }

  /** Returns what became unreadable, oldest first. */
  push(txn: HistoryTxn): HistoryTxn[] {
    invariant(txn.revision === this.lastRevision + 1, `revision ${txn.revision} follows ${this.lastRevision}`);
    this.txns.push(txn);
    this.bytes += txn.bytes;
    const dropped: HistoryTxn[] = [];
    while (this.length > this.limits.historyRevisions || (this.bytes > this.limits.historyBytes && this.length > 1))
      dropped.push(this.shift());
    return dropped;
  }

  compact(revision: number): HistoryTxn[] {
    const dropped: HistoryTxn[] = [];
    while (this.compactedRevision < revision && this.length > 0) dropped.push(this.shift());
    return dropped;
  }

  /** Those after `since`, which must not be compacted. */
  after(since: number): HistoryTxn[] {
    invariant(since >= this.compactedRevision, `revision ${since} is compacted`);
    return this.txns.slice(this.head + since - this.compactedRevision);
  }

  at(revision: number): HistoryTxn | undefined {
    const at = revision - this.compactedRevision - 1;
    return at < 0 ? undefined : this.txns[this.head + at];
  }

  private shift(): HistoryTxn {
    const txn = this.txns[this.head]!;
    this.txns[this.head++] = undefined as never;
    this.bytes -= txn.bytes;
    this.compactedRevision = txn.revision;
    if (this.head >= 4096 && this.head * 2 >= this.txns.length) {
      this.txns = this.txns.slice(this.head);
      this.head = 0;
    }
    return txn;
  }
}

export function historyBytes(cause: Cause, changes: readonly { key: string; version: Version }[]): number {
  const own = TXN_OVERHEAD_BYTES + cause.span.length + cause.actor.length + (cause.revisions?.length ?? 0) * 8;
  return changes.reduce((sum, { key, version }) => sum + itemBytes(key, version.value) + 32, own);
}

export function committedOf({ revision, cause, changes }: HistoryTxn): CommittedTxn {
  return {
    revision,
    cause,
    changes: changes.map(({ key, version }) => ({
      type: version.value === undefined ? 'delete' : 'put',
      key,
      value: version.value ?? NO_VALUE,
      createRevision: version.createRevision,
    })),
  };
}
