// Crashes at every kind of disk call over many seeds: what was confirmed is there afterwards, what was not is there
// whole or not at all.
import test from 'ava';
import { seededChance, type Chance } from '../../lib/base/chance.ts';
import { eventually } from '../../test/kit/eventually.ts';
import type { Entry, HardState, SnapshotDescription } from '../core/types.ts';
import { DamagedError } from './disk.ts';
import { MemoryDisk } from './memory-disk.ts';
import { RaftStorage, type WriteEffect } from './storage.ts';

const IDENTITY = { clusterId: 'c', member: 'store-1', firstVoters: ['store-1', 'store-2', 'store-3'] };
const SMALL = { segmentBytes: 8192, extendBytes: 2048, cachedBytes: 4096, readBytes: 2048 };

interface Model {
  hardState: HardState;
  entries: Map<number, Entry>;
  last: number;
  snapshot: number;
  lastSnapshotTerm: number;
}

const text = (model: Model, from: number): string =>
  JSON.stringify([
    // Not the commit index: it is a hint.
    model.hardState.term,
    model.hardState.vote,
    model.last,
    [...model.entries.values()]
      .filter((entry) => entry.index > from)
      .toSorted((a, b) => a.index - b.index)
      .map((entry) => [entry.index, entry.term, entry.kind, Buffer.from(entry.data).toString('base64')]),
  ]);

function after(model: Model, effect: WriteEffect): Model {
  const next: Model = { ...model, entries: new Map(model.entries) };
  if (effect.type === 'installSnapshot') {
    next.entries.clear();
    next.last = effect.snapshot.index;
    next.snapshot = effect.snapshot.index;
    next.lastSnapshotTerm = effect.snapshot.term;
    next.hardState = effect.hardState;
    return next;
  }
  next.hardState = effect.hardState;
  const cut = effect.truncateFrom ?? effect.entries[0]?.index;
  if (cut !== undefined) {
    for (let i = cut; i <= next.last; i++) next.entries.delete(i);
    next.last = Math.min(next.last, cut - 1);
  }
  for (const entry of effect.entries) {
    next.entries.set(entry.index, entry);
    next.last = entry.index;
  }
  return next;
}

function randomAppend(chance: Chance, model: Model, appendId: number): WriteEffect {
  const overwrite = chance.int(6) === 0 && model.last > model.hardState.commit;
  const first = overwrite
    ? model.hardState.commit + 1 + chance.int(model.last - model.hardState.commit)
    : model.last + 1;
  const term = model.hardState.term + (chance.int(5) === 0 || overwrite ? 1 : 0);
  const count = chance.int(4);
  const entries = Array.from({ length: count }, (_, i): Entry => {
    const data = new Uint8Array(chance.int(chance.int(4) === 0 ? 3000 : 200)).map(() => chance.int(256));
    return { index: first + i, term, kind: chance.int(20) === 0 ? 'configuration' : 'data', data };
  });
  const commit = chance.int(2) === 0 ? model.hardState.commit : Math.max(model.hardState.commit, first - 1);
  return {
    type: 'append',
    appendId,
    truncateFrom: overwrite ? first : undefined,
    entries,
    hardState: { term, vote: term > model.hardState.term ? `v${chance.int(3)}` : model.hardState.vote, commit },
  };
}

async function entriesOf(storage: RaftStorage, from: number, to: number): Promise<Entry[]> {
  const found: Entry[] = [];
  let unreadable: Error | undefined;
  // The machine may crash in the middle of what the log does on the side.
  storage.log.onDamage = (error) => (unreadable = error);
  for (let index = from; index <= to;) {
    if (unreadable !== undefined) throw unreadable;
    const read = storage.log.entries(index, to, 1000);
    if (read === 'compacted') throw new Error(`entry ${index} is compacted`);
    if (read === 'unavailable') {
      await new Promise((resolve) => setImmediate(resolve));
      continue;
    }
    found.push(...read);
    index = found.at(-1)!.index + 1;
  }
  return found;
}

