// Shows that the map behaves as a sorted Map does, and that a state once held never changes.
import test from 'ava';
import fc from '../../../../test/kit/fast-check.ts';
import { OrderedMap } from './ordered-map.ts';

const key = fc.string({ unit: fc.constantFrom('a', 'b', '-', '/', '.', 'z'), minLength: 1, maxLength: 4 });
const change = fc.record({ key, value: fc.option(fc.nat(), { nil: undefined }) });

test('it is a sorted Map, and each earlier state stays as it was', (t) => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 700 }), key, (changes, prefix) => {
      const model = new Map<string, number>();
      let map = OrderedMap.empty<number>();
      const held: Array<[OrderedMap<number>, Array<[string, number]>]> = [];
      for (const [i, { key: k, value }] of changes.entries()) {
        if (value === undefined) model.delete(k);
        else model.set(k, value);
        map = value === undefined ? map.delete(k) : map.set(k, value);
        if (i % 50 === 0) held.push([map, sorted(model)]);
      }
      t.is(map.size, model.size);
      t.deepEqual([...map.range()], sorted(model));
      t.deepEqual(
        [...map.range(prefix)],
        sorted(model).filter(([k]) => k.startsWith(prefix)),
      );
      t.deepEqual(
        [...map.range('', prefix)],
        sorted(model).filter(([k]) => k >= prefix),
      );
      t.is(map.count(), model.size);
      t.deepEqual(
        [...map.slices(prefix)].flat(),
        [...map.range(prefix)].map(([, value]) => value),
      );
      t.deepEqual(
        [...map.slices('a', prefix)].flat(),
        [...map.range('a', prefix)].map(([, value]) => value),
      );
      t.is(map.keyFrom(prefix), [...map.range('', prefix)][0]?.[0]);
      t.is(map.count(prefix), [...map.range(prefix)].length);
      t.is(map.count('a', prefix), [...map.range('a', prefix)].length);
      for (const [k, value] of model) t.is(map.get(k), value);
      for (const [state, then] of held) t.deepEqual([...state.range()], then);
    }),
    { numRuns: 60 },
  );
});

test('many keys are split into chunks and found again', (t) => {
  let map = OrderedMap.empty<number>();
  for (let i = 0; i < 5_000; i++) map = map.set(`k${(i * 7919) % 5_000}`, i);
  t.is(map.size, 5_000);
  t.is([...map.range('k1')].length, 1_111);
  t.is(map.count('k1'), 1_111);
  t.is(map.count('k1', 'k1999'), 1);
  t.is(map.count('k', 'k5'), 555);
  for (let i = 0; i < 5_000; i++) t.true(map.get(`k${i}`) !== undefined);
  for (let i = 0; i < 5_000; i++) map = map.delete(`k${i}`);
  t.is(map.size, 0);
  t.deepEqual([...map.range()], []);
});

function sorted(model: Map<string, number>): Array<[string, number]> {
  return [...model].toSorted(([a], [b]) => (a < b ? -1 : 1));
}
