import test from 'ava';
import { silentLog } from '../../../lib/base/log.ts';
import type { Message, SnapshotChunkHead } from '../../../raft/core/index.ts';
import type { SnapshotFiles } from '../../../raft/storage/snapshot-files.ts';
import { ChunkSender } from './chunk-sender.ts';

const configuration = { voters: ['a', 'b'], outgoing: [], learners: [] };
const snapshot = { index: 5, term: 1, configuration, sizeBytes: 40, hash: 'h' };
const head = (offset: number): SnapshotChunkHead => ({
  version: 1,
  clusterId: 'c',
  from: 'a',
  to: 'b',
  term: 1,
  type: 'snapshotChunk',
  snapshot,
  offset,
});

test('parts that are read out of order leave in order; one that cannot be read is left out', async (t) => {
  const reads = new Map<number, { resolve: (data: Uint8Array) => void; reject: (error: Error) => void }>();
  const snapshots = {
    read: (_index: number, offset: number) =>
      new Promise<Uint8Array>((resolve, reject) => reads.set(offset, { resolve, reject })),
  } as unknown as SnapshotFiles;
  const sent: number[] = [];
  const sender = new ChunkSender(snapshots, (message: Message) => sent.push((message as { offset: number }).offset), {
    ...silentLog,
  });
  for (const offset of [0, 10, 20, 30]) sender.sendChunk(head(offset), 10);
  reads.get(30)!.resolve(new Uint8Array(10));
  reads.get(10)!.resolve(new Uint8Array(10));
  await new Promise((resolve) => setImmediate(resolve));
  t.deepEqual(sent, []);
  reads.get(20)!.reject(new Error('EIO'));
  reads.get(0)!.resolve(new Uint8Array(10));
  await new Promise((resolve) => setImmediate(resolve));
  t.deepEqual(sent, [0, 10, 30]);
});
