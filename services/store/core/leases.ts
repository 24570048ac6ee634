// Decides which leases live, until when, and which keys go with one. Never reads a clock: time is what the leader wrote
// into the log, so every member ends a lease at the same entry, and a change of leader neither shortens nor renews one.
import { OrderedKeys } from './ordered-keys.ts';
import { attachedItem, leaseItem } from './rest-hash.ts';
import { addHash, highOfKey, lowOfKey, subtractHash, type Hash64 } from './state-hash.ts';

export interface Lease {
  id: string;
  ttlMs: number;
  /** In the store's own time. 0: revoked; its keys are still being removed. */
  deadlineMs: number;
  /**
   * In the order of their names, not of their coming: who got the state from a snapshot does not know when each came, and must
   * remove the same ones in the same order.
   */
  keys: OrderedKeys;
}

export type DescribedLease = Omit<Lease, 'keys'>;

export class Leases {
  /** The store's own time: it goes on only while a leader writes it, and never back. */
  timeMs = 0;
  /** Of all leases, and of which keys go with them. */
  readonly hash: Hash64 = { low: 0, high: 0 };
  private mayBeEmpty = false;
  private readonly byId = new Map<string, Lease>();

  get size(): number {
    return this.byId.size;
  }

  /** All as they are now, without their keys. */
  described(): DescribedLease[] {
    return Array.from(this.byId.values(), ({ id, ttlMs, deadlineMs }) => ({ id, ttlMs, deadlineMs }));
  }

  /** Undefined: there is none, or its end has come. */
  living(id: string): Lease | undefined {
    const lease = this.byId.get(id);
    return lease === undefined || this.isOver(lease) ? undefined : lease;
  }

  /** The same id again renews the lease, with the new time to live: asking twice does no harm. */
  grant(id: string, ttlMs: number): Lease {
    const lease = this.living(id) ?? { id, ttlMs, deadlineMs: 0, keys: this.byId.get(id)?.keys ?? new OrderedKeys() };
    this.put(lease, ttlMs, this.timeMs + ttlMs);
    return lease;
  }

  /** From a snapshot. */
  restore(id: string, ttlMs: number, deadlineMs: number): void {
    this.put({ id, ttlMs, deadlineMs, keys: this.byId.get(id)?.keys ?? new OrderedKeys() }, ttlMs, deadlineMs);
  }

  /** In the place of what has its id, if anything has. */
  private put(lease: Lease, ttlMs: number, deadlineMs: number): void {
    const before = this.byId.get(lease.id);
    if (before !== undefined) subtractHash(this.hash, itemOf(before));
    lease.ttlMs = ttlMs;
    lease.deadlineMs = deadlineMs;
    this.byId.set(lease.id, lease);
    addHash(this.hash, itemOf(lease));
  }

  keepAlive(id: string): Lease | undefined {
    const lease = this.living(id);
    if (lease !== undefined) this.put(lease, lease.ttlMs, this.timeMs + lease.ttlMs);
    return lease;
  }

  revoke(id: string): Lease | undefined {
    const lease = this.living(id);
    if (lease !== undefined) this.put(lease, lease.ttlMs, 0);
    return lease;
  }

  advance(toMs: number): void {
    this.timeMs = Math.max(this.timeMs, toMs);
  }

  /** Leases whose end has come, in the order in which they were granted: the same on every member. */
  over(): Lease[] {
    return [...this.byId.values()].filter((lease) => this.isOver(lease));
  }

  /** The earliest end; undefined without a lease. */
  get nextDeadlineMs(): number | undefined {
    let next: number | undefined;
    for (const { deadlineMs } of this.byId.values()) if (next === undefined || deadlineMs < next) next = deadlineMs;
    return next;
  }

  remainingMs(lease: Lease): number {
    return Math.max(0, lease.deadlineMs - this.timeMs);
  }

  /** Whoever writes has looked for the lease; an older version of a key, out of a snapshot, may name one that is gone. */
  attach(key: string, id: string): void {
    if (!this.byId.has(id)) this.restore(id, 0, 0);
    this.byId.get(id)!.keys.add(key);
    addHash(this.hash, attachedOf(key, id));
  }

  /** The key must go with it. */
  detach(key: string, id: string): void {
    const { keys } = this.byId.get(id)!;
    keys.remove(key);
    subtractHash(this.hash, attachedOf(key, id));
    this.mayBeEmpty ||= keys.size === 0;
  }

  /** Between two commands no such lease is there: a state that came from a snapshot does not know of it. */
  forgetEmptied(): void {
    if (this.mayBeEmpty) this.forgetEmpty();
  }

  /** What is over and holds nothing: kept for nobody. */
  forgetEmpty(): void {
    this.mayBeEmpty = false;
    for (const lease of this.over()) {
      if (lease.keys.size > 0) continue;
      this.byId.delete(lease.id);
      subtractHash(this.hash, itemOf(lease));
    }
  }

  private isOver(lease: Lease): boolean {
    return lease.deadlineMs <= this.timeMs;
  }
}

function itemOf({ id, ttlMs, deadlineMs }: Lease): Hash64 {
  const item = { low: 0, high: 0 };
  leaseItem(item, id, ttlMs, deadlineMs);
  return item;
}

function attachedOf(key: string, id: string): Hash64 {
  const item = { low: 0, high: 0 };
  attachedItem(item, { low: lowOfKey(key), high: highOfKey(key) }, id);
  return item;
}
