// Does: stops every member of a cluster's store, lets the caller lay down new data directories, and brings the store back as
// a new one. Never deletes the old directories: they stay beside the new ones under another name.
import { existsSync, renameSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { OptionError, withNewStore, type Cluster } from './core/cluster.ts';
import type { Home } from './core/home.ts';
import { takeLock } from './edge/lock.ts';
import { readCluster, writeCluster } from './edge/plan-file.ts';
import { isAlive, readRecord } from './edge/processes.ts';
import { applyPlan } from './store-members.ts';
import { askSupervisor, supervisorStatus } from './supervisor/client.ts';

const STOP_MS = 30_000;

export interface NewStore {
  /** Who is in it; the others of before are no members any more. */
  members: readonly string[];
  clusterId: string;
  /** '2026-11-22T10-00-00': the old directories get it behind their names. */
  stamp: string;
}

/** `layDown` writes `home.store(member)` of each member; `old(member)` is where its directory is now. */
export async function beginStoreAnew(
  home: Home,
  { members, clusterId, stamp }: NewStore,
  layDown: (old: (member: string) => string) => Promise<void>,
  say: (line: string) => void,
): Promise<void> {
  const lock = takeLock(home.lock);
  if (lock === undefined) throw new OptionError(`another command is at work in ${home.root}: wait for it to end`);
  try {
    const cluster = readCluster(home)!;
    await stopStores(home, cluster, say);
    const old = (member: string): string => `${home.store(member)}.before-${stamp}`;
    const moved = cluster.stores.filter((member) => existsSync(home.store(member)));
    for (const member of moved) renameSync(home.store(member), old(member));
    try {
      await layDown(old);
    } catch (error) {
      // As it was: what was begun is put aside, the old data is in its place.
      for (const member of members)
        if (existsSync(home.store(member))) renameSync(home.store(member), `${home.store(member)}.failed-${stamp}`);
      for (const member of moved) renameSync(old(member), home.store(member));
      throw error;
    }
    const next = withNewStore(cluster, members, clusterId);
    writeCluster(home, next);
    if ((await supervisorStatus(home)) !== undefined) await applyPlan(home, next);
    say(`the old data stays in ${moved.map((member) => old(member)).join(', ')}`);
  } finally {
    lock.release();
  }
}

/** Running processes would write where nobody looks any more. */
async function stopStores(home: Home, cluster: Cluster, say: (line: string) => void): Promise<void> {
  const keeper = await supervisorStatus(home);
  const known = new Set(keeper?.units.map(({ name }) => name));
  for (const member of cluster.stores) if (known.has(member)) await askSupervisor(home, { cmd: 'stop', unit: member });
  const lives = (member: string): boolean => {
    const record = readRecord(home.pidFile(member));
    return record !== undefined && isAlive(record);
  };
  for (const until = Date.now() + STOP_MS; Date.now() < until; await pause(50))
    if (!cluster.stores.some(lives)) {
      if (keeper !== undefined) say('the members of the store are stopped; everything else runs on');
      return;
    }
  throw new OptionError(
    `${cluster.stores.filter(lives).join(', ')} did not stop within ${STOP_MS / 1000} s: nothing was changed`,
  );
}
