// Decides how `chaos quorum` is asked: the show of members that die under load and come back. Never plays it itself.
import { quorumScenario } from '../../chaos/core/quorum.ts';
import { defineCommand, type GlobalArguments } from '../command.ts';
import { ExitError } from '../edge/failure.ts';
import { play } from './play.ts';
import { mustBeAllowed } from './run.ts';
import { driverFor } from './options.ts';

interface QuorumArguments {
  yes: boolean;
}

export const quorumCommand = defineCommand<QuorumArguments>({
  command: 'quorum',
  describe: 'the show: under load the leader dies, then a second member, then both come back',
  builder: (yargs) =>
    yargs.option('yes', {
      type: 'boolean',
      default: false,
      describe: 'also on a cluster that this home did not start',
    }),
  handler: (args) => run(args),
});

async function run(args: GlobalArguments & QuorumArguments): Promise<void> {
  const driver = await driverFor(args);
  try {
    mustBeAllowed(driver, args.yes);
    const stores = (await driver.targets()).filter(({ role }) => role === 'store').length;
    const code = await play(driver, quorumScenario(stores), { seed: 1, json: false });
    if (code !== 0) throw new ExitError(code);
  } finally {
    await driver.close();
  }
}
