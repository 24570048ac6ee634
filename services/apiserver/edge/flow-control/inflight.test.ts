// Shows that the most of the last second is told, and then forgotten. Never waits: time is an argument.
import test from 'ava';
import { Inflight } from './inflight.ts';

test('the most at once is told for a second and a bit', (t) => {
  const inflight = new Inflight();
  inflight.enter(10_100);
  inflight.enter(10_200);
  inflight.leave(10_300);
  t.is(inflight.peak(10_400), 2);
  t.is(inflight.peak(11_400), 2, 'of the second before');
  t.is(inflight.peak(12_400), 1, 'what goes on');
  inflight.leave(12_500);
  t.is(inflight.peak(12_600), 1);
  t.is(inflight.peak(20_000), 0);
});
