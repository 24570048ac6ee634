// Does: makes disks slow, full, failing, and, of the one machine that may break, wrong: bits, names, sectors, whole
// directories. Never breaks what the others could not give back.
import { DEFAULT_STORE_LIMITS } from '../../services/store/core/limits.ts';
import type { Machine } from './machine.ts';
import { forAWhile, someone, victim, type Stage } from './stage.ts';

export function flipBit(stage: Stage, pattern: RegExp): boolean {
  const machine = victim(stage);
  // A new cluster begins when all directories are empty or whole: one that breaks before that has to be emptied by hand.
  if (machine === undefined || !othersKnow(stage, machine)) return false;
  const { chance } = stage.world;
  const paths = machine?.disk.memory.paths().filter((path) => pattern.test(path)) ?? [];
  if (paths.length === 0) return false;
  const path = stage.world.pick(paths);
  const length = machine!.disk.memory.contents(path)!.length;
  if (length === 0) return false;
  machine!.disk.memory.flipBit(path, chance.int(length), chance.int(8));
  return true;
}

export function slowDisk(stage: Stage): void {
  const { disk } = someone(stage) ?? stage.machines[0]!;
  const max = stage.world.draw(2, 400);
  forAWhile(
    stage,
    [200, 5_000],
    () => (disk.latencyMs = { min: 0.5, max }),
    () => disk.quicken(),
  );
}

export function stallDisk(stage: Stage): void {
  const { disk } = someone(stage) ?? stage.machines[0]!;
  forAWhile(
    stage,
    [500, 6_000],
    () => (disk.stalled = true),
    () => disk.unstall(),
  );
}

export function fullDisk(stage: Stage): void {
  const { disk } = someone(stage) ?? stage.machines[0]!;
  forAWhile(
    stage,
    [200, 4_000],
    () => (disk.isFull = true),
    () => (disk.isFull = false),
  );
}

type FailingCall = keyof Machine['disk']['failing'];

export function failDisk(stage: Stage, call: FailingCall): void {
  const machine = someone(stage) ?? stage.machines[0]!;
  const { disk } = machine;
  forAWhile(
    stage,
    [100, 3_000],
    () => {
      disk.failing[call] = stage.world.draw(0.01, 0.5);
      disk.mayLie = machine.isVictim;
    },
    () => (disk.failing[call] = 0),
  );
}

/** What is read at all is read at the start. */
export function failReads(stage: Stage): boolean {
  failDisk(stage, 'read');
  const machine = stage.machines.find(({ disk }) => (disk.failing.read ?? 0) > 0);
  machine?.crash({ keepsCache: true });
  return machine !== undefined;
}

export function loseName(stage: Stage): boolean {
  const machine = victim(stage);
  if (machine === undefined || !othersKnow(stage, machine)) return false;
  const paths = machine.disk.memory.paths();
  if (paths.length === 0) return false;
  machine!.disk.memory.lose(stage.world.pick(paths));
  machine!.crash({ keepsCache: false });
  return true;
}

/**
 * All others that count have begun, and their disks know it: as long as one of them has not, the disk of another is the only one
 * that holds anything.
 */
const othersKnow = ({ machines, configuration }: Stage, machine: Machine): boolean => {
  const { voters, outgoing } = configuration();
  const counts = ({ name }: Machine): boolean => voters.includes(name) || outgoing.includes(name);
  const knows = ({ member }: Machine): boolean =>
    member?.repairs === '' && member.storage.log.standing.doubt === '' && !member.storage.log.standing.damagedThrough;
  return machines.every((other) => other === machine || !counts(other) || knows(other));
};

export function misdirect(stage: Stage): boolean {
  const machine = victim(stage);
  if (machine === undefined || !othersKnow(stage, machine)) return false;
  machine.disk.misdirectsNext = true;
  return true;
}

export function wipe(stage: Stage): boolean {
  const machine = victim(stage);
  if (machine === undefined || !othersKnow(stage, machine)) return false;
  machine.crash({ keepsCache: true });
  machine.disk.memory.replace(new Map());
  return true;
}

/** A copy is made; later it is put back; and the next one may be of before or after. */
export function putBack(stage: Stage): boolean {
  const machine = victim(stage);
  if (machine === undefined || !othersKnow(stage, machine)) return false;
  const { memory } = machine.disk;
  if (machine.backup === undefined) {
    machine.backup = memory.backup();
    return false;
  }
  machine.crash({ keepsCache: true });
  memory.replace(machine.backup);
  if (stage.world.odds(0.5)) machine.backup = undefined;
  return true;
}

export function spoil(stage: Stage, plausibly: boolean): boolean {
  const machine = victim(stage);
  if (machine?.member?.repairs !== '' || !othersKnow(stage, machine)) return false;
  // A key more would meet a small quota at another time than on the others, and clients would be told so.
  const isSmall = machine.member.state.limits.quotaBytes < DEFAULT_STORE_LIMITS.quotaBytes;
  return !(plausibly && isSmall) && machine.spoil(plausibly);
}

/**
 * Segments whose end is told by what follows them and is on the disk for certain: what is lost of the last write is a write
 * that nobody can know of, whatever was said about it.
 */
function closedSegments({ disk: { memory } }: Machine): string[] {
  const begun = memory
    .paths()
    .filter((path) => /log-\d+\.segment$/.test(path) && memory.contents(path)!.some((byte) => byte !== 0));
  return begun.slice(0, -2);
}

/** A sector that was written holds again what was there before: nothing. */
export function staleSector(stage: Stage): boolean {
  const machine = victim(stage);
  if (machine === undefined || !othersKnow(stage, machine)) return false;
  const segments = closedSegments(machine);
  if (segments.length === 0) return false;
  const { memory } = machine.disk;
  const path = stage.world.pick(segments);
  const used = memory.contents(path)!.findLastIndex((byte) => byte !== 0) >> 9;
  if (used < 1) return false;
  memory.overwrite(path, 512 * stage.world.chance.int(used), new Uint8Array(512));
  return true;
}

/** The end of a closed segment or of a snapshot is gone. */
export function truncateFile(stage: Stage): boolean {
  const machine = victim(stage);
  if (machine === undefined || !othersKnow(stage, machine)) return false;
  const { memory } = machine.disk;
  const paths = [...closedSegments(machine), ...memory.paths().filter((path) => /snapshot-\d+$/.test(path))];
  if (paths.length === 0) return false;
  const path = stage.world.pick(paths);
  memory.shorten(path, stage.world.chance.int(memory.contents(path)!.length));
  machine.crash({ keepsCache: false });
  return true;
}