async function open(disk: MemoryDisk) {
  return RaftStorage.open(disk, '/data', IDENTITY, SMALL);
}

/** One life: random writes until the disk crashes. Returns every state that may be found afterwards, the oldest confirmed. */
async function live(chance: Chance, model: Model, storage: RaftStorage, first: number): Promise<Model[]> {
  const states: Model[] = [model];
  let confirmed = 0;
  let appendId = first;
  storage.events = {
    appended: (id) => void (confirmed = id - first + 1),
    failed: () => undefined,
  };
  for (let turn = 0; turn < 60; turn++) {
    const group = 1 + chance.int(3);
    for (let i = 0; i < group; i++) {
      const effect = randomAppend(chance, states.at(-1)!, appendId++);
      states.push(after(states.at(-1)!, effect));
      storage.submit(effect);
    }
    if (chance.int(3) === 0) await new Promise((resolve) => setImmediate(resolve));
    else while (storage.pending > 0 && confirmed < states.length - 1) await Promise.resolve();
    if (confirmed < states.length - 1 && storage.pending === 0) break;
    if (chance.int(8) === 0 && confirmed === states.length - 1) {
      try {
        const now = states.at(-1)!;
        if (chance.int(2) === 0) await takeSnapshot(storage, now);
        else {
          const snapshot = await stageSnapshot(storage, chance, now);
          const effect: WriteEffect = {
            type: 'installSnapshot',
            appendId: appendId++,
            snapshot,
            hardState: { term: snapshot.term, vote: '', commit: snapshot.index },
          };
          states.push(after(now, effect));
          storage.submit(effect);
        }
      } catch {
        break;
      }
    }
  }
  return states.slice(confirmed);
}

async function takeSnapshot(storage: RaftStorage, model: Model): Promise<void> {
  const index = model.hardState.commit;
  if (index <= model.snapshot || storage.pending > 0) return;
  const term = storage.log.term(index);
  if (typeof term !== 'number') return;
  const writer = await storage.snapshots.begin({
    index,
    term,
    configuration: { voters: ['a'], outgoing: [], learners: [] },
  });
  await writer.write(Buffer.from(`state at ${index}`));
  await writer.finish();
  for (const [known] of [[model.snapshot]]) await storage.snapshots.release(known!);
  model.snapshot = index;
  model.lastSnapshotTerm = term;
  await storage.log.compact(index - 2);
}

async function stageSnapshot(storage: RaftStorage, chance: Chance, model: Model): Promise<SnapshotDescription> {
  const { createHash } = await import('node:crypto');
  const bytes = Buffer.alloc(3000, chance.int(255));
  const snapshot: SnapshotDescription = {
    index: model.last + chance.int(20) + 1,
    term: model.hardState.term + chance.int(2),
    configuration: { voters: ['a'], outgoing: [], learners: [] },
    sizeBytes: bytes.length,
    hash: createHash('sha256').update(bytes).digest('hex'),
  };
  for (let at = 0; at < 3000; at += 1000)
    await storage.snapshots.writeChunk(snapshot, at, bytes.subarray(at, at + 1000), at === 2000);
  return snapshot;
}

const BLANK: Model = {
  hardState: { term: 0, vote: '', commit: 0 },
  entries: new Map(),
  last: 0,
  snapshot: 0,
  lastSnapshotTerm: 0,
};

