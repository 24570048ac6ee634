// Does: measures our store beside Debian's etcd in one run: three members each, on this machine, on real files with fsync, the
// same load from the same kind of client in turn (A B, B A, A B); prints ratios, judges them by the table of targets and
// appends them to history.jsonl. Never asserts: figures are for people.
//
// npm run bench:store -- [--quick] [--only ROW,ROW] [--rounds 3] [--seconds 3] [--gaps 20] [--dry]
//   --dry: leaves nothing in the history
// npm run bench:store -- --profile [--in-flight 256]    where the time of a put goes, in each process
// npm run bench:store -- --readme                       shows the latest whole run in raft/README.md
import { execFileSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import { parseArgs } from 'node:util';
import { EtcdSide } from './store/etcd-side.ts';
import { puts, type Figures } from './store/load.ts';
import { OurSide } from './store/our-side.ts';
import { profilePuts, type ProfileRun } from './store/profile.ts';
import { lineOf, renderReadme, targetLine, type Run } from './store/report.ts';
import { judge, OTHER_ROWS, ROWS, type Compared, type Row } from './store/rows.ts';
import type { Side } from './store/side.ts';
import {
  gapsAfterKill,
  gapsAfterPause,
  gapsAfterStall,
  gapsAfterTransfer,
  residentAndRestart,
} from './store/trouble.ts';
import { Counters, perBatch } from './store/work.ts';

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    gaps: { type: 'string' },
    profile: { type: 'boolean', default: false },
    'in-flight': { type: 'string', default: '256' },
    readme: { type: 'boolean', default: false },
    dry: { type: 'boolean', default: false },
  },
});
const rounds = Number(flags.rounds ?? (flags.quick ? 1 : 3));
const seconds = Number(flags.seconds ?? (flags.quick ? 1 : 3));
const trials = Number(flags.gaps ?? (flags.quick ? 3 : 20));
const wanted = flags.only?.split(',');
const known: readonly string[] = [...ROWS.map(({ id }) => id), ...OTHER_ROWS];
const unknown = wanted?.filter((id) => !known.includes(id)) ?? [];
if (unknown.length > 0) throw new Error(`--only ${unknown.join(',')}: rows are ${known.join(', ')}`);
const isWanted = (id: string): boolean => wanted === undefined || wanted.includes(id);

/** Everything that must not be left behind, newest last; what is still starting, too. */
const running: Promise<{ stop(): Promise<void> | void }>[] = [];

let isInterrupted = false;
let stopped: Promise<void> = Promise.resolve();

/** Whoever asks waits until everything is gone, also what somebody else has begun to stop. */
function stopAll(): Promise<void> {
  stopped = stopped.then(async () => {
    for (let each = running.pop(); each !== undefined; each = running.pop()) {
      const started = await each.catch(() => undefined);
      await started?.stop();
    }
  });
  return stopped;
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    isInterrupted = true;
    console.error(`${signal}: stopping every member`);
    void stopAll().finally(() => process.exit(130));
  });

function kept<T extends { stop(): Promise<void> | void }>(start: () => Promise<T>): Promise<T> {
  if (isInterrupted) throw new Error('interrupted');
  const starting = start();
  running.push(starting);
  return starting;
}

function medians(runs: readonly Figures[]): Figures {
  const middle = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
  return Object.fromEntries(Object.keys(runs[0]!).map((key) => [key, middle(runs.map((run) => run[key]!))]));
}

/** A B, B A, A B …: what drifts with time weighs on both alike. */
async function compare(row: Row, etcd: Side, ours: Side): Promise<Compared> {
  const runs = { etcd: [] as Figures[], ours: [] as Figures[] };
  for (let round = 0; round < rounds; round++)
    for (const side of round % 2 === 0 ? [etcd, ours] : [ours, etcd])
      runs[side.name].push(await row.measure(side, seconds));
  return { id: row.id, name: row.name, etcd: medians(runs.etcd), ours: medians(runs.ours) };
}

async function measureAll(tell: (row: Compared) => void): Promise<Run['perBatch']> {
  const counters = new Counters();
  running.push(Promise.resolve(counters));
  const [etcd, ours] = [await kept(() => EtcdSide.start()), await kept(() => OurSide.start())];
  // Compiled code, connections, first files: neither side begins cold. One at a time, too: V8 compiles what it has seen often, and a
  // batch of 64 is seen as often as one of one.
  for (const side of [etcd, ours]) for (const inFlight of [64, 1]) await puts(side, inFlight, flags.quick ? 1 : 4);
  for (const row of ROWS) if (isWanted(row.id)) tell(await compare(row, etcd, ours));
  const batches: Run['perBatch'] = {};
  for (const inFlight of [1, 16, 256])
    if (isWanted(`puts-${inFlight}`)) batches[`puts-${inFlight}`] = await workOf(ours, counters, inFlight);
  if (isWanted('gap')) tell(await gaps(etcd, ours));
  if (isWanted('pause')) tell(await pauses(etcd, ours));
  if (isWanted('transfer')) tell(await transfers(ours));
  if (isWanted('stall')) tell(await stalls(ours));
  await stopAll();
  if (isWanted('memory') || isWanted('restart')) await holding(tell);
  return batches;
}

