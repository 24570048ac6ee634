// Decides when a member reads its whole disk again, to find what rots where nobody looks: once a day, a piece at a time. Never
// repairs anything: a member that finds damage ends, and its next start takes it out and is given it back by the others.
import { messageOf } from '../../../lib/base/errors.ts';
import type { Log } from '../../../lib/base/log.ts';
import type { RaftStorage } from '../../../raft/storage/storage.ts';

export interface ScrubPace {
  /** From the end of one reading to the next; a start reads everything too. */
  everyMs: number;
  /** Between two pieces: whoever writes must not notice. */
  pauseMs: number;
}

/** A piece is 64 KiB of a snapshot or 256 KiB of the log: some megabytes a second at most. */
export const DEFAULT_SCRUB_PACE: ScrubPace = { everyMs: 86_400_000, pauseMs: 100 };

export interface ScrubEdges {
  storage: {
    log: Pick<RaftStorage['log'], 'verify'>;
    snapshots: Pick<RaftStorage['snapshots'], 'verify'>;
  };
  log: Log;
  failed: (error: unknown) => void;
}

export class Scrub {
  private readonly edges: ScrubEdges;
  private readonly pace: ScrubPace;
  private reading: AsyncGenerator<void> | undefined;
  private busy = false;
  private stopped = false;
  private pieces = 0;
  private dueAt: number | undefined;
  /** From 0 to 1: members that were started together do not read together. */
  private readonly spread: number;

  constructor(edges: ScrubEdges, pace: ScrubPace, spread: number) {
    this.edges = edges;
    this.pace = pace;
    this.spread = spread;
  }

  /** Reads a piece when it is time; the next after that. */
  tick(now: number): void {
    this.dueAt ??= now + this.pace.everyMs * (0.5 + this.spread / 2);
    if (this.busy || this.stopped || now < this.dueAt) return;
    this.busy = true;
    this.dueAt = now + this.pace.pauseMs;
    this.piece()
      .catch((error: unknown) => this.found(error))
      .finally(() => (this.busy = false));
  }

  stop(): void {
    this.stopped = true;
  }

  private async piece(): Promise<void> {
    this.reading ??= this.all();
    const { done } = await this.reading.next();
    if (done !== true) return void this.pieces++;
    this.edges.log.info({ pieces: this.pieces }, 'everything on the disk was read again, and is what was written');
    this.reading = undefined;
    this.pieces = 0;
    this.dueAt! += this.pace.everyMs;
  }

  private async *all(): AsyncGenerator<void> {
    yield* this.edges.storage.snapshots.verify();
    yield* this.edges.storage.log.verify();
  }

  private found(error: unknown): void {
    if (this.stopped) return;
    this.edges.log.error({ error: messageOf(error) }, 'the disk does not hold what was written to it');
    this.edges.failed(error);
  }
}
