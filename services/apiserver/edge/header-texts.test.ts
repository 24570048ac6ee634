// Shows that a header's value says the same once it is a text of our own, and which values are remembered.
import test from 'ava';
import fc from '../../../test/kit/fast-check.ts';
import { HeaderTexts } from './header-texts.ts';

const latin1 = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  maxLength: 300,
});

test('whatever the values: they say the same, however many came before', (t) => {
  const texts = new HeaderTexts();
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom(':path', 'accept', 'user-agent', 'x-any'), latin1),
      latin1,
      (values, more) => {
        const headers = { ...values, 'set-cookie': [more] };
        const before = structuredClone(headers);
        texts.take(headers);
        t.deepEqual(headers, before);
      },
    ),
  );
  for (let i = 0; i < 2_000; i++) {
    const headers = { accept: `type/${i}` };
    texts.take(headers);
    t.is(headers.accept, `type/${i}`);
  }
});
