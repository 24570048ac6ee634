// Shows that whoever reads a span or an event finds what msgpack would have given them, whatever it says.
import test from 'ava';
import fc from '../../test/kit/fast-check.ts';
import { decode, encode, Encoded } from './codec.ts';
import type { ResourceEvent, Span } from './messages.ts';
import { list, MessageWriter, number, table, text, type Shape } from './message-writer.ts';
import { encodeEvent, encodeSpan } from './told.ts';

/** Long ones too: each length of text has a head of its own. */
const words = fc.oneof(
  fc.string(),
  fc.string({ unit: 'grapheme' }),
  fc.tuple(fc.string({ unit: 'grapheme', minLength: 1 }), fc.nat(700)).map(([part, times]) => part.repeat(times)),
);
const amounts = fc.oneof(fc.nat(), fc.integer(), fc.maxSafeNat(), fc.double({ noNaN: true }));
const optional = <T>(of: fc.Arbitrary<T>): { arbitrary: fc.Arbitrary<T>; isThere: boolean } => ({
  arbitrary: of,
  isThere: false,
});

function record(
  shape: Record<string, fc.Arbitrary<unknown> | { arbitrary: fc.Arbitrary<unknown> }>,
): fc.Arbitrary<any> {
  const always = Object.keys(shape).filter((name) => !('arbitrary' in shape[name]!));
  const of = Object.fromEntries(
    Object.entries(shape).map(([name, one]) => [name, 'arbitrary' in one ? one.arbitrary : one]),
  );
  return fc.record(of, { requiredKeys: always });
}

const cause = { span: words, actor: words, revisions: optional(fc.array(amounts)) };
const spans: fc.Arbitrary<Span> = record({
  version: amounts,
  id: words,
  startedAt: amounts,
  durationMs: amounts,
  actor: words,
  instance: words,
  verb: words,
  kind: words,
  namespace: words,
  name: words,
  causes: record({
    revisions: fc.array(amounts, { maxLength: 40 }),
    span: optional(words),
    by: optional(fc.array(record({ ...cause, revision: amounts, kind: words, namespace: words, name: words }))),
  }),
  queuedMs: amounts,
  outcome: words,
  saw: words,
  did: fc.array(words, { maxLength: 20 }),
  why: optional(words),
  wrote: fc.array(record({ verb: words, kind: words, namespace: words, name: words, revision: amounts })),
  retries: optional(amounts),
  conflicts: optional(amounts),
  request: optional(
    record({
      user: words,
      verb: words,
      resource: words,
      revisionBefore: optional(amounts),
      revisionAfter: optional(amounts),
      admission: optional(record({ passed: fc.array(words), changed: fc.array(words), refused: optional(words) })),
      stagesMs: fc.dictionary(words, amounts, { noNullPrototype: true }),
    }),
  ),
});
const events: fc.Arbitrary<ResourceEvent> = record({
  version: amounts,
  group: words,
  resource: words,
  type: words,
  namespace: words,
  name: words,
  revision: amounts,
  previous: amounts,
  json: fc.uint8Array({ maxLength: 70_000, size: 'max' }),
  cause: record(cause),
  apiserver: optional(words),
});

test('a span is read as it was', (t) => {
  fc.assert(
    fc.property(spans, (span) => void t.deepEqual(decode(encodeSpan(span).bytes), decode(encode(span)))),
    { numRuns: 50 },
  );
});

test('an event is read as it was', (t) => {
  fc.assert(
    fc.property(events, (event) => void t.deepEqual(decode(encodeEvent(event).bytes), decode(encode(event)))),
    { numRuns: 50 },
  );
});

test('a message stays as it was while others are written', (t) => {
  const out = new MessageWriter();
  const written = Array.from({ length: 300 }, (_, i) => {
    const value = { [`name-${i}`]: 'x'.repeat(7 * i) };
    table(text)(out, value);
    return { value, bytes: out.finish() };
  });
  for (const { value, bytes } of written) t.deepEqual(decode(bytes), value);
});

test('each kind of number and each length is as msgpack has it', (t) => {
  const one = <T>(shape: Shape<T>, value: T): unknown => {
    const out = new MessageWriter();
    shape(out, value);
    return decode(out.finish());
  };
  for (const power of [0, 7, 8, 15, 16, 31, 32, 48, 53])
    for (const value of [2 ** power - 1, 2 ** power, -(2 ** power), 2 ** power + 0.5]) t.is(one(number, value), value);
  for (const value of [Infinity, -Infinity, Number.NaN, Number.MIN_VALUE]) t.is(one(number, value), value);
  for (const length of [0, 31, 32, 63, 64, 65, 255, 256, 65_535, 65_536])
    for (const unit of ['a', 'ü', '€']) t.is(one(text, unit.repeat(length)), unit.repeat(length));
  for (const length of [0, 15, 16, 65_535, 65_536])
    t.is((one(list(number), Array.from<number>({ length }).fill(1)) as unknown[]).length, length);
});

test('what is encoded already is sent as it is', (t) => {
  const bytes = Uint8Array.of(0xc0);
  t.is(encode(new Encoded('another', bytes)), bytes);
});