test('a crash at any disk call loses nothing that was confirmed, over 400 seeds of up to 6 lives each', async (t) => {
  let torn = 0;
  let crashes = 0;
  for (let seed = 1; seed <= 400; seed++) {
    const chance = seededChance(seed);
    const disk = new MemoryDisk();
    let allowed: Model[] = [BLANK];
    let appendId = 1;
    for (let life = 0; life < 6; life++) {
      let left = chance.int(life === 0 ? 12 : 150);
      disk.fault = (call) => (call !== 'read' && left-- === 0 ? 'crash' : undefined);
      try {
        const opened = await open(disk);
        if (opened.tornTail !== undefined) torn++;
        const found = await checkRecovered(opened, allowed, `seed ${seed} life ${life}`);
        allowed = await live(chance, found, opened.storage, appendId);
        appendId += 1000;
      } catch (error) {
        if ((error as Error).name !== 'MachineCrashedError') throw error;
      }
      crashes++;
      disk.fault = () => undefined;
      disk.restart(chance, { keepAll: chance.int(4) === 0 });
    }
    const opened = await open(disk);
    await checkRecovered(opened, allowed, `seed ${seed} at the end`);
  }
  t.true(torn > 50, `only ${torn} torn tails in ${crashes} crashes: the test does not test`);
});

async function checkRecovered(
  opened: Awaited<ReturnType<typeof open>>,
  allowed: Model[],
  where: string,
): Promise<Model> {
  const { storage, restored } = opened;
  const from = restored.snapshot.index;
  if (restored.hardState.term < restored.snapshot.term) throw new Error(`${where}: the term is before the snapshot's`);
  if (restored.lastIndex < from) throw new Error(`${where}: log ends at ${restored.lastIndex}, snapshot at ${from}`);
  const entries = await entriesOf(storage, Math.max(restored.firstIndex, from + 1), restored.lastIndex);
  const found: Model = {
    // As the core does: a snapshot is committed, whatever the hint says.
    hardState: { ...restored.hardState, commit: Math.max(restored.hardState.commit, from) },
    entries: new Map(entries.map((entry) => [entry.index, entry])),
    last: restored.lastIndex,
    snapshot: from,
    lastSnapshotTerm: restored.snapshot.term,
  };
  const mine = text(found, from);
  const ok = allowed.some(
    (model) =>
      text(model, from) === mine ||
      // The snapshot was installed, the log not yet reset after it: its hard state is the one from before.
      (model.last === from && found.last === from),
  );
  if (!ok)
    throw new Error(
      `${where}: found ${mine.slice(0, 400)}\nallowed ${allowed.map((m) => text(m, from).slice(0, 400)).join('\n')}`,
    );
  return found;
}

/** The others have said that it may begin. */
const KNOWS = { doubt: '' as const, damagedThrough: 0, damagedTerm: 0, incarnation: 1 };

/** A directory after a life of random writes, and what a start finds in it when nothing is wrong. */
async function lived(seed: number): Promise<{ disk: MemoryDisk; whole: Awaited<ReturnType<typeof open>>['restored'] }> {
  const chance = seededChance(seed);
  const disk = new MemoryDisk();
  const { storage } = await open(disk);
  await storage.log.write([{ hardState: BLANK.hardState, standing: KNOWS }]);
  await live(chance, BLANK, storage, 1);
  await storage.close();
  const other = new MemoryDisk();
  other.replace(disk.backup());
  return { disk, whole: (await open(other)).restored };
}

/** Nothing that was promised may be understated by a member that still votes. */
function keepsPromises(
  found: Awaited<ReturnType<typeof open>>['restored'],
  whole: Awaited<ReturnType<typeof open>>['restored'],
  lastTerm: number,
): boolean {
  if (found.doubt === 'lost') return true;
  const { damagedThrough = 0, damagedTerm = 0, hardState, lastIndex } = found;
  const sameVote = hardState.term === whole.hardState.term && hardState.vote === whole.hardState.vote;
  const remembers =
    lastIndex === whole.lastIndex ||
    damagedTerm > lastTerm ||
    (damagedTerm === lastTerm && damagedThrough >= whole.lastIndex);
  return sameVote && remembers;
}

