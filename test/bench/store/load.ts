// Does: puts load on one side and measures it. Never knows which side it is.
import { fork } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { quantile } from '../figures.ts';
import { KEYS, keyOf, WATCHED, type Side } from './side.ts';
import { processorTimes } from './work.ts';

export type Figures = Record<string, number>;

export const VALUE = Buffer.alloc(256, 'v');
const LARGE_VALUE = Buffer.alloc(3_072, 'w');

export function percentiles(took: number[]): { p50Ms: number; p99Ms: number } {
  const sorted = took.toSorted((a, b) => a - b);
  return { p50Ms: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99) };
}

/** As many at once as `inFlight` for `seconds`; processor time of the servers alone and with their client. */
async function drive(
  side: Side,
  { inFlight, seconds }: { inFlight: number; seconds: number },
  one: (i: number, worker: number) => Promise<unknown>,
): Promise<Figures> {
  const took: number[] = [];
  let next = 0;
  const servers = side.processes();
  const before = processorTimes(servers);
  const own = process.cpuUsage();
  const began = performance.now();
  const until = began + seconds * 1_000;
  const work = async (worker: number): Promise<void> => {
    while (performance.now() < until) {
      const at = performance.now();
      await one(next++, worker);
      took.push(performance.now() - at);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, (_, worker) => work(worker)));
  const elapsed = (performance.now() - began) / 1_000;
  const after = processorTimes(servers);
  const { user, system } = process.cpuUsage(own);
  const serverUs = Object.keys(servers).reduce((sum, name) => sum + after[name]! - before[name]!, 0);
  return {
    perSecond: took.length / elapsed,
    ...percentiles(took),
    serverCpuUs: serverUs / took.length,
    allCpuUs: (serverUs + user + system) / took.length,
    operations: took.length,
  };
}

let written = 0;

export const puts = (side: Side, inFlight: number, seconds: number): Promise<Figures> =>
  drive(side, { inFlight, seconds }, () => side.put(keyOf(written++), VALUE));

/** Each worker swaps a key of its own, from the revision that it wrote last. */
export async function swaps(side: Side, inFlight: number, seconds: number): Promise<Figures> {
  const revisions = Array.from({ length: inFlight }, () => 0);
  const key = (worker: number): string => `/swap/${worker}`;
  for (let i = 0; i < inFlight; i++) revisions[i] = await side.put(key(i), LARGE_VALUE);
  return drive(side, { inFlight, seconds }, async (_i, worker) => {
    const revision = await side.swap(key(worker), revisions[worker]!, LARGE_VALUE);
    if (revision === undefined) throw new Error(`${side.name}: ${key(worker)} was changed by somebody else`);
    revisions[worker] = revision;
  });
}

export const linearizableReads = (side: Side, inFlight: number, seconds: number): Promise<Figures> =>
  drive(side, { inFlight, seconds }, (i) => side.readLinearizable(keyOf(i % 1_000)));

export const linearizableReadsFromMember = (side: Side, inFlight: number, seconds: number): Promise<Figures> =>
  drive(side, { inFlight, seconds }, (i) => side.readLinearizableFromMember(keyOf(i % 1_000)));

export const readsFromMember = (side: Side, inFlight: number, seconds: number): Promise<Figures> =>
  drive(side, { inFlight, seconds }, (i) => side.readFromMember(keyOf(i % 1_000)));

/** All keys once, many at a time. */
export async function fill(side: Side): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    for (let i = next++; i < KEYS; i = next++) await side.put(keyOf(i), VALUE);
  };
  await Promise.all(Array.from({ length: 256 }, work));
}

interface Report {
  events: number;
  p50Ms: number;
  p99Ms: number;
}

const WRITERS = 16;
const PACE_MS = 50;
/** The events of one put come together: of 40 puts to a thousand watchers the slowest one alone would be the 99th percentile. */
const MANY_WATCHERS = 1_000;
const PACED_SECONDS = 20;
/** Ten thousand writes to a thousand watchers are ten million events. */
const DRAIN_MS = 40_000;

/** Events to `watchers` from writers as fast as they can, then from one that writes 20 times a second. */
export async function watches(side: Side, watchers: number, seconds: number): Promise<Figures> {
  const program = new URL('watchers.ts', import.meta.url).pathname;
  const { NODE_OPTIONS: _, ...env } = process.env;
  const child = fork(program, side.watcherArguments(watchers), { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const died = new Promise<never>((_, reject) => {
    child.once('exit', (code, signal) => reject(new Error(`the watchers' process ended: ${code ?? signal}`)));
  });
  died.catch(() => {});
  const said = (): Promise<unknown> =>
    Promise.race([new Promise<unknown>((resolve) => child.once('message', resolve)), died]);
  /** When all have arrived: a paced load must not begin behind a burst that is still on its way. */
  const report = async (writes: number): Promise<Report> => {
    for (const until = performance.now() + DRAIN_MS; ; await sleep(20)) {
      const answer = said();
      child.send(performance.now() < until ? writes * watchers : 0);
      const got = (await answer) as Report;
      if ('p50Ms' in got) return got;
    }
  };
  try {
    await said();
    const stamped = (worker: number): Promise<unknown> => side.put(`${WATCHED}${worker}`, stampedValue());
    const began = performance.now();
    const writes = await drive(side, { inFlight: WRITERS, seconds }, (_i, worker) => stamped(worker));
    const burst = await report(writes['operations']!);
    const tookSeconds = (performance.now() - began) / 1_000;
    let count = 0;
    const pacedSeconds = watchers < MANY_WATCHERS ? seconds : Math.max(seconds, PACED_SECONDS);
    for (
      const until = performance.now() + pacedSeconds * 1_000;
      performance.now() < until;
      await sleep(PACE_MS), count++
    )
      await stamped(0);
    const paced = await report(count);
    return {
      perSecond: burst.events / tookSeconds,
      p50Ms: burst.p50Ms,
      p99Ms: burst.p99Ms,
      writesPerSecond: writes['perSecond']!,
      deliveredShare: burst.events / (writes['operations']! * watchers),
      pacedP50Ms: paced.p50Ms,
      pacedP99Ms: paced.p99Ms,
    };
  } finally {
    child.kill('SIGKILL');
  }
}

function stampedValue(): Buffer {
  const value = Buffer.from(VALUE);
  value.writeDoubleLE(Number(process.hrtime.bigint() / 1_000n));
  return value;
}
