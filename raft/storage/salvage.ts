// Does: takes the damaged files of a member out of its way, whole and under names that no start reads, and begins its log
// anew with what is still certain. Never deletes what might explain the damage, and never begins where nobody could give
// back what is lost.
import { crc32 } from 'node:zlib';
import type { Configuration, DoubtReason, Standing } from '../core/types.ts';
import { votersOf } from '../core/configuration.ts';
import { assess, type Remains, type SegmentBytes } from './assess.ts';
import { DamagedError, type Disk } from './disk.ts';
import { NOTHING_MISSING, type SegmentHeader } from './log-record.ts';
import { createSegment } from './segment-file.ts';

export interface SalvageIdentity {
  clusterId: string;
  member: string;
  firstConfiguration: Configuration;
}

/** Durable before the first file is moved: a crash in between goes on where it stopped. */
interface Plan {
  /** Of the segment that the log goes on in; all before it are moved. */
  number: number;
  movesSnapshots: boolean;
  why: string;
  header: SegmentHeader;
}

const PLAN = 'salvage.plan';
const NEW_PLAN = 'salvage.new';
const SEGMENT = /^log-(\d{10})\.segment$/;
const SNAPSHOT = /^snapshot-(\d{16})$/;
const MOVED = /^damaged-(\d{10})-/;
/** Of so many salvages the files are kept. */
const KEPT = 2;
const LIVES_LOST = 1_000;

/**
 * `snapshots`: the state cannot be had from them either (or is not what it should be), so that they go too, and so does every
 * certainty: a write that a disk put in their place is missing elsewhere.
 */
export async function salvage(
  disk: Disk,
  directory: string,
  identity: SalvageIdentity,
  error: DamagedError,
  { snapshots, configuration }: { snapshots: boolean; configuration?: Configuration | undefined },
): Promise<void> {
  const segments = await readSegments(disk, directory);
  const remains = assess(segments);
  const known = remains.configuration ?? configuration ?? remains.identity?.firstConfiguration;
  refuseAlone(known ?? identity.firstConfiguration, identity.member, error);
  const number = (segments.at(-1)?.number ?? 0) + 1;
  const header = { version: 1 as const, ...identity, ...headerOf(remains, identity, snapshots) };
  const plan: Plan = { number, movesSnapshots: snapshots, why: error.message, header };
  await writePlan(disk, directory, plan);
  await carryOut(disk, directory, plan);
}

function headerOf(
  remains: Remains,
  identity: SalvageIdentity,
  snapshots: boolean,
): Omit<SegmentHeader, 'version' | 'clusterId' | 'member'> {
  const { hardState, place } = remains;
  // Starts may be among what is lost: no life may be lived twice.
  const incarnation = remains.incarnation + LIVES_LOST;
  const firstConfiguration = remains.identity?.firstConfiguration ?? identity.firstConfiguration;
  return { firstConfiguration, hardState, incarnation, place, standing: standingOf(remains, incarnation, snapshots) };
}

/** Term and vote are certain and so is the last entry: then it is known what to vote over. Otherwise nothing is. */
function standingOf({ standing, last, isUntouched }: Remains, incarnation: number, snapshots: boolean): Standing {
  if (last === undefined || snapshots || standing.doubt === 'lost') {
    // With no sign of any promise, a directory of a cluster that has not begun: it may begin with the others.
    const doubt: DoubtReason = isUntouched && !snapshots ? 'newborn' : 'lost';
    return { ...NOTHING_MISSING, doubt, incarnation };
  }
  const { damagedTerm: term, damagedThrough: index } = standing;
  const isFurther = last.term > term || (last.term === term && last.index > index);
  const furthest = isFurther ? { damagedTerm: last.term, damagedThrough: last.index } : {};
  return {
    ...standing,
    ...furthest,
    doubt: standing.doubt === 'newborn' && !isUntouched ? 'lost' : standing.doubt,
    incarnation,
  };
}