async function lastTermOf({ disk }: { disk: MemoryDisk }): Promise<number> {
  const other = new MemoryDisk();
  other.replace(disk.backup());
  const { storage, restored } = await open(other);
  const term = storage.log.term(restored.lastIndex);
  return typeof term === 'number' ? term : restored.snapshot.term;
}

const DAMAGE: Record<string, (disk: MemoryDisk, chance: Chance, path: string) => void> = {
  'a flipped bit': (disk, chance, path) => {
    const used = usedBytes(disk, path);
    disk.flipBit(path, chance.int(used), chance.int(8));
  },
  'a sector of zeros': (disk, chance, path) =>
    disk.overwrite(path, 512 * chance.int(Math.ceil(usedBytes(disk, path) / 512)), new Uint8Array(512)),
  'a write from elsewhere': (disk, chance, path) => {
    const from = chance.int(usedBytes(disk, path));
    disk.overwrite(path, 8 * chance.int(usedBytes(disk, path) >> 3), disk.contents(path)!.slice(from, from + 700));
  },
  'a lost file': (disk, _chance, path) => disk.lose(path),
};

function usedBytes(disk: MemoryDisk, path: string): number {
  const bytes = disk.contents(path)!;
  return bytes.length - [...bytes].reverse().findIndex((byte) => byte !== 0);
}

for (const [name, ruin] of Object.entries(DAMAGE)) {
  test(`${name} in the log: term, vote and last entry are remembered, or the member is in doubt; the bytes are kept`, async (t) => {
    let found = 0;
    let certain = 0;
    for (let seed = 1; seed <= 45; seed++) {
      const chance = seededChance(seed * 7);
      const { disk, whole } = await lived(seed);
      const lastTerm = await lastTermOf({ disk });
      const names = (await disk.list('/data')).filter((each) => each.endsWith('.segment'));
      const path = `/data/${names[chance.int(names.length)]!}`;
      // The last batch, lost or torn as a crash would leave it, is not to be told from one that was never confirmed.
      const isLast = path.endsWith(names.at(-1)!);
      if (name === 'a sector of zeros' && isLast) continue;
      ruin(disk, chance, path);
      const damaged = disk.contents(path)?.slice();
      const opened = await open(disk);
      if (opened.damage.length === 0) continue;
      found++;
      if (opened.restored.doubt === undefined) certain++;
      t.true(keepsPromises(opened.restored, whole, lastTerm), `seed ${seed} ${JSON.stringify(opened.restored)}`);
      if (damaged !== undefined) {
        const kept = (await disk.list('/data')).filter((each) => each.startsWith('damaged-'));
        t.true(
          kept.some((each) => Buffer.from(disk.contents(`/data/${each}`)!).equals(damaged)),
          `seed ${seed}`,
        );
      }
      // What was found is remembered over further starts, and nothing is damaged any more.
      await opened.storage.close();
      const again = await open(disk);
      t.deepEqual(again.damage, []);
      t.is(again.restored.doubt, opened.restored.doubt);
      t.is(again.restored.damagedThrough, opened.restored.damagedThrough);
      t.true(again.incarnation > opened.incarnation);
    }
    t.true(found > 20, `${found} of 45 were found`);
    t.log({ found, certain });
    t.true(certain > 10, `in ${certain} term, vote and end were certain`);
  });
}

test('a crash at any call of a salvage goes on where it stopped', async (t) => {
  let crashes = 0;
  for (let seed = 1; seed <= 12; seed++) {
    const chance = seededChance(seed * 13);
    const { disk, whole } = await lived(seed);
    const lastTerm = await lastTermOf({ disk });
    const names = (await disk.list('/data')).filter((each) => each.endsWith('.segment'));
    DAMAGE['a flipped bit']!(disk, chance, `/data/${names[0]!}`);
    const backup = disk.backup();
    for (let at = 0; at < 60; at++) {
      disk.replace(backup);
      let left = at;
      disk.fault = () => (left-- === 0 ? 'crash' : undefined);
      const crashed = await open(disk).then(
        () => false,
        () => true,
      );
      disk.fault = () => undefined;
      disk.restart(chance);
      const opened = await open(disk);
      t.true(keepsPromises(opened.restored, whole, lastTerm), `seed ${seed} at call ${at}`);
      if (!crashed) break;
      crashes++;
    }
  }
  t.true(crashes > 100, `${crashes} crashes`);
});

