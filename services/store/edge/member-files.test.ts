// A snapshot that comes from the leader is read before it takes the place of anything; one that is refused leaves nothing.
import { createHash } from 'node:crypto';
import test from 'ava';
import { silentLog } from '../../../lib/base/log.ts';
import type { Input, SnapshotDescription } from '../../../raft/core/index.ts';
import { MemoryDisk } from '../../../raft/storage/memory-disk.ts';
import { SnapshotFiles } from '../../../raft/storage/snapshot-files.ts';
import { MemberFiles } from './member-files.ts';

async function receive(refusal: string): Promise<{ told: Input[]; read: string; paths: string[]; decided: number }> {
  const disk = new MemoryDisk();
  await disk.makeDirectory();
  const snapshots = await SnapshotFiles.open(disk, '/d', 'c');
  const data = Buffer.from('the whole state');
  const hash = createHash('sha256').update(data).digest('hex');
  const configuration = { voters: ['a'], outgoing: [], learners: [] };
  const snapshot: SnapshotDescription = { index: 7, term: 1, configuration, sizeBytes: data.length, hash };
  const told: Input[] = [];
  let read = '';
  let decided = 0;
  const files = new MemberFiles({
    storage: { log: {} as never, snapshots },
    log: silentLog,
    input: (input) => void told.push(input),
    failed: (error) => {
      throw error;
    },
    async prepare(offered) {
      for await (const piece of snapshots.readStaged(offered)) read += Buffer.from(piece).toString();
      if (refusal !== '') throw new Error(refusal);
    },
    decided: () => void decided++,
  });
  for (const [offset, end] of [
    [0, 5],
    [5, data.length],
  ] as const)
    files.writeChunk({
      type: 'writeSnapshotChunk',
      snapshot,
      offset,
      data: data.subarray(offset, end),
      last: end === data.length,
    });
  while (told.length < 2) await new Promise((resolve) => setImmediate(resolve));
  await files.stop();
  return { told, read, paths: disk.paths(), decided };
}

test('all of it is read when it is here, and only then is the core told so', async (t) => {
  const { told, read, decided } = await receive('');
  t.is(read, 'the whole state');
  t.like(told, [
    { type: 'snapshotChunkWritten', nextOffset: 5 },
    { type: 'snapshotChunkWritten', nextOffset: 15 },
  ]);
  t.is(decided, 1);
});

test('a state that is refused is none: the core is told why, and the stage is empty', async (t) => {
  const { told, paths, decided } = await receive('a majority has another state');
  t.like(told[1], { type: 'snapshotChunkFailed', index: 7, reason: 'a majority has another state' });
  t.deepEqual(paths, []);
  t.is(decided, 1);
});
