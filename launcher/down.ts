// Does: takes a cluster down from whatever state it is in, and leaves nothing of it on the machine but its home: no
// process, container, namespace, mount, control group, table. Never removes the home unless told to purge.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { systemExec } from '../lib/exec/system-exec.ts';
import { cgroupRoot, containerdNamespace } from './core/actor-files.ts';
import { hasContainers, OptionError, type Cluster } from './core/cluster.ts';
import type { Home } from './core/home.ts';
import type { Unit } from './core/unit.ts';
import { MARK } from './core/units.ts';
import { removeContainers } from './edge/containers.ts';
import { findProgram, searchPath } from './edge/install.ts';
import { removeTree } from './edge/files.ts';
import { takeLock } from './edge/lock.ts';
import { razeNetwork } from './edge/node-network.ts';
import { readCluster, readUnits } from './edge/plan-file.ts';
import { endProcess, isAlive, markedProcesses, readRecord, type ProcessRecord } from './edge/processes.ts';
import {
  groupsOf,
  killGroup,
  killMarked,
  mountsBelow,
  removeDeadShimSockets,
  removeGroups,
  removeRuncState,
  unmountBelow,
} from './edge/remains.ts';
import { askSupervisor, supervisorStatus } from './supervisor/client.ts';
import { openHome } from './up.ts';

export interface DownOptions {
  home: string;
  /** Removes the home too: objects, keys, images, logs. */
  purge?: boolean;
}

export interface DownReport {
  /** false: there was no cluster in that home. */
  existed: boolean;
  /** What could not be removed; empty when all is well. */
  left: string[];
}

export async function down(options: DownOptions, say: (line: string) => void): Promise<DownReport> {
  const home = openHome(options.home);
  const cluster = readCluster(home);
  if (cluster === undefined) return { existed: false, left: [] };
  const lock = takeLock(home.lock);
  if (lock === undefined)
    throw new OptionError(`another \`flotilla up\` or \`down\` is at work in ${home.root}: wait for it to end`);
  try {
    await dismissSupervisor(home);
    await stopUnits(cluster, home, say);
    await removeRemains(cluster, home, say);
    const left = whatIsLeft(cluster, home);
    if (options.purge === true && left.length === 0) {
      removeTree(home.root);
      say(`removed ${home.root}`);
    }
    return { existed: true, left };
  } finally {
    lock.release();
  }
}

/** First of all: nobody may start again what is ended next. */
async function dismissSupervisor(home: Home): Promise<void> {
  const holder = readRecord(home.supervisorLock);
  if ((await supervisorStatus(home)) !== undefined) await askSupervisor(home, { cmd: 'release' }).catch(() => {});
  if (holder !== undefined) await endProcess(holder, 3000);
}

/** Who could still start containers ends first, then the containers, then what they and the actors lived on. */
async function stopUnits(cluster: Cluster, home: Home, say: (line: string) => void): Promise<void> {
  const units = readUnits(home);
  const end = (phase: (unit: Unit) => boolean): Promise<unknown> =>
    Promise.all(units.filter(phase).map((unit) => endUnit(home, unit, say)));
  const early = ['kubelet', 'kube-proxy', 'scheduler', 'controller-manager', 'dns', 'dashboard'];
  say('stopping kubelets, proxies and controllers');
  await end((unit) => early.includes(unit.role));
  if (hasContainers(cluster.runtime)) {
    say('removing containers');
    await Promise.all(cluster.nodes.map((node) => endContainers(cluster, home, node)));
  }
  say('stopping the API, the stores and the bus');
  await end((unit) => unit.role === 'containerd' || unit.role === 'apiserver');
  await end((unit) => unit.role === 'store');
  await end(() => true);
}

async function endUnit(home: Home, unit: Unit, say: (line: string) => void): Promise<void> {
  const record = readRecord(home.pidFile(unit.name));
  const how = record === undefined ? 'ended' : await endProcess(record, unit.graceSeconds * 1000);
  if (how === 'killed') say(`${unit.name} did not end in ${unit.graceSeconds} s and was killed`);
  rmSync(home.pidFile(unit.name), { force: true });
  rmSync(home.readyFile(unit.name), { force: true });
}

async function endContainers(cluster: Cluster, home: Home, node: string): Promise<void> {
  const ctr = findProgram('ctr', searchPath());
  if (ctr === undefined || !existsSync(home.containerdSocket(node))) return;
  await removeContainers(systemExec, ctr, home.containerdSocket(node), containerdNamespace(cluster, node));
}

async function removeRemains(cluster: Cluster, home: Home, say: (line: string) => void): Promise<void> {
  const killed = await killMarked(MARK, `${cluster.clusterId}/`);
  if (killed > 0) say(`ended ${killed} processes that had lost their parent`);
  for (const node of cluster.nodes) await killGroup(cgroupRoot(cluster, node));
  say('removing networks, mounts and control groups');
  await unmountBelow(systemExec, home.root);
  for (const node of cluster.nodes) {
    removeGroups(cgroupRoot(cluster, node));
    rmSync(home.containerdSocket(node), { force: true });
    rmSync(`${home.containerdSocket(node)}.ttrpc`, { force: true });
    rmSync(home.containerdState(node), { recursive: true, force: true });
    if (hasContainers(cluster.runtime)) removeRuncState(containerdNamespace(cluster, node));
  }
  if (hasContainers(cluster.runtime)) removeDeadShimSockets();
  await razeNetwork(cluster);
  rmSync(home.supervisorSocket, { force: true });
  rmSync(home.heldFile, { force: true });
  rmSync(home.chaos, { recursive: true, force: true });
}

function whatIsLeft(cluster: Cluster, home: Home): string[] {
  const records: ProcessRecord[] = existsSync(home.run)
    ? readdirSync(home.run)
        .filter((name) => name.endsWith('.pid'))
        .flatMap((name) => readRecord(`${home.run}/${name}`) ?? [])
        .filter(isAlive)
    : [];
  return [
    ...records.map((record) => `process ${record.pid}`),
    ...markedProcesses(MARK, `${cluster.clusterId}/`).map((found) => `process ${found.pid} (${found.command})`),
    ...mountsBelow(home.root).map((point) => `mount ${point}`),
    ...cluster.nodes.flatMap((node) => groupsOf(cgroupRoot(cluster, node))).map((group) => `control group ${group}`),
  ];
}
