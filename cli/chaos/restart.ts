// Decides what `chaos restart` hits: processes end with the chance to drain and are started again, one after the other.
// Never leaves one stopped.
import { defineCommand } from '../command.ts';
import { inflict } from './inflict.ts';
import { faultOptions, type FaultArguments } from './options.ts';
import { onEachRunning } from './targets.ts';

export const restartCommand = defineCommand<FaultArguments>({
  command: 'restart <target>',
  describe: 'end and start again, one after the other: restart all',
  builder: (yargs) => faultOptions(yargs, { passing: true }),
  handler: (args) =>
    inflict(
      args,
      onEachRunning(args.target, ({ name }) => ({ type: 'restart', unit: name })),
    ),
});
