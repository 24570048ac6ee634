// Decides what `chaos disk-full` and `chaos slow-disk` do to a store member's directory. Never fills a real disk.
import type { DiskRule } from '../../chaos/contract.ts';
import { defineCommand } from '../command.ts';
import { UsageError } from '../core/resources.ts';
import { inflict, type FaultsFor } from './inflict.ts';
import { faultOptions, type FaultArguments } from './options.ts';
import { onEach } from './targets.ts';

const onDisk = (target: string, disk: DiskRule): FaultsFor =>
  onEach(target, ({ name }) => ({ type: 'disk', instance: name, disk }));

export const diskFullCommand = defineCommand<FaultArguments>({
  command: 'disk-full <target>',
  describe: "no space left for a store member's files: disk-full leader",
  builder: (yargs) => faultOptions(yargs),
  handler: (args) => inflict(args, onDisk(args.target, { full: true })),
});

export const slowDiskCommand = defineCommand<FaultArguments & { ms: number }>({
  command: 'slow-disk <target>',
  describe: 'each write and fsync of a store member takes longer: slow-disk leader --ms 500',
  builder: (yargs) =>
    faultOptions(yargs).option('ms', { type: 'number', default: 200, describe: 'how much longer each takes' }),
  handler: (args) => {
    if (!(args.ms > 0 && args.ms <= 60_000)) throw new UsageError(`--ms ${args.ms}: must be 1 to 60000`);
    return inflict(args, onDisk(args.target, { slowMs: args.ms }));
  },
});
