// Shows that JSON laid out piece by piece is what it would be laid out whole, and for whom that is done.
import test from 'ava';
import fc from 'fast-check';
import { indented, isPretty } from './pretty.ts';

test('JSON in pieces is laid out as in one', (t) => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.array(fc.nat(40), { maxLength: 8 }), (value, cuts) => {
      const bytes = Buffer.from(JSON.stringify({ a: value, 'ü"\\': [value, {}, []] }));
      const pieces: Uint8Array[] = [];
      let at = 0;
      for (const cut of [...cuts, bytes.length]) {
        pieces.push(bytes.subarray(at, at + cut));
        at += cut;
      }
      const text = Buffer.concat([...indented(pieces)].map((piece) => Buffer.from(piece))).toString();
      t.is(text, JSON.stringify(JSON.parse(bytes.toString()), undefined, 2));
    }),
    { numRuns: 200 },
  );
});

test('it is done for who asks for it, and for eyes', (t) => {
  const is = (query: string, agent?: string): boolean => isPretty(new URLSearchParams(query), agent);
  t.true(is('pretty=true') && is('pretty=1', 'kubectl/v1.33') && is('pretty', 'curl/8') && is('', 'Mozilla/5.0 (X11)'));
  t.false(is('') || is('pretty=false', 'curl/8') || is('', 'kubectl/v1.33') || is('pretty=0'));
});
