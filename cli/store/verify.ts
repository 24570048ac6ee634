// Decides how a member's data directory is checked while it does not run: everything in it is read. Never changes a byte.
import { resolve } from 'node:path';
import { messageOf } from '../../lib/base/errors.ts';
import { readDirectory, type ReadDirectory } from '../../services/store/offline/read-directory.ts';
import { UsageError } from '../core/resources.ts';
import { ExitError } from '../edge/failure.ts';
import { bytesText } from './status.ts';
import { defineSubCommand } from './sub-command.ts';

export const verifyCommand = defineSubCommand<{ directory: string }>({
  command: 'verify <directory>',
  describe: 'read every record and snapshot of a stopped member; exit 1 when something is damaged',
  builder: (yargs) => yargs.positional('directory', { type: 'string', demandOption: true }),
  handler: async (args) => {
    const directory = resolve(args.directory);
    const read = await readDirectory(directory, 'committed').catch((error: unknown) => {
      throw new UsageError(`${directory} cannot be read: ${messageOf(error)}`);
    });
    for (const line of report(read)) console.log(line);
    if (read.findings.some(({ kind }) => kind === 'damage')) throw new ExitError(1);
  },
});

function report(read: ReadDirectory): string[] {
  const { identity, hardState, incarnation, snapshot, segments, state, firstIndex, lastIndex, findings } = read;
  const records = segments.reduce((sum, each) => sum + each.records, 0);
  const bytes = segments.reduce((sum, each) => sum + each.bytes, 0);
  const damage = findings.filter(({ kind }) => kind === 'damage');
  return [
    identity === undefined ? 'member   unknown' : `member   ${identity.member} of cluster ${identity.clusterId}`,
    `promises term ${hardState.term}, vote ${hardState.vote || 'none'}, commit ${hardState.commit}, started ${incarnation} times`,
    `log      entries ${firstIndex} to ${lastIndex}: ${segments.length} segments, ${records} records, ${bytesText(bytes)}`,
    snapshot === undefined
      ? 'snapshot none'
      : `snapshot at entry ${snapshot.index}, term ${snapshot.term}, ${bytesText(snapshot.sizeBytes)}, voters ${snapshot.configuration.voters.join(' ')}`,
    state === undefined
      ? 'state    cannot be made from it'
      : `state    revision ${state.revision}, ${state.versions.liveKeys} keys, hash ${state.hash}`,
    ...findings.map(
      ({ kind, path, offset, what }) =>
        `${kind === 'damage' ? 'DAMAGE  ' : 'note    '} ${path}${offset === undefined ? '' : ` at byte ${offset}`}: ${what}`,
    ),
    damage.length === 0 ? 'nothing is damaged' : `${damage.length} damaged places: this member must not be started`,
  ];
}
