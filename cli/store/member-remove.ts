// Decides how a member leaves a running store for good. Never takes away one that the rest could not do without: the leader
// refuses that.
import { removeStore } from '../../launcher/store-members.ts';
import { UsageError } from '../core/resources.ts';
import { clusterOf } from '../edge/cluster-bus.ts';
import { defineSubCommand } from './sub-command.ts';

export const memberRemoveCommand = defineSubCommand<{ member: string }>({
  command: 'remove <member>',
  describe: 'a member leaves for good; refused when the rest would be no majority',
  builder: (yargs) => yargs.positional('member', { type: 'string', demandOption: true }),
  handler: async ({ home: directory, member }) => {
    const { cluster, home } = clusterOf(directory);
    if (!cluster.stores.includes(member))
      throw new UsageError(`${member} is no member of the store: the members are ${cluster.stores.join(', ')}`);
    await removeStore(home, member, (line) => console.log(line));
  },
});
