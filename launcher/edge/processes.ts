// Does: starts processes that outlive their starter, and says of a pid whether it is still the process that was meant
// (pid and start time). Never decides when.
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { writeFileAtomic } from './files.ts';

export interface ProcessRecord {
  pid: number;
  /** Field 22 of /proc/<pid>/stat: a pid is given again, this pair is not. */
  startTime: string;
  /** Milliseconds since 1970. */
  startedAt: number;
}

export interface Detached {
  record: ProcessRecord;
  /** Says how it ended, as long as this process lives. */
  ended: Promise<string>;
}

/** Runs in its own session with its output appended to `logFile`; survives the death of this process. */
export async function spawnDetached(
  argv: readonly string[],
  options: { env: Record<string, string>; logFile: string; cwd: string },
): Promise<Detached> {
  const [file, ...args] = argv as [string, ...string[]];
  mkdirSync(dirname(options.logFile), { recursive: true });
  const log = openSync(options.logFile, 'a', 0o600);
  try {
    const child = spawn(file, args, {
      detached: true,
      stdio: ['ignore', log, log],
      cwd: options.cwd,
      env: { ...cleanEnvironment(), ...options.env },
    });
    const ended = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(`could not be started: ${error.message}`));
      child.once('exit', (code, signal) => resolve(signal === null ? `exited ${code}` : `was ended by ${signal}`));
    });
    child.unref();
    if (child.pid === undefined) throw new Error(await ended);
    const startTime = startTimeOf(child.pid) ?? '';
    return { record: { pid: child.pid, startTime, startedAt: Date.now() }, ended };
  } finally {
    closeSync(log);
  }
}

/** Children see what a service sees, not what the owner's shell happens to hold. */
function cleanEnvironment(): Record<string, string> {
  const keep = [
    'PATH',
    'HOME',
    'LANG',
    'LC_ALL',
    'TZ',
    'TMPDIR',
    'HTTP_PROXY',
    'HTTPS_PROXY',
    'NO_PROXY',
    'http_proxy',
    'https_proxy',
    'no_proxy',
    'SSL_CERT_FILE',
    'SSL_CERT_DIR',
    'NODE_EXTRA_CA_CERTS',
  ];
  return Object.fromEntries(keep.flatMap((key) => (process.env[key] === undefined ? [] : [[key, process.env[key]]])));
}

/** undefined: no such process, or only its remains. */
export function startTimeOf(pid: number): string | undefined {
  const fields = statOf(pid);
  return fields?.[0] === 'Z' || fields?.[0] === 'X' ? undefined : fields?.[19];
}

/** Whether somebody has halted it with SIGSTOP: it stands still, or will where it next looks at its signals (not in a vfork). */
export function isHalted(record: ProcessRecord): boolean {
  return isAlive(record) && (statOf(record.pid)?.[0] === 'T' || isStopPending(record.pid));
}

/** SIGSTOP among the signals that wait for the process, as /proc tells them: a mask in hexadecimal. */
function isStopPending(pid: number): boolean {
  try {
    const mask = /^ShdPnd:\s*([\da-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
    return ((BigInt(`0x${mask}`) >> BigInt(constants.signals.SIGSTOP - 1)) & 1n) === 1n;
  } catch {
    return false;
  }
}

/** Fields of /proc/<pid>/stat from the third (state) on: the second may hold blanks. */
function statOf(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

export function isAlive(record: ProcessRecord): boolean {
  return startTimeOf(record.pid) === record.startTime;
}

/** Sends to exactly that process; false when it is gone. */
export function signal(record: ProcessRecord, name: NodeJS.Signals): boolean {
  if (!isAlive(record)) return false;
  try {
    process.kill(record.pid, name);
    return true;
  } catch {
    return false;
  }
}

export function readRecord(file: string): ProcessRecord | undefined {
  try {
    const value = JSON.parse(readFileSync(file, 'utf8')) as Partial<ProcessRecord>;
    if (typeof value.pid !== 'number' || typeof value.startTime !== 'string') return undefined;
    return { pid: value.pid, startTime: value.startTime, startedAt: Number(value.startedAt) };
  } catch {
    return undefined;
  }
}

export function writeRecord(file: string, record: ProcessRecord): void {
  writeFileAtomic(file, JSON.stringify(record));
}

export function forgetRecord(file: string): void {
  rmSync(file, { force: true });
}

export function ownRecord(): ProcessRecord {
  return { pid: process.pid, startTime: startTimeOf(process.pid) ?? '', startedAt: Date.now() };
}

/** SIGTERM, then SIGKILL when the grace is over; resolves when it is gone. */
export async function endProcess(record: ProcessRecord, graceMs: number): Promise<'ended' | 'killed'> {
  const told = signal(record, 'SIGTERM');
  // A halted process hears of it only when it goes on.
  if (told) signal(record, 'SIGCONT');
  if (!told || (await goneWithin(record, graceMs))) return 'ended';
  signal(record, 'SIGKILL');
  await goneWithin(record, 5000);
  return 'killed';
}

async function goneWithin(record: ProcessRecord, ms: number): Promise<boolean> {
  for (const until = Date.now() + ms; Date.now() < until; await pause(20)) if (!isAlive(record)) return true;
  return !isAlive(record);
}

/** Every process whose environment carries `MARK=<prefix>…`; other users' processes are left out. */
export function markedProcesses(mark: string, prefix: string): Array<ProcessRecord & { command: string }> {
  const wanted = `${mark}=${prefix}`;
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .flatMap((entry) => {
      try {
        const environment = readFileSync(`/proc/${entry}/environ`, 'latin1').split('\0');
        if (!environment.some((pair) => pair.startsWith(wanted))) return [];
        const startTime = startTimeOf(Number(entry));
        if (startTime === undefined) return [];
        const command = readFileSync(`/proc/${entry}/cmdline`, 'latin1').replaceAll('\0', ' ').trim();
        return [{ pid: Number(entry), startTime, startedAt: 0, command }];
      } catch {
        return [];
      }
    });
}
