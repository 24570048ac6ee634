// Decides when this member writes a snapshot of its state (when the log behind the last one is long), and whether it counts: its
// bytes must be the state that they say, and a majority must have the same. Never holds the event loop: a slice is written, then
// others have their turn. Why: docs/decisions/0013-a-snapshot-counts-when-a-majority-has-its-hash.md.
import { messageOf } from '../../../lib/base/errors.ts';
import type { SnapshotWriter } from '../../../raft/storage/snapshot-files.ts';
import type { RaftStorage } from '../../../raft/storage/storage.ts';
import type { Entry, Index, SnapshotDescription } from '../../../raft/core/index.ts';
import { encodeSnapshot, WrongStateError } from '../core/snapshot.ts';
import { SnapshotCheck } from '../core/snapshot-check.ts';
import type { StateMachine } from '../core/state-machine.ts';
import { nextTurn, type NextTurn } from './applier.ts';
import type { Answer } from './state-exchange.ts';

export interface SnapshotPolicy {
  /** Entries applied since the last snapshot. */
  entries: number;
  /** … or bytes of them, and not less than half of what a snapshot takes. */
  bytes: number;
}

export const DEFAULT_SNAPSHOT_POLICY: SnapshotPolicy = { entries: 10_000, bytes: 134_217_728 };

/** One may be under way that began too early, and a term may not be known in one turn. */
const FRESH_ATTEMPTS = 20;

export interface SnapshotterEdges {
  storage: RaftStorage;
  state: () => StateMachine;
  describe: (index: Index) => Pick<SnapshotDescription, 'index' | 'term' | 'configuration'> | undefined;
  /** What the others have where this member has its present state. */
  agree: () => Promise<Answer>;
  taken: (snapshot: SnapshotDescription) => void;
  failed: (error: unknown) => void;
  /** The state in memory contradicts itself; what is on the disk is older and may be right. */
  wrong: (error: WrongStateError) => void;
  nextTurn?: NextTurn | undefined;
}

export class Snapshotter {
  private readonly edges: SnapshotterEdges;
  private readonly policy: SnapshotPolicy;
  private entries = 0;
  private bytes = 0;
  private taking: Promise<void> | undefined;
  /** Somebody waits for it: silence of the others is no reason to give them nothing. */
  private wanted = 0;
  /** Why the last one does not count; '' = it does. */
  private refusal = '';
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
      .catch((error: unknown) => this.fail(error))
      .finally(() => (this.taking = undefined));
  }

  private fail(error: unknown): void {
    this.refusal = messageOf(error);
    if (error instanceof WrongStateError) this.edges.wrong(error);
    else this.edges.failed(error);
  }

  /** One that holds everything applied until now; written now unless there is one. Throws when it cannot be. */
  async fresh(): Promise<SnapshotDescription> {
    const index = this.edges.state().appliedIndex;
    if (index === 0) throw new Error('nothing was written yet');
    this.wanted++;
    try {
      return await this.atLeast(index);
    } finally {
      this.wanted--;
    }
  }

  private async atLeast(index: Index): Promise<SnapshotDescription> {
    for (let attempt = 0; attempt < FRESH_ATTEMPTS && !this.stopped; attempt++) {
      const newest = this.edges.storage.snapshots.newest;
      if (newest !== undefined && newest.index >= index) return newest;
      this.begin();
      await this.taking;
      if (this.refusal !== '') throw new Error(this.refusal);
      await (this.edges.nextTurn ?? nextTurn)();
    }
    throw new Error(`no snapshot at or after entry ${index} could be written`);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.taking;
  }

  private async take(): Promise<void> {
    const { storage } = this.edges;
    const state = this.edges.state();
    const at = this.edges.describe(state.appliedIndex);
    // Its term is not in memory: the next entry's will be.
    if (at === undefined) return;
    this.entries = 0;
    this.bytes = 0;
    this.refusal = '';
    const agreement = this.edges.agree();
    // Begun before the first wait: the slices are of the state as it is at `at`.
    const slices = encodeSnapshot(state);
    const first = slices.next();
    try {
      const writer = await storage.snapshots.begin(at);
      const counts = await this.write(writer, first, slices, agreement).catch(async (error: unknown) => {
        await writer.abandon().catch(() => undefined);
        throw error;
      });
      // One from the leader may have overtaken it; and then it is ahead of what this one would say.
      const overtaken = (storage.snapshots.newest?.index ?? 0) >= at.index;
      if (!counts || overtaken) return await writer.abandon();
      this.edges.taken(await writer.finish());
    } finally {
      slices.return();
    }
  }

  /** Whether what was written counts. */
  private async write(
    writer: SnapshotWriter,
    first: IteratorResult<Uint8Array>,
    slices: Iterator<Uint8Array>,
    agreement: Promise<Answer>,
  ): Promise<boolean> {
    const check = new SnapshotCheck(this.edges.state().versions.keys.size);
    for (let slice = first; slice.done !== true && !this.stopped; slice = slices.next()) {
      check.feed(slice.value);
      if (slice.value.length > 0) await writer.write(slice.value);
      await (this.edges.nextTurn ?? nextTurn)();
    }
    if (this.stopped) return false;
    check.finish();
    return this.counts(await agreement);
  }

  /**
   * Until one counts, the log behind the last stays: from there, whoever is given this member's past can still find out who is
   * right.
   */
  private counts(answer: Answer): boolean {
    if (answer === 'agreed' || (answer === 'silent' && this.wanted > 0)) return !this.stopped;
    const why = answer === 'silent' ? 'too few of the others say what they have' : 'others have another state';
    this.refusal = `the state is not known to be that of a majority: ${why}`;
    if (!this.stopped) this.edges.failed(new Error(this.refusal));
    return false;
  }
}
