// Shows that a value is what was put there, wherever it was moved to, and that what nobody needs takes no memory for long.
import test from 'ava';
import { seededChance } from '../../../lib/base/chance.ts';
import { Values } from './values.ts';

function read(values: Values, holder: number): Uint8Array | undefined {
  const place = values.at(holder);
  return place?.bytes.subarray(place.offset, place.offset + place.length);
}

test('values stay what they are while others come and go around them', (t) => {
  const chance = seededChance(7);
  const values = new Values();
  const living: { holder: number; bytes: Uint8Array }[] = [];
  const free: number[] = [];
  for (let i = 0; i < 20_000; i++) {
    const bytes = new Uint8Array(chance.int(i % 100 === 0 ? 40_000 : 400)).fill(i % 251);
    const one = { holder: free.pop() ?? i + 1, bytes };
    values.place(one.holder, bytes);
    living.push(one);
    if (living.length <= 500) continue;
    const [gone] = living.splice(chance.int(living.length), 1);
    values.release(gone!.holder);
    free.push(gone!.holder);
  }
  for (const { holder, bytes } of living) t.deepEqual(read(values, holder), bytes);
  const needed = living.reduce((sum, { bytes }) => sum + bytes.length, 0);
  // The last 32 KiB of a chunk may stay empty; one is being filled, another one being left.
  t.true(values.bytes <= 2.3 * needed + 2 * 262_144, `${values.bytes} bytes hold ${needed}`);
  for (const { holder } of living) values.release(holder);
  t.true(values.bytes <= 262_144, `${values.bytes} bytes hold nothing`);
});

test('a part of what is given is kept, however long it is', (t) => {
  const values = new Values();
  const data = Uint8Array.from({ length: 50_000 }, (_, i) => i % 253);
  const parts = [
    [0, 0],
    [3, 10],
    [100, 400],
    [7, 49_999],
  ] as const;
  for (const [i, [from, to]] of parts.entries()) values.place(i + 1, data, from, to);
  data.fill(0, 0, 10);
  for (const [i, [from, to]] of parts.entries())
    t.deepEqual(
      read(values, i + 1),
      Uint8Array.from({ length: to - from }, (_, n) => (from + n) % 253),
    );
});

test('a value that was let go is still readable for who looks at it, and letting go twice is once', (t) => {
  const values = new Values();
  const [a, b, nothing] = [1, 2, 3];
  values.place(a, new Uint8Array([1, 2, 3]));
  values.place(b, new Uint8Array(0));
  values.placeNothing(nothing);
  const seen = read(values, a);
  values.release(a);
  values.release(a);
  for (let i = 0; i < 5_000; i++) values.place(10 + i, new Uint8Array(200).fill(9));
  t.deepEqual(seen, new Uint8Array([1, 2, 3]));
  t.deepEqual(read(values, b), new Uint8Array(0));
  t.deepEqual([values.has(a), values.has(b), values.has(nothing)], [false, true, false]);
  t.is(read(values, nothing), undefined);
});
