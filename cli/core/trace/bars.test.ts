// Shows where a bar begins, changes its shade and ends.
import test from 'ava';
import fc from '../../../test/kit/fast-check.ts';
import { bar, WAITED, WORKED } from './bars.ts';

const scale = { width: 10, totalMs: 100 };

test('waiting and working are drawn to scale', (t) => {
  t.is(bar(scale, { queuedMs: 0, startMs: 0, endMs: 100 }), '██████████');
  t.is(bar(scale, { queuedMs: 20, startMs: 50, endMs: 80 }), '   ░░███  ');
  t.is(bar(scale, { queuedMs: 50, startMs: 50, endMs: 51 }), '░░░░░█    ');
});

test('what took no time is seen, also at the very end', (t) => {
  t.is(bar(scale, { queuedMs: 0, startMs: 30, endMs: 30 }), '   █      ');
  t.is(bar(scale, { queuedMs: 0, startMs: 100, endMs: 100 }), '         █');
  t.is(bar({ width: 3, totalMs: 0 }, { queuedMs: 0, startMs: 0, endMs: 0 }), '█  ');
});

test('whatever the times: as wide as asked, wait before work, and some work', (t) => {
  const ms = fc.double({ min: -1000, max: 1000, noNaN: true });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), ms, ms, ms, ms, (width, totalMs, queuedMs, startMs, endMs) => {
      const drawn = bar({ width, totalMs }, { queuedMs, startMs, endMs });
      return [...drawn].length === width && new RegExp(`^ *${WAITED}*${WORKED}+ *$`).test(drawn);
    }),
  );
  t.pass();
});
