// Shows how gaps and cells follow from answers.
import test from 'ava';
import { Availability } from './availability.ts';

test('the longest gap counts from the beginning and up to now', (t) => {
  const seen = new Availability(1000, 250);
  t.is(seen.longestGapMs(1500), 500);
  seen.note(1600, true);
  seen.note(1700, true);
  t.is(seen.longestGapMs(1750), 600);
  seen.note(2600, false);
  t.is(seen.longestGapMs(2700), 1000);
  seen.note(2700, true);
  t.is(seen.longestGapMs(2700), 1000);
});

test('an answer that was noted late makes no gap of its own', (t) => {
  const seen = new Availability(0, 250);
  seen.note(500, true);
  seen.note(400, true);
  t.is(seen.longestGapMs(600), 500);
});

test('cells count what was answered in their time, silence is an empty cell', (t) => {
  const seen = new Availability(0, 250);
  seen.note(10, true);
  seen.note(20, false);
  seen.note(600, false);
  t.deepEqual(seen.cellsUntil(800), [
    { ok: 1, failed: 1 },
    { ok: 0, failed: 0 },
    { ok: 0, failed: 1 },
    { ok: 0, failed: 0 },
  ]);
});
