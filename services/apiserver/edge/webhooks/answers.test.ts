// Shows that every plan of one request is made of the same draws at the same time, so that webhooks are asked about one object.
import test from 'ava';
import { seededChance } from '../../../../lib/base/chance.ts';
import { Answers } from './answers.ts';

test('the plans of a request draw the same, then go on; their time is that of the first', (t) => {
  const answers = new Answers();
  let now = 999;
  const clock = { now: () => now, monotonic: () => now, timer: () => ({ cancel() {} }) };
  const source = seededChance(1);
  const plan = (draws: number): unknown[] => {
    const chance = answers.replaying(source);
    return [answers.timeOf(clock), ...Array.from({ length: draws }, () => chance.uuid())];
  };
  const first = plan(2);
  now = 1_000;
  const second = plan(3);
  t.deepEqual(second.slice(0, 3), first);
  t.is(new Set(second).size, 4);
});
