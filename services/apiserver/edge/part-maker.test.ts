// Shows that an answer in parts is all of it and no more, whatever its pieces are, and that its parts share one memory.
import test from 'ava';
import fc from '../../../test/kit/fast-check.ts';
import { PartMaker, type Piece } from './part-maker.ts';

const STILL = { monotonic: (): number => 0 };

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc.tuple(fc.constantFrom('x', 'ü', '𝒳'), fc.integer({ min: 1, max: 400_000 })).map(([of, times]) => of.repeat(times)),
);
const piece: fc.Arbitrary<Piece> = fc.oneof(text, text.map(Buffer.from));

test('the parts of an answer are its pieces, one after the other', (t) => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const maker = new PartMaker(STILL, pieces.values());
      const told: Buffer[] = [];
      for (let isLast = false; !isLast;) {
        const part = maker.next();
        told.push(Buffer.from(part.bytes));
        ({ isLast } = part);
      }
      t.true(Buffer.concat(told).equals(Buffer.concat(pieces.map((one) => Buffer.from(one)))));
    }),
    { numRuns: 100 },
  );
});

test('a long answer is made in the memory of its second part', (t) => {
  const maker = new PartMaker(STILL, Array.from({ length: 20 }, () => 'x'.repeat(100_000)).values());
  const memories = new Set<ArrayBufferLike>();
  for (let isLast = false; !isLast;) {
    const part = maker.next();
    memories.add(part.bytes.buffer);
    ({ isLast } = part);
  }
  t.is(memories.size, 2);
});

test('a part ends with its slice of time', (t) => {
  let now = 0;
  const maker = new PartMaker(
    { monotonic: () => now },
    (function* () {
      for (let i = 0; i < 4; i++) {
        now += 2;
        yield String(i);
      }
    })(),
  );
  const parts = [maker.next(), maker.next(), maker.next()].map(({ bytes }) => bytes.length);
  t.deepEqual(parts, [2, 2, 0]);
});
