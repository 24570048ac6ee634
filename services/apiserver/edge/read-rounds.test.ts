// Shows which readers share a question to the store, and that nobody shares one that had left before they came. Never asks a
// store: the test answers, and time is a number.
import test from 'ava';
import { ReadRounds } from './read-rounds.ts';

interface World {
  rounds: ReadRounds<number>;
  /** Questions that wait for their answers. */
  asked: Array<(answer: number) => void>;
  /** How long each may take. */
  timeouts: number[];
  /** Lets all timers fire that are no longer than this. */
  pass(ms: number): void;
  /** How many of those wait. */
  timers(ms: number): number;
}

const MOMENT = 1;
const LONG = 1_000;

function world(): World {
  const timers = new Set<{ ms: number; fire: () => void }>();
  const asked: World['asked'] = [];
  const timeouts: number[] = [];
  const upTo = (most: number) => [...timers].filter(({ ms }) => ms <= most);
  const clock = {
    now: () => 0,
    monotonic: () => 0,
    timer(ms: number, fire: () => void) {
      const timer = { ms, fire };
      timers.add(timer);
      return { cancel: () => void timers.delete(timer) };
    },
  };
  return {
    rounds: new ReadRounds(clock, (timeoutMs) => {
      timeouts.push(timeoutMs);
      return new Promise((resolve) => asked.push(resolve));
    }),
    asked,
    timeouts,
    pass(ms) {
      for (const timer of upTo(ms)) if (timers.delete(timer)) timer.fire();
    },
    timers: (ms) => upTo(ms).length,
  };
}

const turns = async (): Promise<void> => {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
};

/** Each reader's answer is the number of the round that it took part in. */
const joined = (rounds: ReadRounds<number>, count: number): Array<Promise<number>> =>
  Array.from({ length: count }, () => rounds.join(LONG));

test('one reader after the other never waits for a timer', async (t) => {
  const { rounds, asked, timers } = world();
  for (let i = 0; i < 3; i++) {
    const [reader] = joined(rounds, 1);
    await turns();
    t.is(asked.length, i + 1);
    t.is(timers(MOMENT), 0);
    asked[i]!(i);
    t.is(await reader, i);
  }
});

test('readers of one turn share a question, those who come after it has left share the next', async (t) => {
  const { rounds, asked, pass } = world();
  const first = joined(rounds, 3);
  await turns();
  t.is(asked.length, 1);
  const late = joined(rounds, 5);
  await turns();
  t.is(asked.length, 1, 'one question at a time');
  asked[0]!(0);
  t.deepEqual(await Promise.all(first), [0, 0, 0]);
  await turns();
  t.is(asked.length, 2, 'more than shared the last one: it need not wait');
  asked[1]!(1);
  t.deepEqual(await Promise.all(late), [1, 1, 1, 1, 1]);
  pass(MOMENT);
  await turns();
  t.is(asked.length, 2, 'a question that nobody wants is not asked');
});

test('a question waits for as many readers as shared the last one, or for a moment', async (t) => {
  const { rounds, asked, pass } = world();
  const many = joined(rounds, 4);
  await turns();
  asked[0]!(0);
  await Promise.all(many);
  const again = joined(rounds, 3);
  await turns();
  t.is(asked.length, 1);
  again.push(rounds.join(LONG));
  await turns();
  t.is(asked.length, 2, 'all are together again');
  asked[1]!(1);
  t.deepEqual(await Promise.all(again), [1, 1, 1, 1]);
  const fewer = joined(rounds, 2);
  await turns();
  t.is(asked.length, 2);
  pass(MOMENT);
  await turns();
  t.is(asked.length, 3, 'a moment is over');
  asked[2]!(2);
  t.deepEqual(await Promise.all(fewer), [2, 2]);
  const two = joined(rounds, 2);
  await turns();
  t.is(asked.length, 4, 'two are as many as shared the last one');
  asked[3]!(3);
  await Promise.all(two);
});

test('those who waited behind a wide question go after a moment, however few they are', async (t) => {
  const { rounds, asked, pass } = world();
  const many = joined(rounds, 4);
  await turns();
  const [late] = joined(rounds, 1);
  asked[0]!(0);
  await Promise.all(many);
  await turns();
  t.is(asked.length, 1);
  pass(MOMENT);
  await turns();
  t.is(asked.length, 2);
  asked[1]!(1);
  t.is(await late, 1);
});

test('a question that fails fails for those who shared it, and the next is asked', async (t) => {
  let count = 0;
  const clock = { now: () => 0, monotonic: () => 0, timer: () => ({ cancel() {} }) };
  const rounds = new ReadRounds(clock, () =>
    count++ === 0 ? Promise.reject(new Error('no')) : Promise.resolve(count),
  );
  const [a] = joined(rounds, 1);
  await t.throwsAsync(a!, { message: 'no' });
  t.is(await rounds.join(LONG), 2);
});

test('an answer that does not come holds up the next question for a moment only, and is not shared with it', async (t) => {
  const { rounds, asked, timeouts, pass } = world();
  const first = rounds.join(LONG);
  await turns();
  const second = rounds.join(150);
  await turns();
  t.is(asked.length, 1);
  pass(LONG);
  await turns();
  t.is(asked.length, 2, 'no leader that lives takes as long');
  const third = rounds.join(LONG);
  asked[0]!(0);
  t.is(await first, 0);
  await turns();
  t.is(asked.length, 2, 'the end of a question that was left behind is no turn');
  asked[1]!(1);
  t.is(await second, 1);
  await turns();
  t.is(asked.length, 3);
  asked[2]!(2);
  t.is(await third, 2, 'it came when two were under way, and has the answer of neither');
  t.deepEqual(timeouts, [LONG, 150, LONG]);
});

test('a question takes as long as the first of its readers said', async (t) => {
  const { rounds, timeouts } = world();
  void rounds.join(150);
  void rounds.join(LONG);
  await turns();
  t.deepEqual(timeouts, [150]);
});
