// Decides what the leader says of commits, and when: after they are applied, in order, each batch naming the revision
// before it. Never repeats one for a reader that lost it: `history` answers that.
import { messageOf } from '../../../lib/base/errors.ts';
import type { Log } from '../../../lib/base/log.ts';
import type { Bus } from '../../../lib/bus/bus.ts';
import { MESSAGE_VERSION, type CommittedTxn, type StoreCommitted } from '../../../lib/bus/messages.ts';
import { subjectOf } from '../../../lib/bus/subjects.ts';
import { committedOf, type HistoryTxn } from '../core/history.ts';

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
  private batch: CommittedTxn[] = [];
  private bytes = 0;

  constructor(bus: Bus, cluster: string, member: string, log: Log) {
    this.bus = bus;
    this.log = log;
    this.member = member;
    this.subject = subjectOf(cluster, 'storeCommitted', { member });
  }

  /** Says at once where it goes on: a reader that has less sees the gap without waiting for the next write. */
  lead(term: number, revision: number): void {
    this.term = term;
    this.published = revision;
    this.send([]);
  }

  follow(): void {
    this.term = undefined;
    this.batch = [];
    this.bytes = 0;
  }

  add(txns: readonly HistoryTxn[]): void {
    if (this.term === undefined) return;
    for (const txn of txns) {
      const bytes = txn.changes.reduce((sum, { key, version }) => sum + key.length + version.length + 64, 128);
      if (this.bytes + bytes > BATCH_BYTES) this.flush();
      this.batch.push(committedOf(txn));
      this.bytes += bytes;
    }
  }

  flush(): void {
    if (this.batch.length === 0) return;
    const { batch } = this;
    this.batch = [];
    this.bytes = 0;
    this.send(batch);
    this.published = batch.at(-1)!.revision;
  }

  private send(txns: CommittedTxn[]): void {
    const message: StoreCommitted = {
      version: MESSAGE_VERSION,
      member: this.member,
      term: this.term!,
      previous: this.published,
      txns,
    };
    try {
      this.bus.publish(this.subject, message);
    } catch (error) {
      // Readers see the gap and ask for history; the commit is none the worse.
      this.log.warn({ previous: this.published, txns: txns.length, error: messageOf(error) }, 'commits not published');
    }
  }
}
