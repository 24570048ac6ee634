// Decides when the leader writes time into the log (for leases), when it lets old revisions be forgotten (by age), and when
// it makes its limits those of all.
// Never ends a lease or forgets anything itself: the entry does, on every member alike.
import type { Leases } from '../core/leases.ts';
import { limitsDiffer, type StoreLimits } from '../core/limits.ts';

export interface UpkeepEdges {
  leads: () => boolean;
  state: () => { revision: number; compactedRevision: number; leases: Leases; limits: StoreLimits };
  writeTime: (atMs: number, ended: () => void) => void;
  compact: (revision: number, ended: () => void) => void;
  writeLimits: (limits: StoreLimits, ended: () => void) => void;
}

/** Longest step of the store's time in one look: while the leader itself stood still, nobody could renew a lease. */
const LONGEST_STEP_MS = 500;
/** With leases alive, what of their time would be forgotten by a change of leader. */
const WRITE_TIME_MS = 5_000;
/** Samples of (time, revision) within the age. */
const SAMPLES = 64;

export class Upkeep {
  private readonly edges: UpkeepEdges;
  private readonly limits: StoreLimits;
  /** Revisions older than this are forgotten; Infinity: only by count and bytes. */
  private readonly ageMs: number;
  private lookedAt: number | undefined;
  private leaseMs = 0;
  private writing = false;
  private compacting = false;
  private limiting = false;
  /** What is older than the age. */
  private oldRevision = 0;
  private samples: { at: number; revision: number }[] = [];

  /** `limits`: that this member was given. */
  constructor(edges: UpkeepEdges, limits: StoreLimits, ageMs: number) {
    this.edges = edges;
    this.limits = limits;
    this.ageMs = ageMs;
  }

  /** The store's own time, as this leader has it: never behind what the log says. */
  get timeMs(): number {
    this.leaseMs = Math.max(this.leaseMs, this.edges.state().leases.timeMs);
    return this.leaseMs;
  }

  tick(now: number): void {
    const step = Math.min(now - (this.lookedAt ?? now), LONGEST_STEP_MS);
    this.lookedAt = now;
    this.sample(now);
    // A follower's time is what the log says: what passes without a leader counts for no lease.
    if (!this.edges.leads()) {
      this.leaseMs = 0;
      return;
    }
    this.leaseMs = Math.round(this.timeMs + step);
    this.keepLimits();
    this.keepTime();
    this.forgetOld();
  }

  /** A change of settings goes round with the restarts: whoever leads says what counts, and all do the same at the same entry. */
  private keepLimits(): void {
    if (this.limiting || limitsDiffer(this.limits, this.edges.state().limits) === '') return;
    this.limiting = true;
    this.edges.writeLimits(this.limits, () => (this.limiting = false));
  }

  private keepTime(): void {
    const { leases } = this.edges.state();
    const next = leases.nextDeadlineMs;
    if (next === undefined || this.writing) return;
    if (next > this.leaseMs && this.leaseMs - leases.timeMs < WRITE_TIME_MS) return;
    this.writing = true;
    this.edges.writeTime(this.leaseMs, () => (this.writing = false));
  }

  /** Every member samples, so that a new leader knows the ages too. */
  private sample(now: number): void {
    if (this.ageMs === Infinity) return;
    const { revision } = this.edges.state();
    const last = this.samples.at(-1);
    const isNews = last === undefined || (revision !== last.revision && now - last.at >= this.ageMs / SAMPLES);
    if (isNews) this.samples.push({ at: now, revision });
    while (this.samples.length > 0 && this.samples[0]!.at <= now - this.ageMs)
      this.oldRevision = this.samples.shift()!.revision;
  }

  private forgetOld(): void {
    if (this.oldRevision <= this.edges.state().compactedRevision || this.compacting) return;
    this.compacting = true;
    this.edges.compact(this.oldRevision, () => (this.compacting = false));
  }
}
