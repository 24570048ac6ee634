// Shows when the loop works: many changes at once, one run at a time, again after a failure, mended after a foreign
// change. The clock is the test's own.
import test from 'ava';
import type { Timer } from '../../../lib/base/clock.ts';
import { silentLog } from '../../../lib/base/log.ts';
import type { SpanEnd, SpanStart } from '../../../lib/actor/tracer.ts';
import type { Applied, Applier } from './applier.ts';
import { SyncLoop } from './sync-loop.ts';

class TestClock {
  time = 0;
  readonly #timers = new Set<{ at: number; fire: () => void }>();

  now = (): number => this.time;
  monotonic = (): number => this.time;
  timer = (delayMs: number, fire: () => void): Timer => {
    const timer = { at: this.time + delayMs, fire };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  };

  async pass(ms: number): Promise<void> {
    const end = this.time + ms;
    await settle();
    for (;;) {
      const due = [...this.#timers].filter((timer) => timer.at <= end).toSorted((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.time = due.at;
      this.#timers.delete(due);
      due.fire();
      await settle();
    }
    this.time = end;
    await settle();
  }
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function bench(applier: Partial<Applier> = {}) {
  const clock = new TestClock();
  const spans: Array<SpanStart & SpanEnd> = [];
  let applies = 0;
  const loop = new SyncLoop({
    clock,
    log: silentLog,
    tracer: {
      start: (start) => ({
        id: 'x',
        cause: { span: 'x', actor: 'x' },
        end: (end) => {
          spans.push({ ...start, ...end });
          return {} as never;
        },
      }),
      recent: () => [],
    },
    node: 'n1',
    verifyMs: 30_000,
    applier: {
      apply: () => {
        applies++;
        return applier.apply?.() ?? Promise.resolve({ services: ['default/web'], did: ['changed 1'] });
      },
      verify: applier.verify ?? (() => Promise.resolve(undefined)),
      distrust: applier.distrust ?? (() => {}),
      status: () => ({}),
      stop: () => Promise.resolve(),
    },
  });
  return { clock, loop, spans, applies: () => applies };
}

test('nothing is applied before the lists are complete, then all at once', async (t) => {
  const { clock, loop, spans, applies } = bench();
  for (const revision of [3, 4, 5]) loop.wake(revision);
  await clock.pass(1000);
  t.is(applies(), 0);
  loop.begin();
  await clock.pass(20);
  t.is(applies(), 1);
  t.deepEqual(spans[0]!.revisions, [3, 4, 5]);
  t.is(spans[0]!.verb, 'rules');
  t.is(spans[0]!.outcome, 'changed');
  await loop.first;
});

test('changes during a run make one more run, never two side by side', async (t) => {
  const gates: Array<(applied: Applied) => void> = [];
  const { clock, loop, spans, applies } = bench({ apply: () => new Promise((resolve) => gates.push(resolve)) });
  loop.begin();
  await clock.pass(20);
  for (const revision of [7, 8, 9]) {
    loop.wake(revision);
    await clock.pass(100);
  }
  t.is(applies(), 1);
  gates[0]!({ services: [], did: [] });
  await clock.pass(50);
  t.is(applies(), 2);
  gates[1]!({ services: [], did: [] });
  await clock.pass(50);
  t.is(applies(), 2);
  t.deepEqual(spans[1]!.revisions, [7, 8, 9]);
  t.is(spans[1]!.outcome, 'unchanged');
});

test('a failure is tried again with its causes, and is seen in the status', async (t) => {
  let broken = true;
  const { clock, loop, spans } = bench({
    apply: () =>
      broken ? Promise.reject(new Error('nft said no')) : Promise.resolve({ services: ['a/b'], did: ['x'] }),
  });
  loop.wake(11);
  loop.begin();
  await clock.pass(1000);
  t.true(spans.length >= 2);
  t.is(spans[0]!.outcome, 'failed');
  t.like(loop.status(), { synced: false, lastError: 'nft said no' });
  broken = false;
  await clock.pass(5000);
  t.is(spans.at(-1)!.outcome, 'changed');
  t.deepEqual(spans.at(-1)!.revisions, [11]);
  t.like(loop.status(), { synced: true, syncs: 1 });
});

test('a foreign change is found within the interval and mended', async (t) => {
  let flushed = false;
  let distrusted = 0;
  const { clock, loop, applies } = bench({
    verify: () => Promise.resolve(flushed ? 'table is gone' : undefined),
    distrust: () => void distrusted++,
  });
  loop.begin();
  await clock.pass(60_100);
  t.is(applies(), 1);
  flushed = true;
  await clock.pass(30_000);
  flushed = false;
  t.is(applies(), 2);
  t.is(distrusted, 1);
  t.like(loop.status(), { mended: 1 });
  await loop.stop();
  await clock.pass(100_000);
  t.is(applies(), 2);
});

test('a check does not hold a change up, and what it saw meanwhile counts for nothing', async (t) => {
  let answer: (why: string) => void = () => {};
  const { clock, loop, applies } = bench({ verify: () => new Promise((resolve) => (answer = resolve)) });
  loop.begin();
  await clock.pass(30_100);
  loop.wake(5);
  await clock.pass(50);
  t.is(applies(), 2);
  answer('its elements differ');
  await clock.pass(100);
  t.is(applies(), 2);
  t.like(loop.status(), { mended: 0 });
});
