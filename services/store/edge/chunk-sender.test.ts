import test from 'ava';
import { silentLog } from '../../../lib/base/log.ts';
import type { Message, SnapshotChunkHead } from '../../../raft/core/index.ts';
import { DamagedError } from '../../../raft/storage/disk.ts';
import { ChunkSender, type ChunkSenderEdges } from './chunk-sender.ts';

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

function senderOver(snapshots: ChunkSenderEdges['snapshots']): {
  sender: ChunkSender;
  sent: number[];
  damages: Error[];
} {
  const sent: number[] = [];
  const damages: Error[] = [];
  const sender = new ChunkSender({
    snapshots,
    send: (message: Message) => void sent.push((message as { offset: number }).offset),
    damaged: (error) => void damages.push(error),
    log: silentLog,
  });
  return { sender, sent, damages };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('parts that are read out of order leave in order; one that cannot be read is left out', async (t) => {
  const reads = new Map<number, { resolve: (data: Uint8Array) => void; reject: (error: Error) => void }>();
  const snapshots = {
    read: (_index: number, offset: number) =>
      new Promise<Uint8Array>((resolve, reject) => reads.set(offset, { resolve, reject })),
  };
  const { sender, sent } = senderOver(snapshots as unknown as ChunkSenderEdges['snapshots']);
  for (const offset of [0, 10, 20, 30]) sender.sendChunk(head(offset), 10);
  reads.get(30)!.resolve(new Uint8Array(10));
  reads.get(10)!.resolve(new Uint8Array(10));
  await turn();
  t.deepEqual(sent, []);
  reads.get(20)!.reject(new Error('EIO'));
  reads.get(0)!.resolve(new Uint8Array(10));
  await turn();
  t.deepEqual(sent, [0, 10, 30]);
});

test('a receiver that begins again makes the sender look at its own file', async (t) => {
  let error: Error | undefined = new DamagedError('/data/snapshot-5', 'its bytes do not have the hash');
  const { sender, sent, damages } = senderOver({
    read: async () => new Uint8Array(10),
    async *readAll() {
      yield new Uint8Array(40);
      if (error !== undefined) throw error;
    },
  });
  sender.sendChunk(head(0), 10);
  sender.sendChunk(head(10), 10);
  await turn();
  t.deepEqual([sent, damages], [[0, 10], []], 'the first time nothing is suspected');
  sender.sendChunk(head(0), 10);
  await turn();
  t.deepEqual(damages, [error]);
  for (error of [undefined, new Error('ENOENT: it was released')]) {
    sender.sendChunk(head(0), 10);
    await turn();
  }
  t.is(damages.length, 1, 'neither a whole file nor a released one is damaged');
});
