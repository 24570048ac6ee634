// Decides how one actor is started by hand. Never changes the cluster's plan.
import { defineCommand } from '../command.ts';
import { turnUnit } from '../edge/turn-unit.ts';

export const startCommand = defineCommand<{ instance: string }>({
  command: 'start <instance>',
  describe: 'start an actor that was stopped',
  builder: (yargs) =>
    yargs.positional('instance', { type: 'string', demandOption: true, describe: 'a name that `status` shows' }),
  handler: async (args) => {
    await turnUnit(args.home, { cmd: 'start', unit: args.instance }, 'running');
    console.log(`${args.instance} started`);
  },
});
