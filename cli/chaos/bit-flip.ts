// Decides what `chaos bit-flip` does: one bit of a store member's log or snapshot is turned over, as a bad disk would.
// Never puts it back: the store must notice, and mend it from its peers.
import { defineCommand } from '../command.ts';
import { inflict } from './inflict.ts';
import { faultOptions, type FaultArguments } from './options.ts';
import { onEach } from './targets.ts';

export const bitFlipCommand = defineCommand<FaultArguments>({
  command: 'bit-flip <target>',
  describe: "turn over one bit of a store member's files, for good: bit-flip follower --seed 7",
  builder: (yargs) => faultOptions(yargs, { passing: true }),
  handler: (args) =>
    inflict(args, (targets, chance) =>
      onEach(args.target, ({ name }) => ({ type: 'bit-flip', instance: name, chance: chance.float() }))(
        targets,
        chance,
      ),
    ),
});
