// Shows in which order pods come up, how long each waits, and that none is ever lost.
import test from 'ava';
import fc from '../../../test/kit/fast-check.ts';
import { SchedulingQueue } from './queue.ts';

test('higher priority first, then who came first; each once', (t) => {
  const queue = new SchedulingQueue();
  queue.add('a', 0, 0);
  queue.add('b', 0, 0);
  queue.add('vip', 10, 0);
  queue.add('a', 0, 0);
  t.deepEqual(
    [queue.pop(5), queue.pop(5)?.key, queue.pop(5)?.key, queue.pop(5)],
    [{ key: 'vip', attempts: 1, queuedMs: 5 }, 'a', 'b', undefined],
  );
});

test('what did not fit waits for a change, and at least its backoff: 1, 2, 4, 8, 10 s', (t) => {
  const queue = new SchedulingQueue();
  queue.add('a', 0, 0);
  let now = 0;
  for (const backoffMs of [1000, 2000, 4000, 8000, 10_000, 10_000]) {
    t.is(queue.pop(now)?.key, 'a');
    queue.unschedulable('a', now);
    t.is(queue.pop(now + backoffMs), undefined, 'nothing changed');
    queue.wake(now + 1);
    t.is(queue.pop(now + backoffMs - 1), undefined);
    t.is(queue.nextAt(), now + backoffMs);
    now += backoffMs;
  }
  t.is(queue.pop(now)?.key, 'a');
});

test('woken after its backoff it comes up at once; never woken, after a minute', (t) => {
  const queue = new SchedulingQueue();
  queue.add('a', 0, 0);
  queue.pop(0);
  queue.unschedulable('a', 0);
  queue.wake(5000);
  t.is(queue.pop(5000)?.key, 'a');
  queue.unschedulable('a', 5000);
  t.is(queue.nextAt(), 65_000);
  t.is(queue.pop(64_999), undefined);
  t.is(queue.pop(65_000)?.key, 'a');
});

test('what failed for another reason comes back by itself; what was removed does not', (t) => {
  const queue = new SchedulingQueue();
  queue.add('a', 0, 0);
  queue.add('b', 0, 0);
  queue.pop(0);
  queue.failed('a', 0);
  queue.remove('b');
  t.deepEqual(queue.lengths(), { active: 0, backoff: 1, unschedulable: 0 });
  t.is(queue.pop(1000)?.key, 'a');
  queue.remove('a');
  queue.failed('a', 1000);
  t.is(queue.pop(100_000), undefined);
});

test('after any history every pod that was not removed comes up again, once', (t) => {
  const key = fc.constantFrom('a', 'b', 'c', 'd', 'e');
  const step = fc.oneof(
    fc.record({ add: key, priority: fc.nat(3) }),
    fc.record({ remove: key }),
    fc.record({ pop: fc.constantFrom('unschedulable', 'failed', 'bound') }),
    fc.constant({ wake: true }),
    fc.record({ pass: fc.nat(20_000) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const queue = new SchedulingQueue();
      const known = new Set<string>();
      let now = 0;
      for (const one of steps) {
        if ('add' in one) {
          queue.add(one.add, one.priority, now);
          known.add(one.add);
        } else if ('remove' in one) {
          queue.remove(one.remove);
          known.delete(one.remove);
        } else if ('wake' in one) queue.wake(now);
        else if ('pass' in one) now += one.pass;
        else {
          const popped = queue.pop(now);
          if (popped === undefined) continue;
          t.true(known.has(popped.key));
          if (one.pop === 'unschedulable') queue.unschedulable(popped.key, now);
          else if (one.pop === 'failed') queue.failed(popped.key, now);
          else {
            queue.remove(popped.key);
            known.delete(popped.key);
          }
        }
      }
      const lengths = queue.lengths();
      t.is(lengths.active + lengths.backoff + lengths.unschedulable, known.size);
      if (lengths.active === 0 && known.size > 0) t.true(queue.nextAt()! <= now + 60_000);
      const came: string[] = [];
      for (let popped = queue.pop(now + 60_000); popped !== undefined; popped = queue.pop(now + 60_000))
        came.push(popped.key);
      t.deepEqual(came.toSorted(), [...known].toSorted());
    }),
    { numRuns: 500 },
  );
});
