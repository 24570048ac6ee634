// Decides what the leader says of commits, and when: after they are applied, in order, each batch naming the revision
// before it; at once, unless the bus is still passing on what was said before: then more share a batch. Never repeats one for
// a reader that lost it, and never keeps more than a bound for readers that are slow: `history` answers both.
import { ByteWriter } from '../../../lib/base/bytes.ts';
import { messageOf } from '../../../lib/base/errors.ts';
import type { Log } from '../../../lib/base/log.ts';
import type { Bus } from '../../../lib/bus/bus.ts';
import { MESSAGE_VERSION, type StoreCommitted } from '../../../lib/bus/messages.ts';
import type { Packed } from '../../../lib/bus/packed.ts';
import { subjectOf } from '../../../lib/bus/subjects.ts';
import type { Applied } from '../core/applied.ts';
import { nextTurn, type NextTurn } from './applier.ts';

/** Above this a batch is complete; NATS carries messages of this size fastest (facts: 5.6). */
const BATCH_BYTES = 65_536;
/** Said, and not yet known to be passed on. With a thousand readers that is a quarter of a gigabyte on its way. */
const UNDER_WAY_BYTES = 262_144;
/** From this on it is asked whether it is passed on: not for each of a few small ones. */
const ASK_BYTES = 131_072;
/** Waiting to be said; then it is dropped, and readers see the gap. */
const WAITING_BYTES = 16_777_216;

/** Transactions after `previous` up to `through`, as they go on the bus. */
interface Batch {
  previous: number;
  txns: Uint8Array;
}

export class Publisher {
  private readonly bus: Bus;
  private readonly log: Log;
  private readonly nextTurn: NextTurn;
  private readonly member: string;
  private readonly subject: string;
  /** The term in which this member leads; undefined: silent. */
  private term: number | undefined;
  /** Those that begin after `published`; the last is `through`. */
  private readonly current = new ByteWriter(BATCH_BYTES);
  private published = 0;
  private through = 0;
  /** Complete, and not yet said. */
  private waiting: Batch[] = [];
  private waitingBytes = 0;
  private underWayBytes = 0;
  private isAsking = false;
  private isSoon = false;

  /** `bus`: with an order of its own, or nothing else of this member's gets through while this is passed on to many. */
  constructor(bus: Bus, cluster: string, member: string, log: Log, turn: NextTurn = nextTurn) {
    this.bus = bus;
    this.nextTurn = turn;
    this.log = log;
    this.member = member;
    this.subject = subjectOf(cluster, 'storeCommitted', { member });
  }

  /** Says at once where it goes on: a reader that has less sees the gap without waiting for the next write. */
  lead(term: number, revision: number): void {
    this.follow();
    this.term = term;
    this.published = this.through = revision;
    this.say({ previous: revision, txns: new Uint8Array() });
  }

  follow(): void {
    this.term = undefined;
    this.current.clear();
    this.waiting = [];
    this.waitingBytes = 0;
  }

  /** Before the next entry is applied: that may forget some of it. */
  add(applied: Pick<Applied, 'before' | 'through' | 'bytesOf' | 'write'>): void {
    if (this.term === undefined) return;
    const { current } = this;
    for (let revision = applied.before + 1; revision <= applied.through; revision++) {
      if (current.length > 0 && current.length + applied.bytesOf(revision) > BATCH_BYTES) this.complete();
      applied.write(revision, current);
      this.through = revision;
    }
  }

  /** After the answers of this turn: who wrote waits for those. What is committed in one turn is one message. */
  flushSoon(): void {
    if (this.isSoon || this.term === undefined) return;
    this.isSoon = true;
    void this.nextTurn().then(() => {
      this.isSoon = false;
      this.flush();
    });
  }

  /** Everything that was added, as far as the bus keeps up. */
  flush(): void {
    if (this.term === undefined) return;
    while (this.waiting.length > 0 && this.underWayBytes < UNDER_WAY_BYTES) {
      const batch = this.waiting.shift()!;
      this.waitingBytes -= batch.txns.length;
      this.say(batch);
    }
    if (this.waiting.length === 0 && this.current.length > 0 && this.underWayBytes < UNDER_WAY_BYTES) {
      this.say({ previous: this.published, txns: this.current.view() });
      this.beginNext();
    }
    if (this.underWayBytes >= ASK_BYTES) this.ask();
    if (this.waitingBytes > WAITING_BYTES) this.drop();
  }

  private complete(): void {
    if (this.current.length === 0) return;
    this.waiting.push({ previous: this.published, txns: this.current.finish() });
    this.waitingBytes += this.current.length;
    this.beginNext();
  }

  private beginNext(): void {
    this.current.clear();
    this.published = this.through;
  }

  /** Until everything said so far is passed on. A connection that ends meanwhile has lost it: that is as good. */
  private ask(): void {
    if (this.isAsking) return;
    this.isAsking = true;
    const bytes = this.underWayBytes;
    const passedOn = (): void => {
      this.isAsking = false;
      this.underWayBytes -= bytes;
      this.flush();
    };
    this.bus.flush().then(passedOn, passedOn);
  }

  private drop(): void {
    this.log.warn(
      { after: this.waiting[0]!.previous, through: this.through },
      'commits not said: readers are too slow',
    );
    this.current.clear();
    this.waiting = [];
    this.waitingBytes = 0;
    this.published = this.through;
  }

  private say({ previous, txns }: Batch): void {
    const message: Packed<StoreCommitted> = {
      version: MESSAGE_VERSION,
      member: this.member,
      term: this.term!,
      previous,
      txns,
    };
    this.underWayBytes += txns.length;
    try {
      this.bus.publish(this.subject, message);
    } catch (error) {
      // Readers see the gap and ask for history; the commit is none the worse.
      this.log.warn({ previous, bytes: txns.length, error: messageOf(error) }, 'commits not published');
    }
  }
}
