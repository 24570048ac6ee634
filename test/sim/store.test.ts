// Decides, from seeds alone, whether three and five members of the store with their clients keep every promise in every kind
// of trouble. Never waits for real time.
import test, { type ExecutionContext } from 'ava';
import { SeedPool, type SeedResult, type SeedRun } from './seed-pool.ts';
import { failedSeeds, membersOf } from './seeds.ts';
import { FAULTS } from './store-faults.ts';
import { simulate } from './store-sim.ts';
import type { Counts } from './world.ts';

const SEEDS = Number(process.env['SIM_SEEDS'] ?? 1_000);
const FIRST = Number(process.env['SIM_FIRST_SEED'] ?? 1);
/** One test for so many: the runner sees that something happens. */
const PART = 50;

const totals: Counts = {};
const pool = new SeedPool();
test.after.always('the threads end', () => pool.close());

async function run(t: ExecutionContext, runs: Promise<SeedResult>): Promise<void> {
  const { counts, failures } = await runs;
  for (const [name, times] of Object.entries(counts)) totals[name] = (totals[name] ?? 0) + times;
  t.deepEqual(failures, []);
}

const part = (from: number, to: number): SeedRun[] =>
  Array.from({ length: to - from + 1 }, (_, i) => ({ seed: from + i, members: membersOf(from + i) }));

// Everything is asked for before the first is awaited: these first, and no thread is ever idle.
const failedOnce = pool.run(failedSeeds().map(({ seed, members }) => ({ seed, members })));
failedOnce.catch(() => undefined);
test.serial('seeds that failed once', async (t) => {
  t.timeout(900_000);
  await run(t, failedOnce);
});

test.serial('the same seed gives the same run, event by event', async (t) => {
  t.timeout(600_000);
  for (let seed = 1; seed <= 12; seed++) {
    const events: string[] = [];
    const trace = (atMs: number, text: string): void => void events.push(`${atMs} ${text}`);
    const first = await simulate({ seed, members: membersOf(seed), trace });
    const half = events.splice(0);
    const second = await simulate({ seed, members: membersOf(seed), trace });
    t.is(first.digest, second.digest, `seed ${seed}`);
    t.is(
      half.findIndex((event, i) => event !== events[i]),
      -1,
    );
    t.deepEqual(first.counts, second.counts);
  }
});

test.serial('another seed gives another run', async (t) => {
  t.not((await simulate({ seed: 1 })).digest, (await simulate({ seed: 2 })).digest);
});

for (let from = FIRST; from < FIRST + SEEDS; from += PART) {
  const to = Math.min(from + PART, FIRST + SEEDS) - 1;
  const result = pool.run(part(from, to));
  result.catch(() => undefined);
  test.serial(`every promise is kept: seeds ${from} to ${to}`, async (t) => {
    t.timeout(900_000);
    await run(t, result);
  });
}

/** What members and clients did because of it: silence is not health. */
const SEEN = `
  elected log-truncated log-compacted snapshot-taken snapshot-installed torn-tail-cut segment-lay-ready reads-abandoned transferred
  configuration-joint configuration-final learner-promoted member-retired member-began-anew addMember-done removeMember-done
  stream-gap stream-repaired stream-compacted read-compacted
  watch-from-zero-told watch-from-zero-compacted watch-from-compacted-told watch-from-compacted-compacted watch-from-future-refused
  write-done write-conflict write-quota write-forgotten read-done session-expired twin-told-the-same oversize-refused
  lease-granted lease-attached lease-kept lease-over lease-revoked lease-refused
  save-done restored-elsewhere restored-whole restored-newborn restored-lost wrong-state-taken-out wrong-state-found died-while-born
  disk-read-again reading-again-found-damage message-of-newer-version
  client-gave-up client-retried client-sent-twice client-new-session
  no-responders advisory-false advisory-late half-open-connection slow-consumer-cut
  message-cut message-lost message-doubled message-doubled-after-reconnect message-delayed message-reordered
  message-lost-in-reconnect message-dropped-while-disconnected
  crash-at-bus crash-at-disk crash-at-disk-done crash-at-timer died-of-its-disk
  disk-call-full disk-call-stalled disk-failed-write disk-failed-datasync disk-failed-read write-misdirected damage-taken-out
  refused-noQuorum refused-notLeader refused-stopping refused-overloaded
`
  .trim()
  .split(/\s+/);

test.serial('every kind of trouble happened, and every promise was looked at', (t) => {
  t.log(totals);
  const checks = Object.keys(totals).filter((name) => name.startsWith('checked-'));
  t.is(checks.length, 10);
  // A short run of a few seeds, asked for by hand, need not see everything.
  if (SEEDS < 1_000) t.pass();
  else
    for (const name of [...Object.keys(FAULTS), ...SEEN, ...checks])
      t.true((totals[name] ?? 0) > 0, `${name} never happened`);
});
