// Shows that any text becomes one safe subject token and comes back.
import test from 'ava';
import fc from '../../test/kit/fast-check.ts';
import { decodeToken, encodeToken } from './ids.ts';

test('plain names stay readable', (t) => {
  t.is(encodeToken('web-6d4cf56db6-abcde'), 'web-6d4cf56db6-abcde');
  t.is(encodeToken(''), '_');
  t.is(encodeToken('a.b'), 'a_2eb');
  t.is(encodeToken('_'), '_5f');
});

test('any text is one token, and two texts never share one', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const token = encodeToken(text);
      t.regex(token, /^[A-Za-z0-9_-]+$/);
      t.is(decodeToken(token), new TextDecoder().decode(new TextEncoder().encode(text)));
    }),
  );
});
