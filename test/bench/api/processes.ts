// Does: reads what a process costs: processor time, resident memory, where its time goes. Never changes what it measures,
// but for the profile, which is asked for.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const TICK_MS = 10;

/** User and system, in ms, in steps of 10. */
export function processorMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

export function residentMiB(pid: number): number {
  const kib = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib) / 1_024;
}

interface Profile {
  nodes: Array<{ id: number; callFrame: { functionName: string; url: string; lineNumber: number } }>;
  samples: number[];
  timeDeltas: number[];
}

export interface ProfileEntry {
  where: string;
  percent: number;
}

/** Own time by function, the largest first; time without work is left out. */
function topOf(profile: Profile, count: number): ProfileEntry[] {
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const times = new Map<string, number>();
  let total = 0;
  for (const [i, sample] of profile.samples.entries()) {
    const name = names.get(sample)!;
    if (name === '(idle)' || name.includes('node:inspector')) continue;
    const micros = profile.timeDeltas[i]!;
    total += micros;
    times.set(name, (times.get(name) ?? 0) + micros);
  }
  return [...times]
    .toSorted((a, b) => b[1] - a[1])
    .slice(0, count)
    .map(([where, micros]) => ({ where, percent: Math.round((micros / total) * 1_000) / 10 }));
}

function nameOf({ functionName, url, lineNumber }: Profile['nodes'][number]['callFrame']): string {
  const file = url.replace(/^.*\/(lib|services|raft|test|node_modules)\//, '$1/').replace('file://', '');
  return url === '' ? functionName || '(anonymous)' : `${functionName || '(anonymous)'} ${file}:${lineNumber + 1}`;
}

/** Runs `work` while each of the processes is profiled; they were started with profiler.ts, which writes to `directory`. */
export async function profiled(
  directory: string,
  pids: Readonly<Record<string, number>>,
  work: () => Promise<unknown>,
): Promise<Record<string, ProfileEntry[]>> {
  for (const pid of Object.values(pids)) process.kill(pid, 'SIGUSR2');
  await sleep(200);
  await work();
  for (const pid of Object.values(pids)) process.kill(pid, 'SIGUSR2');
  const tops: Record<string, ProfileEntry[]> = {};
  for (const [name, pid] of Object.entries(pids))
    tops[name] = topOf(JSON.parse(await written(directory, pid, '.cpuprofile')) as Profile, 12);
  return tops;
}

/** What a process writes into `directory` next, once it is there; files of before are taken away. */
async function written(directory: string, pid: number, ending: string): Promise<string> {
  for (;;) {
    const name = readdirSync(directory).find((file) => file.startsWith(`${pid}-`) && file.endsWith(ending));
    if (name === undefined) {
      await sleep(50);
      continue;
    }
    const text = readFileSync(join(directory, name), 'utf8');
    rmSync(join(directory, name));
    return text;
  }
}

/** The longest turn of the event loop while `work` runs, in ms of the process' own processor time. */
export async function longestTurnMs(directory: string, pid: number, work: () => Promise<unknown>): Promise<number> {
  process.kill(pid, 'SIGWINCH');
  await sleep(100);
  await work();
  process.kill(pid, 'SIGWINCH');
  return Number(await written(directory, pid, '.slices'));
}
