// Decides whether a reader of the stream of commits gets every revision once and in order, with repair by history where
// messages were lost. Begins anew, as an API actor does, only where the store says that the history is compacted.
import { sleep } from '../../lib/base/clock.ts';
import type { CommittedTxn, StoreCommitted, StoreQuery, StoreQueryReply } from '../../lib/bus/messages.ts';
import { unpackCommitted, type Packed } from '../../lib/bus/packed.ts';
import { patternOf, subjectOf } from '../../lib/bus/subjects.ts';
import type { SimBus } from './sim-bus.ts';
import type { StoreInvariants } from './store-invariants.ts';
import type { World } from './world.ts';

/** A reader that hears nothing asks whether it missed something. */
const QUIET_MS = 400;

export class StreamReader {
  readonly bus: SimBus;
  /** All up to here were received, each once. */
  revision = 0;
  received = 0;
  private readonly world: World;
  private readonly cluster: string;
  private readonly members: readonly string[];
  private readonly invariants: StoreInvariants;
  private repairing = false;
  private turn = 0;

  constructor(world: World, bus: SimBus, cluster: string, members: readonly string[], invariants: StoreInvariants) {
    this.world = world;
    this.bus = bus;
    this.cluster = cluster;
    this.members = members;
    this.invariants = invariants;
    bus.subscribe(patternOf(cluster, 'storeCommitted'), ({ data }) =>
      this.heard(unpackCommitted(data as Packed<StoreCommitted>)),
    );
    bus.onStatus((status) => {
      if (status === 'connected') void this.repair();
    });
    this.askNowAndThen();
  }

  private askNowAndThen(): void {
    this.bus.process.clock.timer(QUIET_MS, () => {
      void this.repair();
      this.askNowAndThen();
    });
  }

  private heard({ previous, txns }: StoreCommitted): void {
    if (previous > this.revision) {
      this.world.count('stream-gap');
      void this.repair();
      return;
    }
    for (const txn of txns) if (txn.revision > this.revision) this.take(txn, 'stream');
  }

  private take(txn: CommittedTxn, from: string): void {
    if (txn.revision !== this.revision + 1)
      return this.world.fail(new Error(`${from}: revision ${txn.revision} comes after ${this.revision}`));
    try {
      this.invariants.isTrue(txn, `${from} of ${this.bus.instance} gives revision ${txn.revision}`);
    } catch (error) {
      this.world.fail(error);
    }
    this.revision = txn.revision;
    this.received++;
  }

  private async repair(): Promise<void> {
    if (this.repairing) return;
    this.repairing = true;
    for (let more = true, tries = 0; more && tries < 20; tries++) {
      const since = this.revision;
      const reply = await this.ask().catch(() => undefined);
      if (reply !== undefined && 'history' in reply) {
        more = reply.history.more;
        if (reply.history.txns.some(({ revision }) => revision > this.revision)) this.world.count('stream-repaired');
        for (const txn of reply.history.txns) if (txn.revision > this.revision) this.take(txn, 'history');
        // A member that is behind has nothing more to give.
        if (reply.history.revision < this.revision) more = false;
      } else if (reply !== undefined && 'compacted' in reply) {
        const { oldest } = reply.compacted;
        if (oldest <= since) this.world.fail(new Error(`history after ${since} is called compacted at ${oldest}`));
        // The stream may have brought more in the meantime.
        if (oldest > this.revision) this.world.count('stream-compacted');
        this.revision = Math.max(this.revision, oldest);
      } else await sleep(this.bus.process.clock, 30);
    }
    this.repairing = false;
  }

  private ask(): Promise<StoreQueryReply> {
    const member = this.members[this.turn++ % this.members.length]!;
    const query: StoreQuery = { query: 'history', since: this.revision, limit: 1 + this.world.chance.int(50) };
    const subject = subjectOf(this.cluster, 'storeQuery', { member, noun: 'history', from: this.bus.instance });
    return this.bus.request(subject, query, { timeoutMs: 500 }) as Promise<StoreQueryReply>;
  }
}
