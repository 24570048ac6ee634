// Does: reads what a side's processes have done: processor time, and of our members disk calls, messages and allocations. These
// counters tell of the work itself and drift far less with the machine than times do. Never changes a process.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { OurSide } from './our-side.ts';
import type { Processes } from './side.ts';

/** Of the kernel's clock that /proc counts processor time in. */
const TICK_US = 10_000;

/** Microseconds of processor time of each process. */
export function processorTimes(processes: Processes): Record<string, number> {
  return Object.fromEntries(Object.entries(processes).map(([name, pid]) => [name, processorTime(pid)]));
}

function processorTime(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_US;
}

export function residentMiB(pid: number): number {
  const line = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line![1]) / 1_024;
}

/** What is shared with other processes (a program's code) counts in parts. */
export function proportionalMiB(pid: number): number {
  const line = /\nPss:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'));
  return Number(line![1]) / 1_024;
}

export interface MemberCounts {
  diskWrites: number;
  /** Those of them that wait for the disk, and every fsync. */
  durableWrites: number;
  diskBytes: number;
  allocatedBytes: number;
}

export interface Work {
  /** Log entries committed: each is one batch. */
  batches: number;
  /** Messages that the members and their client gave to the bus. */
  messages: number;
  messageBytes: number;
  members: MemberCounts;
}

/** Where members leave their counts; set before they are started. */
export class Counters {
  private readonly directory = mkdtempSync(join(tmpdir(), 'flotilla-bench-'));
  private readonly former: string | undefined;

  constructor() {
    this.former = process.env['NODE_OPTIONS'];
    process.env['BENCH_COUNTERS'] = this.directory;
    process.env['NODE_OPTIONS'] = `${this.former ?? ''} --import=${new URL('counting.ts', import.meta.url).pathname}`;
  }

  /** Of all members, until now. */
  async read(side: OurSide): Promise<Work> {
    const leader = await side.store.leader();
    const pids = side.members().map((member) => side.store.pid(member));
    const members = { diskWrites: 0, durableWrites: 0, diskBytes: 0, allocatedBytes: 0 };
    for (const pid of pids) {
      const counts = await this.countsOf(pid);
      for (const name of Object.keys(members) as (keyof MemberCounts)[]) members[name] += counts[name];
    }
    const { messages, messageBytes } = await side.messages();
    return { batches: (await side.store.status(leader))!.commit, messages, messageBytes, members };
  }

  private async countsOf(pid: number): Promise<MemberCounts> {
    const file = join(this.directory, `${pid}.json`);
    rmSync(file, { force: true });
    process.kill(pid, 'SIGUSR2');
    for (let i = 0; i < 2_000 && !existsSync(file); i++) await sleep(5);
    return JSON.parse(readFileSync(file, 'utf8')) as MemberCounts;
  }

  stop(): void {
    rmSync(this.directory, { recursive: true, force: true });
    delete process.env['BENCH_COUNTERS'];
    if (this.former === undefined) delete process.env['NODE_OPTIONS'];
    else process.env['NODE_OPTIONS'] = this.former;
  }
}

export function perBatch(before: Work, after: Work, writes: number): Record<string, number> {
  const batches = after.batches - before.batches;
  const each = (count: (work: Work) => number): number =>
    Math.round(((count(after) - count(before)) / batches) * 100) / 100;
  return {
    writes: Math.round((writes / batches) * 100) / 100,
    messages: each((work) => work.messages),
    messageBytes: each((work) => work.messageBytes),
    durableWrites: each((work) => work.members.durableWrites),
    diskWrites: each((work) => work.members.diskWrites),
    diskBytes: each((work) => work.members.diskBytes),
    allocatedBytes: each((work) => work.members.allocatedBytes),
  };
}
