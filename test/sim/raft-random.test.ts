// Decides, from a seed alone, what befalls three or five members, and that no promise of Raft breaks meanwhile: loss,
// delay, doubling, cuts, crashes with lost writes, slow disks, snapshots, changes of membership, transfers.
// Never waits for real time.
import test from 'ava';
import { runRandomSchedule } from './raft-random.ts';

const seedsOf = (count: number, first: number): number[] => Array.from({ length: count }, (_, i) => first + i);

const SCHEDULES = {
  leasing: { members: 3, steps: 2_500, leaseReads: true },
  three: { members: 3, steps: 2_500 },
  five: { members: 5, steps: 2_500 },
} as const;

const EXPECTED =
  'elections entries commits applied reads votes durable lost doubled cut crashed damaged truncated installed compacted reconfigured transferred readsAbandoned'.split(
    ' ',
  );

for (const [name, schedule] of Object.entries(SCHEDULES)) {
  test(`${name} members keep every promise under random faults`, (t) => {
    const totals: Record<string, number> = {};
    for (const seed of seedsOf(Number(process.env['RAFT_SEEDS'] ?? 120), Number(process.env['RAFT_FIRST_SEED'] ?? 1))) {
      const counts = runRandomSchedule({ ...schedule, seed });
      for (const [key, count] of Object.entries(counts)) totals[key] = (totals[key] ?? 0) + count;
    }
    t.log(totals);
    // Silence is not health: everything must have happened, and everything must have been looked at.
    for (const what of EXPECTED) t.true((totals[what] ?? 0) > 0, `${what} never happened`);
  });
}

test('the same seed gives the same run', (t) => {
  const schedule = { members: 3, steps: 800, seed: 7 };
  t.deepEqual(runRandomSchedule(schedule), runRandomSchedule(schedule));
});
