// Does: the one-shot service of profile `five`: asks the store's leader to take on the members that it does not have yet,
// and ends when all of them vote. Never removes one.
import { setTimeout as pause } from 'node:timers/promises';
import { messageOf } from '../../lib/base/errors.ts';
import { silentLog } from '../../lib/base/log.ts';
import type { Bus } from '../../lib/bus/bus.ts';
import type { StoreOperation, StoreOperationReply, StoreStatus } from '../../lib/bus/messages.ts';
import { connectNats } from '../../lib/bus/nats.ts';
import { subjectOf } from '../../lib/bus/subjects.ts';
import type { Cluster } from '../core/cluster.ts';
import { COMPOSE_HOME, composePlaces } from '../core/compose-layout.ts';
import { homeLayout } from '../core/home.ts';
import { natsServers } from '../core/network-places.ts';
import { readCluster } from '../edge/plan-file.ts';

const ASK_MS = 10_000;
const AGAIN_MS = 500;

const home = homeLayout(COMPOSE_HOME);

async function ask(
  bus: Bus,
  cluster: Cluster,
  member: string,
  operation: StoreOperation,
): Promise<StoreOperationReply> {
  const subject = subjectOf(cluster.name, 'storeOperate', { member, from: 'operator' });
  return (await bus.request(subject, operation, { timeoutMs: ASK_MS })) as StoreOperationReply;
}

/** What the leader says of itself; undefined: nobody leads, or nobody answers. */
async function leaderOf(bus: Bus, cluster: Cluster): Promise<StoreStatus | undefined> {
  const answers = await Promise.allSettled(
    cluster.stores.map((member) => ask(bus, cluster, member, { operation: 'status' })),
  );
  return answers
    .flatMap((answer) => (answer.status === 'fulfilled' && 'status' in answer.value ? [answer.value.status] : []))
    .find(({ role }) => role === 'leader');
}

/** '' when every member of the plan votes; else what is still to be done, after an attempt to do it. */
async function step(bus: Bus, cluster: Cluster): Promise<string> {
  const leader = await leaderOf(bus, cluster);
  if (leader === undefined) return 'no member of the store leads yet';
  const missing = cluster.stores.filter((member) => !leader.voters.includes(member));
  const stranger = missing.find((member) => !leader.learners.includes(member));
  if (stranger === undefined)
    return missing.length === 0 ? '' : `${missing.join(', ')} learn what the others have and will vote then`;
  const reply = await ask(bus, cluster, leader.member, { operation: 'addMember', member: stranger });
  return 'refused' in reply ? `${stranger}: ${reply.message}` : `${stranger} is a member and learns`;
}

const cluster = readCluster(home)!;
const settings = {
  servers: natsServers(composePlaces(cluster)),
  seedFile: home.seedFile('operator'),
  caFile: home.caFile,
};
const bus = await connectNats('operator', settings, silentLog);
for (let said = ''; ; await pause(AGAIN_MS)) {
  const left = await step(bus, cluster).catch((error: unknown) => messageOf(error));
  if (left === '') break;
  if (left !== said) console.log(left);
  said = left;
}
console.log(`the store has ${cluster.stores.length} members: ${cluster.stores.join(', ')}`);
await bus.close();
