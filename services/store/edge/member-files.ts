// Does: stages the parts of a snapshot that comes from the leader, has the whole read before it takes the place of anything, and
// deletes segments and snapshots, one task after another: two at once would stand in each other's way. Never decides what may
// be deleted (the core does).
import { messageOf } from '../../../lib/base/errors.ts';
import type { Log } from '../../../lib/base/log.ts';
import type { Effect, Index, Input, SnapshotDescription } from '../../../raft/core/index.ts';
import type { RaftStorage } from '../../../raft/storage/storage.ts';

export interface MemberFilesEdges {
  storage: Pick<RaftStorage, 'log' | 'snapshots'>;
  log: Log;
  input: (input: Input) => void;
  failed: (error: unknown) => void;
  /** All of it is on the disk: makes the state of it, or throws why it is refused. */
  prepare: (snapshot: SnapshotDescription) => Promise<void>;
  /** What was prepared has been installed, or never will be. */
  decided: () => void;
}

export class MemberFiles {
  private readonly edges: MemberFilesEdges;
  private working: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(edges: MemberFilesEdges) {
    this.edges = edges;
  }

  compact(throughIndex: Index): void {
    this.next(() => this.edges.storage.log.compact(throughIndex));
  }

  release(index: Index): void {
    this.next(() => this.edges.storage.snapshots.release(index));
  }

  /** The core is told how far it came, or that it must be sent again. */
  writeChunk({ snapshot, offset, data, last }: Extract<Effect, { type: 'writeSnapshotChunk' }>): void {
    const { storage, log } = this.edges;
    const { index, hash } = snapshot;
    this.next(async () => {
      try {
        const nextOffset = await storage.snapshots.writeChunk(snapshot, offset, data, last);
        if (nextOffset === snapshot.sizeBytes && !this.stopped) await this.edges.prepare(snapshot);
        this.tell({ type: 'snapshotChunkWritten', index, hash, nextOffset });
      } catch (error) {
        log.warn({ error: messageOf(error), index, offset }, 'a snapshot of the leader could not be taken over');
        await storage.snapshots.dropStage();
        this.tell({ type: 'snapshotChunkFailed', index, hash, reason: messageOf(error) });
      } finally {
        if (last) this.edges.decided();
      }
    });
  }

  /** Begins nothing more; resolves when the task under way has ended. */
  async stop(): Promise<void> {
    this.stopped = true;
    await this.working;
  }

  private tell(input: Input): void {
    if (!this.stopped) this.edges.input(input);
  }

  private next(task: () => Promise<void>): void {
    this.working = this.working.then(async () => {
      if (this.stopped) return;
      await task().catch((error: unknown) => this.edges.failed(error));
    });
  }
}
