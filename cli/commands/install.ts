// Decides how the programs that a cluster needs are installed without bringing one up. Never decides which (launcher/core
// does).
import type { RuntimeName } from '../../lib/actor/settings.ts';
import { installPrograms } from '../../launcher/up.ts';
import { defineCommand } from '../command.ts';

interface InstallArguments {
  runtime: RuntimeName;
}

export const installCommand = defineCommand<InstallArguments>({
  command: 'install',
  describe: 'install the programs that a cluster needs (as `up` does) and do nothing else',
  builder: (yargs) =>
    yargs.option('runtime', {
      choices: ['ctr', 'nerdctl', 'process', 'hollow'] as const,
      default: 'ctr' as const,
      describe: 'what will run the containers',
    }),
  handler: async ({ runtime }) => {
    await installPrograms(runtime, true, { say: (line) => console.log(line) });
    console.log('every program that a cluster needs is there');
  },
});
