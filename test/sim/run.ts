// Does: runs seeds of the store's simulation from the command line: one exactly, or as many as fit into a time.
// Never decides what is right.
import { appendFailedSeed, failedSeeds, membersOf } from './seeds.ts';
import { simulate, SimFailure } from './store-sim.ts';
import type { Counts } from './world.ts';

const argv = process.argv.slice(2).filter((word) => word !== '--');

function option(name: string): string | undefined {
  const at = argv.indexOf(`--${name}`);
  return at === -1 ? undefined : (argv[at + 1] ?? '');
}

const HELP = `npm run sim -- --seed N [--members 3|5] [--trace]   replays one seed, twice, and prints its digest
npm run sim -- --for 60s [--from N]                   searches: failed seeds of the past first, then new ones
--counts prints how often what happened; --keep writes a failing seed to failed-seeds.json`;

async function one(seed: number): Promise<void> {
  const members = Number(option('members') ?? membersOf(seed));
  const trace = argv.includes('--trace')
    ? (atMs: number, text: string): void => console.log(`${atMs.toFixed(3).padStart(12)} ${text}`)
    : undefined;
  const digests: string[] = [];
  for (const run of trace === undefined ? [1, 2] : [1]) {
    try {
      const result = await simulate({ seed, members, ...(trace === undefined ? {} : { trace }) });
      digests.push(result.digest);
      console.log(
        `seed ${seed}, ${members} members, run ${run}: ${result.digest}, ${Math.round(result.virtualMs)} virtual ms`,
      );
      if (argv.includes('--counts') && run === 1) print(result.counts);
    } catch (error) {
      if (!(error instanceof SimFailure)) throw error;
      digests.push(error.digest);
      console.log(`FAILED ${error.message}\n  digest ${error.digest}`);
      if (argv.includes('--stack')) console.log((error.cause as Error).stack, (error.cause as Error).cause);
      process.exitCode = 1;
    }
  }
  if (new Set(digests).size === 1) return;
  console.log(`NOT REPEATABLE: ${digests.join(' and ')}`);
  process.exitCode = 1;
}

function print(counts: Counts): void {
  for (const [name, times] of Object.entries(counts).toSorted(([a], [b]) => a.localeCompare(b)))
    console.log(`${String(times).padStart(10)} ${name}`);
}

async function search(seconds: number): Promise<void> {
  const until = performance.now() + seconds * 1000;
  const began = performance.now();
  const totals: Counts = {};
  let runs = 0;
  let failures = 0;
  const attempt = async (seed: number, members: number): Promise<void> => {
    runs++;
    try {
      const { counts } = await simulate({ seed, members });
      for (const [name, times] of Object.entries(counts)) totals[name] = (totals[name] ?? 0) + times;
    } catch (error) {
      failures++;
      process.exitCode = 1;
      console.log(`FAILED ${(error as Error).message}\n  npm run sim -- --seed ${seed} --members ${members} --trace`);
      if (argv.includes('--keep')) appendFailedSeed(seed, members, (error as Error).message);
    }
  };
  for (const { seed, members } of failedSeeds()) await attempt(seed, members);
  const from = Number(option('from') ?? Math.floor(Date.now() / 1000) % 1_000_000_000);
  for (let seed = from; performance.now() < until; seed++) await attempt(seed, membersOf(seed));
  const took = (performance.now() - began) / 1000;
  if (argv.includes('--counts')) print(totals);
  console.log(`${runs} seeds from ${from} in ${took.toFixed(1)} s (${(runs / took).toFixed(1)}/s), ${failures} failed`);
}

const seed = option('seed');
const duration = /^(\d+)(s|m)?$/.exec(option('for') ?? '');
if (seed !== undefined) await one(Number(seed));
else if (duration !== null) await search(Number(duration[1]) * (duration[2] === 'm' ? 60 : 1));
else console.log(HELP);
