// Does: reads a member's data directory while no member runs on it: everything that is wrong with it, and the state that it
// holds. Never writes there.
import { messageOf } from '../../../lib/base/errors.ts';
import { inspect, snapshotBytes, type Inspection } from '../../../raft/storage/inspect.ts';
import { nodeDisk } from '../../../raft/storage/node-disk.ts';
import { decodeCommand } from '../core/command.ts';
import { StateMachine } from '../core/state-machine.ts';
import { loadState, nextTurn } from '../edge/applier.ts';

export interface ReadDirectory extends Inspection {
  /** Undefined: damage makes it impossible to say. */
  state: StateMachine | undefined;
}

const TURN_BYTES = 131_072;

/**
 * `through`: which entries are in the state. `committed` are those that this member knew to be so, which may lack the last
 * that were acknowledged; `all` has every one that was acknowledged with this member's help, and maybe some that were not.
 */
export async function readDirectory(directory: string, through: 'committed' | 'all'): Promise<ReadDirectory> {
  const disk = nodeDisk({ fsync: false });
  const found = await inspect(disk, directory);
  const last = through === 'all' ? found.lastIndex : found.hardState.commit;
  let state: StateMachine | undefined;
  try {
    state = await stateOf(found, snapshotBytes(disk, found), last);
  } catch (error) {
    const path = found.snapshotPath === '' ? directory : found.snapshotPath;
    found.findings.push({ kind: 'damage', path, what: `the state cannot be made from it: ${messageOf(error)}` });
  }
  checkCommands(found, last);
  return { ...found, state: found.findings.some(({ kind }) => kind === 'damage') ? undefined : state };
}

async function stateOf(found: Inspection, bytes: AsyncIterable<Uint8Array>, last: number): Promise<StateMachine> {
  const state = found.snapshot === undefined ? new StateMachine() : await loadState(bytes, {});
  if (found.snapshot !== undefined && state.appliedIndex !== found.snapshot.index)
    throw new Error(`the snapshot at entry ${found.snapshot.index} holds the state at entry ${state.appliedIndex}`);
  let turnBytes = 0;
  for (const entry of found.entries) {
    if (entry.index > last) break;
    state.apply(entry.index, entry.kind === 'data' ? entry.data : undefined);
    turnBytes += entry.data.length;
    if (turnBytes < TURN_BYTES) continue;
    await nextTurn();
    turnBytes = 0;
  }
  return state;
}

/** Those behind what was applied must be readable all the same: they may be committed elsewhere. */
function checkCommands(found: Inspection, applied: number): void {
  for (const entry of found.entries) {
    if (entry.index <= applied || entry.kind !== 'data') continue;
    try {
      decodeCommand(entry.data);
    } catch (error) {
      const what = `entry ${entry.index} of term ${entry.term} holds no command: ${messageOf(error)}`;
      found.findings.push({ kind: 'damage', path: found.directory, what });
    }
  }
}
