// Does: reads from /proc what the processes of each session use. Never limits them: the shim kills what uses too much.
import { readdir, readFile } from 'node:fs/promises';

export interface Usage {
  residentBytes: number;
  cpuNanos: number;
}

const PAGE_BYTES = 4096;
const TICK_NANOS = 10_000_000;

/** The fields of /proc/PID/stat after the program's name, which may itself hold blanks and brackets. */
function statFields(text: string): string[] {
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** By session id: each container is one session. */
export async function usageBySession(): Promise<Map<number, Usage>> {
  const usage = new Map<number, Usage>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const text = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    if (text === '') continue;
    const fields = statFields(text);
    const session = Number(fields[3]);
    const sum = usage.get(session) ?? { residentBytes: 0, cpuNanos: 0 };
    sum.residentBytes += Number(fields[21]) * PAGE_BYTES;
    sum.cpuNanos += (Number(fields[11]) + Number(fields[12])) * TICK_NANOS;
    usage.set(session, sum);
  }
  return usage;
}

/** Is this the same process as then, and not another one that got its number? */
export async function isAlive(pid: number, startTime: string): Promise<boolean> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return text !== '' && (startTime === '0' || statFields(text)[19] === startTime);
}
