// Decides which key is worked on next: each key at most once in the queue and once at work, what woke it is remembered,
// a failing key waits longer each time. Never works on a key itself.
import type { Clock, Timer } from '../base/clock.ts';
import type { WokenBy } from '../bus/messages.ts';
import type { Key } from './controller.ts';

export interface QueueItem {
  key: Key;
  /** Revisions that woke it, oldest first: of many, the first and the newest. */
  revisions: number[];
  /** Who wrote the newest of them, where the events told. */
  by: WokenBy[];
  queuedMs: number;
  /** How often it has failed since it last went well. */
  failures: number;
}

interface Entry extends Woken {
  key: Key;
  since: number;
}

interface Woken {
  revisions: number[];
  by: WokenBy[];
}

const KEPT_REVISIONS = 20;
const KEPT_BY = 5;
const FIRST_BACKOFF_MS = 20;
const LAST_BACKOFF_MS = 30_000;

export class KeyQueue {
  readonly #clock: Clock;
  readonly #wake: () => void;
  readonly #ready = new Map<string, Entry>();
  /** At work, with what woke it: a retry or an appointment that comes of it is the effect of the same. */
  readonly #busy = new Map<string, Woken>();
  /** Woken while at work: looked at again after it. */
  readonly #dirty = new Map<string, Entry>();
  readonly #later = new Map<string, { at: number; timer: Timer; woken: Woken }>();
  readonly #failures = new Map<string, number>();

  /** `wake` is called whenever `take` may have something new. */
  constructor(clock: Clock, wake: () => void) {
    this.#clock = clock;
    this.#wake = wake;
  }

  get length(): number {
    return this.#ready.size + this.#dirty.size;
  }

  add(key: Key, revision?: number, by?: WokenBy): void {
    this.#put(key, { revisions: revision === undefined ? [] : [revision], by: by === undefined ? [] : [by] });
  }

  #put(key: Key, woken: Woken): void {
    const id = idOf(key);
    const place = this.#busy.has(id) ? this.#dirty : this.#ready;
    const entry = place.get(id) ?? { key, revisions: [], by: [], since: this.#clock.monotonic() };
    place.set(id, { ...entry, ...joined(entry, woken) });
    if (place === this.#ready) this.#wake();
  }

  /** The earlier of two appointments stands, for the reasons of both. */
  addLater(key: Key, delayMs: number): void {
    const id = idOf(key);
    const at = this.#clock.monotonic() + delayMs;
    const known = this.#later.get(id);
    const woken = joined(known?.woken ?? NOTHING, this.#busy.get(id) ?? NOTHING);
    if (known !== undefined && known.at <= at) return void (known.woken = woken);
    known?.timer.cancel();
    const appointment = { at, woken, timer: this.#clock.timer(delayMs, () => this.#keep(key, id)) };
    this.#later.set(id, appointment);
  }

  #keep(key: Key, id: string): void {
    const woken = this.#later.get(id)?.woken ?? NOTHING;
    this.#later.delete(id);
    this.#put(key, woken);
  }

  take(): QueueItem | undefined {
    const first = this.#ready.entries().next().value;
    if (first === undefined) return undefined;
    const [id, { key, revisions, by, since }] = first;
    this.#ready.delete(id);
    this.#busy.set(id, { revisions, by });
    return { key, revisions, by, queuedMs: this.#clock.monotonic() - since, failures: this.#failures.get(id) ?? 0 };
  }

  /** `failed`: tried again after 20 ms, doubling to 30 s. */
  done(key: Key, failed: boolean): void {
    const id = idOf(key);
    if (failed) {
      const failures = (this.#failures.get(id) ?? 0) + 1;
      this.#failures.set(id, failures);
      this.addLater(key, Math.min(LAST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (failures - 1)));
    } else this.#failures.delete(id);
    this.#busy.delete(id);
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

const NOTHING: Woken = { revisions: [], by: [] };

/** Oldest first; one change may wake a key in several ways. */
function joined(known: Woken, more: Woken): Woken {
  return {
    revisions: more.revisions.reduce(
      (all, revision) => (all.includes(revision) ? all : bounded([...all, revision], KEPT_REVISIONS)),
      known.revisions,
    ),
    by: more.by.reduce(
      (all, by) => (all.some(({ revision }) => revision === by.revision) ? all : bounded([...all, by], KEPT_BY)),
      known.by,
    ),
  };
}

/** What woke a key at first is why it is here at all: of many, it and the newest are kept. */
function bounded<T>(all: T[], most: number): T[] {
  return all.length <= most ? all : [all[0]!, ...all.slice(1 - most)];
}

function idOf(key: Key): string {
  return `${key.namespace}/${key.name}`;
}
