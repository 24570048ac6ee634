// Decides how a store begins again from a saved file: all members of the home's cluster, or one data directory that its
// owner names. Never goes back in revisions, and never lets a member from before take part.
import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { beginStoreAnew } from '../../launcher/begin-store-anew.ts';
import { beginAnew, type BegunAnew } from '../../services/store/offline/begin-anew.ts';
import { readSnapshotFile } from '../../services/store/offline/snapshot-file.ts';
import { UsageError } from '../core/resources.ts';
import { clusterOf } from '../edge/cluster-bus.ts';
import { confirm } from './confirm.ts';
import { defineSubCommand } from './sub-command.ts';

interface RestoreArguments {
  file: string;
  'data-dir'?: string | undefined;
  member?: string | undefined;
  members?: string | undefined;
  'cluster-id'?: string | undefined;
  yes: boolean;
}

export const snapshotRestoreCommand = defineSubCommand<RestoreArguments>({
  command: 'restore <file>',
  describe: 'begin again from a saved file: the whole store of the home, or one directory (--data-dir)',
  builder: (yargs) =>
    yargs
      .positional('file', { type: 'string', demandOption: true })
      .option('data-dir', { type: 'string', describe: 'make this data directory instead; it must be empty or absent' })
      .option('member', { type: 'string', describe: 'with --data-dir: whose it is' })
      .option('members', { type: 'string', describe: 'with --data-dir: all members, separated by commas' })
      .option('cluster-id', {
        type: 'string',
        describe: 'with --data-dir: the same for all members (default: a new one)',
      })
      .option('yes', { type: 'boolean', default: false, describe: 'do not ask' }),
  handler: async (args) => {
    const { head, state } = await readSnapshotFile(resolve(args.file));
    const begin = (clusterId: string, members: Array<{ member: string; directory: string }>, voters: string[]) =>
      beginAnew(state, clusterId, members, voters);
    if (args['data-dir'] !== undefined) return restoreDirectory(args, begin);
    const { cluster, home } = clusterOf(args.home);
    await confirm(
      [
        `The store of cluster ${cluster.name} becomes what it was at ${head.savedAt} (revision ${state.revision}, ${state.versions.liveKeys} keys).`,
        'Everything written since is no longer there. Clients read anew: old revisions are told to be compacted.',
      ],
      cluster.name,
      args.yes,
    );
    const clusterId = randomUUID();
    const stamp = new Date().toISOString().replaceAll(/[:.]/g, '-');
    const members = cluster.stores.map((member) => ({ member, directory: home.store(member) }));
    let begun: BegunAnew | undefined;
    await beginStoreAnew(
      home,
      { members: cluster.stores, clusterId, stamp },
      async () => void (begun = await begin(clusterId, members, cluster.stores)),
      (line) => console.log(line),
    );
    tell(begun!, clusterId);
  },
});

async function restoreDirectory(
  { member, members, 'data-dir': directory, 'cluster-id': given }: RestoreArguments,
  begin: (
    clusterId: string,
    members: Array<{ member: string; directory: string }>,
    voters: string[],
  ) => Promise<BegunAnew>,
): Promise<void> {
  if (member === undefined) throw new UsageError('--data-dir needs --member: whose directory is it?');
  const voters = members?.split(',').map((name) => name.trim()) ?? [member];
  if (!voters.includes(member)) throw new UsageError(`--members ${members}: ${member} is not among them`);
  if (voters.length > 1 && given === undefined)
    throw new UsageError('--members needs --cluster-id: the same, new id for the directory of each member');
  const clusterId = given ?? randomUUID();
  tell(await begin(clusterId, [{ member, directory: resolve(directory!) }], voters), clusterId);
}

function tell({ revision, keys, hash }: BegunAnew, clusterId: string): void {
  console.log(
    `restored ${keys} keys; the store goes on at revision ${revision} (cluster id ${clusterId}, hash ${hash})`,
  );
}
