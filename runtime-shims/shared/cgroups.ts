// Does: makes, limits, reads and removes the control groups of pods and containers, in version 1 and 2 of the kernel's
// interface. Never puts a process into one: runc does, or who starts it.
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContainerStats, Limits } from '../contract.ts';

const ROOT = '/sys/fs/cgroup';
const POD_CONTROLLERS = ['cpu', 'memory', 'pids'];

export class Cgroups {
  readonly version: 1 | 2;
  readonly #root: string;

  /** `cgroupRoot`: first path part below each controller: `flotilla/node-1`. */
  constructor(cgroupRoot: string) {
    this.version = existsSync(join(ROOT, 'cgroup.controllers')) ? 2 : 1;
    this.#root = `/${cgroupRoot.replaceAll(/^\/+|\/+$/g, '')}/kubepods`;
  }

  podPath(podUid: string): string {
    return `${this.#root}/pod${podUid}`;
  }

  containerPath(podUid: string, id: string): string {
    return `${this.podPath(podUid)}/${id}`;
  }

  /** Limits of the whole pod hold over all its containers together. */
  async createPod(podUid: string, limits: Limits): Promise<void> {
    const path = this.podPath(podUid);
    if (this.version === 2) return this.#createPod2(path, limits);
    for (const controller of POD_CONTROLLERS) await mkdir(join(ROOT, controller, path), { recursive: true });
    const writes: Array<[string, number | undefined]> = [
      ['cpu/cpu.shares', limits.cpuShares],
      ['cpu/cpu.cfs_period_us', limits.cpuPeriodMicros],
      ['cpu/cpu.cfs_quota_us', limits.cpuQuotaMicros],
      ['memory/memory.limit_in_bytes', limits.memoryBytes],
      ['pids/pids.max', limits.pids],
    ];
    for (const [file, value] of writes) {
      const [controller, name] = file.split('/') as [string, string];
      if (value !== undefined) await writeFile(join(ROOT, controller, path, name), String(value));
    }
  }

  async #createPod2(path: string, limits: Limits): Promise<void> {
    await mkdir(join(ROOT, path), { recursive: true });
    const parts = path.split('/').filter((part) => part !== '');
    for (let depth = 0; depth < parts.length; depth++) {
      const directory = join(ROOT, ...parts.slice(0, depth));
      for (const controller of POD_CONTROLLERS)
        await writeFile(join(directory, 'cgroup.subtree_control'), `+${controller}`).catch(() => {});
    }
    const shares = limits.cpuShares;
    const writes: Array<[string, string | undefined]> = [
      ['cpu.weight', shares === undefined ? undefined : String(weightOf(shares))],
      [
        'cpu.max',
        limits.cpuQuotaMicros === undefined
          ? undefined
          : `${limits.cpuQuotaMicros} ${limits.cpuPeriodMicros ?? 100_000}`,
      ],
      ['memory.max', limits.memoryBytes?.toString()],
      ['pids.max', limits.pids?.toString()],
    ];
    for (const [name, value] of writes) if (value !== undefined) await writeFile(join(ROOT, path, name), value);
  }

  /** A group beside those of the pod's containers: its directory for each controller. */
  async createBeside(podUid: string, name: string): Promise<string[]> {
    const bases = this.version === 2 ? [ROOT] : POD_CONTROLLERS.map((controller) => join(ROOT, controller));
    const directories = bases.map((base) => join(base, this.containerPath(podUid, name)));
    for (const directory of directories) await mkdir(directory, { recursive: true });
    return directories;
  }

  /** Pids of one group, as this process sees them. */
  async processes(podUid: string, name: string): Promise<number[]> {
    const base = join(ROOT, this.version === 2 ? '' : 'memory');
    const text = await readFile(join(base, this.containerPath(podUid, name), 'cgroup.procs'), 'utf8').catch(() => '');
    return text.split('\n').filter(Boolean).map(Number);
  }

  /** Removes the pod's groups and whatever is left below them; true when nothing is left. */
  async removePod(podUid: string): Promise<boolean> {
    const path = this.podPath(podUid);
    const bases = this.version === 2 ? [ROOT] : (await readdir(ROOT)).map((controller) => join(ROOT, controller));
    const left = await Promise.all(bases.map((base) => removeGroup(join(base, path))));
    return left.every(Boolean);
  }

  /** Uids of the pods that have groups. */
  async podUids(): Promise<string[]> {
    const directory = join(ROOT, this.version === 2 ? '' : 'memory', this.#root);
    const names = await readdir(directory).catch(() => []);
    return names.filter((name) => name.startsWith('pod')).map((name) => name.slice('pod'.length));
  }

  /** Did the kernel kill anything in the container for memory? Must be asked before the task is deleted. */
  async wasOomKilled(podUid: string, id: string): Promise<boolean> {
    const path = this.containerPath(podUid, id);
    const file =
      this.version === 2 ? join(ROOT, path, 'memory.events') : join(ROOT, 'memory', path, 'memory.oom_control');
    const text = await readFile(file, 'utf8').catch(() => '');
    return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0) > 0;
  }

  async stats(podUid: string, id: string): Promise<ContainerStats | undefined> {
    const path = this.containerPath(podUid, id);
    const read = (controller: string, file: string): Promise<string> =>
      readFile(join(ROOT, this.version === 2 ? '' : controller, path, file), 'utf8');
    try {
      if (this.version === 2) {
        const [cpu, memory, detail] = await Promise.all([
          read('', 'cpu.stat'),
          read('', 'memory.current'),
          read('', 'memory.stat'),
        ]);
        return statsOf(field(cpu, 'usage_usec') * 1000, Number(memory), field(detail, 'inactive_file'));
      }
      const [cpu, memory, detail] = await Promise.all([
        read('cpuacct', 'cpuacct.usage'),
        read('memory', 'memory.usage_in_bytes'),
        read('memory', 'memory.stat'),
      ]);
      return statsOf(Number(cpu), Number(memory), field(detail, 'total_inactive_file'));
    } catch {
      return undefined;
    }
  }
}

function statsOf(cpuUsageNanos: number, usedBytes: number, inactiveBytes: number): ContainerStats {
  return { cpuUsageNanos, memoryWorkingSetBytes: Math.max(0, usedBytes - inactiveBytes) };
}

function field(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
}

/** cpu.shares 2…262144 as cpu.weight 1…10000, as the OCI runtime specification converts them. */
function weightOf(shares: number): number {
  return Math.round(1 + ((Math.min(Math.max(shares, 2), 262_144) - 2) * 9999) / 262_142);
}

async function removeGroup(directory: string): Promise<boolean> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) return true;
  for (const entry of entries) if (entry.isDirectory()) await removeGroup(join(directory, entry.name));
  return rmdir(directory).then(
    () => true,
    () => false,
  );
}