for (const where of ['over an earlier record', 'behind the end'] as const) {
  test(`a write that the disk put ${where} was confirmed: the log does not end where it seems to`, async (t) => {
    const disk = new MemoryDisk();
    const { storage } = await open(disk);
    await storage.log.write([{ hardState: BLANK.hardState, standing: KNOWS }]);
    const write = (index: number): Promise<void> =>
      storage.log.write([
        {
          entries: [{ index, term: 1, kind: 'data', data: new Uint8Array(600).fill(index) }],
          hardState: { term: 1, vote: '', commit: 0 },
        },
      ]);
    for (let i = 1; i <= 4; i++) await write(i);
    const [segment] = (await disk.list('/data')).filter((each) => each.endsWith('.segment'));
    const path = `/data/${segment}`;
    const before = disk.contents(path)!.slice();
    await write(5);
    await storage.close();
    const after = disk.contents(path)!;
    const first = after.findIndex((byte, i) => byte !== (before[i] ?? 0));
    const last = after.slice(first, usedBytes(disk, path));
    disk.overwrite(path, first, new Uint8Array(last.length));
    disk.overwrite(path, where === 'behind the end' ? (Math.ceil(first / 512) + 2) * 512 : 512, last);
    const { restored, damage } = await open(disk);
    t.is(damage.length, 1);
    t.is(restored.doubt, 'lost');
  });
}

test('a lost segment: first, middle or last', async (t) => {
  for (const which of ['first', 'middle', 'last'] as const) {
    const disk = new MemoryDisk();
    const { storage } = await open(disk);
    await storage.log.write([{ hardState: BLANK.hardState, standing: KNOWS }]);
    for (let i = 1; i <= 40; i++)
      await storage.log.write([{ entries: [{ index: i, term: 1, kind: 'data', data: new Uint8Array(1500) }] }]);
    await storage.close();
    const names = (await disk.list('/data')).filter((name) => name.endsWith('.segment'));
    t.true(names.length > 4);
    disk.lose(`/data/${which === 'first' ? names[0] : which === 'last' ? names.at(-1) : names[2]}`);
    const { restored, damage } = await open(disk);
    t.is(damage.length, 1);
    t.is(restored.lastIndex, 0);
    if (which === 'last') t.is(restored.doubt, 'lost');
    else t.like(restored, { damagedThrough: 40, damagedTerm: 1, doubt: undefined });
  }
});

test('the only segment, lost, is no new beginning: the member would forget its vote', async (t) => {
  const disk = new MemoryDisk();
  const { storage } = await open(disk);
  await storage.log.write([{ hardState: { term: 3, vote: 'store-2', commit: 0 } }]);
  await storage.close();
  const segments = (await disk.list('/data')).filter((name) => name.endsWith('.segment'));
  t.is(segments.length, 1);
  disk.lose(`/data/${segments[0]}`);
  t.like((await open(disk)).restored, { doubt: 'lost', lastIndex: 0 });
});

