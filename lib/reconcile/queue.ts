// Decides which key is worked on next: each key at most once in the queue and once at work, what woke it is remembered,
// a failing key waits longer each time. Never works on a key itself.
import type { Clock, Timer } from '../base/clock.ts';
import type { Key } from './controller.ts';

export interface QueueItem {
  key: Key;
  /** Revisions that woke it, oldest first, bounded. */
  revisions: number[];
  queuedMs: number;
}

interface Entry {
  key: Key;
  revisions: number[];
  since: number;
}

const KEPT_REVISIONS = 20;
const FIRST_BACKOFF_MS = 20;
const LAST_BACKOFF_MS = 30_000;

export class KeyQueue {
  readonly #clock: Clock;
  readonly #wake: () => void;
  readonly #ready = new Map<string, Entry>();
  readonly #busy = new Set<string>();
  /** Woken while at work: looked at again after it. */
  readonly #dirty = new Map<string, Entry>();
  readonly #later = new Map<string, { at: number; timer: Timer }>();
  readonly #failures = new Map<string, number>();

  /** `wake` is called whenever `take` may have something new. */
  constructor(clock: Clock, wake: () => void) {
    this.#clock = clock;
    this.#wake = wake;
  }

  get length(): number {
    return this.#ready.size + this.#dirty.size;
  }

  add(key: Key, revision?: number): void {
    const id = idOf(key);
    const place = this.#busy.has(id) ? this.#dirty : this.#ready;
    const entry = place.get(id) ?? { key, revisions: [], since: this.#clock.monotonic() };
    if (revision !== undefined && entry.revisions.at(-1) !== revision)
      entry.revisions = [...entry.revisions, revision].slice(-KEPT_REVISIONS);
    place.set(id, entry);
    if (place === this.#ready) this.#wake();
  }

  /** The earlier of two appointments stands. */
  addLater(key: Key, delayMs: number): void {
    const id = idOf(key);
    const at = this.#clock.monotonic() + delayMs;
    const known = this.#later.get(id);
    if (known !== undefined && known.at <= at) return;
    known?.timer.cancel();
    const timer = this.#clock.timer(delayMs, () => {
      this.#later.delete(id);
      this.add(key);
    });
    this.#later.set(id, { at, timer });
  }

  take(): QueueItem | undefined {
    const first = this.#ready.entries().next().value;
    if (first === undefined) return undefined;
    const [id, entry] = first;
    this.#ready.delete(id);
    this.#busy.add(id);
    return { key: entry.key, revisions: entry.revisions, queuedMs: this.#clock.monotonic() - entry.since };
  }

  /** `failed`: tried again after 20 ms, doubling to 30 s. */
  done(key: Key, failed: boolean): void {
    const id = idOf(key);
    this.#busy.delete(id);
    if (failed) {
      const failures = (this.#failures.get(id) ?? 0) + 1;
      this.#failures.set(id, failures);
      this.addLater(key, Math.min(LAST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (failures - 1)));
    } else this.#failures.delete(id);
    const dirty = this.#dirty.get(id);
    if (dirty === undefined) return;
    this.#dirty.delete(id);
    this.#ready.set(id, dirty);
    this.#wake();
  }

  stop(): void {
    for (const { timer } of this.#later.values()) timer.cancel();
    this.#later.clear();
    this.#ready.clear();
    this.#dirty.clear();
  }
}

function idOf(key: Key): string {
  return `${key.namespace}/${key.name}`;
}
