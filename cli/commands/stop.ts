// Decides how one actor is stopped by hand. Never changes the cluster's plan: `start` and `up` bring it back.
import { defineCommand } from '../command.ts';
import { turnUnit } from '../edge/turn-unit.ts';

export const stopCommand = defineCommand<{ instance: string; kill: boolean }>({
  command: 'stop <instance>',
  describe: 'stop one actor until it is started again: stop scheduler-1',
  builder: (yargs) =>
    yargs
      .positional('instance', { type: 'string', demandOption: true, describe: 'a name that `status` shows' })
      .option('kill', { type: 'boolean', default: false, describe: 'SIGKILL at once: no chance to drain' }),
  handler: async (args) => {
    await turnUnit(args.home, { cmd: 'stop', unit: args.instance, kill: args.kill }, 'stopped');
    console.log(`${args.instance} stopped`);
  },
});
