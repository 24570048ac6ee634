// Decides how a store goes on when a majority of its members is lost for good: from what one survivor has, alone. Never
// claims that nothing is lost, and never does it unasked.
import { randomUUID } from 'node:crypto';
import { beginStoreAnew } from '../../launcher/begin-store-anew.ts';
import { beginAnew, type BegunAnew } from '../../services/store/offline/begin-anew.ts';
import { readDirectory, type ReadDirectory } from '../../services/store/offline/read-directory.ts';
import { UsageError } from '../core/resources.ts';
import { clusterOf } from '../edge/cluster-bus.ts';
import { confirm } from './confirm.ts';
import { defineSubCommand } from './sub-command.ts';

interface RecoverArguments {
  survivor: string;
  yes: boolean;
}

export const recoverCommand = defineSubCommand<RecoverArguments>({
  command: 'recover <survivor>',
  describe: 'a majority is lost for good: go on alone with what one member has (may lose writes)',
  builder: (yargs) =>
    yargs
      .positional('survivor', { type: 'string', demandOption: true, describe: 'the member with the longest log' })
      .option('yes', { type: 'boolean', default: false, describe: 'do not ask' }),
  handler: async ({ home: directory, survivor, yes }) => {
    const { cluster, home } = clusterOf(directory);
    if (!cluster.stores.includes(survivor))
      throw new UsageError(`${survivor} is no member of the store: the members are ${cluster.stores.join(', ')}`);
    const seen = await readDirectory(home.store(survivor), 'all');
    assertUsable(survivor, seen);
    await confirm(warningOf(cluster.name, cluster.stores, survivor, seen), cluster.name, yes);
    const clusterId = randomUUID();
    const stamp = new Date().toISOString().replaceAll(/[:.]/g, '-');
    let begun: BegunAnew | undefined;
    await beginStoreAnew(
      home,
      { members: [survivor], clusterId, stamp },
      async (old) => {
        // Again, now that nothing writes there any more.
        const read = await readDirectory(old(survivor), 'all');
        assertUsable(survivor, read);
        begun = await beginAnew(
          read.state!,
          clusterId,
          [{ member: survivor, directory: home.store(survivor) }],
          [survivor],
        );
      },
      (line) => console.log(line),
    );
    console.log(
      `${survivor} is the store now: ${begun!.keys} keys, revision ${begun!.revision}. ` +
        'Make it safe again: `flotilla up --stores 3`',
    );
  },
});

function assertUsable(survivor: string, { state, findings }: ReadDirectory): void {
  if (state !== undefined) return;
  const damage = findings.filter(({ kind }) => kind === 'damage').map(({ path, what }) => `${path}: ${what}`);
  throw new UsageError(
    `${survivor} cannot be recovered from, choose another or restore a saved file: ${damage.join('; ')}`,
  );
}

function warningOf(name: string, members: readonly string[], survivor: string, read: ReadDirectory): string[] {
  const { hardState, lastIndex, state } = read;
  const others = members.filter((member) => member !== survivor);
  return [
    `The store of cluster ${name} would go on with ${survivor} alone: entry ${lastIndex} of term ${hardState.term}, revision ${state!.revision}.`,
    `What this may lose: every acknowledged write that only ${others.join(' and ')} have (entries after ${lastIndex}).`,
    `What this may bring: entries ${hardState.commit + 1} to ${lastIndex} if they were never acknowledged.`,
    `${others.join(' and ')} can never come back as they are. If a majority still has its disks, start them instead.`,
  ];
}