/** A single member has nobody to ask: what can be read stays where it is. */
function refuseAlone(configuration: Configuration, member: string, error: DamagedError): void {
  // One that was added and has not heard yet who counts knows of nobody, and is not alone.
  if (votersOf(configuration).join() === member)
    throw new DamagedError(
      error.path,
      `${error.what}; ${member} is the only member that votes, so nobody can give back what it lost`,
    );
}

/** Goes on with what a crash interrupted. */
export async function resumeSalvage(disk: Disk, directory: string): Promise<void> {
  const names = await disk.list(directory);
  if (!names.includes(PLAN)) return;
  const plan = await readPlan(disk, directory);
  // Unreadable: what it said may be found again in the segments, and if not, that will be seen.
  if (plan === undefined) return finishSalvage(disk, directory);
  await carryOut(disk, directory, plan);
}

/** After the new log's first write. What it was about, if there was one. */
export async function finishSalvage(disk: Disk, directory: string): Promise<void> {
  if (!(await disk.list(directory)).includes(PLAN)) return;
  await disk.remove(`${directory}/${PLAN}`);
  await disk.syncDirectory(directory);
}

async function carryOut(disk: Disk, directory: string, plan: Plan): Promise<void> {
  const prefix = `damaged-${String(plan.number).padStart(10, '0')}-`;
  await dropOldest(disk, directory, plan.number);
  for (const name of await disk.list(directory)) {
    const isOld = Number(SEGMENT.exec(name)?.[1] ?? Infinity) < plan.number;
    if (isOld || (plan.movesSnapshots && SNAPSHOT.test(name)))
      await disk.rename(`${directory}/${name}`, `${directory}/${prefix}${name}`);
  }
  const segment = await createSegment(disk, directory, plan.number, 1, plan.header);
  await segment.file.close();
  await disk.syncDirectory(directory);
}

async function dropOldest(disk: Disk, directory: string, number: number): Promise<void> {
  const moved = (await disk.list(directory)).filter((name) => MOVED.test(name));
  const numbers = [...new Set(moved.map((name) => Number(MOVED.exec(name)![1])))].filter((each) => each < number);
  const kept = new Set([...numbers.toSorted((a, b) => a - b).slice(-(KEPT - 1)), number]);
  for (const name of moved) if (!kept.has(Number(MOVED.exec(name)![1]))) await disk.remove(`${directory}/${name}`);
}

async function readSegments(disk: Disk, directory: string): Promise<SegmentBytes[]> {
  const segments: SegmentBytes[] = [];
  for (const name of await disk.list(directory)) {
    const number = Number(SEGMENT.exec(name)?.[1] ?? 0);
    if (number > 0) segments.push({ number, bytes: await readWhole(disk, `${directory}/${name}`) });
  }
  return segments;
}

async function readWhole(disk: Disk, path: string): Promise<Buffer> {
  const file = await disk.open(path, { create: false });
  try {
    return Buffer.from(await file.read(0, await file.size()));
  } finally {
    await file.close();
  }
}

async function writePlan(disk: Disk, directory: string, plan: Plan): Promise<void> {
  const text = Buffer.from(JSON.stringify(plan));
  const bytes = Buffer.alloc(4 + text.length);
  bytes.writeUInt32LE(crc32(text), 0);
  bytes.set(text, 4);
  await disk.remove(`${directory}/${NEW_PLAN}`);
  const file = await disk.open(`${directory}/${NEW_PLAN}`, { create: true });
  await file.write(bytes, 0);
  await file.datasync();
  await file.close();
  await disk.rename(`${directory}/${NEW_PLAN}`, `${directory}/${PLAN}`);
  await disk.syncDirectory(directory);
}

async function readPlan(disk: Disk, directory: string): Promise<Plan | undefined> {
  const bytes = await readWhole(disk, `${directory}/${PLAN}`);
  if (bytes.length < 4 || crc32(bytes.subarray(4)) !== bytes.readUInt32LE(0)) return undefined;
  return JSON.parse(bytes.subarray(4).toString('utf8')) as Plan;
}
