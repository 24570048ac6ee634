// Decides what the leader says of commits, and when: after they are applied, in order, each batch naming the revision
// before it. Never repeats one for a reader that lost it: `history` answers that.
import { ByteWriter } from '../../../lib/base/bytes.ts';
import { messageOf } from '../../../lib/base/errors.ts';
import type { Log } from '../../../lib/base/log.ts';
import type { Bus } from '../../../lib/bus/bus.ts';
import { MESSAGE_VERSION, type StoreCommitted } from '../../../lib/bus/messages.ts';
import { beginCommitted, encodeChange, type Packed } from '../../../lib/bus/packed.ts';
import { subjectOf } from '../../../lib/bus/subjects.ts';
import type { HistoryTxn } from '../core/history.ts';

/** Above this a batch goes out at once; NATS carries messages of this size fastest (facts: 5.6). */
const BATCH_BYTES = 65_536;

export class Publisher {
  private readonly bus: Bus;
  private readonly log: Log;
  private readonly member: string;
  private readonly subject: string;
  /** The term in which this member leads; undefined: silent. */
  private term: number | undefined;
  private published = 0;
  /** Transactions after `published`, as they go on the bus, and the revision of the last. */
  private readonly batch = new ByteWriter(BATCH_BYTES);
  private through = 0;

  constructor(bus: Bus, cluster: string, member: string, log: Log) {
    this.bus = bus;
    this.log = log;
    this.member = member;
    this.subject = subjectOf(cluster, 'storeCommitted', { member });
  }

  /** Says at once where it goes on: a reader that has less sees the gap without waiting for the next write. */
  lead(term: number, revision: number): void {
    this.term = term;
    this.published = this.through = revision;
    this.batch.clear();
    this.send();
  }

  follow(): void {
    this.term = undefined;
    this.batch.clear();
  }

  add(txns: readonly HistoryTxn[]): void {
    if (this.term === undefined) return;
    for (const txn of txns) {
      if (this.batch.length > 0 && this.batch.length + txn.bytes > BATCH_BYTES) this.flush();
      encodeTxn(this.batch, txn);
      this.through = txn.revision;
    }
  }

  flush(): void {
    if (this.batch.length === 0) return;
    this.send();
    this.batch.clear();
    this.published = this.through;
  }

  private send(): void {
    const message: Packed<StoreCommitted> = {
      version: MESSAGE_VERSION,
      member: this.member,
      term: this.term!,
      previous: this.published,
      txns: this.batch.view(),
    };
    try {
      this.bus.publish(this.subject, message);
    } catch (error) {
      // Readers see the gap and ask for history; the commit is none the worse.
      const { published, through } = this;
      this.log.warn({ previous: published, through, error: messageOf(error) }, 'commits not published');
    }
  }
}

function encodeTxn(out: ByteWriter, { revision, cause, changes }: HistoryTxn): void {
  beginCommitted(out, revision, cause, changes.length);
  for (const { key, version } of changes) encodeChange(out, key, version.createRevision, version.value);
}
