// Decides where all data of the store is saved from: a running cluster, over the bus, or the directory of a member that does
// not run. Never holds more than a piece of it in memory, and never leaves half a file.
import { resolve } from 'node:path';
import type { StoreSnapshotOffer } from '../../lib/bus/messages.ts';
import type { StoreOperator } from '../../launcher/edge/store-operator.ts';
import { saveDirectory } from '../../services/store/offline/save-directory.ts';
import { writeSnapshotFile, type SnapshotFileHead } from '../../services/store/offline/snapshot-file.ts';
import { UsageError } from '../core/resources.ts';
import { withOperator } from './operator.ts';
import { bytesText } from './status.ts';
import { defineSubCommand } from './sub-command.ts';

interface SaveArguments {
  file: string;
  member?: string | undefined;
  'data-dir'?: string | undefined;
}

/** A whole state may have to be written first. */
const OPEN_MS = 60_000;
const READ_MS = 10_000;

export const snapshotSaveCommand = defineSubCommand<SaveArguments>({
  command: 'save <file>',
  describe: 'all data, as it is at one revision, in one checksummed file',
  builder: (yargs) =>
    yargs
      .positional('file', { type: 'string', demandOption: true })
      .option('member', { type: 'string', describe: 'ask this one (default: the leader)' })
      .option('data-dir', { type: 'string', describe: 'read this directory of a member that does not run' }),
  handler: async (args) => {
    const file = resolve(args.file);
    const savedAt = new Date().toISOString();
    const directory = args['data-dir'];
    const head =
      directory === undefined
        ? await withOperator(args.home, (operator) => saveFromBus(operator, args.member, file, savedAt))
        : await saveDirectory(resolve(directory), file, savedAt);
    console.log(`saved ${bytesText(head.sizeBytes)} from ${head.member} to ${file} (SHA-256 ${head.sha256})`);
  },
});

async function saveFromBus(
  operator: StoreOperator,
  wanted: string | undefined,
  file: string,
  savedAt: string,
): Promise<SnapshotFileHead> {
  const member = wanted ?? (await operator.leader())?.member ?? (await operator.statuses())[0]?.member;
  if (member === undefined) throw new UsageError('no member of the store answers: save from a directory (--data-dir)');
  const offer = await openSnapshot(operator, member);
  if (!offer.isCurrent)
    console.error(`warning: no majority confirmed ${member}'s state: the last writes may be missing from the file`);
  const { clusterId, index, term, sizeBytes, hash } = offer;
  const head = { clusterId, member, index, term, savedAt, sizeBytes, sha256: hash };
  return writeSnapshotFile(file, head, pieces(operator, offer));
}

async function openSnapshot(operator: StoreOperator, member: string): Promise<StoreSnapshotOffer> {
  const reply = await operator.ask(member, { operation: 'snapshotOpen' }, OPEN_MS);
  if ('snapshot' in reply) return reply.snapshot;
  throw new UsageError('refused' in reply ? reply.message : `${member} gave no snapshot`);
}

async function* pieces(
  operator: StoreOperator,
  { member, index, sizeBytes }: StoreSnapshotOffer,
): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < sizeBytes;) {
    const reply = await operator.ask(member, { operation: 'snapshotRead', index, offset }, READ_MS);
    if (!('data' in reply) || reply.data.length === 0)
      throw new UsageError('refused' in reply ? reply.message : `${member} stopped giving at byte ${offset}`);
    offset += reply.data.length;
    yield reply.data;
  }
}
