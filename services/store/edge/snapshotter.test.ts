// Which snapshots count: those of a state that a majority has, or of one that nobody contradicts while somebody waits for it.
import test from 'ava';
import { packWrite } from '../../../lib/bus/packed.ts';
import type { SnapshotDescription } from '../../../raft/core/index.ts';
import { MemoryDisk } from '../../../raft/storage/memory-disk.ts';
import { SnapshotFiles } from '../../../raft/storage/snapshot-files.ts';
import { encodeWrites } from '../core/command.ts';
import { WrongStateError } from '../core/snapshot.ts';
import { StateMachine } from '../core/state-machine.ts';
import { Snapshotter } from './snapshotter.ts';
import type { Answer } from './state-exchange.ts';

const configuration = { voters: ['a', 'b', 'c'], outgoing: [], learners: [] };

async function stage(answer: Answer) {
  const disk = new MemoryDisk();
  await disk.makeDirectory();
  const files = await SnapshotFiles.open(disk, '/d', 'c');
  const state = new StateMachine();
  const put = { type: 'put' as const, key: '/k', value: Buffer.from('v') };
  const txn = { sequence: 1, compares: [], operations: [put], cause: { span: 's', actor: 'a' } };
  state.apply(1, encodeWrites([packWrite({ session: 's', acknowledged: 0, txns: [txn] })]));
  const taken: SnapshotDescription[] = [];
  const failures: unknown[] = [];
  const wrongs: WrongStateError[] = [];
  const snapshotter = new Snapshotter(
    {
      storage: { snapshots: files } as never,
      state: () => state,
      describe: (index) => ({ index, term: 1, configuration }),
      agree: () => Promise.resolve(answer),
      taken: (snapshot) => void taken.push(snapshot),
      failed: (error) => void failures.push(error),
      wrong: (error) => void wrongs.push(error),
    },
    { entries: 1, bytes: 1 },
  );
  const take = async (): Promise<void> => {
    snapshotter.applied({ index: 1, term: 1, kind: 'data', data: Buffer.alloc(2) });
    snapshotter.consider();
    while (failures.length + taken.length === 0) await new Promise((resolve) => setImmediate(resolve));
  };
  return { disk, files, state, taken, failures, wrongs, snapshotter, take };
}

test('the state of a majority counts', async (t) => {
  const { snapshotter, taken, files } = await stage('agreed');
  const snapshot = await snapshotter.fresh();
  t.is(snapshot.index, 1);
  t.deepEqual(taken, [snapshot]);
  t.deepEqual(files.newest, snapshot);
});

test('a state that others contradict does not, not even for who asks for it: nothing of it stays', async (t) => {
  const { snapshotter, taken, failures, files, disk } = await stage('differs');
  await t.throwsAsync(snapshotter.fresh(), {
    message: /not known to be that of a majority: others have another state/,
  });
  t.is(failures.length, 1);
  t.deepEqual([taken, files.newest, disk.paths()], [[], undefined, []]);
});

test('when the others are silent, what is there is given to whoever asks, and nothing rests on it otherwise', async (t) => {
  const asked = await stage('silent');
  t.is((await asked.snapshotter.fresh()).index, 1);
  const { take, taken, files, disk, failures, snapshotter } = await stage('silent');
  await take();
  t.is(failures.length, 1);
  await snapshotter.stop();
  t.deepEqual([taken, files.newest, disk.paths()], [[], undefined, []]);
});

test('a state that contradicts itself is said to be wrong, whatever the others have', async (t) => {
  const { snapshotter, state, taken, wrongs, disk } = await stage('agreed');
  state.versions.hash.high ^= 1;
  await t.throwsAsync(snapshotter.fresh(), { instanceOf: Error });
  t.is(wrongs.length, 1);
  t.deepEqual([taken, disk.paths()], [[], []]);
});
