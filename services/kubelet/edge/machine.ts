// Does: measures the machine once: processors, memory, disk, names. Never decides what of it the node offers.
import { readFile, statfs } from 'node:fs/promises';
import os from 'node:os';
import type { Machine } from '../core/node-status.ts';

const KUBELET_VERSION = 'v1.33.0+flotilla';

export interface MachineOptions {
  cpuMillis?: number;
  memoryBytes?: number;
  maxPods: number;
  stateDir: string;
  runtime: { name: string; version: string };
}

export async function measureMachine(options: MachineOptions): Promise<Machine> {
  const text = (path: string): Promise<string> =>
    readFile(path, 'utf8').then(
      (data) => data.trim(),
      () => '',
    );
  const disk = await statfs(options.stateDir).catch(() => ({ blocks: 0, bsize: 0 }));
  const osRelease = /^PRETTY_NAME="?([^"\n]*)/m.exec(await text('/etc/os-release'))?.[1];
  const machineId = await text('/etc/machine-id');
  return {
    cpuMillis: options.cpuMillis ?? os.availableParallelism() * 1000,
    memoryBytes: options.memoryBytes ?? os.totalmem(),
    ephemeralBytes: disk.blocks * disk.bsize,
    maxPods: options.maxPods,
    info: {
      machineID: machineId,
      systemUUID: machineId,
      bootID: await text('/proc/sys/kernel/random/boot_id'),
      kernelVersion: os.release(),
      osImage: osRelease ?? os.type(),
      containerRuntimeVersion: `${options.runtime.name}://${options.runtime.version}`,
      kubeletVersion: KUBELET_VERSION,
      kubeProxyVersion: '',
      operatingSystem: os.platform(),
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    },
  };
}
