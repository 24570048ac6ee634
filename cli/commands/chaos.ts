// Decides how `chaos` finds what it is told to do: every fault, show and scenario is a command of its own in cli/chaos/.
// Never does one.
import type { CommandModule } from 'yargs';
import { CHAOS_COMMANDS } from '../chaos/index.ts';
import { defineCommand } from '../command.ts';
import { UsageError } from '../core/resources.ts';

export const chaosCommand = defineCommand({
  command: 'chaos',
  describe: 'break the cluster on purpose, and heal it: chaos pause leader',
  builder: async (yargs) => {
    yargs.option('compose', {
      type: 'string',
      global: true,
      describe:
        "a cluster of docker-compose: this directory's, or --compose=PROJECT (also taken when the home has none)",
    });
    for (const load of Object.values(CHAOS_COMMANDS)) yargs.command((await load()) as unknown as CommandModule);
    // What is none of them ends here, with the list, instead of in a guess.
    return yargs.command(
      '$0 [fault] [words..]',
      false,
      (rest) => rest.strict(false),
      ({ fault }) => {
        const asked = fault === undefined ? 'say what to do' : `there is no \`chaos ${String(fault)}\``;
        throw new UsageError(`${asked}: there are ${Object.keys(CHAOS_COMMANDS).join(', ')}`);
      },
    );
  },
  handler: () => {},
});
