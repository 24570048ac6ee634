// Does: turns single processes of a home's cluster off, on, still and on again, through its supervisor. Never signals a
// unit itself; what the supervisor does not know of (containers and their shims) is ended by mark and control group.
import { readFileSync } from 'node:fs';
import { TroubleError } from '../../lib/base/errors.ts';
import { cgroupRoot } from '../../launcher/core/actor-files.ts';
import { hasContainers, type Cluster } from '../../launcher/core/cluster.ts';
import type { Home } from '../../launcher/core/home.ts';
import { MARK } from '../../launcher/core/units.ts';
import { markedProcesses, signal } from '../../launcher/edge/processes.ts';
import { killGroup } from '../../launcher/edge/remains.ts';
import { askSupervisor, converse } from '../../launcher/supervisor/client.ts';
import type { UnitStatus } from '../../launcher/supervisor/supervisor.ts';

const STOP_MS = 30_000;
const START_MS = 60_000;

export async function unitOf(home: Home, name: string): Promise<UnitStatus> {
  const { units } = await askSupervisor(home, { cmd: 'status' });
  const unit = units.find((each) => each.name === name);
  if (unit === undefined)
    throw new TroubleError(`there is no process named ${name}: there are ${units.map((each) => each.name).join(', ')}`);
  return unit;
}

/** Stays dead until `startUnit`. */
export async function killUnit(home: Home, unit: string): Promise<void> {
  await askSupervisor(home, { cmd: 'stop', unit, kill: true });
  await untilState(home, unit, 'stopped', STOP_MS);
}

export async function startUnit(home: Home, unit: string): Promise<void> {
  await askSupervisor(home, { cmd: 'start', unit });
}

/** With the chance to drain; resolves when it runs again. */
export async function restartUnit(home: Home, unit: string): Promise<UnitStatus> {
  await askSupervisor(home, { cmd: 'stop', unit });
  await untilState(home, unit, 'stopped', STOP_MS);
  await startUnit(home, unit);
  return untilState(home, unit, 'running', START_MS);
}

export async function pauseUnit(home: Home, unit: string): Promise<void> {
  await askSupervisor(home, { cmd: 'pause', unit });
}

export async function resumeUnit(home: Home, unit: string): Promise<void> {
  await askSupervisor(home, { cmd: 'resume', unit });
}

/** Who could start a container again dies first; nothing gets the time to drain. */
export async function killNode(home: Home, cluster: Cluster, node: string, units: readonly string[]): Promise<void> {
  await Promise.all(units.map((unit) => askSupervisor(home, { cmd: 'stop', unit, kill: true })));
  for (const unit of units) killProcessesOf(`${cluster.clusterId}/${unit}`);
  if (hasContainers(cluster.runtime)) await killGroup(cgroupRoot(cluster, node));
  await Promise.all(units.map((unit) => untilState(home, unit, 'stopped', STOP_MS)));
}

/** Shims of containers, and pods that are plain processes: the mark is theirs too. */
function killProcessesOf(mark: string): void {
  for (const found of markedProcesses(MARK, mark)) if (hasMark(found.pid, mark)) signal(found, 'SIGKILL');
}

/** `…/kubelet-node-1` is also how `…/kubelet-node-12` begins. */
function hasMark(pid: number, mark: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`${MARK}=${mark}`);
  } catch {
    return false;
  }
}

async function untilState(home: Home, unit: string, state: string, timeoutMs: number): Promise<UnitStatus> {
  const end = new AbortController();
  const timer = setTimeout(() => end.abort(), timeoutMs);
  try {
    for await (const { units } of converse(home, { cmd: 'watch' }, end.signal)) {
      const found = units.find(({ name }) => name === unit);
      if (found?.state === state) return found;
    }
  } finally {
    clearTimeout(timer);
  }
  throw new TroubleError(`${unit} is not ${state} after ${timeoutMs / 1000} s: see ${home.logFile(unit)}`);
}
