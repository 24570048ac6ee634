// What is read again is what was written, or is called damage; while the log goes on, is cut, and loses segments.
import test from 'ava';
import type { Entry } from '../core/types.ts';
import { DamagedError } from './disk.ts';
import { MemoryDisk } from './memory-disk.ts';
import { RaftStorage } from './storage.ts';

const DIRECTORY = '/data';
const identity = { clusterId: 'c', member: 'a', firstVoters: ['a', 'b', 'c'] };
const configuration = { voters: ['a', 'b', 'c'], outgoing: [], learners: [] };
const hardState = { term: 1, vote: 'a', commit: 0 };

const entry = (index: number, bytes = 100): Entry => ({
  index,
  term: 1,
  kind: 'data',
  data: Buffer.alloc(bytes, index),
});

async function stage(): Promise<{ disk: MemoryDisk; storage: RaftStorage; write(entries: Entry[]): Promise<void> }> {
  const disk = new MemoryDisk();
  const { storage } = await RaftStorage.open(disk, DIRECTORY, identity, { segmentBytes: 50_000, extendBytes: 4_096 });
  return { disk, storage, write: (entries) => storage.log.write([{ entries, hardState }]) };
}

async function readAgain(pieces: AsyncIterable<void>, meanwhile?: () => Promise<void>): Promise<number> {
  let count = 0;
  for await (const _ of pieces) {
    count++;
    await meanwhile?.();
  }
  return count;
}

async function filled() {
  const all = await stage();
  for (let index = 1; index <= 1_000; index++) await all.write([entry(index)]);
  // Longer than what is read at once.
  await all.write([entry(1_001, 700_000), entry(1_002)]);
  return all;
}

test('a log in several segments with a record longer than a piece', async (t) => {
  const { storage } = await filled();
  t.true(storage.log.segmentCount > 3);
  t.true((await readAgain(storage.log.verify())) > storage.log.segmentCount);
});

test('one bit anywhere: in a record, in its head, in the one that is longer than a piece', async (t) => {
  for (const [place, offset] of [
    [0, 2_000],
    [1, 30],
    [1, 20_001],
    [-1, 400_000],
  ] as const) {
    const { disk, storage } = await filled();
    const path = disk
      .paths()
      .filter((name) => name.endsWith('.segment'))
      .at(place)!;
    disk.flipBit(path, offset, 3);
    await t.throwsAsync(readAgain(storage.log.verify()), { instanceOf: DamagedError }, `${path} at ${offset}`);
  }
});

test('what is written, cut and dropped meanwhile is no damage, and neither is the end of the log', async (t) => {
  const { storage, write } = await filled();
  let next = 1_003;
  const pieces = await readAgain(storage.log.verify(), async () => {
    await write([entry(next++)]);
    if (next === 1_005) await storage.log.compact(900);
    if (next === 1_006) await storage.log.write([{ truncateFrom: 1_004, hardState }]).then(() => (next = 1_004));
  });
  t.true(pieces > 3);
  const reading = storage.log.verify();
  await reading.next();
  await storage.close();
  await t.notThrowsAsync(readAgain(reading));
});

test('a snapshot is read again with its header; one that is released meanwhile goes when it has been read', async (t) => {
  const { disk, storage } = await filled();
  const take = async (index: number): Promise<void> => {
    const writer = await storage.snapshots.begin({ index, term: 1, configuration });
    for (let i = 0; i < 3; i++) await writer.write(Buffer.alloc(60_000, i));
    await writer.finish();
  };
  t.is(await readAgain(storage.snapshots.verify()), 0);
  await take(500);
  t.is(await readAgain(storage.snapshots.verify(), () => storage.snapshots.release(500)), 3);
  t.false(disk.paths().some((path) => path.includes('snapshot-')));
  for (const offset of [40, 100_000]) {
    await take(600);
    disk.flipBit(
      disk.paths().find((path) => path.includes('snapshot-'))!,
      offset,
      1,
    );
    await t.throwsAsync(readAgain(storage.snapshots.verify()), { instanceOf: DamagedError });
    await storage.snapshots.release(600);
  }
});
