// Decides nothing: keeps a home's processes running in the foreground. Never builds what they need (`up` does).
import { supervise } from '../../launcher/supervisor/daemon.ts';
import { openHome } from '../../launcher/up.ts';
import { defineCommand } from '../command.ts';

export const superviseCommand = defineCommand<object>({
  command: 'supervise',
  describe: 'keep the processes of the home running, in the foreground (`up` does this in the background)',
  handler: async (args) => supervise(openHome(args.home).root),
});
