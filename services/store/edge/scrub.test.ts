// When everything is read again: a piece at a time, once in a while, and never on when something was found or all has ended.
import test from 'ava';
import { silentLog } from '../../../lib/base/log.ts';
import { Scrub } from './scrub.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function* pieces(count: number, read: () => void, damage?: Error): AsyncGenerator<void> {
  for (let i = 0; i < count; i++) {
    read();
    yield;
  }
  if (damage !== undefined) throw damage;
}

function stage(damage?: Error) {
  const seen = { snapshots: 0, log: 0 };
  const failures: unknown[] = [];
  const storage = {
    snapshots: { verify: () => pieces(2, () => seen.snapshots++) },
    log: { verify: () => pieces(3, () => seen.log++, damage) },
  };
  const scrub = new Scrub(
    { storage, log: silentLog, failed: (error) => void failures.push(error) },
    { everyMs: 1_000, pauseMs: 10 },
    0.5,
  );
  /** Ticks until `to`, and what was read by then. */
  const until = async (from: number, to: number): Promise<[number, number]> => {
    for (let now = from; now <= to; now += 5) {
      scrub.tick(now);
      await turn();
    }
    return [seen.snapshots, seen.log];
  };
  return { scrub, failures, until };
}

test('first snapshots, then the log, with a pause behind each piece; and again after the whole time', async (t) => {
  const { until, failures } = stage();
  t.deepEqual(await until(0, 745), [0, 0], 'members that start together begin between half the time and the whole');
  t.deepEqual(await until(750, 755), [1, 0]);
  t.deepEqual(await until(760, 775), [2, 1]);
  t.deepEqual(await until(780, 1_700), [2, 3]);
  t.deepEqual(await until(1_705, 2_000), [4, 6]);
  t.deepEqual(failures, []);
});

test('damage ends it, and whoever runs the member is told; who was stopped reads nothing more', async (t) => {
  const damage = new Error('not what was written');
  const { until, failures } = stage(damage);
  t.deepEqual(await until(0, 1_000), [2, 3]);
  t.deepEqual(failures, [damage]);
  const other = stage(damage);
  await other.until(0, 760);
  other.scrub.stop();
  t.deepEqual(await other.until(765, 3_000), [2, 0]);
  t.deepEqual(other.failures, []);
});
