// Does: measures what a snapshot of 100,000 keys, a compaction and the end of many leases do to the event loop of the process
// that does them, while writes go on. Never asserts: figures are for people.
// Run: `node --max-semi-space-size=4 test/bench/store-stall.ts [keys]` (a member runs with this young generation);
// prints one JSON object.
//
// Two figures: how late a 1 ms timer came (the wall: another program's turn on the processor is in it), and the longest time
// on the processor between two of its ticks (our own work alone; garbage collection on this thread is in it).
import type { StoreWrite } from '../../lib/bus/messages.ts';
import { packWrite, type Packed } from '../../lib/bus/packed.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeCompact, encodeLease, encodeTime, encodeWrites } from '../../services/store/core/command.ts';
import { encodeSnapshot } from '../../services/store/core/snapshot.ts';
import { StateMachine } from '../../services/store/core/state-machine.ts';
import { loadState, nextTurn } from '../../services/store/edge/applier.ts';
import { TIDY_KEYS, TIMING } from '../../services/store/edge/member-options.ts';
import { Snapshotter } from '../../services/store/edge/snapshotter.ts';
import { nodeDisk } from '../../raft/storage/node-disk.ts';
import { SnapshotFiles } from '../../raft/storage/snapshot-files.ts';

const KEYS = Number(process.argv[2] ?? 100_000);
const VALUE_BYTES = 1_024;
const state = new StateMachine({ historyRevisions: KEYS });
let sequence = 0;

function put(key: string, lease?: string): Packed<StoreWrite> {
  const value = Buffer.alloc(VALUE_BYTES, key);
  const operation = { type: 'put' as const, key, value, ...(lease === undefined ? {} : { lease }) };
  const txn = { sequence: ++sequence, compares: [], operations: [operation], cause: { span: 's', actor: 'bench' } };
  return packWrite({ session: 'bench', acknowledged: sequence - 1, txns: [txn] });
}

const apply = (data: Uint8Array): unknown => state.apply(state.appliedIndex + 1, data);
const keyOf = (i: number): string => `/registry/core/configmaps/default/cm-${String(i).padStart(7, '0')}`;

interface Stalls {
  longestLateMs: number;
  longestOwnMs: number;
  lateOver10Ms: number;
  ownOver10Ms: number;
  tookMs: number;
}

/** Ticks as fast as timers come while `work` is done. */
async function measured(work: () => Promise<void>): Promise<Stalls> {
  const out = { longestLateMs: 0, longestOwnMs: 0, lateOver10Ms: 0, ownOver10Ms: 0, tookMs: 0 };
  let [at, cpu] = [performance.now(), process.threadCpuUsage()];
  const timer = setInterval(() => {
    const now = performance.now();
    const used = process.threadCpuUsage(cpu);
    const own = (used.user + used.system) / 1_000;
    const late = now - at - 1;
    out.longestLateMs = Math.max(out.longestLateMs, late);
    out.longestOwnMs = Math.max(out.longestOwnMs, own);
    if (late > 10) out.lateOver10Ms++;
    if (own > 10) out.ownOver10Ms++;
    [at, cpu] = [now, process.threadCpuUsage()];
  }, 1);
  const began = performance.now();
  await sleep(20);
  [at, cpu] = [performance.now(), process.threadCpuUsage()];
  await work();
  out.tookMs = performance.now() - began;
  await sleep(20);
  clearInterval(timer);
  return Object.fromEntries(Object.entries(out).map(([name, value]) => [name, Math.round(value * 10) / 10])) as never;
}

/** A write now and then, as a member would have them. */
async function whileWriting(work: Promise<void>): Promise<void> {
  let isDone = false;
  void work.finally(() => (isDone = true));
  for (let i = 0; !isDone; i++) {
    apply(encodeWrites([put(keyOf((i * 7_919) % KEYS))]));
    await nextTurn();
  }
  await work;
}

async function inTurns(count: number, each: (i: number) => void, perTurn: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    each(i);
    if (i % perTurn === perTurn - 1) await nextTurn();
  }
}

const directory = mkdtempSync(join(tmpdir(), 'flotilla-stall-'));
try {
  const figures: Record<string, Stalls> = {};
  figures['nothing'] = await measured(() => sleep(1_000).then(() => undefined));
  figures['fill'] = await measured(() => inTurns(KEYS, (i) => apply(encodeWrites([put(keyOf(i))])), 20));
  const files = await SnapshotFiles.open(nodeDisk({ fsync: true }), directory, 'bench');
  const at = { term: 1, configuration: { voters: ['a'], outgoing: [], learners: [] } };
  const snapshotter = new Snapshotter(
    {
      storage: { snapshots: files } as never,
      state: () => state,
      describe: (index) => ({ index, ...at }),
      agree: () => Promise.resolve('agreed'),
      taken: () => {},
      failed: (error) => {
        throw error;
      },
      wrong: (error) => {
        throw error;
      },
    },
    { entries: 1, bytes: 1 },
  );
  figures['snapshot to disk, idle'] = await measured(async () => void (await snapshotter.fresh()));
  apply(encodeWrites([put(keyOf(0))]));
  figures['snapshot to disk, with writes'] = await measured(() =>
    whileWriting(snapshotter.fresh().then(() => undefined)),
  );
  const snapshot = files.newest!;
  figures['snapshot loaded'] = await measured(async () => void (await loadState(files.readAll(snapshot), {})));
  await inTurns(KEYS, (i) => apply(encodeWrites([put(keyOf(i))])), 20);
  figures[`compaction of ${state.revision - state.compactedRevision} revisions`] = await measured(async () => {
    apply(encodeCompact(state.revision));
    // A tick of a member.
    while (state.tidy(TIDY_KEYS) > 0) await sleep(TIMING.tickMs);
  });
  apply(encodeLease({ type: 'lease', action: 'grant', id: 'l', ttlMs: 1_000, atMs: 0 }));
  await inTurns(10_000, (i) => apply(encodeWrites([put(`/leased/${i}`, 'l')])), 20);
  figures['a lease of 10000 keys ends'] = await measured(async () => {
    for (let now = 2_000; state.leases.size > 0; now++) {
      apply(encodeTime(now));
      await nextTurn();
    }
  });
  await files.close();
  let longestSliceMs = 0;
  const slices = encodeSnapshot(state);
  for (let slice = slices.next(), cpu = process.threadCpuUsage(); slice.done !== true; slice = slices.next()) {
    const used = process.threadCpuUsage(cpu);
    longestSliceMs = Math.max(longestSliceMs, (used.user + used.system) / 1_000);
    cpu = process.threadCpuUsage();
  }
  console.log(JSON.stringify({ keys: KEYS, valueBytes: VALUE_BYTES, longestSliceMs, figures }, null, 2));
} finally {
  rmSync(directory, { recursive: true, force: true });
}
