// Decides how `down` reports. Never decides what is removed (launcher/down.ts does).
import { down } from '../../launcher/down.ts';
import { defineCommand } from '../command.ts';
import { ExitError } from '../edge/failure.ts';
import { createProgress } from '../edge/progress.ts';

interface DownArguments {
  purge: boolean;
}

export const downCommand = defineCommand<DownArguments>({
  command: 'down',
  describe: 'stop everything and leave nothing behind; objects stay in the home for the next `up`',
  builder: (yargs) => yargs.option('purge', { type: 'boolean', default: false, describe: 'remove the home too' }),
  handler: async (args) => {
    const progress = createProgress();
    const report = await down({ home: args.home, purge: args.purge }, progress.say);
    if (!report.existed) {
      console.log(`there is no cluster in ${args.home}: nothing to do`);
      return;
    }
    for (const what of report.left) console.error(`error: could not remove ${what}`);
    if (report.left.length > 0) throw new ExitError(1);
    progress.say('the cluster is down, nothing is left running');
  },
});
