// Decides which actors this process hosts in the foreground. Never starts others (the supervisor does).
import { existsSync } from 'node:fs';
import { runProcess } from '../../lib/actor/run-process.ts';
import { SERVICES } from '../../services/index.ts';
import { openHome } from '../../launcher/up.ts';
import { defineCommand } from '../command.ts';
import { UsageError } from '../core/resources.ts';

export const runCommand = defineCommand<{ instances: string[] }>({
  command: 'run <instances..>',
  describe: 'host actors in this process, in the foreground: run store-1 apiserver-1',
  builder: (yargs) =>
    yargs.positional('instances', {
      type: 'string',
      array: true,
      demandOption: true,
      describe: "instances of the home, or actors' files",
    }),
  handler: async (args) => {
    const home = openHome(args.home);
    const files = args.instances.map((word) => (word.endsWith('.json') ? word : home.actorFile(word)));
    const missing = files.find((file) => !existsSync(file));
    if (missing !== undefined)
      throw new UsageError(`${missing} does not exist: \`flotilla up\` writes the actors' files`);
    await runProcess(files, SERVICES);
  },
});
