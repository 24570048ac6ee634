// Does: gives committed entries to the state machine in order, a slice a turn, so that the event loop is never held; puts
// the state of an installed snapshot in its place. Never skips or repeats an entry (the state machine asserts it).
import type { Entry, Index, SnapshotDescription } from '../../../raft/core/index.ts';
import type { StoreLimits } from '../core/limits.ts';
import { SnapshotLoader } from '../core/snapshot.ts';
import { StateMachine, type Applied } from '../core/state-machine.ts';

/** What is applied in one turn: some milliseconds. */
const TURN_COST = 131_072;
/** What a transaction costs beside its bytes, as many bytes: however short they are, a turn takes 512 at most. */
const TXN_COST = 256;

export interface ApplierEvents {
  /** In order, for each entry. */
  entry(entry: Entry, applied: Applied): void;
  /** After each slice and each installation. */
  applied(index: Index): void;
  installed(snapshot: SnapshotDescription): void;
  failed(error: unknown): void;
}

type Work =
  | { type: 'entries'; entries: Entry[] }
  | { type: 'install'; snapshot: SnapshotDescription; durable: Promise<void>; state: StateMachine | undefined };

interface Prepared {
  snapshot: SnapshotDescription;
  state: StateMachine;
}

/** Resolves when others have had their turn. */
export type NextTurn = () => Promise<void>;
export const nextTurn: NextTurn = () => new Promise((resolve) => setImmediate(resolve));

export class Applier {
  state: StateMachine;
  private readonly limits: Partial<StoreLimits>;
  private readonly readSnapshot: (snapshot: SnapshotDescription) => AsyncIterable<Uint8Array>;
  private readonly events: ApplierEvents;
  private readonly nextTurn: NextTurn;
  private work: Work[] = [];
  private prepared: Prepared | undefined;
  private running = false;
  private stopped = false;
  private turnCost = 0;

  constructor(
    state: StateMachine,
    limits: Partial<StoreLimits>,
    readSnapshot: (snapshot: SnapshotDescription) => AsyncIterable<Uint8Array>,
    events: ApplierEvents,
    turn: NextTurn = nextTurn,
  ) {
    this.state = state;
    this.limits = limits;
    this.readSnapshot = readSnapshot;
    this.events = events;
    this.nextTurn = turn;
  }

  /** `isAwaited`: at once, because somebody waits for the answers, or nobody for anything; else when it is released. */
  apply(entries: Entry[], isAwaited: boolean): void {
    this.push({ type: 'entries', entries }, isAwaited);
  }

  /** The state of a snapshot that may be installed next: read before it takes the place of what is here. */
  async prepare(snapshot: SnapshotDescription, pieces: AsyncIterable<Uint8Array>): Promise<StateMachine> {
    const state = await loadState(pieces, this.limits, this.nextTurn);
    this.prepared = { snapshot, state };
    return state;
  }

  /** It was not wanted. */
  forget(): void {
    this.prepared = undefined;
  }

  install(snapshot: SnapshotDescription, durable: Promise<void>): void {
    const { prepared } = this;
    const isIt = prepared?.snapshot.index === snapshot.index && prepared.snapshot.hash === snapshot.hash;
    this.prepared = undefined;
    this.push({ type: 'install', snapshot, durable, state: isIt ? prepared.state : undefined }, true);
  }

  stop(): void {
    this.stopped = true;
    this.work = [];
  }

  /** What was held may be applied, a turn later: what is said in this one is on its way first. */
  release(): void {
    if (this.running || this.work.length === 0) return;
    void this.nextTurn().then(() => this.begin());
  }

  private push(work: Work, isAwaited: boolean): void {
    this.work.push(work);
    if (isAwaited) this.begin();
  }

  private begin(): void {
    if (this.running) return;
    this.running = true;
    this.turnCost = 0;
    this.run().catch((error: unknown) => this.events.failed(error));
  }

  /** The first slice is applied in the turn in which it was committed: a single write waits for nothing. */
  private async run(): Promise<void> {
    for (let work = this.work.shift(); work !== undefined && !this.stopped; work = this.work.shift()) {
      if (work.type === 'install') await this.installState(work);
      else await this.applyEntries(work.entries);
    }
    this.running = false;
  }

  private async applyEntries(entries: readonly Entry[]): Promise<void> {
    for (const [i, entry] of entries.entries()) {
      if (this.stopped) return;
      const applied = this.state.apply(entry.index, entry.kind === 'data' ? entry.data : undefined);
      this.events.entry(entry, applied);
      this.turnCost += costOf(entry, applied);
      const isFull = this.turnCost >= TURN_COST;
      if (isFull || i === entries.length - 1) this.events.applied(entry.index);
      if (!isFull) continue;
      await this.nextTurn();
      this.turnCost = 0;
    }
  }

  private async installState({ snapshot, durable, state }: Extract<Work, { type: 'install' }>): Promise<void> {
    await durable;
    this.state = state ?? (await loadState(this.readSnapshot(snapshot), this.limits, this.nextTurn));
    if (this.stopped) return;
    this.events.installed(snapshot);
    this.events.applied(snapshot.index);
  }
}

/** What ends a lease has no transactions of anybody's, and changes keys all the same. */
function costOf(entry: Entry, { transactions, changes }: Applied): number {
  return entry.data.length + (transactions || changes) * TXN_COST;
}

/**
 * A state from the bytes of a snapshot, with a turn between the pieces. Bytes that make no sense are read to their end all
 * the same: there it shows whether the file is damaged, which says more.
 */
export async function loadState(
  pieces: AsyncIterable<Uint8Array>,
  limits: Partial<StoreLimits>,
  turn: NextTurn = nextTurn,
): Promise<StateMachine> {
  const loader = new SnapshotLoader(limits);
  let trouble: unknown;
  for await (const piece of pieces) {
    try {
      if (trouble === undefined) loader.feed(piece);
    } catch (error) {
      trouble = error;
    }
    await turn();
  }
  if (trouble !== undefined) throw trouble;
  return loader.finish();
}
