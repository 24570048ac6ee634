// Does: makes the data directory of a member that begins from a given state instead of from nothing. Never touches a
// directory that holds anything.
import { invariant } from '../../lib/base/errors.ts';
import type { Configuration, SnapshotDescription } from '../core/types.ts';
import type { Disk } from './disk.ts';
import { openLog } from './open-log.ts';
import { DEFAULT_LOG_OPTIONS } from './segmented-log.ts';
import { SnapshotFiles } from './snapshot-files.ts';

export interface FirstState {
  clusterId: string;
  member: string;
  /** Who counts from the first entry on. */
  configuration: Configuration;
  /** Of the last entry that is in the state. */
  index: number;
  term: number;
}

/**
 * The log first and the snapshot last: a directory that was left in between has a log that begins after a snapshot which is
 * not there, and no member starts from it.
 */
export async function layDown(
  disk: Disk,
  directory: string,
  first: FirstState,
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<SnapshotDescription> {
  await disk.makeDirectory(directory);
  const there = await disk.list(directory);
  if (there.length > 0) throw new Error(`${directory} is not empty: it holds ${there.slice(0, 3).join(', ')}`);
  const { clusterId, member, configuration, index, term } = first;
  invariant(index >= 1 && term >= 1, 'a state at entry % of term %', index, term);
  const identity = { clusterId, member, firstConfiguration: configuration };
  const { log } = await openLog(disk, directory, identity, { index: 0, term: 0 }, DEFAULT_LOG_OPTIONS);
  await log.write([{ reset: { index, term }, hardState: { term, vote: '', commit: index } }]);
  await log.close();
  const files = await SnapshotFiles.open(disk, directory, clusterId);
  const writer = await files.begin({ index, term, configuration });
  for await (const piece of pieces) await writer.write(piece);
  const snapshot = await writer.finish();
  await files.close();
  await disk.syncDirectory(directory);
  return snapshot;
}
