// Decides in which order the parts of a snapshot leave: as they were asked for, though they are read side by side. Never
// sends one again by itself: the core asks for what was lost.
import { messageOf } from '../../../lib/base/errors.ts';
import type { Log } from '../../../lib/base/log.ts';
import type { Message, SnapshotChunkHead } from '../../../raft/core/index.ts';
import type { SnapshotFiles } from '../../../raft/storage/snapshot-files.ts';

export class ChunkSender {
  private readonly snapshots: SnapshotFiles;
  private readonly send: (message: Message) => void;
  private readonly log: Log;
  private leaving: Promise<void> = Promise.resolve();

  constructor(snapshots: SnapshotFiles, send: (message: Message) => void, log: Log) {
    this.snapshots = snapshots;
    this.send = send;
    this.log = log;
  }

  /** A chunk that overtook another would be thrown away by its receiver, and everything behind it asked for again. */
  sendChunk(message: SnapshotChunkHead, lengthBytes: number): void {
    const { index } = message.snapshot;
    // The file may have been released meanwhile: then the receiver is sent a newer one.
    const read = this.snapshots.read(index, message.offset, lengthBytes).catch((error: unknown) => {
      this.log.warn({ error: messageOf(error), index }, 'snapshot not read');
      return undefined;
    });
    this.leaving = this.leaving.then(async () => {
      const data = await read;
      if (data?.length === lengthBytes) this.send({ ...message, data });
    });
  }
}
