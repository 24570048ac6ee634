// Decides what `store status` tells: every member of the store, who leads, how far each is. Never changes anything.
import { defineCommand, type GlobalArguments } from '../command.ts';
import { UsageError } from '../core/resources.ts';
import { tableLines } from '../core/table-text.ts';
import { clusterOf, joinBus } from '../edge/cluster-bus.ts';
import { ExitError } from '../edge/failure.ts';

interface StoreArguments {
  verb: string;
}

const COLUMNS = [
  'role',
  'leader',
  'term',
  'commit',
  'applied',
  'revision',
  'keys',
  'logBytes',
  'fsyncP99Ms',
  'hash',
] as const;

export const storeCommand = defineCommand<StoreArguments>({
  command: 'store <verb>',
  describe: 'the members of the store: store status',
  builder: (yargs) => yargs.positional('verb', { choices: ['status'], demandOption: true }),
  handler: (args) => run(args),
});

async function run(args: GlobalArguments & StoreArguments): Promise<void> {
  const { cluster } = clusterOf(args.home);
  const joined = await joinBus(args.home);
  try {
    const said = await joined.statuses();
    const rows = cluster.stores.map((member) => {
      const details = said.find(({ instance }) => instance === member)?.details;
      return [
        member,
        ...COLUMNS.map((column) =>
          details === undefined ? (column === 'role' ? 'does not answer' : '-') : String(details[column] ?? '-'),
        ),
      ];
    });
    for (const line of tableLines([
      ['MEMBER', ...COLUMNS.map((column) => column.replaceAll(/([A-Z])/g, ' $1').toUpperCase())],
      ...rows,
    ]))
      console.log(line);
    const answering = rows.filter(([, role]) => role !== 'does not answer').length;
    if (answering * 2 <= cluster.stores.length)
      throw new UsageError(
        `no quorum: ${answering} of ${cluster.stores.length} members answer; writes are refused, reads from caches go on`,
      );
    if (answering < cluster.stores.length) throw new ExitError(1);
  } finally {
    await joined.bus.close();
  }
}
