// Decides how the commands on the store hang together: `store status`, `store snapshot save`, `store member add`. Never
// does anything itself: cli/store holds one file a command.
import { defineCommand } from '../command.ts';
import { MEMBER_COMMANDS, SNAPSHOT_COMMANDS, STORE_COMMANDS } from '../store/index.ts';
import { register } from '../store/sub-command.ts';

export const storeCommand = defineCommand({
  command: 'store',
  describe: 'the store: its members, its data, what to do when a majority is lost',
  builder: (yargs) =>
    register(yargs, STORE_COMMANDS)
      .command('snapshot', 'save all data to one file, and begin again from one', (below) =>
        register(below as never, SNAPSHOT_COMMANDS),
      )
      .command('member', 'who the members are; add, remove and replace them', (below) =>
        register(below as never, MEMBER_COMMANDS),
      ),
  handler: () => {},
});
