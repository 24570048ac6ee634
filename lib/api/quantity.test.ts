import test from 'ava';
import fc from '../../test/kit/fast-check.ts';
import {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  formatQuantity,
  parseQuantity,
  quantityToMilli,
  quantityToNumber,
  roundUpToMilli,
  subtractQuantities,
} from './quantity.ts';

test('canonical texts, as the real server prints them', (t) => {
  const cases: Record<string, string> = {
    '0.5': '500m',
    '1024Mi': '1Gi',
    '1000m': '1',
    '1.5Gi': '1536Mi',
    '0.1Ki': '102400m',
    '1e3': '1e3',
    '1E': '1E',
    '100n': '100n',
    '-1.5': '-1500m',
    '1.': '1',
    '.5': '500m',
    '1500k': '1500k',
    '0': '0',
    '0Ki': '0',
    '1e-1': '100e-3',
    '+7': '7',
    '1000k': '1M',
    '12345678901234567890': '9223372036854775807',
    '0.0000000001': '1n',
  };
  for (const [text, expected] of Object.entries(cases)) t.is(canonicalQuantity(text), expected, text);
});

test('what is no quantity', (t) => {
  for (const text of [
    '',
    '.',
    'x',
    '1 ',
    ' 1',
    '1mi',
    '1KI',
    '--1',
    '1e',
    '1.2.3',
    '1ki',
    '0x10',
    '1e9999',
    'NaN',
    '1_0',
  ])
    t.is(parseQuantity(text), undefined, text);
});

test('sums keep the format of the first; comparisons and roundings are exact', (t) => {
  t.is(addQuantities('64Mi', '64Mi'), '128Mi');
  t.is(addQuantities('0', '1Gi'), '1Gi');
  t.is(addQuantities('100m', '0.9'), '1');
  t.is(subtractQuantities('1', '100m'), '900m');
  t.is(compareQuantities('1Gi', '1G'), 1);
  t.is(compareQuantities('0.1', '100m'), 0);
  t.is(compareQuantities('-1', '0'), -1);
  t.is(quantityToMilli('1'), 1000);
  t.is(quantityToMilli('1500u'), 2);
  t.is(quantityToNumber('128Mi'), 134_217_728);
  t.is(quantityToNumber('100m'), 1);
  t.is(roundUpToMilli('100u'), '1m');
});

const quantity = fc.record({
  nanos: fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }),
  format: fc.constantFrom('decimal' as const, 'binary' as const, 'exponent' as const),
});

test('property: a canonical text reads back as the same value, and one more reading settles its form', (t) => {
  fc.assert(
    fc.property(quantity, (value) => {
      const text = formatQuantity(value);
      // A binary number that no power of 1024 divides is printed plain, and plain numbers are decimal.
      const settled = canonicalQuantity(text)!;
      return parseQuantity(text)?.nanos === value.nanos && canonicalQuantity(settled) === settled;
    }),
  );
  t.pass();
});

test('property: a + b - b = a', (t) => {
  fc.assert(
    fc.property(quantity, quantity, (a, b) => {
      const [left, right] = [formatQuantity(a), formatQuantity(b)];
      return compareQuantities(subtractQuantities(addQuantities(left, right), right), left) === 0;
    }),
  );
  t.pass();
});
