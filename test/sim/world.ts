// Decides what happens next in a simulated world: one thing at a time, in the order of virtual time, with all chance from
// one seed. Never looks at a real clock; the same seed gives the same events and the same digest.
import { seededChance, type Chance } from '../../lib/base/chance.ts';
import type { Timer } from '../../lib/base/clock.ts';

interface Event {
  /** Microseconds since the world began: integers add up exactly. */
  at: number;
  number: number;
  /** undefined: cancelled. */
  run: (() => void) | undefined;
}

/** How often what happened. */
export type Counts = Record<string, number>;

/** Hundred times as many as a run usually has. */
const MAX_EVENTS = 500_000;

export class World {
  readonly chance: Chance;
  readonly counts: Counts = {};
  /** Told of every event when somebody wants to read along. */
  onNote: ((atMs: number, text: string) => void) | undefined;
  events = 0;
  private at = 0;
  private numbers = 0;
  private checksum = 0x811c9dc5;
  private readonly queue = new Heap();
  private trouble: Error | undefined;

  constructor(seed: number) {
    this.chance = seededChance(seed);
  }

  get nowMs(): number {
    return this.at / 1000;
  }

  get digest(): string {
    return `${this.checksum.toString(16).padStart(8, '0')}-${this.events}`;
  }

  count(what: string, times = 1): void {
    this.counts[what] = (this.counts[what] ?? 0) + times;
  }

  /** Goes into the digest, and into the trace. */
  note(text: string): void {
    let checksum = Math.imul(this.checksum ^ this.at, 0x01000193);
    // FNV-1a by hand: a call into zlib for each of some thousand short texts costs ten times as much.
    for (let i = 0; i < text.length; i++) checksum = Math.imul(checksum ^ text.charCodeAt(i), 0x01000193);
    this.checksum = checksum >>> 0;
    this.onNote?.(this.nowMs, text);
  }

  /** The first failure ends the run. */
  fail(error: unknown): void {
    this.trouble ??= error instanceof Error ? error : new Error(String(error));
  }

  get failed(): boolean {
    return this.trouble !== undefined;
  }

  after(delayMs: number, run: () => void): Timer {
    const event: Event = { at: this.at + Math.max(1, Math.round(delayMs * 1000)), number: this.numbers++, run };
    this.queue.push(event);
    return { cancel: () => (event.run = undefined) };
  }

  /** A delay whose logarithm is even: mostly short, now and then long. */
  draw(minMs: number, maxMs: number): number {
    return minMs * Math.pow(maxMs / minMs, this.chance.float());
  }

  pick<T>(from: readonly T[]): T {
    return from[this.chance.int(from.length)]!;
  }

  odds(probability: number): boolean {
    return probability > 0 && this.chance.float() < probability;
  }

  /** Runs for at most `ms` of virtual time, or until `done` says so. Throws the first failure. */
  async run(ms: number, done: () => boolean = () => false): Promise<void> {
    const until = this.at + Math.round(ms * 1000);
    await new Promise<void>((resolve, reject) => {
      const turn = (): void => {
        try {
          if (this.runSome(until, done)) nextMacrotask(turn);
          else resolve();
        } catch (error) {
          reject(error as Error);
        }
      };
      nextMacrotask(turn);
    });
    if (!done()) this.at = until;
  }

  /** As many events as fit into one turn of the real event loop; true: there are more. */
  private runSome(until: number, done: () => boolean): boolean {
    for (let left = EVENTS_PER_TURN; left > 0; left--) {
      if (this.trouble !== undefined) throw this.trouble;
      const event = this.queue.peek();
      if (event === undefined || event.at > until || done()) return false;
      this.queue.pop();
      if (event.run === undefined) continue;
      this.at = event.at;
      if (++this.events > MAX_EVENTS) throw new Error(`${MAX_EVENTS} events: something goes round in circles`);
      try {
        event.run();
      } catch (error) {
        this.fail(error);
      }
      // Everything that awaits goes as far as it can before the next event: no promise of one waits for a real thing.
      if (settlePromises === undefined) return true;
      settlePromises();
    }
    return true;
  }
}

/** Taken before anybody replaces it (leaks.ts). */
const nextMacrotask = setImmediate;
/**
 * What Node does after each of its own callbacks: runs all promises that are resolved, and those that they resolve. A turn of
 * the event loop for each event would do the same for eight times the price; where this is missing, it does.
 */
const settlePromises = (process as unknown as { _tickCallback?: () => void })._tickCallback;
/** Whoever runs the simulation wants to be heard now and then. */
const EVENTS_PER_TURN = 512;

/** A binary heap by time, then by the order of planning. */
class Heap {
  private readonly items: Event[] = [];

  peek(): Event | undefined {
    return this.items[0];
  }

  push(event: Event): void {
    const { items } = this;
    let place = items.length;
    items.push(event);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!before(event, items[parent]!)) break;
      items[place] = items[parent]!;
      place = parent;
    }
    items[place] = event;
  }

  pop(): void {
    const { items } = this;
    const last = items.pop()!;
    if (items.length === 0) return;
    let place = 0;
    for (;;) {
      let child = place * 2 + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && before(items[child + 1]!, items[child]!)) child++;
      if (!before(items[child]!, last)) break;
      items[place] = items[child]!;
      place = child;
    }
    items[place] = last;
  }
}

const before = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.number < b.number);
