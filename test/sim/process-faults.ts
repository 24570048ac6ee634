// Does: ends, stops and slows the processes of members, and the clocks that they see. Never decides how often.
import type { Machine } from './machine.ts';
import { LONGEST_FREEZE_MS, type Boundary } from './process.ts';
import { anyUp, forAWhile, someone, up, type Stage } from './stage.ts';

export function fuse(stage: Stage, at: Boundary): void {
  const machine = someone(stage);
  if (machine?.process !== undefined) machine.process.fuse = { touches: 1 + stage.world.chance.int(40), at };
}

/**
 * The power goes while a batch is on its way to the disk, so that any part of it may be there. The disk is slow until then: what comes
 * meanwhile is in one batch, and most batches of a quick disk hold one record.
 */
export function cutInWrite(stage: Stage): boolean {
  const machine = someone(stage);
  if (machine?.process === undefined) return false;
  const { disk } = machine;
  machine.process.fuse = { touches: 1 + stage.world.chance.int(3), at: 'log-sync' };
  const max = stage.world.draw(20, 250);
  forAWhile(
    stage,
    [200, 2_000],
    () => (disk.latencyMs = { min: 10, max }),
    () => disk.quicken(),
  );
  return true;
}

export function crashes(stage: Stage, keepsCache: boolean): boolean {
  const machine = someone(stage);
  machine?.crash({ keepsCache });
  return machine !== undefined;
}

export function all(stage: Stage, keepsCache: boolean): void {
  for (const machine of up(stage)) machine.crash({ keepsCache });
}

export function majority(stage: Stage): void {
  const machines = up(stage);
  for (let left = (stage.machines.length >> 1) + 1; left > 0 && machines.length > 0; left--)
    machines.splice(stage.world.chance.int(machines.length), 1)[0]!.crash({ keepsCache: false });
}

export function dieAtStart(stage: Stage): boolean {
  const machine = anyUp(stage);
  if (machine === undefined) return false;
  machine.crash({ keepsCache: stage.world.odds(0.5) });
  machine.start();
  machine.process!.fuse = { touches: 1 + stage.world.chance.int(20), at: undefined };
  return true;
}

/**
 * All are new; one votes, and the others die before their disks know that the cluster has begun. Their disks stand still until
 * then: by themselves they are hardly ever that late.
 */
export function dieWhileBorn({ world, machines }: Stage): boolean {
  if (!machines.every(({ member }) => member?.status.doubt === 'newborn')) return false;
  const first = world.pick(machines);
  const others = machines.filter((machine) => machine !== first);
  for (const { disk } of others) disk.stalled = true;
  const until = world.nowMs + LONGEST_BIRTH_MS;
  const look = (): void => {
    const hasVoted = (first.member?.storage.log.hardState.vote ?? '') !== '';
    if (!hasVoted && world.nowMs < until) return void world.after(1, look);
    if (hasVoted) world.count('died-while-born');
    for (const machine of others) {
      machine.crash({ keepsCache: false });
      machine.disk.unstall();
    }
  };
  look();
  return true;
}

const LONGEST_BIRTH_MS = 3_000;

/** One more member is upgraded, or is put back to the version before. */
export function changeVersion(stage: Stage): boolean {
  const machine = anyUp(stage);
  if (machine === undefined) return false;
  machine.isNewer = !machine.isNewer;
  machine.crash({ keepsCache: true });
  return true;
}

export function pause(stage: Stage, range: [number, number]): boolean {
  const machine = someone(stage);
  if (machine !== undefined) pauseOne(stage, machine, range);
  return machine !== undefined;
}

export function pauseOne(stage: Stage, machine: Machine, range: [number, number]): void {
  const process = machine.process!;
  forAWhile(
    stage,
    range,
    () => process.pause(),
    () => process.resume(),
  );
}

/** Time of one machine hardly passes, as in a guest that its host does not run; then it goes on. */
export function freezeClock(stage: Stage): void {
  const { time } = stage.world.pick(stage.machines);
  const { rate } = time;
  forAWhile(
    stage,
    [200, LONGEST_FREEZE_MS],
    () => (time.rate = FROZEN_RATE),
    () => (time.rate = rate === FROZEN_RATE ? 1 : rate),
  );
}

const FROZEN_RATE = 0.02;
