// Shows that the next segment lies ready before it is needed, that it is no part of the log until it is begun, and that a disk
// which has no room for it ends nothing before it is needed.
import test from 'ava';
import type { Entry } from '../core/types.ts';
import { inspect } from './inspect.ts';
import { MemoryDisk } from './memory-disk.ts';
import { isBlank } from './segment-file.ts';
import { RaftStorage } from './storage.ts';

const DIRECTORY = '/data';
const identity = { clusterId: 'c', member: 'a', firstVoters: ['a', 'b', 'c'] };
const hardState = { term: 1, vote: 'a', commit: 0 };
const standing = { doubt: '' as const, damagedThrough: 0, damagedTerm: 0, incarnation: 1 };

const entry = (index: number): Entry => ({ index, term: 1, kind: 'data', data: Buffer.alloc(600, index) });
const full = (): Error => Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });

async function begun() {
  const disk = new MemoryDisk();
  const open = () => RaftStorage.open(disk, DIRECTORY, identity, { segmentBytes: 8_192, extendBytes: 2_048 });
  const { storage } = await open();
  await storage.log.write([{ hardState, standing }]);
  const write = async (from: number, to: number, log = storage.log): Promise<void> => {
    for (let index = from; index <= to; index++) await log.write([{ entries: [entry(index)] }]);
  };
  const segments = (): string[] => disk.paths().filter((path) => path.endsWith('.segment'));
  const blanks = (): string[] => segments().filter((path) => isBlank(disk.contents(path)!));
  return { disk, storage, open, write, segments, blanks };
}

test('no batch waits for a new segment: each lies ready, one at a time', async (t) => {
  const { storage, write, segments, blanks } = await begun();
  for (let index = 1; index <= 200; index++) {
    await write(index, index);
    t.true(blanks().length <= 1);
  }
  t.true(segments().length > 10);
  t.is(storage.log.segmentsMadeLate, 0);
});

test('one that lies ready is no damage: a start finds the whole log and makes it anew', async (t) => {
  const { disk, storage, open, write, blanks } = await begun();
  await write(1, 10);
  t.is(blanks().length, 1);
  t.deepEqual((await inspect(disk, DIRECTORY)).findings, []);
  await storage.close();
  const { storage: next, restored, damage } = await open();
  t.deepEqual([damage, restored.lastIndex], [[], 10]);
  await write(11, 30, next.log);
  t.is(next.log.segmentsMadeLate, 0);
});

test('behind a damaged log it tells nothing, and takes away no certainty', async (t) => {
  const { disk, storage, open, write, segments, blanks } = await begun();
  await write(1, 10);
  // Term and vote stand behind what will be damaged.
  await storage.log.write([{ hardState }]);
  t.is(blanks().length, 1);
  await storage.close();
  disk.flipBit(segments()[0]!, 1_500, 1);
  const { restored, damage } = await open();
  t.is(damage.length, 1);
  t.like(restored, { damagedThrough: 10, damagedTerm: 1, doubt: undefined, lastIndex: 0 });
});

test('a batch that a disk put into it was confirmed: the log does not end where it seems to', async (t) => {
  const { disk, storage, open, write, segments, blanks } = await begun();
  await write(1, 9);
  const [ready] = blanks();
  const last = segments().at(-2)!;
  const before = disk.contents(last)!.slice();
  await write(10, 10);
  await storage.close();
  const first = disk.contents(last)!.findIndex((byte, at) => byte !== (before[at] ?? 0));
  const batch = disk.contents(last)!.slice(first, first + 640);
  disk.overwrite(last, first, new Uint8Array(batch.length));
  disk.overwrite(ready!, 1_024, batch);
  t.like((await open()).restored, { doubt: 'lost' });
});

test('a disk without room for it ends nothing, and when there is room it is made after all', async (t) => {
  const { disk, storage, write, blanks } = await begun();
  let has = 0;
  disk.fault = (call, path) =>
    path.endsWith('2.segment') && call === 'write' && has < 2 ? (has++, full()) : undefined;
  await write(1, 8);
  t.is(has, 1);
  t.deepEqual(blanks(), []);
  await write(9, 12);
  t.is(has, 2);
  disk.fault = () => undefined;
  await write(13, 40);
  t.is(storage.log.segmentsMadeLate, 1);
});

test('without room when it is needed, or with a disk that fails, the log ends', async (t) => {
  for (const error of [full(), new Error('EIO: i/o error, write')]) {
    const { disk, write, open } = await begun();
    disk.fault = (call, path) => (path.endsWith('2.segment') && call === 'write' ? error : undefined);
    await write(1, 9);
    await t.throwsAsync(write(10, 20), { message: error.message });
    disk.fault = () => undefined;
    const { restored, damage } = await open();
    t.deepEqual(damage, []);
    t.true(restored.lastIndex >= 9);
  }
});
