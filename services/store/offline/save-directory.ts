// Does: saves the state in a stopped member's data directory to one file. Never saves from damage, and never writes to the
// directory.
import { encodeSnapshot } from '../core/snapshot.ts';
import { readDirectory } from './read-directory.ts';
import { writeSnapshotFile, type SnapshotFileHead } from './snapshot-file.ts';

export async function saveDirectory(directory: string, path: string, savedAt: string): Promise<SnapshotFileHead> {
  // What this member had not heard to be committed may have been acknowledged: it is not left out.
  const read = await readDirectory(directory, 'all');
  const { state, identity, findings, hardState } = read;
  const damage = findings.find(({ kind }) => kind === 'damage');
  if (state === undefined || identity === undefined)
    throw new Error(`${directory} cannot be saved: ${damage?.path} ${damage?.what ?? 'holds no state'}`);
  if (state.appliedIndex === 0) throw new Error(`${directory} cannot be saved: nothing was written to it yet`);
  const { clusterId, member } = identity;
  const head = { clusterId, member, index: state.appliedIndex, term: hardState.term, savedAt };
  return writeSnapshotFile(path, head, encodeSnapshot(state));
}
