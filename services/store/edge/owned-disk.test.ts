// Shows that a disk closes what a failed start forgot, and nothing twice; and what a full or slow disk does to calls.
import test from 'ava';
import type { Clock } from '../../../lib/base/clock.ts';
import { MemoryDisk } from '../../../raft/storage/memory-disk.ts';
import type { Disk } from '../../../raft/storage/disk.ts';
import { faultyDisk } from './faulty-disk.ts';
import { ownedDisk } from './owned-disk.ts';

test('what was not closed is closed, once', async (t) => {
  const closed: string[] = [];
  const memory = new MemoryDisk();
  const disk = ownedDisk({
    open: async (path: string, options: { create: boolean }) =>
      Object.assign(await memory.open(path, options), {
        close: async () => void closed.push(path),
      }),
  } as Disk);
  const a = await disk.open('d/a', { create: true });
  await disk.open('d/b', { create: true });
  await a.close();
  await disk.closeAll();
  await disk.closeAll();
  t.deepEqual(closed, ['d/a', 'd/b']);
});

const NOW: Clock = {
  now: () => 0,
  monotonic: () => 0,
  timer: (delayMs, fire) => {
    waited.push(delayMs);
    fire();
    return { cancel() {} };
  },
};
const waited: number[] = [];

test('a full disk refuses what needs space and nothing else', async (t) => {
  const faults = { diskFull: false, diskSlowMs: 0 };
  const disk = faultyDisk(boundDisk(), () => faults, NOW);
  const file = await disk.open('d/a', { create: true });
  await file.write(new Uint8Array([1, 2]), 0);
  faults.diskFull = true;
  const refused = { message: /ENOSPC/, code: 'ENOSPC' };
  await t.throwsAsync(file.write(new Uint8Array([3]), 0), refused);
  await t.throwsAsync(disk.open('d/b', { create: true }), refused);
  t.deepEqual([...(await file.read(0, 2))], [1, 2]);
  await file.datasync();
  await disk.syncDirectory('d');
  faults.diskFull = false;
  await file.write(new Uint8Array([3]), 0);
  t.deepEqual([...(await file.read(0, 2))], [3, 2]);
});

test('a slow disk makes each write and fsync wait, and no read', async (t) => {
  const faults = { diskFull: false, diskSlowMs: 0 };
  const disk = faultyDisk(boundDisk(), () => faults, NOW);
  const file = await disk.open('d/a', { create: true });
  await file.write(new Uint8Array([1]), 0);
  t.deepEqual(waited, []);
  faults.diskSlowMs = 70;
  await file.write(new Uint8Array([1]), 0);
  await file.datasync();
  await file.read(0, 1);
  t.deepEqual(waited, [70, 70]);
});

/** A class's methods do not survive a spread, and the real disk is a plain object. */
function boundDisk(): Disk {
  const disk = new MemoryDisk();
  const names = Object.getOwnPropertyNames(MemoryDisk.prototype) as Array<keyof MemoryDisk>;
  const methods = names.filter((name) => typeof disk[name] === 'function');
  return Object.fromEntries(methods.map((name) => [name, (disk[name] as () => void).bind(disk)])) as unknown as Disk;
}
