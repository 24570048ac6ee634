// Decides how `chaos` finds what it is told to do: every fault, show and scenario is a command of its own in cli/chaos/.
// Never does one.
import type { CommandModule } from 'yargs';
import { CHAOS_COMMANDS } from '../chaos/index.ts';
import { defineCommand } from '../command.ts';

export const chaosCommand = defineCommand({
  command: 'chaos',
  describe: 'break the cluster on purpose, and heal it: chaos pause leader',
  builder: async (yargs) => {
    for (const load of Object.values(CHAOS_COMMANDS)) yargs.command((await load()) as unknown as CommandModule);
    return yargs.demandCommand(1, `say what to do: ${Object.keys(CHAOS_COMMANDS).join(', ')}`);
  },
  handler: () => {},
});
