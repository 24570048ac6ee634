// Decides how it is shown that a name which every object of JavaScript answers to is a name as any other: what becomes of an input
// is what becomes of it with such names replaced, letter by letter. Never names `__proto__`, which is refused as a key, nor asks
// rules: the CEL library takes a key `constructor` for a value's class, and the rule fails.
import assert from 'node:assert/strict';
import fc from '../../kit/fast-check.ts';
import { decodeValue, expectedOf } from '../../../lib/api/decode.ts';
import { equalJson, equalObjects } from '../../../lib/api/equality.ts';
import type { Kind } from '../../../lib/api/kind.ts';
import type { KubeObject } from '../../../lib/api/object.ts';
import { matchesLabels, parseLabelSelector } from '../../../lib/api/selectors.ts';
import { patched, type PatchType } from '../../../services/apiserver/core/pipeline/patch.ts';
import { decoder, type Decoder } from '../decoder.ts';
import { BY_NAME, JSON_VALUES, KIND_NAMES, typedValue } from '../inputs.ts';
import { PARTS, SCHEMAS, told } from './definitions.ts';
import { BASE, MERGES, POD, serverSide } from './patches.ts';

const INHERITED = ['constructor', 'toString', 'hasOwnProperty', 'valueOf', 'isPrototypeOf'];
/** As long, and sorted between the same neighbours. */
const plain = (name: string): string => `${name.slice(0, -1)}0`;

/** In every text of a JSON value, and in every key. */
function renamed(text: string): string {
  return INHERITED.reduce((all, name) => all.replaceAll(name, plain(name)), text);
}

type Run = (input: any) => unknown;

/** That nothing but refusals is thrown is asked elsewhere. */
function outcome(run: Run, text: string): string {
  try {
    return JSON.stringify(run(JSON.parse(text)));
  } catch (error) {
    return String(error);
  }
}

const alike = (name: string, input: fc.Arbitrary<unknown>, run: Run): Decoder =>
  decoder({
    name: `names-${name}`,
    // As a request brings it.
    input: input
      .map((value) => JSON.stringify(value))
      .filter((text) => !/__proto__|x-kubernetes-validations/.test(text)),
    decode: (text) => assert.equal(renamed(outcome(run, text)), outcome(run, renamed(text))),
  });

function read(kind: Kind, value: unknown): KubeObject {
  const { object } = decodeValue({ value, duplicates: [] }, expectedOf(kind), 'Warn');
  object.metadata ??= { name: 'a' };
  return object;
}

const KEYED = fc.dictionary(fc.constantFrom('a', ...INHERITED), fc.constantFrom<unknown>('1', '', null, {}), {
  maxKeys: 3,
});
const PATCHED = {
  ...BASE,
  metadata: { ...BASE.metadata, labels: { a: 'b', toString: 'x' }, annotations: { valueOf: '' } },
};

const CHANGES = fc.tuple(fc.constant(PATCHED), MERGES);

const patchedBy =
  (type: PatchType): Run =>
  ([base, value]) =>
    patched(POD, base, { type, value, duplicates: [] }, 'Warn');

export const names: Decoder[] = [
  alike('equality', fc.tuple(KEYED, KEYED), ([a, b]) => [equalJson(a, b), equalObjects(a, b)]),
  alike(
    'objects',
    KIND_NAMES.chain((name) => {
      const typed = typedValue(String(BY_NAME.get(name)!.typeName));
      return fc.record({ name: fc.constant(name), was: typed, is: typed });
    }),
    ({ name, was, is }) => {
      const kind = BY_NAME.get(name)!;
      const [old, object] = [read(kind, was), read(kind, is)];
      for (const each of [old, object]) kind.default(each);
      kind.prepareForUpdate(object, old);
      const fields = Object.values(kind.fields).map((field) => field(object));
      const told = [kind.validate(object), kind.validateUpdate(object, old), kind.warnings(object), fields];
      return [object, told, kind.cells(object, 0)];
    },
  ),
  alike('merge-patch', CHANGES, patchedBy('application/merge-patch+json')),
  alike('strategic-merge', CHANGES, patchedBy('application/strategic-merge-patch+json')),
  alike('server-side-apply', CHANGES, ([base, config]) => {
    const value = { apiVersion: 'v1', kind: 'Pod', ...config, metadata: { name: 'a', ...config.metadata } };
    return serverSide(POD, base, value, true);
  }),
  alike('custom-resources', fc.tuple(SCHEMAS, PARTS, JSON_VALUES), ([schema, more, spec]) => told(schema, more, spec)),
  alike(
    'selectors',
    fc.tuple(
      fc
        .tuple(
          fc.constantFrom('', '!'),
          fc.constantFrom('a', ...INHERITED),
          fc.constantFrom('', '=1', '!=1', ' in (1,x)'),
        )
        .map((parts) => parts.join('')),
      KEYED,
    ),
    ([text, labels]) => matchesLabels(parseLabelSelector(text), labels),
  ),
];
