// Does: gives the state as one file of bytes to whoever asks for it in pieces, and keeps that file until nobody has read it
// for a minute. Never holds more than a piece in memory, and never stops the member's own snapshots.
import type { Clock } from '../../../lib/base/clock.ts';
import { messageOf } from '../../../lib/base/errors.ts';
import type { StoreOperationReply, StoreSnapshotOffer } from '../../../lib/bus/messages.ts';
import type { Index, SnapshotDescription } from '../../../raft/core/index.ts';
import type { SnapshotFiles } from '../../../raft/storage/snapshot-files.ts';
import type { Leadership } from './leadership.ts';

/** Well below what one message of the bus may hold, and no longer a turn than a slice of anything else. */
export const EXPORT_PIECE_BYTES = 262_144;
const KEPT_MS = 60_000;
/** Exports at the same time: each may hold a whole old state on the disk. */
const MOST = 4;

export interface ExportEdges {
  clock: Clock;
  leadership: Leadership;
  files: SnapshotFiles;
  /** A snapshot on the disk that holds everything applied until now. */
  fresh: () => Promise<SnapshotDescription>;
  /** True when a majority has confirmed that this state holds all that was acknowledged. */
  confirm: () => Promise<boolean>;
  own: { clusterId: string; member: string };
}

interface Held {
  snapshot: SnapshotDescription;
  until: number;
}

export class SnapshotExport {
  private readonly edges: ExportEdges;
  private readonly held = new Map<Index, Held>();

  constructor(edges: ExportEdges) {
    this.edges = edges;
  }

  open(answer: (reply: StoreOperationReply) => void): void {
    this.offer()
      .then((snapshot) => answer({ snapshot }))
      .catch((error: unknown) => answer(this.refusal(`could not give a snapshot: ${messageOf(error)}`)));
  }

  read(index: Index, offset: number, answer: (reply: StoreOperationReply) => void): void {
    const held = this.held.get(index);
    if (held === undefined) return answer(this.refusal(`keeps no snapshot ${index} for a reader: open it again`));
    const { clock, files } = this.edges;
    held.until = clock.monotonic() + KEPT_MS;
    const length = Math.min(EXPORT_PIECE_BYTES, Math.max(0, held.snapshot.sizeBytes - offset));
    files
      .read(index, offset, length)
      .then((data) => answer({ data }))
      .catch((error: unknown) => answer(this.refusal(`could not read snapshot ${index}: ${messageOf(error)}`)));
  }

  tick(now: number): void {
    for (const [index, { until }] of this.held) {
      if (until > now) continue;
      this.held.delete(index);
      void this.edges.files.letGo(index);
    }
  }

  private async offer(): Promise<StoreSnapshotOffer> {
    if (this.held.size >= MOST) throw new Error(`${MOST} others are being read: try again in a minute`);
    const isCurrent = await this.edges.confirm();
    const snapshot = await this.edges.fresh();
    const { index, term, sizeBytes, hash } = snapshot;
    this.edges.files.hold(index);
    this.held.set(index, { snapshot, until: this.edges.clock.monotonic() + KEPT_MS });
    return { ...this.edges.own, index, term, sizeBytes, hash, isCurrent };
  }

  private refusal(what: string): StoreOperationReply {
    return this.edges.leadership.refusal('overloaded', what);
  }
}
