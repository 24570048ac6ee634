// Does: makes the members of a running store what the cluster's plan says: new ones are taken on and become voters; one that
// leaves is removed, stopped and forgotten. Never takes one away that the plan has.
import { rmSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { withoutStore, type Cluster } from './core/cluster.ts';
import type { Home } from './core/home.ts';
import type { Places } from './core/network-places.ts';
import { placesOf } from './edge/node-network.ts';
import { readCluster, writeCluster } from './edge/plan-file.ts';
import { prepare } from './edge/prepare.ts';
import { reloadNats } from './edge/reload-nats.ts';
import { StoreOperator } from './edge/store-operator.ts';
import { askSupervisor, supervisorStatus } from './supervisor/client.ts';

type Say = (line: string) => void;

const LOOK_MS = 250;

/** Members of the plan that joined after the beginning; asks nothing when there are none. Resolves when all of them vote. */
export async function joinStores(
  home: Home,
  cluster: Cluster,
  places: Places,
  say: Say,
  timeoutMs: number,
  replaces?: string,
): Promise<void> {
  const joined = cluster.stores.filter((member) => !cluster.firstStores.includes(member));
  if (joined.length === 0) return;
  const operator = await StoreOperator.connect(home, cluster, places);
  try {
    for (const member of joined) await joinOne(operator, member, say, timeoutMs, replaces);
  } finally {
    await operator.close();
  }
}

async function joinOne(
  operator: StoreOperator,
  member: string,
  say: Say,
  timeoutMs: number,
  replaces: string | undefined,
): Promise<void> {
  const until = Date.now() + timeoutMs;
  let said = '';
  for (; Date.now() < until; await pause(LOOK_MS)) {
    const leader = await operator.leader();
    if (leader?.voters.includes(member) === true) {
      if (said !== '') say(`${member} has caught up and votes: the store has ${leader.voters.length} voters`);
      return;
    }
    const line = progressOf(leader, member);
    if (line !== said) say(line);
    said = line;
    if (leader === undefined || leader.learners.includes(member)) continue;
    const isVoter = replaces !== undefined && leader.voters.includes(replaces);
    await operator.operate({ operation: 'addMember', member, ...(isVoter ? { replaces } : {}) }, until - Date.now());
  }
  throw new Error(
    `${member} did not become a voter within ${timeoutMs / 1000} s (${said}): \`flotilla store status\` shows how far ` +
      'it is, and `flotilla up` goes on from here',
  );
}

function progressOf(leader: Awaited<ReturnType<StoreOperator['leader']>>, member: string): string {
  if (leader === undefined) return `${member} waits: no member of the store leads`;
  if (!leader.learners.includes(member)) return `${member} is being added as a learner`;
  const sent = leader.snapshotSent[member];
  if (sent !== undefined)
    return `${member} is sent a snapshot: ${Math.floor((sent * 100) / Math.max(1, leader.snapshotBytes))} %`;
  return `${member} learns: entry ${leader.match[member] ?? 0} of ${leader.lastIndex}`;
}

/** The leader agrees first; then its process ends, its credential is void and its name is never given again. */
export async function removeStore(home: Home, member: string, say: Say): Promise<void> {
  const before = readCluster(home)!;
  const operator = await StoreOperator.connect(home, before, placesOf(before));
  try {
    const leader = await operator.leader();
    if (leader === undefined) throw new Error(`${member} is not removed: no member leads, so nothing can be agreed on`);
    if (leader.voters.includes(member) || leader.learners.includes(member)) {
      await operator.operate({ operation: 'removeMember', member });
      say(`${member} is no member any more`);
    }
  } finally {
    await operator.close();
  }
  await forgetStore(home, withoutStore(before, member), member);
  say(`${member} is stopped; its data stays in ${home.store(member)} until the cluster is purged`);
}

async function forgetStore(home: Home, cluster: Cluster, member: string): Promise<void> {
  writeCluster(home, cluster);
  await applyPlan(home, cluster);
  for (const file of [home.actorFile(member), home.seedFile(member)]) rmSync(file, { force: true });
}

/** Everything that processes read is written again; those that run go on, but for what is no longer in the plan. */
export async function applyPlan(home: Home, cluster: Cluster): Promise<void> {
  const { natsConfigChanged } = await prepare(cluster, placesOf(cluster), home, { logLevel: 'info', trace: true });
  if (natsConfigChanged) reloadNats(home);
  if ((await supervisorStatus(home)) !== undefined) await askSupervisor(home, { cmd: 'load' });
}
