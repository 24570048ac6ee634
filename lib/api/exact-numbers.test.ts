// Shows that no whole number is kept as another, however it comes, and that all others are.
import test from 'ava';
import fc from '../../test/kit/fast-check.ts';
import { parseJson } from './json.ts';
import { decodeProtobuf } from './protobuf.ts';
import { parseYaml } from './yaml.ts';

const REFUSED = {
  instanceOf: SyntaxError,
  message: /cannot unmarshal number -?\d+: whole numbers beyond ±9007199254740991 are/,
};

test('numbers of 64 bits that would change are refused in JSON and YAML', (t) => {
  for (const number of ['9007199254740993', '-9007199254740993', '9223372036854775807', '1234567890123456789'])
    for (const text of [`{"a":${number}}`, `[1, ${number} ]`, number]) {
      t.throws(() => parseJson(text), REFUSED, text);
      t.throws(() => parseYaml(text), REFUSED, text);
    }
});

test('what is kept as it was sent is taken, and what is floating point to everybody', (t) => {
  const kept = ['9007199254740992', '-9007199254740991', '1e300', '0.12345678901234567890', '1.0e+20', '-0', '123e-2'];
  for (const number of [...kept, '9223372036854775808', '123456789012345678901234567890'])
    t.deepEqual(parseJson(`{"a":${number},"b":"9007199254740993"}`).value, {
      a: Number(number),
      b: '9007199254740993',
    });
  t.notThrows(() => parseJson('{"9007199254740993":"-9223372036854775807"}'));
});

test('JSON that comes from a number goes back to it', (t) => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value);
      // What is no number of 64 bits is written with a point or an exponent, or is small enough.
      t.is(JSON.stringify(parseJson(text).value), text);
    }),
  );
});

test('protobuf', (t) => {
  const varint = (value: bigint): number[] =>
    value < 128n ? [Number(value)] : [Number(value & 127n) | 128, ...varint(value >> 7n)];
  /** A Pod with `spec.activeDeadlineSeconds`. */
  const pod = (seconds: bigint): Uint8Array => {
    const type = [10, 2, 0x76, 0x31, 18, 3, 0x50, 0x6f, 0x64];
    const spec = [5 << 3, ...varint(BigInt.asUintN(64, seconds))];
    const raw = [18, spec.length, ...spec];
    return Uint8Array.from([0x6b, 0x38, 0x73, 0, 10, type.length, ...type, 18, raw.length, ...raw]);
  };
  t.like(decodeProtobuf(pod(7n)), { spec: { activeDeadlineSeconds: 7 } });
  t.like(decodeProtobuf(pod(-9007199254740991n)), { spec: { activeDeadlineSeconds: -9007199254740991 } });
  t.throws(() => decodeProtobuf(pod(9007199254740993n)), REFUSED);
});
