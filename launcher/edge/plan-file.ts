// Does: keeps the cluster and the plan of its processes on disk, so that a supervisor that comes back finds them.
// Never decides what is in the plan.
import { completeCluster, type Cluster } from '../core/cluster.ts';
import type { Home } from '../core/home.ts';
import type { Unit } from '../core/unit.ts';
import { readIfThere, writeIfChanged } from './files.ts';

export function readCluster(home: Home): Cluster | undefined {
  const text = readIfThere(home.cluster);
  if (text === undefined) return undefined;
  const cluster = JSON.parse(text) as Cluster;
  if (cluster.version !== 1)
    throw new Error(
      `${home.cluster} was written by another version of flotilla (${String(cluster.version)}, this one reads 1)`,
    );
  return completeCluster(cluster);
}

export function writeCluster(home: Home, cluster: Cluster): void {
  writeIfChanged(home.cluster, `${JSON.stringify(cluster, null, 2)}\n`);
}

export function writeUnits(home: Home, units: readonly Unit[]): void {
  writeIfChanged(home.units, `${JSON.stringify(units, null, 2)}\n`);
}

export function readUnits(home: Home): Unit[] {
  return JSON.parse(readIfThere(home.units) ?? '[]') as Unit[];
}
