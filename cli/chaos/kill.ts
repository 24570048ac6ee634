// Decides what `chaos kill` hits: processes, or with node/… everything on a node at once. Never starts them: healing does.
import { defineCommand } from '../command.ts';
import { inflict } from './inflict.ts';
import { faultOptions, type FaultArguments } from './options.ts';
import { nodeIn, onEachRunning } from './targets.ts';

export const killCommand = defineCommand<FaultArguments>({
  command: 'kill <target>',
  describe: 'SIGKILL, and stay dead: kill leader; kill node/node-2 with its containers',
  builder: (yargs) => faultOptions(yargs),
  handler: (args) =>
    inflict(args, (targets, chance) => {
      const node = nodeIn(args.target, targets);
      if (node !== undefined) return [{ type: 'kill-node', node }];
      return onEachRunning(args.target, ({ name }) => ({ type: 'kill', unit: name }))(targets, chance);
    }),
});
