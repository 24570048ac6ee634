// Crashes at every kind of disk call over many seeds: what was confirmed is there afterwards, what was not is there
// whole or not at all.
import test from 'ava';
import { seededChance, type Chance } from '../../lib/base/chance.ts';
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
  for (let index = from; index <= to;) {
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

test('damage in the middle is refused with the name of the file, whatever bit it is', async (t) => {
  let refused = 0;
  for (let seed = 1; seed <= 150; seed++) {
    const chance = seededChance(seed);
    const disk = new MemoryDisk();
    const { storage } = await open(disk);
    await live(chance, BLANK, storage, 1);
    await storage.close();
    const names = (await disk.list('/data')).filter((name) => name.endsWith('.segment'));
    const path = `/data/${names[chance.int(names.length)]!}`;
    const before = Buffer.from(disk.contents(path)!);
    const used = before.length - [...before].reverse().findIndex((byte) => byte !== 0);
    const at = chance.int(used);
    disk.flipBit(path, at, chance.int(8));
    const error = await open(disk).then(
      () => undefined,
      (thrown: unknown) => thrown as Error,
    );
    // Padding between records may flip without meaning anything.
    if (error === undefined) continue;
    t.true(error instanceof DamagedError, String(error));
    t.true(error.message.includes(path), error.message);
    refused++;
  }
  t.true(refused > 120, `${refused} of 150 flips were refused`);
});

test('a lost segment is refused: first, middle or last', async (t) => {
  for (const which of ['first', 'middle', 'last'] as const) {
    const disk = new MemoryDisk();
    const { storage } = await open(disk);
    for (let i = 1; i <= 40; i++)
      await storage.log.write([{ entries: [{ index: i, term: 1, kind: 'data', data: new Uint8Array(1500) }] }]);
    await storage.close();
    const names = (await disk.list('/data')).filter((name) => name.endsWith('.segment'));
    t.true(names.length > 4);
    disk.lose(`/data/${which === 'first' ? names[0] : which === 'last' ? names.at(-1) : names[2]}`);
    await t.throwsAsync(open(disk), { instanceOf: DamagedError }, which);
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
  await t.throwsAsync(open(disk), { instanceOf: DamagedError });
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
  await new Promise((resolve) => setTimeout(resolve, 20));
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
