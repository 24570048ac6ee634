// Decides how bodies are fuzzed: JSON, YAML, protobuf and the strict decoding of each into objects of all kinds. Never knows
// patches or queries.
import { isRecord } from '../../../lib/base/records.ts';
import assert from 'node:assert/strict';
import fc from '../../kit/fast-check.ts';
import captured from '../../../lib/api/testdata/kubectl-1.32-protobuf.json' with { type: 'json' };
import { decodeBody, decodeValue, expectedOf, type Decoded } from '../../../lib/api/decode.ts';
import type { Kind } from '../../../lib/api/kind.ts';
import type { KubeObject } from '../../../lib/api/object.ts';
import { parseJson } from '../../../lib/api/json.ts';
import { decodeProtobuf } from '../../../lib/api/protobuf.ts';
import { parseYaml } from '../../../lib/api/yaml.ts';
import { decoder, type Decoder } from '../decoder.ts';
import { ANY_KIND, BY_NAME, damaged, damagedBytes, JSON_VALUES, KIND_NAMES, typedValue } from '../inputs.ts';

const isSyntax = (error: unknown): boolean => error instanceof SyntaxError && error.message !== '';
const JSON_TEXTS = fc.oneof(
  JSON_VALUES.map((value) => JSON.stringify(value) ?? ''),
  fc.nat(20_000).map((depth) => '['.repeat(depth)),
  fc.nat(2_000).map((depth) => '{"a":'.repeat(depth) + '1' + '}'.repeat(depth)),
  fc.string(),
);
const YAML_TEXTS = fc.oneof(
  fc.constantFrom(
    'a: &x [1]\nb: *x',
    'a: &a [x,x,x]\nb: &b [*a,*a,*a]\nc: &c [*b,*b,*b]\nd: &d [*c,*c,*c]\ne: [*d,*d,*d]',
    '<<: {a: 1}\na: 2',
    '? [a]\n: b',
    '!!binary aGk=',
    '--- 1\n--- 2',
    '"\\ud800"',
    'a: |\n  b\n c',
    '__proto__: {polluted: 1}',
    'x: 0777\ny: 0o17\nz: .nan\nw: 1_000',
  ),
  JSON_TEXTS,
);
const BODIES = (captured as Array<{ protobuf: string }>).map(
  ({ protobuf }) => new Uint8Array(Buffer.from(protobuf, 'base64')),
);

/** What was decoded decodes to itself. */
function settled({ object }: Decoded, expected: ReturnType<typeof expectedOf>): void {
  const again = decodeValue({ value: structuredClone(object), duplicates: [] }, expected, 'Strict');
  assert.deepEqual(again.object, object);
}

export const bodies: Decoder[] = [
  decoder({
    name: 'json',
    input: damaged(JSON_TEXTS, ['{', '}', '[', ']', ',', ':', '"', '\\', '\u0000', '{"a":1,"a":2}']),
    decode: (text) => assert.deepEqual(parseJson(text).value, JSON.parse(text)),
    mayRefuse: isSyntax,
  }),
  decoder({
    name: 'yaml',
    input: damaged(YAML_TEXTS, ['\n', '- ', ': ', '&a ', '*a', '{', '}', '!', '|', '%', '---\n', '\t', '<<: ']),
    decode: (text) => void parseYaml(text),
    mayRefuse: isSyntax,
  }),
  decoder({
    name: 'protobuf',
    input: fc.oneof(
      damagedBytes(BODIES),
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Uint8Array.of(0x6b, 0x38, 0x73, 0, ...bytes)),
    ),
    decode: (bytes) => void JSON.stringify(decodeProtobuf(bytes)),
    mayRefuse: isSyntax,
  }),
  decoder({
    name: 'body',
    input: fc.tuple(
      fc.oneof(
        damagedBytes([
          ...BODIES,
          ...['{"metadata":{"name":"a"}}', '{"a":"\\ud800","b":"é"}'].map((text) => new Uint8Array(Buffer.from(text))),
        ]),
        fc.uint8Array({ maxLength: 30 }),
      ),
      fc.constantFrom(
        undefined,
        'application/json',
        'application/yaml',
        'application/vnd.kubernetes.protobuf',
        'text/plain',
        '__proto__',
      ),
      ANY_KIND,
      fc.constantFrom('Strict', 'Warn', 'Ignore'),
    ),
    decode([bytes, type, kind, validation]) {
      settled(decodeBody(bytes, type, expectedOf(kind), validation), expectedOf(kind));
    },
  }),
  decoder({
    name: 'objects',
    input: KIND_NAMES.chain((name) => {
      const value = fc.oneof(
        { weight: 5, arbitrary: typedValue(String(BY_NAME.get(name)!.typeName)) },
        { weight: 1, arbitrary: JSON_VALUES },
      );
      return fc.tuple(fc.constant(name), value, value);
    }),
    decode([name, value, before]) {
      const kind = BY_NAME.get(name)!;
      const object = objectOf(kind, value);
      settled({ object: structuredClone(object), warnings: [] }, expectedOf(kind));
      // What comes next in a write must stand it too.
      kind.default(object);
      const made = structuredClone(object);
      kind.prepareForCreate(made);
      JSON.stringify([kind.validate(made), kind.warnings(made), kind.cells(made, 0)]);
      for (const field of Object.values(kind.fields)) field(made);
      const old = objectOf(kind, before);
      kind.default(old);
      const updated = structuredClone(object);
      kind.prepareForUpdate(updated, old);
      JSON.stringify(kind.validateUpdate(updated, old));
      kind.prepareForStatusUpdate(object, old, '2026-01-01T00:00:00Z');
      JSON.stringify(kind.validateStatusUpdate(object, old));
    },
  }),
];

function objectOf(kind: Kind, value: unknown): KubeObject {
  const whole = isRecord(value) ? Object.assign({ metadata: { name: 'a' } }, value) : value;
  const { object } = decodeValue({ value: whole, duplicates: [] }, expectedOf(kind), 'Warn');
  object.metadata ??= { name: 'a' };
  return object;
}
