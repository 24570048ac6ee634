// Shows that a key is never lost, never worked on twice at once, and waits longer each time it fails.
import test from 'ava';
import type { Clock, Timer } from '../base/clock.ts';
import { KeyQueue } from './queue.ts';

/** Time that moves only when told. */
function manualClock(): Clock & { advance(ms: number): void } {
  let now = 0;
  let timers: Array<{ at: number; fire: () => void }> = [];
  return {
    now: () => now,
    monotonic: () => now,
    timer(delayMs, fire): Timer {
      const timer = { at: now + delayMs, fire };
      timers.push(timer);
      return { cancel: () => void (timers = timers.filter((one) => one !== timer)) };
    },
    advance(ms) {
      now += ms;
      const due = timers.filter((timer) => timer.at <= now);
      timers = timers.filter((timer) => timer.at > now);
      for (const timer of due) timer.fire();
    },
  };
}
const key = { namespace: 'default', name: 'web' };

test('a key woken many times is taken once, with everything that woke it', (t) => {
  const queue = new KeyQueue(manualClock(), () => {});
  for (const revision of [3, 4, 4, 5]) queue.add(key, revision);
  t.deepEqual(queue.take()?.revisions, [3, 4, 5]);
  t.is(queue.take(), undefined);
});

test('a key woken while at work is taken again after it, not beside it', (t) => {
  const queue = new KeyQueue(manualClock(), () => {});
  queue.add(key, 1);
  queue.take();
  queue.add(key, 2);
  t.is(queue.take(), undefined);
  queue.done(key, false);
  t.deepEqual(queue.take()?.revisions, [2]);
});

test('a failing key comes back after 20 ms, then 40, and is forgiven by one success', (t) => {
  const clock = manualClock();
  let wakes = 0;
  const queue = new KeyQueue(clock, () => wakes++);
  const failOnce = (): void => {
    t.truthy(queue.take());
    queue.done(key, true);
  };
  queue.add(key);
  failOnce();
  clock.advance(19);
  t.is(queue.take(), undefined);
  clock.advance(1);
  failOnce();
  clock.advance(39);
  t.is(queue.take(), undefined);
  clock.advance(1);
  t.truthy(queue.take());
  queue.done(key, false);
  queue.add(key);
  failOnce();
  clock.advance(20);
  t.truthy(queue.take());
  t.true(wakes > 3);
});

test('of two appointments the earlier stands', (t) => {
  const clock = manualClock();
  const queue = new KeyQueue(clock, () => {});
  queue.addLater(key, 100);
  queue.addLater(key, 500);
  clock.advance(100);
  t.truthy(queue.take());
});

test('a retry and an appointment are the effects of what woke the key at first', (t) => {
  const clock = manualClock();
  const queue = new KeyQueue(clock, () => {});
  const by = {
    revision: 7,
    kind: 'Pod',
    namespace: 'default',
    name: 'web-a',
    span: 'scheduler-1/x/1',
    actor: 'scheduler-1',
  };
  queue.add(key, 7, by);
  queue.take();
  queue.done(key, true);
  queue.add(key, 8);
  t.deepEqual(queue.take()?.revisions, [8], 'what comes meanwhile is not held up');
  queue.done(key, false);
  clock.advance(20);
  const retry = queue.take()!;
  t.deepEqual(retry.revisions, [7]);
  t.deepEqual(retry.by, [by]);
  queue.addLater(key, 1000);
  queue.done(key, false);
  clock.advance(1000);
  t.deepEqual(queue.take()?.revisions, [7]);
});

test('what a failing key is told is how often it failed', (t) => {
  const clock = manualClock();
  const queue = new KeyQueue(clock, () => {});
  queue.add(key, 1);
  const told: Array<number | undefined> = [];
  for (let i = 0; i < 3; i++) {
    told.push(queue.take()?.failures);
    queue.done(key, true);
    clock.advance(1000);
  }
  t.deepEqual(told, [0, 1, 2]);
});

test('however often a key is woken before its turn, what woke it at first is remembered', (t) => {
  const queue = new KeyQueue(manualClock(), () => {});
  for (let revision = 1; revision <= 100; revision++) queue.add(key, revision);
  const { revisions } = queue.take()!;
  t.is(revisions[0], 1);
  t.is(revisions.at(-1), 100);
  t.is(revisions.length, 20);
});
