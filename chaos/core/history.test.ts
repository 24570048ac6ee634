// Shows that the history's check finds what was lost and what was stale, accepts what could have happened, and that every
// planted lie is seen: the check is checked.
import test from 'ava';
import fc from '../../test/kit/fast-check.ts';
import { seededChance } from '../../lib/base/chance.ts';
import { checkHistory, type Entry, type HistoryVerdict } from './history.ts';
import { plant, PLANTS } from './plant.ts';

const write = (key: string, value: string, call: number, end: number, revision?: number): Entry => ({
  type: 'write',
  client: 'w',
  key,
  value,
  call,
  return: end,
  revision,
});
const read = (key: string, value: string | undefined, revision: number, call: number, final = false): Entry => ({
  type: 'read',
  client: 'r',
  key,
  value,
  revision,
  call,
  return: call + 1,
  ...(final ? { final } : {}),
});
const isFine = ({ lost, stale, unexplained, unverified }: HistoryVerdict): boolean =>
  lost.length + stale.length + unexplained.length + unverified.length === 0;

test('a history of one thing after the other is fine', (t) => {
  const verdict = checkHistory([write('a', '1', 0, 1, 5), read('a', '1', 5, 2), read('a', '1', 5, 9, true)]);
  t.true(isFine(verdict));
  t.is(verdict.acknowledged, 1);
  t.is(verdict.reads, 2);
});

test('a write that nobody answered may be there in the end, or not', (t) => {
  const began = [write('a', '1', 0, 1, 5), write('a', '2', 2, 3)];
  t.true(isFine(checkHistory([...began, read('a', '1', 5, 9, true)])));
  t.true(isFine(checkHistory([...began, read('a', '2', 8, 9, true)])));
  t.true(isFine(checkHistory([...began, read('a', '1', 5, 4), read('a', '2', 8, 6), read('a', '2', 8, 9, true)])));
});

test('a write that nobody answered happens once', (t) => {
  const verdict = checkHistory([
    write('a', '1', 0, 1),
    write('a', '2', 2, 3, 7),
    read('a', '2', 7, 4),
    read('a', '1', 8, 6),
    write('a', '3', 8, 9, 9),
    read('a', '1', 10, 20, true),
  ]);
  t.is(verdict.unexplained.length, 1);
});

test('an acknowledged write that is not there in the end is lost', (t) => {
  const verdict = checkHistory([write('a', '1', 0, 1, 5), write('a', '2', 2, 3, 6), read('a', '1', 5, 9, true)]);
  t.is(verdict.lost.length, 1);
  t.is(verdict.lost[0]!.value, '2');
});

test('a key that was made and is gone is lost', (t) => {
  t.is(checkHistory([write('a', '1', 0, 1, 5), read('a', undefined, 0, 9, true)]).lost.length, 1);
});

test('a read older than an acknowledged write before it is stale, one beside the write is not', (t) => {
  const writes = [write('a', '1', 0, 1, 5), write('a', '2', 10, 20, 6), read('a', '2', 6, 99, true)];
  t.is(checkHistory([...writes, read('a', '1', 5, 30)]).stale.length, 1);
  t.is(checkHistory([...writes, read('a', '1', 5, 15)]).stale.length, 0);
});

test('a read older than a read before it is stale, though the write was never acknowledged', (t) => {
  const verdict = checkHistory([
    write('a', '1', 0, 1, 5),
    write('a', '2', 2, 3),
    read('a', '2', 7, 10),
    read('a', '1', 5, 20),
    read('a', '2', 7, 30, true),
  ]);
  t.is(verdict.stale.length, 1);
});

test('a value that nobody wrote is explained by no order', (t) => {
  const verdict = checkHistory([write('a', '1', 0, 1, 5), read('a', 'ghost', 6, 9, true)]);
  t.is(verdict.unexplained.length, 1);
  t.regex(verdict.unexplained[0]!.why, /ghost/);
});

test('a key that could not be read in the end is no proof of anything', (t) => {
  t.deepEqual(checkHistory([write('a', '1', 0, 1, 5)]).unverified, ['a']);
});

/** What clients of a store that does one thing at a time would record. */
function realHistory(seed: number): Entry[] {
  const chance = seededChance(seed);
  const held = new Map<string, { value: string; revision: number }>();
  const entries: Entry[] = [];
  let revision = 100;
  for (let i = 0; i < 60; i++) {
    const key = `k${chance.int(3)}`;
    const at = i * 10;
    const [call, end] = [at - chance.int(15), at + chance.int(15)];
    if (chance.int(2) === 0) {
      const isAnswered = chance.int(5) > 0;
      const happens = isAnswered || chance.int(2) === 0;
      if (happens) held.set(key, { value: `v${i}`, revision: ++revision });
      entries.push(write(key, `v${i}`, call, end, isAnswered ? revision : undefined));
    } else {
      const { value, revision: seen } = held.get(key) ?? { value: undefined, revision: 0 };
      entries.push({ ...read(key, value, seen, call), return: end });
    }
  }
  for (const key of ['k0', 'k1', 'k2']) {
    const { value, revision: seen } = held.get(key) ?? { value: undefined, revision: 0 };
    entries.push(read(key, value, seen, 10_000, true));
  }
  return entries;
}

test('every history of a real store is fine', (t) => {
  fc.assert(
    fc.property(fc.nat(), (seed) => isFine(checkHistory(realHistory(seed)))),
    { numRuns: 300 },
  );
  t.pass();
});

for (const kind of PLANTS)
  test(`planted: ${kind} is seen in every history`, (t) => {
    let seen = 0;
    for (let seed = 0; seed < 100; seed++) {
      let lied: Entry[];
      try {
        lied = plant(realHistory(seed), kind);
      } catch {
        continue;
      }
      seen++;
      t.false(isFine(checkHistory(lied)), `seed ${seed}`);
    }
    t.true(seen > 50);
  });

test('nothing to lie about is said, not passed over', (t) => {
  t.throws(() => plant([], 'forget-write'), { message: /too short/ });
});
