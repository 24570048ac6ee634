// Does: makes data directories of a new cluster from a state: restore of a saved one, recovery from a survivor's. Never
// lets a member of the old cluster take part: the new one has an id of its own. Never overwrites a directory.
import { simpleConfiguration } from '../../../raft/core/index.ts';
import { layDown } from '../../../raft/storage/lay-down.ts';
import { nodeDisk } from '../../../raft/storage/node-disk.ts';
import { encodeSnapshot } from '../core/snapshot.ts';
import { DEFAULT_BUMP, rebase } from '../core/rebase.ts';
import type { StateMachine } from '../core/state-machine.ts';
import { nextTurn } from '../edge/applier.ts';

export interface NewMember {
  member: string;
  directory: string;
}

export interface BegunAnew {
  revision: number;
  keys: number;
  hash: string;
}

/** The new cluster's log begins with its state as the first entry, in the first term. */
const FIRST = { index: 1, term: 1 };

/** All members get the same state and know of each other. Directories must be empty or absent. */
export async function beginAnew(
  state: StateMachine,
  clusterId: string,
  members: readonly NewMember[],
  voters: readonly string[],
  bump = DEFAULT_BUMP,
): Promise<BegunAnew> {
  const turns = rebase(state, FIRST.index, bump);
  let turn = turns.next();
  for (; turn.done !== true; turn = turns.next()) await nextTurn();
  const next = turn.value;
  const configuration = simpleConfiguration(voters);
  for (const { member, directory } of members)
    await layDown(
      nodeDisk({ fsync: true }),
      directory,
      { clusterId, member, configuration, ...FIRST },
      encodeSnapshot(next),
    );
  return { revision: next.revision, keys: next.versions.liveKeys, hash: next.keysHash };
}
