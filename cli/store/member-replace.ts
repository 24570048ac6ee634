// Decides how a member gives its place to a new one: the new one learns first, then both change in one step. Never has more
// voters on the way than before.
import { removeStore } from '../../launcher/store-members.ts';
import { UsageError } from '../core/resources.ts';
import { clusterOf } from '../edge/cluster-bus.ts';
import { addMember } from './member-add.ts';
import { defineSubCommand } from './sub-command.ts';

export const memberReplaceCommand = defineSubCommand<{ member: string }>({
  command: 'replace <member>',
  describe: 'a new, empty member takes the place of one that is lost or to be retired',
  builder: (yargs) => yargs.positional('member', { type: 'string', demandOption: true }),
  handler: async ({ home: directory, member }) => {
    const { cluster, home } = clusterOf(directory);
    if (!cluster.stores.includes(member))
      throw new UsageError(`${member} is no member of the store: the members are ${cluster.stores.join(', ')}`);
    const added = await addMember(directory, member);
    await removeStore(home, member, (line) => console.log(line));
    console.log(`${added.member} stands in the place of ${member}`);
  },
});
