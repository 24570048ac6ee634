// Shows how usage is measured: from two readings, as a mean of the time between them, once for all who ask together.
import test from 'ava';
import type { Clock } from '../../../lib/base/clock.ts';
import type { ContainerState } from '../../../runtime-shims/contract.ts';
import { UsageMeter } from './usage.ts';

/** Time passes only when somebody waits. */
function clockOf(): Clock & { pass(ms: number): void } {
  let now = 0;
  return {
    now: () => 1_000_000 + now,
    monotonic: () => now,
    timer: (delayMs, fire) => {
      now += delayMs;
      queueMicrotask(fire);
      return { cancel() {} };
    },
    pass: (ms) => void (now += ms),
  };
}

const container = (id: string): ContainerState => ({ id, name: id, pod: { uid: 'p' } }) as ContainerState;

test('processor time is a mean of the time between two readings; one that began in between counts from nothing', async (t) => {
  const clock = clockOf();
  let readings = 0;
  let running = [container('a'), container('gone')];
  const shim = {
    stats: async (id: string) => {
      if (id === 'gone') return undefined;
      readings++;
      // Half of one processor.
      return { cpuUsageNanos: clock.monotonic() * 500_000, memoryWorkingSetBytes: 4096 };
    },
  };
  const meter = new UsageMeter({ clock, shim, running: () => running });
  const [first, same] = await Promise.all([meter.measure(), meter.measure()]);
  t.is(first, same);
  t.is(readings, 2);
  t.deepEqual(first, {
    at: 1_001_000,
    windowMs: 1000,
    containers: [{ uid: 'p', name: 'a', cpuNanoCores: 500_000_000, cpuNanoSeconds: 500_000_000, memoryBytes: 4096 }],
  });
  clock.pass(9_000);
  running = [container('a'), container('b')];
  const later = await meter.measure();
  t.is(later.windowMs, 9_000);
  t.deepEqual(
    later.containers.map(({ name, cpuNanoCores }) => [name, cpuNanoCores]),
    [
      ['a', 500_000_000],
      ['b', Math.round((10_000 * 500_000) / 9)],
    ],
  );
  t.is(readings, 4, 'a reading of a while ago is as good as two');
});
