// Decides when this member writes a snapshot of its state: when the log behind the last one is long. Never holds the event
// loop: a slice is written, then others have their turn.
import type { RaftStorage } from '../../../raft/storage/storage.ts';
import type { Entry, Index, SnapshotDescription } from '../../../raft/core/index.ts';
import { encodeSnapshot } from '../core/snapshot.ts';
import type { StateMachine } from '../core/state-machine.ts';
import { nextTurn, type NextTurn } from './applier.ts';

export interface SnapshotPolicy {
  /** Entries applied since the last snapshot. */
  entries: number;
  /** … or bytes of them, and not less than half of what a snapshot takes. */
  bytes: number;
}

export const DEFAULT_SNAPSHOT_POLICY: SnapshotPolicy = { entries: 10_000, bytes: 67_108_864 };

/** One may be under way that began too early, and a term may not be known in one turn. */
const FRESH_ATTEMPTS = 20;

export interface SnapshotterEdges {
  storage: RaftStorage;
  state: () => StateMachine;
  describe: (index: Index) => Pick<SnapshotDescription, 'index' | 'term' | 'configuration'> | undefined;
  taken: (snapshot: SnapshotDescription) => void;
  failed: (error: unknown) => void;
  nextTurn?: NextTurn | undefined;
}

export class Snapshotter {
  private readonly edges: SnapshotterEdges;
  private readonly policy: SnapshotPolicy;
  private entries = 0;
  private bytes = 0;
  private taking: Promise<void> | undefined;
  private stopped = false;

  constructor(edges: SnapshotterEdges, policy: SnapshotPolicy) {
    this.edges = edges;
    this.policy = policy;
  }

  applied(entry: Entry): void {
    this.entries++;
    this.bytes += entry.data.length;
  }

  /** Between two entries. */
  consider(): void {
    const enough = Math.max(this.policy.bytes, this.edges.storage.snapshots.bytes / 2);
    if (this.entries < this.policy.entries && this.bytes < enough) return;
    this.begin();
  }

  private begin(): void {
    if (this.taking !== undefined || this.stopped) return;
    this.taking = this.take()
      .catch((error: unknown) => this.edges.failed(error))
      .finally(() => (this.taking = undefined));
  }

  /** One that holds everything applied until now; written now unless there is one. Throws when it cannot be. */
  async fresh(): Promise<SnapshotDescription> {
    const wanted = this.edges.state().appliedIndex;
    if (wanted === 0) throw new Error('nothing was written yet');
    for (let attempt = 0; attempt < FRESH_ATTEMPTS && !this.stopped; attempt++) {
      const newest = this.edges.storage.snapshots.newest;
      if (newest !== undefined && newest.index >= wanted) return newest;
      this.begin();
      await this.taking;
      await (this.edges.nextTurn ?? nextTurn)();
    }
    throw new Error(`no snapshot at or after entry ${wanted} could be written`);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.taking;
  }

  private async take(): Promise<void> {
    const { storage, taken, nextTurn: turn = nextTurn } = this.edges;
    const state = this.edges.state();
    const at = this.edges.describe(state.appliedIndex);
    // Its term is not in memory: the next entry's will be.
    if (at === undefined) return;
    this.entries = 0;
    this.bytes = 0;
    // Begun before the first wait: the slices are of the state as it is at `at`.
    const slices = encodeSnapshot(state);
    let slice = slices.next();
    try {
      const writer = await storage.snapshots.begin(at);
      for (; slice.done !== true && !this.stopped; slice = slices.next()) {
        if (slice.value.length > 0) await writer.write(slice.value);
        await turn();
      }
      if (this.stopped) return await writer.abandon();
      // One from the leader may have overtaken it; and then it is ahead of what this one would say.
      const overtaken = (storage.snapshots.newest?.index ?? 0) >= at.index;
      if (overtaken) return await writer.abandon();
      taken(await writer.finish());
    } finally {
      slices.return();
    }
  }
}
