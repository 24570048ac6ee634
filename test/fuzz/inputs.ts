// Decides what hostile inputs look like: values, texts and bytes that clients could send, most of them nearly right. Never
// judges what becomes of them.
import fc from '../kit/fast-check.ts';
import { KINDS, type Kind } from '../../lib/api/kind.ts';
import { isScalarType, typeSchema, type FieldSchema } from '../../lib/api/schema.ts';

/** Names that objects of JavaScript answer to. */
export const KEYS = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '', '.', '..', '$patch', '~1'),
  fc.constantFrom('metadata', 'spec', 'status', 'data', 'name', 'labels', 'containers', 'kind', 'apiVersion'),
  fc.string({ maxLength: 6 }),
);

const SCALARS = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    false,
    0,
    -0,
    1,
    -1,
    2 ** 53,
    -(2 ** 63),
    1e308,
    0.1,
    '',
    'a',
    '1',
    '10m',
    '\u0000',
  ),
  fc.string({ maxLength: 8 }),
  fc.double(),
  fc.integer(),
);

/** Any JSON, its own keys among those that objects have by themselves. */
export const JSON_VALUES: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    SCALARS,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(KEYS, tie('value')), { maxLength: 4 }).map(withOwnKeys),
  ),
})).value;

/** `{...}` would make a prototype of `__proto__`; JSON.parse makes a key of it, and so do we. */
export function withOwnKeys(entries: ReadonlyArray<readonly [string, unknown]>): object {
  const out = {};
  for (const [key, value] of entries)
    Object.defineProperty(out, key, { value, enumerable: true, configurable: true, writable: true });
  return out;
}

export const STORED: readonly Kind[] = KINDS.filter(({ stored, ref }) => stored && /^v\d+$/.test(ref.version));
export const ANY_KIND = fc.constantFrom(...STORED);
/** `apps/deployments`: what a counterexample can show. */
export const BY_NAME: ReadonlyMap<string, Kind> = new Map(
  STORED.map((kind) => [`${kind.ref.group}/${kind.ref.resource}`, kind]),
);
export const KIND_NAMES = fc.constantFrom(...BY_NAME.keys());

/** A value that fits its type most of the time. */
export function typedValue(typeName: string, depth = 0): fc.Arbitrary<unknown> {
  const schema = typeSchema(typeName);
  if (schema === undefined) return scalar(typeName);
  const fields = [...schema.fields.values()];
  if (depth > 4 || fields.length === 0) return fc.constant({});
  return fc
    .subarray(fields, { maxLength: Math.min(fields.length, 4) })
    .chain((chosen) =>
      fc
        .tuple(...chosen.map((field) => fieldValue(field, depth + 1)))
        .map((values) => withOwnKeys(chosen.map(({ name }, i) => [name, values[i]]))),
    );
}

function fieldValue(field: FieldSchema, depth: number): fc.Arbitrary<unknown> {
  const one = isScalarType(field.type) ? scalar(field.type) : typedValue(field.type, depth);
  const shaped =
    field.shape === 'list'
      ? fc.array(one, { maxLength: 2 })
      : field.shape === 'map'
        ? fc.array(fc.tuple(KEYS, one), { maxLength: 2 }).map(withOwnKeys)
        : one;
  return fc.oneof({ weight: 12, arbitrary: shaped }, { weight: 1, arbitrary: SCALARS });
}

function scalar(type: string): fc.Arbitrary<unknown> {
  switch (type) {
    case 'int32':
    case 'int64':
      return fc.integer();
    case 'bool':
      return fc.boolean();
    case 'quantity':
      return fc.constantFrom('1', '100m', '1Gi', '-1', '1e3', 1, '0.5', 'x');
    case 'time':
    case 'microTime':
      return fc.constantFrom('2026-01-01T00:00:00Z', '2026-01-01T00:00:00.000001Z', 'yesterday');
    case 'bytes':
      return fc.constantFrom('', 'YQ==', 'a');
    case 'intOrString':
      return fc.constantFrom<unknown>(80, '50%', 'http');
    case 'fieldsV1':
    case 'raw':
    case 'json':
      return JSON_VALUES;
    default:
      return fc.constantFrom('a', 'Always', 'TCP', 'x/y', 'A.b', '', 'ClusterIP', 'a=b');
  }
}

/** A value as a text, with a part cut out, doubled or replaced. */
export const damaged = (texts: fc.Arbitrary<string>, glue: readonly string[]): fc.Arbitrary<string> =>
  fc
    .tuple(texts, fc.nat(), fc.nat(), fc.oneof(fc.constantFrom(...glue), fc.string({ maxLength: 3 }), fc.constant('')))
    .map(([text, from, length, put]) => {
      const at = text.length === 0 ? 0 : from % (text.length + 1);
      return text.slice(0, at) + put + text.slice(at + (length % 4));
    });

/** Bytes with one of them changed, left out or put in. */
export const damagedBytes = (samples: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> =>
  fc
    .tuple(
      fc.constantFrom(...samples),
      fc.array(fc.tuple(fc.nat(), fc.nat(255), fc.nat(2)), { maxLength: 6 }),
      fc.nat(),
    )
    .map(([sample, changes, cut]) => {
      const bytes = [...sample];
      for (const [where, byte, how] of changes) {
        const at = where % (bytes.length + 1);
        bytes.splice(at, how === 0 ? 1 : 0, ...(how === 2 ? [] : [byte]));
        if (how === 2) bytes[at] = byte;
      }
      return Uint8Array.from(cut % 5 === 0 ? bytes.slice(0, cut % (bytes.length + 1)) : bytes);
    });
