// Decides how a running store gets one more member: credential, process, learner, voter, in that order. Never leaves one
// half added: asked again, or by `flotilla up`, it goes on where it was.
import { supervisorStatus } from '../../launcher/supervisor/client.ts';
import { up } from '../../launcher/up.ts';
import { UsageError } from '../core/resources.ts';
import { clusterOf } from '../edge/cluster-bus.ts';
import { createProgress } from '../edge/progress.ts';
import { defineSubCommand } from './sub-command.ts';

export const memberAddCommand = defineSubCommand({
  command: 'add',
  describe: 'one more member: started, taught, and a voter when it has caught up',
  handler: async ({ home }) => {
    const added = await addMember(home);
    const { length } = added.stores;
    if (length % 2 === 0)
      console.log(`${length} members survive no more failures than ${length - 1}: add another (\`store member add\`)`);
  },
});

/** `replaces` leaves in the same step in which the new one begins to vote. */
export async function addMember(home: string, replaces?: string): Promise<{ member: string; stores: string[] }> {
  const { cluster, home: places } = clusterOf(home);
  if (cluster.composeNetwork !== undefined)
    throw new UsageError(
      'this cluster runs in containers of docker-compose: `docker compose --profile five up` adds members',
    );
  if ((await supervisorStatus(places)) === undefined)
    throw new UsageError(`the cluster in ${places.root} is down: start it with \`flotilla up\``);
  const options = { home, moreStores: 1, ...(replaces === undefined ? {} : { replaces }) };
  const progress = createProgress();
  const running = await up(options, { say: (line) => progress.say(line), unit: () => {} });
  return { member: running.cluster.stores.at(-1)!, stores: running.cluster.stores };
}
