// Decides what a simulated holder of leases does: grants one, hangs keys on it, keeps it alive, and then revokes it or falls
// silent; and whether a lease was ended while its holder had a right to it. Never counts on a clock of a member.
import { sleep } from '../../lib/base/clock.ts';
import type { StoreOperation, StoreOperationReply } from '../../lib/bus/messages.ts';
import { isRefusal, operate, write, type Asking } from './asking.ts';

/** Keys of holders begin so: their ends are no client's doing. */
export const LEASED = '/l/';
/** No clock of a member goes faster (fault clock-drift). */
const FASTEST_CLOCK = 2;
/** Ticks, and rounding to whole milliseconds. */
const SLACK_MS = 120;

export class LeaseHolder {
  stopped = false;
  private readonly asking: Asking;
  /** By lease: until when nobody may end it, in virtual time. */
  private readonly rights = new Map<string, number>();
  private number = 0;
  private sequence = 0;

  constructor(asking: Asking) {
    this.asking = asking;
  }

  async live(): Promise<void> {
    const { world, bus } = this.asking;
    while (!this.stopped) {
      await sleep(bus.process.clock, world.draw(20, 800));
      if (!this.stopped) await this.oneLease();
    }
  }

  /** A lease is over, after so much virtual time. Throws when its holder could still count on it. */
  ended(id: string): void {
    const until = this.rights.get(id);
    if (until === undefined) return;
    const { world } = this.asking;
    world.count('lease-over');
    if (world.nowMs < until)
      throw new Error(`lease ${id} ended ${(until - world.nowMs).toFixed(0)} ms before the fastest clock may end it`);
  }

  private async oneLease(): Promise<void> {
    const { world, bus } = this.asking;
    const id = `${bus.instance}/${++this.number}`;
    const ttlSeconds = 1 + world.chance.int(2);
    const renews = (operation: StoreOperation): Promise<boolean> => this.renews(id, ttlSeconds, operation);
    if (!(await renews({ operation: 'leaseGrant', id, ttlSeconds }))) return;
    world.count('lease-granted');
    for (let left = world.chance.int(3); left >= 0; left--) await this.attach(id);
    for (let left = world.chance.int(4); left > 0 && !this.stopped; left--) {
      await sleep(bus.process.clock, ttlSeconds * 300);
      if (!(await renews({ operation: 'leaseKeepAlive', id }))) return;
      world.count('lease-kept');
      if (world.odds(0.3)) await this.attach(id);
    }
    if (world.odds(0.5)) {
      // As one who was held up and does not know that his time is over.
      await sleep(bus.process.clock, world.draw(100, 2_500) * ttlSeconds);
      return this.attach(id);
    }
    this.rights.set(id, 0);
    const revoked = await operate(this.asking, { operation: 'leaseRevoke', id }, 2_000);
    if (revoked !== undefined && 'lease' in revoked) world.count('lease-revoked');
  }

  /** From the moment of asking, the whole time to live is the holder's, as fast as clocks may go. */
  private async renews(id: string, ttlSeconds: number, operation: StoreOperation): Promise<boolean> {
    const { world } = this.asking;
    const asked = world.nowMs;
    const reply: StoreOperationReply | undefined = await operate(this.asking, operation, 2_000);
    if (reply === undefined || isRefusal(reply)) {
      if (reply !== undefined) world.count('lease-refused');
      return false;
    }
    const until = asked + (ttlSeconds * 1_000) / FASTEST_CLOCK - SLACK_MS;
    this.rights.set(id, Math.max(this.rights.get(id) ?? 0, until));
    return true;
  }

  /** A few keys in one transaction, not in the order of their names. */
  private async attach(lease: string): Promise<void> {
    const { world, bus } = this.asking;
    const count = 1 + world.chance.int(3);
    const operations = Array.from({ length: count }, (_, i) => ({
      type: 'put' as const,
      key: `${LEASED}${bus.instance}/${world.chance.int(6)}-${i}`,
      value: Buffer.from(`${lease} ${this.sequence}`, 'latin1'),
      lease,
    }));
    const sequence = ++this.sequence;
    const cause = { span: `${bus.instance}#${sequence}`, actor: bus.instance };
    const txn = { sequence, compares: [], operations, cause };
    const reply = await write(
      this.asking,
      { session: `${bus.instance}/lease`, since: 0, acknowledged: 0, txns: [txn] },
      1_500,
    );
    if (reply === undefined || isRefusal(reply)) return;
    const result = reply.results[0]!;
    world.count(result.ok ? 'lease-attached' : `lease-put-${result.reason}`);
  }
}
