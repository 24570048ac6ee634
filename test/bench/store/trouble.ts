// Does: kills and stalls members of one side while it is written to, and measures how long nothing is acknowledged; and what a
// member with all keys takes of memory, and of time to come back. Never leaves a member down.
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { quantile } from '../figures.ts';
import { fill, VALUE, type Figures } from './load.ts';
import type { OurSide } from './our-side.ts';
import { KEYS, keyOf, type Side } from './side.ts';
import { proportionalMiB, residentMiB } from './work.ts';

const PROBE_EVERY_MS = 3;
const SETTLED_MS = 500;
const STALL_MS = 30_000;

/** Writes all the time; the longest time between two acknowledgements. */
class Prober {
  private readonly side: Side;
  private running = true;
  private lastAt = performance.now();
  private longestMs = 0;
  /** Attempts that were not acknowledged in time. */
  failed = 0;
  private readonly done: Promise<void>;

  constructor(side: Side) {
    this.side = side;
    this.done = this.run();
  }

  private async run(): Promise<void> {
    while (this.running) {
      const acknowledged = await this.side.probe('/probe', VALUE).then(
        () => true,
        () => false,
      );
      const now = performance.now();
      if (!acknowledged) this.failed++;
      if (acknowledged) {
        this.longestMs = Math.max(this.longestMs, now - this.lastAt);
        this.lastAt = now;
      }
      await sleep(PROBE_EVERY_MS);
    }
  }

  begin(): void {
    this.longestMs = 0;
    this.failed = 0;
  }

  /** Waits for an acknowledgement after `at`, and a little longer: a first one may be followed by another gap. */
  async recovered(at: number): Promise<number> {
    while (this.lastAt <= at + 20) await sleep(5);
    await sleep(SETTLED_MS);
    return this.longestMs;
  }

  async stop(): Promise<void> {
    this.running = false;
    await this.done;
  }
}

function summary(gaps: readonly number[], failed: number): Figures {
  const sorted = gaps.toSorted((a, b) => a - b);
  return {
    p50Ms: quantile(sorted, 0.5),
    p90Ms: quantile(sorted, 0.9),
    worstMs: sorted.at(-1)!,
    trials: gaps.length,
    failed,
  };
}

/** Something happens to the leader, again and again: how long nothing is acknowledged. The member is back before the next. */
async function gapsAfter(
  side: Side,
  trials: number,
  happens: (leader: string) => Promise<void>,
  mend: (leader: string) => Promise<void>,
): Promise<Figures> {
  const gaps: number[] = [];
  let failed = 0;
  await side.put('/probe', VALUE);
  for (let i = 0; i < trials; i++) {
    const leader = await side.leader();
    const prober = new Prober(side);
    try {
      await sleep(SETTLED_MS);
      prober.begin();
      await happens(leader);
      gaps.push(await prober.recovered(performance.now()));
      failed += prober.failed;
    } finally {
      await prober.stop();
      await mend(leader);
    }
    await side.answers(leader, '/probe');
    await side.leader();
  }
  return summary(gaps, failed);
}

export function gapsAfterKill(side: Side, trials: number): Promise<Figures> {
  return gapsAfter(
    side,
    trials,
    (leader) => side.kill(leader),
    async (leader) => side.launch(leader),
  );
}

/** Nobody is told that it is gone: it is only silent. When it goes on, it has to learn that others have gone on without it. */
export function gapsAfterPause(side: Side, trials: number): Promise<Figures> {
  return gapsAfter(
    side,
    trials,
    async (leader) => side.signal(leader, 'SIGSTOP'),
    async (leader) => {
      side.signal(leader, 'SIGCONT');
      await sleep(SETTLED_MS);
    },
  );
}

/** As before the member is stopped on purpose. */
export function gapsAfterTransfer(side: OurSide, trials: number): Promise<Figures> {
  return gapsAfter(
    side,
    trials,
    () => side.transfer(),
    async () => {},
  );
}

/** Until writes are acknowledged again while the former leader's disk still hangs. */
export function gapsAfterStall(side: OurSide, trials: number): Promise<Figures> {
  const stall = async (leader: string): Promise<void> => {
    await side.stallDisk(leader, STALL_MS);
    await sleep(50);
  };
  return gapsAfter(side, trials, stall, async (leader) => {
    if ((await side.leader()) === leader) throw new Error(`${leader} still leads, with a disk that hangs`);
    // Its calls hang longer than the order lasts: it begins anew.
    await side.kill(leader);
    side.launch(leader);
  });
}

/** Memory and restart of members that hold every key. */
export async function residentAndRestart(side: Side, seconds: number): Promise<{ memory: Figures; restart: Figures }> {
  await fill(side);
  await sleep(seconds * 1_000);
  const { nats: _, ...members } = side.processes();
  const middle = (size: (pid: number) => number): number =>
    Object.values(members)
      .map(size)
      .toSorted((a, b) => a - b)[1]!;
  const memory = { residentMiB: middle(residentMiB), proportionalMiB: middle(proportionalMiB) };
  const leader = await side.leader();
  const follower = side.members().find((member) => member !== leader)!;
  await side.kill(follower);
  const began = performance.now();
  side.launch(follower);
  await side.answers(follower, keyOf(KEYS - 1));
  return { memory, restart: { tookMs: performance.now() - began } };
}