test('an empty directory is a doubt, for a single member a beginning; a copied one is a doubt', async (t) => {
  const disk = new MemoryDisk();
  const first = await open(disk);
  t.is(first.restored.doubt, 'newborn');
  await first.storage.log.write([{ hardState: { term: 2, vote: 'store-1', commit: 0 }, standing: KNOWS }]);
  await first.storage.close();
  t.is((await open(disk)).restored.doubt, undefined);
  const copy = new MemoryDisk();
  await copy.open('/else/file', { create: true });
  copy.replace(new Map([['/data/first', new Uint8Array(1)], ...disk.backup()]));
  const copied = await open(copy);
  t.like(copied.restored, { doubt: 'copied', hardState: { term: 2, vote: 'store-1' } });
  await copied.storage.close();
  t.is((await open(copy)).restored.doubt, 'copied');
  const alone = { ...IDENTITY, firstVoters: ['store-1'] };
  const single = new MemoryDisk();
  t.is((await RaftStorage.open(single, '/data', alone, SMALL)).restored.doubt, undefined);
});

test('a single member with damage refuses, and touches nothing', async (t) => {
  const disk = new MemoryDisk();
  const alone = { ...IDENTITY, firstVoters: ['store-1'] };
  const { storage } = await RaftStorage.open(disk, '/data', alone, SMALL);
  for (let i = 1; i <= 10; i++)
    await storage.log.write([{ entries: [{ index: i, term: 1, kind: 'data', data: new Uint8Array(100) }] }]);
  await storage.close();
  const [segment] = (await disk.list('/data')).filter((name) => name.endsWith('.segment'));
  disk.flipBit(`/data/${segment}`, 700, 3);
  const before = disk.backup();
  await t.throwsAsync(RaftStorage.open(disk, '/data', alone, SMALL), {
    instanceOf: DamagedError,
    message: /log-0000000001.segment is damaged: .* store-1 is the only member that votes/,
  });
  t.deepEqual(disk.backup(), before);
});

test('a failed fsync ends the log: nothing later is confirmed, even if the disk works again', async (t) => {
  const disk = new MemoryDisk();
  const { storage } = await open(disk);
  let fail = true;
  disk.fault = (call) => (call === 'datasync' && fail ? new Error('EIO: i/o error, fdatasync') : undefined);
  const confirmed: number[] = [];
  const failed: string[] = [];
  storage.events = {
    appended: (id) => void confirmed.push(id),
    failed: (id, error) => void failed.push(`${id} ${error.message}`),
  };
  const append = (appendId: number): void =>
    storage.submit({
      type: 'append',
      appendId,
      truncateFrom: undefined,
      hardState: { term: 1, vote: '', commit: 0 },
      entries: [{ index: appendId, term: 1, kind: 'data', data: new Uint8Array(3) }],
    });
  append(1);
  await eventually('the first has failed', () => failed.length > 0);
  fail = false;
  append(2);
  await new Promise((resolve) => setTimeout(resolve, 20));
  t.deepEqual(confirmed, []);
  t.deepEqual(failed, ['1 EIO: i/o error, fdatasync']);
  await t.throwsAsync(storage.log.write([{ hardState: { term: 1, vote: '', commit: 0 } }]), {
    message: /closed since/,
  });
});

test('a directory of another member is refused', async (t) => {
  const disk = new MemoryDisk();
  const { storage } = await open(disk);
  await storage.close();
  await t.throwsAsync(RaftStorage.open(disk, '/data', { ...IDENTITY, member: 'store-2' }, SMALL), {
    message: /belongs to member store-1 of cluster c, not to store-2 of c/,
  });
});

test('writes that wait for the disk share one fsync', async (t) => {
  const disk = new MemoryDisk();
  const { storage } = await open(disk);
  const before = disk.calls.datasync;
  let last = 0;
  storage.events = { appended: (id) => void (last = id), failed: (_, error) => t.fail(error.message) };
  for (let i = 1; i <= 100; i++)
    storage.submit({
      type: 'append',
      appendId: i,
      truncateFrom: undefined,
      hardState: { term: 1, vote: '', commit: 0 },
      entries: [{ index: i, term: 1, kind: 'data', data: new Uint8Array(10) }],
    });
  while (last < 100) await new Promise((resolve) => setImmediate(resolve));
  t.is(disk.calls.datasync - before, 1);
});
