// Shows that each form is found again, however many there are.
import test from 'ava';
import { Representations } from './representations.ts';

test('each form is found again, and none that was not given', (t) => {
  const bytes = (n: number): Uint8Array => Uint8Array.of(n);
  const known = new Representations('object', bytes(0));
  for (let n = 1; n < 5; n++) known.set(`form ${n}`, bytes(n));
  t.is(known.get('object')![0], 0);
  for (let n = 1; n < 5; n++) t.is(known.get(`form ${n}`)![0], n);
  t.is(known.get('form 5'), undefined);
  t.is(new Representations('object', bytes(0)).get('other'), undefined);
});
