// Decides which pod is placed next: higher priority first, then who waited longest; a pod that did not fit waits until
// something changes that may help, and at least its backoff. Never looks at nodes; time is an argument.

const FIRST_BACKOFF_MS = 1_000;
const LAST_BACKOFF_MS = 10_000;
/** Whatever woke nobody wrongly: everyone is tried again after this. */
const LONGEST_WAIT_MS = 60_000;

interface Entry {
  key: string;
  priority: number;
  /** Order of arrival in the active queue. */
  turn: number;
  attempts: number;
  addedAt: number;
  place: 'active' | 'backoff' | 'unschedulable' | 'taken';
  /** Not before this. */
  dueAt: number;
}

export interface Popped {
  key: string;
  attempts: number;
  queuedMs: number;
}

/** Binary heap; entries that moved on are skipped when they come up. */
class Heap {
  readonly #items: Entry[] = [];
  readonly #before: (a: Entry, b: Entry) => boolean;

  constructor(before: (a: Entry, b: Entry) => boolean) {
    this.#before = before;
  }

  get top(): Entry | undefined {
    return this.#items[0];
  }

  push(entry: Entry): void {
    const items = this.#items;
    let at = items.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(entry, items[parent]!)) break;
      items[at] = items[parent]!;
      at = parent;
    }
    items[at] = entry;
  }

  pop(): Entry | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (last === undefined || items.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && this.#before(items[child + 1]!, items[child]!)) child++;
      if (!this.#before(items[child]!, last)) break;
      items[at] = items[child]!;
      at = child;
    }
    items[at] = last;
    return top;
  }
}

export class SchedulingQueue {
  readonly #entries = new Map<string, Entry>();
  readonly #active = new Heap((a, b) => a.priority > b.priority || (a.priority === b.priority && a.turn < b.turn));
  readonly #waiting = new Heap((a, b) => a.dueAt < b.dueAt);
  #turn = 0;

  /** A pod without a node that is not known yet; a known one keeps its place. */
  add(key: string, priority: number, now: number): void {
    if (this.#entries.has(key)) return;
    const entry: Entry = { key, priority, turn: 0, attempts: 0, addedAt: now, place: 'active', dueAt: now };
    this.#entries.set(key, entry);
    this.#activate(entry);
  }

  /** Bound, or gone. */
  remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    entry.place = 'taken';
  }

  pop(now: number): Popped | undefined {
    this.#releaseDue(now);
    for (let entry = this.#active.pop(); entry !== undefined; entry = this.#active.pop()) {
      if (!this.#isIn(entry, 'active')) continue;
      entry.place = 'taken';
      entry.attempts++;
      return { key: entry.key, attempts: entry.attempts, queuedMs: now - entry.addedAt };
    }
    return undefined;
  }

  /** No node fits: waits for `wake`. */
  unschedulable(key: string, now: number): void {
    this.#park(key, 'unschedulable', now);
  }

  /** Something else failed: tried again after the backoff, whatever happens. */
  failed(key: string, now: number): void {
    this.#park(key, 'backoff', now);
  }

  /** Something changed that may help. */
  wake(now: number): void {
    for (const entry of this.#entries.values()) {
      if (entry.place !== 'unschedulable') continue;
      const dueAt = entry.addedAt + backoffMs(entry.attempts);
      if (dueAt <= now) this.#activate(entry);
      else {
        // A new entry: the old one, due later, stays in the heap and is skipped.
        const moved: Entry = { ...entry, place: 'backoff', dueAt };
        entry.place = 'taken';
        this.#entries.set(entry.key, moved);
        this.#waiting.push(moved);
      }
    }
  }

  /** When `pop` may have something that it has not now. */
  nextAt(): number | undefined {
    let top = this.#waiting.top;
    while (top !== undefined && !this.#isWaiting(top)) {
      this.#waiting.pop();
      top = this.#waiting.top;
    }
    return top?.dueAt;
  }

  lengths(): { active: number; backoff: number; unschedulable: number } {
    const count = { active: 0, backoff: 0, unschedulable: 0 };
    for (const { place } of this.#entries.values()) if (place !== 'taken') count[place]++;
    return count;
  }

  #activate(entry: Entry): void {
    entry.place = 'active';
    entry.turn = ++this.#turn;
    this.#active.push(entry);
  }

  #park(key: string, place: 'backoff' | 'unschedulable', now: number): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    const dueAt = now + (place === 'backoff' ? backoffMs(entry.attempts) : LONGEST_WAIT_MS);
    const parked: Entry = { ...entry, place, addedAt: now, dueAt };
    entry.place = 'taken';
    this.#entries.set(key, parked);
    this.#waiting.push(parked);
  }

  #releaseDue(now: number): void {
    for (let top = this.#waiting.top; top !== undefined && top.dueAt <= now; top = this.#waiting.top) {
      this.#waiting.pop();
      if (this.#isWaiting(top)) this.#activate(top);
    }
  }

  #isIn(entry: Entry, place: Entry['place']): boolean {
    return entry.place === place && this.#entries.get(entry.key) === entry;
  }

  #isWaiting(entry: Entry): boolean {
    return this.#isIn(entry, 'backoff') || this.#isIn(entry, 'unschedulable');
  }
}

function backoffMs(attempts: number): number {
  return Math.min(LAST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.max(0, attempts - 1));
}
