// Does: finds and removes what a cluster left in the kernel: processes, container groups, mounts. Every step may be
// repeated and tolerates what is already gone. Never touches anything that does not carry the cluster's own names.
import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Exec } from '../../lib/exec/exec.ts';
import { isAlive, markedProcesses, startTimeOf, type ProcessRecord } from './processes.ts';

const CGROUPS = '/sys/fs/cgroup';

/** SIGKILL to every process of the cluster that is left, whoever its parent is now. */
export async function killMarked(mark: string, prefix: string): Promise<number> {
  return killAll(() => markedProcesses(mark, prefix));
}

/** SIGKILL to everything in the node's control groups: its containers. */
export async function killGroup(cgroupRoot: string): Promise<number> {
  return killAll(() =>
    groupsOf(cgroupRoot).flatMap((directory) =>
      pidsIn(directory).flatMap((pid) => {
        const startTime = startTimeOf(pid);
        return startTime === undefined ? [] : [{ pid, startTime, startedAt: 0 }];
      }),
    ),
  );
}

async function killAll(find: () => ProcessRecord[]): Promise<number> {
  const killed = new Set<number>();
  // Until none is left: a process may have forked between the look and the kill.
  for (let round = 0; round < 20; round++) {
    const found = find();
    if (found.length === 0) break;
    for (const record of found) {
      killed.add(record.pid);
      try {
        process.kill(record.pid, 'SIGKILL');
      } catch {
        // gone already
      }
    }
    for (let wait = 0; wait < 50 && found.some(isAlive); wait++) await pause(20);
  }
  return killed.size;
}

/** Removes the empty control groups of a node, deepest first. */
export function removeGroups(cgroupRoot: string): void {
  for (const directory of groupsOf(cgroupRoot).toReversed()) {
    try {
      rmdirSync(directory);
    } catch {
      // busy or gone: the check at the end names it
    }
  }
}

/** Directories of the group below every controller, parents before children. */
export function groupsOf(cgroupRoot: string): string[] {
  const roots = [
    join(CGROUPS, cgroupRoot),
    ...directoriesIn(CGROUPS).map((controller) => join(controller, cgroupRoot)),
  ];
  return roots.filter((root) => existsSync(root)).flatMap(withChildren);
}

function withChildren(directory: string): string[] {
  return [directory, ...directoriesIn(directory).flatMap(withChildren)];
}

function directoriesIn(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(directory, entry.name));
  } catch {
    return [];
  }
}

function pidsIn(directory: string): number[] {
  try {
    return readFileSync(join(directory, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** Mount points at or below a directory, deepest last. */
export function mountsBelow(directory: string, mountinfo = readFileSync('/proc/self/mountinfo', 'utf8')): string[] {
  return mountinfo
    .split('\n')
    .map((line) => unescape(line.split(' ')[4] ?? ''))
    .filter((point) => point === directory || point.startsWith(`${directory}/`));
}

/** The kernel writes space, tab, newline and backslash as octal. */
function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

export async function unmountBelow(exec: Exec, directory: string): Promise<void> {
  for (let round = 0; round < 3; round++) {
    const points = mountsBelow(directory).toReversed();
    if (points.length === 0) return;
    for (const point of points) await exec.run(['/usr/bin/umount', '-l', point]);
  }
}

/** runc's notes about containers of one containerd namespace. */
export function removeRuncState(namespace: string): void {
  rmSync(`/run/containerd/runc/${namespace}`, { recursive: true, force: true });
}

/** Sockets of shims that nobody listens on any more, and containerd's directories when nothing is left in them. */
export function removeDeadShimSockets(): void {
  const alive = readFileSync('/proc/net/unix', 'utf8');
  for (const name of existsSync('/run/containerd/s') ? readdirSync('/run/containerd/s') : [])
    if (!alive.includes(`/run/containerd/s/${name}`)) rmSync(`/run/containerd/s/${name}`, { force: true });
  for (const directory of ['s', 'fifo', 'runc', '']) {
    try {
      rmdirSync(`/run/containerd/${directory}`);
    } catch {
      // Not there, or another containerd's.
    }
  }
}
