// Decides what `chaos cut` hits: a node's cable is pulled; what runs there runs on and hears nobody. Never ends a process.
import { resolveTargets } from '../../chaos/core/targets.ts';
import { defineCommand } from '../command.ts';
import { UsageError } from '../core/resources.ts';
import { inflict } from './inflict.ts';
import { faultOptions, type FaultArguments } from './options.ts';
import { nodeIn } from './targets.ts';

export const cutCommand = defineCommand<FaultArguments>({
  command: 'cut <target>',
  describe: "pull a node's network cable: cut node/node-2",
  builder: (yargs) => faultOptions(yargs),
  handler: (args) =>
    inflict(args, (targets, chance) => {
      const node = nodeIn(args.target, targets);
      if (node !== undefined) return [{ type: 'cut-node', node }];
      const found = resolveTargets(targets, args.target, chance).map(({ name }) => name);
      throw new UsageError(
        `cut ${args.target}: only a node has a cable (node/…); part ${found.join(', ')} with partition`,
      );
    }),
});
