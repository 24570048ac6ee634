// Decides what is told of a saved file: it is read whole, so that what is told is also true. Never needs a cluster.
import { resolve } from 'node:path';
import { readSnapshotFile } from '../../services/store/offline/snapshot-file.ts';
import { tableLines } from '../core/table-text.ts';
import { bytesText } from './status.ts';
import { defineSubCommand } from './sub-command.ts';

export const snapshotStatusCommand = defineSubCommand<{ file: string; output?: string | undefined }>({
  command: 'status <file>',
  describe: 'what a saved file holds, and whether it is whole',
  builder: (yargs) =>
    yargs
      .positional('file', { type: 'string', demandOption: true })
      .option('output', { alias: 'o', type: 'string', choices: ['json'] }),
  handler: async (args) => {
    const { head, state } = await readSnapshotFile(resolve(args.file));
    const { revision, compactedRevision, hash } = state;
    const keys = state.versions.liveKeys;
    if (args.output === 'json')
      return console.log(JSON.stringify({ ...head, revision, compactedRevision, keys, hash }, null, 2));
    const rows = [
      ['SAVED', 'MEMBER', 'CLUSTER', 'REVISION', 'KEYS', 'SIZE', 'HASH'],
      [head.savedAt, head.member, head.clusterId, String(revision), String(keys), bytesText(head.sizeBytes), hash],
    ];
    for (const line of tableLines(rows)) console.log(line);
  },
});
