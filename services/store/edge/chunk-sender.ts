// Decides in which order the parts of a snapshot leave: as they were asked for, though they are read side by side. Never
// sends one again by itself: the core asks for what was lost.
import { messageOf } from '../../../lib/base/errors.ts';
import type { Log } from '../../../lib/base/log.ts';
import type { Index, Message, SnapshotChunkHead, SnapshotDescription } from '../../../raft/core/index.ts';
import { DamagedError } from '../../../raft/storage/disk.ts';
import { isReadError } from '../../../raft/storage/read-around.ts';
import type { SnapshotFiles } from '../../../raft/storage/snapshot-files.ts';

export interface ChunkSenderEdges {
  snapshots: Pick<SnapshotFiles, 'read' | 'readAll'>;
  send: (message: Message) => void;
  /** The file does not hold what was written. */
  damaged: (error: Error) => void;
  log: Log;
}

export class ChunkSender {
  private readonly edges: ChunkSenderEdges;
  private leaving: Promise<void> = Promise.resolve();
  /** The snapshot that was last begun to be sent. */
  private begun: Index = 0;
  private verifying = false;

  constructor(edges: ChunkSenderEdges) {
    this.edges = edges;
  }

  /** A chunk that overtook another would be thrown away by its receiver, and everything behind it asked for again. */
  sendChunk(message: SnapshotChunkHead, lengthBytes: number): void {
    const { snapshots, send, log } = this.edges;
    const { index } = message.snapshot;
    if (message.offset === 0 && this.begun === index) this.verify(message.snapshot);
    if (message.offset === 0) this.begun = index;
    // The file may have been released meanwhile: then the receiver is sent a newer one.
    const read = snapshots.read(index, message.offset, lengthBytes).catch((error: unknown) => {
      log.warn({ error: messageOf(error), index }, 'snapshot not read');
      return undefined;
    });
    this.leaving = this.leaving.then(async () => {
      const data = await read;
      if (data?.length === lengthBytes) send({ ...message, data });
    });
  }

  /**
   * A receiver that begins again may have found that the whole has the wrong hash: sent from a damaged file for ever, it would
   * never come back.
   */
  private verify(snapshot: SnapshotDescription): void {
    if (this.verifying) return;
    this.verifying = true;
    this.readThrough(snapshot)
      .catch((error: unknown) => {
        // Anything else, as that the file was released meanwhile, is no damage.
        if (error instanceof DamagedError || isReadError(error)) this.edges.damaged(error as Error);
      })
      .finally(() => (this.verifying = false));
  }

  private async readThrough(snapshot: SnapshotDescription): Promise<void> {
    for await (const piece of this.edges.snapshots.readAll(snapshot)) if (piece.length === 0) return;
  }
}