async function workOf(ours: OurSide, counters: Counters, inFlight: number): Promise<Figures> {
  const before = await counters.read(ours);
  const { operations } = await puts(ours, inFlight, seconds);
  return perBatch(before, await counters.read(ours), operations!);
}

async function gaps(etcd: Side, ours: Side): Promise<Compared> {
  const name = 'write gap after SIGKILL of the leader';
  return { id: 'gap', name, etcd: await gapsAfterKill(etcd, trials), ours: await gapsAfterKill(ours, trials) };
}

async function pauses(etcd: Side, ours: Side): Promise<Compared> {
  const name = 'write gap after SIGSTOP of the leader';
  const some = flags.quick ? 1 : 7;
  return { id: 'pause', name, etcd: await gapsAfterPause(etcd, some), ours: await gapsAfterPause(ours, some) };
}

async function transfers(ours: OurSide): Promise<Compared> {
  const name = 'write gap of a planned handover';
  return { id: 'transfer', name, etcd: undefined, ours: await gapsAfterTransfer(ours, flags.quick ? 1 : 10) };
}

/** etcd 3.4 has no answer to it: its ticks wait for the disk, too. */
async function stalls(ours: OurSide): Promise<Compared> {
  const name = "write gap when the leader's disk hangs";
  return { id: 'stall', name, etcd: undefined, ours: await gapsAfterStall(ours, flags.quick ? 1 : 5) };
}

/** With members of their own: what came before must not count. */
async function holding(tell: (row: Compared) => void): Promise<void> {
  const etcd = await residentAndRestart(await kept(() => EtcdSide.start()), seconds);
  await stopAll();
  const ours = await residentAndRestart(await kept(() => OurSide.start()), seconds);
  tell({ id: 'memory', name: 'resident memory with 100,000 keys', etcd: etcd.memory, ours: ours.memory });
  tell({ id: 'restart', name: 'restart of a member with 100,000 keys', etcd: etcd.restart, ours: ours.restart });
}

function append(line: unknown): void {
  if (flags.dry) return;
  appendFileSync(new URL('history.jsonl', import.meta.url), `${JSON.stringify(line, rounded)}\n`);
}

function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value;
}

const commit = (): string => execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();

async function runProfile(): Promise<void> {
  const inFlight = Number(flags['in-flight']);
  const processes = await profilePuts(inFlight, seconds);
  const run: ProfileRun = {
    bench: 'store-profile',
    at: new Date().toISOString(),
    commit: commit(),
    inFlight,
    processes,
  };
  for (const { name, rooms, functions } of processes)
    console.log(name, '\n ', rooms.join('  '), '\n ', functions.join('  '));
  append(run);
}

async function runBench(): Promise<void> {
  const [at, loadBefore, rows] = [new Date(), loadavg(), [] as Compared[]];
  const batches = await measureAll((row) => {
    rows.push(row);
    console.log(lineOf(row));
  });
  const targets = judge(rows);
  for (const [row, figures] of Object.entries(batches)) console.log(`${row}, for each batch:`, figures);
  for (const target of targets) if (target.measured !== undefined) console.log(targetLine(target));
  const machine = { cpus: cpus().length, model: cpus()[0]!.model, kernel: release() };
  const etcd = execFileSync('etcd', ['--version'], { encoding: 'utf8' }).split('\n')[0]!;
  const run: Run = {
    at: at.toISOString(),
    bench: 'store',
    commit: commit(),
    machine,
    loadBefore,
    loadAfter: loadavg(),
    etcd,
    rounds,
    secondsEach: seconds,
    rows,
    perBatch: batches,
    targets,
  };
  append(run);
  console.log(`took ${Math.round((Date.now() - at.getTime()) / 1_000)} s`);
}

try {
  if (flags.readme) renderReadme();
  else if (flags.profile) await runProfile();
  else await runBench();
} catch (error) {
  // What was under way cannot go well when its members are gone.
  if (!isInterrupted) throw error;
} finally {
  await stopAll();
}
process.exit(isInterrupted ? 130 : 0);
