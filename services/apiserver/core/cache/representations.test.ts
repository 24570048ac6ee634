// Shows that each form is found again, however many there are.
import test from 'ava';
import fc from '../../../../test/kit/fast-check.ts';
import { Representations, TextSlabs } from './representations.ts';

test('each form is found again, and none that was not given', (t) => {
  const bytes = (n: number): Uint8Array => Uint8Array.of(n);
  const known = new Representations('object', bytes(0));
  for (let n = 1; n < 5; n++) known.set(`form ${n}`, bytes(n));
  t.is(known.get('object')![0], 0);
  for (let n = 1; n < 5; n++) t.is(known.get(`form ${n}`)![0], n);
  t.is(known.get('form 5'), undefined);
  t.is(new Representations('object', bytes(0)).get('other'), undefined);
});

test('texts that share memory stay what they were', (t) => {
  const text = fc.tuple(fc.constantFrom('x', 'ü', '𝒳', ''), fc.nat(9_000)).map(([of, times]) => of.repeat(times));
  fc.assert(
    fc.property(fc.array(text, { maxLength: 20 }), (texts) => {
      const slabs = new TextSlabs();
      const laid = texts.map((one) => slabs.lay('object', one));
      t.deepEqual(
        laid.map((one) => Buffer.from(one.get('object')!).toString()),
        texts,
      );
    }),
    { numRuns: 100 },
  );
});
