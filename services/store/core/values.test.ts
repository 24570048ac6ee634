// Shows that a value is what was put there, wherever it was moved to, and that what nobody needs takes no memory for long.
import test from 'ava';
import { seededChance } from '../../../lib/base/chance.ts';
import { Values, valueOf, type Chunk, type Holder } from './values.ts';

const holder = (): Holder => ({ chunk: undefined, offset: 0, length: 0, released: false });

test('values stay what they are while others come and go around them', (t) => {
  const chance = seededChance(7);
  const values = new Values();
  const living: { holder: Holder; bytes: Uint8Array }[] = [];
  const chunks = (): Set<Chunk> => new Set(living.map((each) => each.holder.chunk!));
  for (let i = 0; i < 20_000; i++) {
    const bytes = new Uint8Array(chance.int(i % 100 === 0 ? 40_000 : 400)).fill(i % 251);
    const one = { holder: holder(), bytes };
    values.place(one.holder, bytes);
    living.push(one);
    if (living.length <= 500) continue;
    const at = chance.int(living.length);
    values.release(living[at]!.holder);
    living[at] = living.pop()!;
  }
  for (const { holder: place, bytes } of living) t.deepEqual(valueOf(place), bytes);
  const needed = living.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const taken = [...chunks()].reduce((sum, chunk) => sum + chunk.bytes.length, 0);
  // The last 32 KiB of a chunk may stay empty; one is being filled, another one being left.
  t.true(taken <= 2.3 * needed + 2 * 262_144, `${taken} bytes hold ${needed}`);
});

test('a value that was let go is still readable for who looks at it, and letting go twice is once', (t) => {
  const values = new Values();
  const [a, b] = [holder(), holder()];
  values.place(a, new Uint8Array([1, 2, 3]));
  values.place(b, new Uint8Array(0));
  const seen = valueOf(a);
  values.release(a);
  values.release(a);
  for (let i = 0; i < 5_000; i++) values.place(holder(), new Uint8Array(200).fill(9));
  t.deepEqual(seen, new Uint8Array([1, 2, 3]));
  t.deepEqual(valueOf(b), new Uint8Array(0));
  t.is(valueOf(holder()), undefined);
});
