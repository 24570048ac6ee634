// Decides when code of a simulated process may run, and what of it still has an effect: nothing after it died, later
// while it is paused. Never knows what the process is.
import type { Clock, Timer } from '../../lib/base/clock.ts';
import type { World } from './world.ts';

/** Where a process touches the world: it can die before or after each of them. */
export type Boundary = 'bus' | 'disk' | 'disk-done' | 'log-sync' | 'timer';

/** Milliseconds since 1970 at the beginning of every run. */
const EPOCH_MS = 1_800_000_000_000;

export const LONGEST_FREEZE_MS = 2_500;
/** How many times longer anything takes by a clock that drifts. */
const SLOWEST = 2;

/** Time of one machine: how fast it goes, and how wrong its calendar is. Survives the processes on it. */
export interface MachineTime {
  rate: number;
  wallOffsetMs: number;
}

export class Process {
  readonly name: string;
  readonly clock: Clock;
  alive = true;
  /** It runs a later version of the program. */
  isNewer = false;
  /** Dies at the so many-th touch from now. */
  fuse: { touches: number; at: Boundary | undefined } | undefined;
  private readonly world: World;
  private readonly onDeath: (why: string) => void;
  private paused = false;
  private backlog: (() => void)[] = [];

  constructor(world: World, name: string, time: MachineTime, onDeath: (why: string) => void) {
    this.world = world;
    this.name = name;
    this.onDeath = onDeath;
    this.clock = this.clockOf(time);
  }

  /** Begins to touch the world. False: it is dead, and the touch must have no effect. */
  touch(boundary: Boundary): boolean {
    if (!this.alive) return false;
    const { fuse } = this;
    if (fuse === undefined || (fuse.at !== undefined && fuse.at !== boundary)) return true;
    if (--fuse.touches > 0) return true;
    this.world.count(`crash-at-${boundary}`);
    this.die(`at ${boundary}`);
    return false;
  }

  /** The world reaches the process: now, when it goes on again, or never. */
  enter(run: () => void): void {
    if (!this.alive) return;
    if (this.paused) this.backlog.push(run);
    else run();
  }

  get isPaused(): boolean {
    return this.paused;
  }

  get waiting(): number {
    return this.backlog.length;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    const { backlog } = this;
    this.backlog = [];
    for (const run of backlog) this.world.after(0, () => this.enter(run));
  }

  die(why: string): void {
    if (!this.alive) return;
    this.alive = false;
    this.backlog = [];
    this.onDeath(why);
  }

  private clockOf(time: MachineTime): Clock {
    const { world } = this;
    // What was measured before a change of rate stays: monotonic time must not go back.
    let base = { at: world.nowMs, value: 5_000 + world.chance.int(1_000_000), rate: time.rate };
    const monotonic = (): number => {
      const value = base.value + (world.nowMs - base.at) * base.rate;
      if (base.rate !== time.rate) base = { at: world.nowMs, value, rate: time.rate };
      return value;
    };
    return {
      now: () => Math.round(EPOCH_MS + world.nowMs + time.wallOffsetMs),
      monotonic,
      timer: (delayMs, fire): Timer => {
        if (!this.alive) return { cancel() {} };
        let cancelled = false;
        // A clock that stands still goes on some day: what was waited for comes that much later, and no more.
        const timer = world.after(Math.min(delayMs / time.rate, delayMs * SLOWEST + LONGEST_FREEZE_MS), () =>
          this.enter(() => {
            if (!cancelled && this.touch('timer')) fire();
          }),
        );
        return {
          cancel() {
            cancelled = true;
            timer.cancel();
          },
        };
      },
    };
  }
}
