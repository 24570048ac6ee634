// Decides what `chaos pause` hits: processes stand still (SIGSTOP) with their connections open. Never ends one.
import { defineCommand } from '../command.ts';
import { inflict } from './inflict.ts';
import { faultOptions, type FaultArguments } from './options.ts';
import { onEachRunning } from './targets.ts';

export const pauseCommand = defineCommand<FaultArguments>({
  command: 'pause <target>',
  describe: 'stand still with connections open: pause scheduler',
  builder: (yargs) => faultOptions(yargs),
  handler: (args) =>
    inflict(
      args,
      onEachRunning(args.target, ({ name }) => ({ type: 'pause', unit: name })),
    ),
});
