// Decides nothing: prints the kubeconfig of the home's cluster. Never merges it into another.
import { readIfThere } from '../../launcher/edge/files.ts';
import { openHome } from '../../launcher/up.ts';
import { defineCommand } from '../command.ts';
import { UsageError } from '../core/resources.ts';

export const kubeconfigCommand = defineCommand<{ path: boolean }>({
  command: 'kubeconfig',
  describe: 'print a kubeconfig that works with kubectl',
  builder: (yargs) => yargs.option('path', { type: 'boolean', default: false, describe: 'only where it lies' }),
  handler: (args) => {
    const home = openHome(args.home);
    const text = readIfThere(home.kubeconfig);
    if (text === undefined) throw new UsageError(`there is no cluster in ${home.root}: start one with \`flotilla up\``);
    if (args.path) console.log(home.kubeconfig);
    else process.stdout.write(text);
  },
});
