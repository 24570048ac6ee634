// Decides what `chaos partition` parts: two actors, or every actor of one side from every one of the other. Never parts
// those that do not speak to each other.
import { defineCommand } from '../command.ts';
import { inflict } from './inflict.ts';
import { faultOptions, type FaultArguments } from './options.ts';
import { pairsOf } from './targets.ts';

interface PartitionArguments extends FaultArguments {
  from: string;
  'one-way': boolean;
}

export const partitionCommand = defineCommand<PartitionArguments>({
  command: 'partition <from> <target>',
  describe: 'nothing arrives between actors: partition leader store; partition store/1 apiserver --one-way',
  builder: (yargs) =>
    faultOptions(yargs)
      .positional('from', { type: 'string', demandOption: true, describe: 'one side, as of the target' })
      .option('one-way', {
        type: 'boolean',
        default: false,
        describe: 'only what goes from the first to the second is lost',
      }),
  handler: (args) => inflict(args, pairsOf(args.from, args.target, args['one-way'])),
});
