// Shows what JSON patches make of a document where the real server's library is not as RFC 6902 would have it, and in which words
// it refuses them.
import test from 'ava';
import fastJsonPatch from 'fast-json-patch';
import fc from '../../test/kit/fast-check.ts';
import { applyJsonPatch, JsonPatchError } from './json-patch.ts';

const base = (): any => ({ data: { x: '1', y: null }, list: ['a', 'b', 'c'], deep: { in: { it: 1 } } });
const patched = (...operations: unknown[]): any => applyJsonPatch(base(), operations);
const refusal = (...operations: unknown[]): string => {
  try {
    patched(...operations);
    return 'applied';
  } catch (error) {
    if (!(error instanceof JsonPatchError)) throw error;
    return error.message;
  }
};

test('to replace what an object lacks adds it; what an operation leaves out is null', (t) => {
  t.is(patched({ op: 'replace', path: '/data/z', value: '2' }).data.z, '2');
  t.is(patched({ op: 'add', path: '/data/z' }).data.z, null);
  t.is(patched({ op: 'add', path: 'data/z', value: 1 }).z, 1, 'what is before the first slash is not looked at');
  t.deepEqual(patched({ op: 'replace', path: '', value: 'x' }), base());
  t.deepEqual(patched({ op: 'replace', path: '', value: { a: 1 } }), { a: 1 });
  t.is(patched({ op: 'add', path: '/data/a~1b~0c~2', value: 1 }).data['a/b~c~2'], 1);
});

test('positions count from the end, too', (t) => {
  t.deepEqual(patched({ op: 'remove', path: '/list/-1' }).list, ['a', 'b']);
  t.deepEqual(patched({ op: 'replace', path: '/list/01', value: 'z' }).list, ['a', 'z', 'c']);
  t.deepEqual(patched({ op: 'add', path: '/list/-1', value: 'd' }).list, ['a', 'b', 'c', 'd']);
  t.deepEqual(patched({ op: 'add', path: '/list/-', value: 'd' }).list, ['a', 'b', 'c', 'd']);
  t.deepEqual(patched({ op: 'move', from: '/list/0', path: '/list/2' }).list, ['b', 'c', 'a']);
});

test('refused in the words of the library', (t) => {
  t.is(
    refusal({ op: 'remove', path: '/data/z' }),
    "error in remove for path: '/data/z': Unable to remove nonexistent key: z: missing value",
  );
  t.is(
    refusal({ op: 'add', path: '/none/z', value: 1 }),
    'add operation does not apply: doc is missing path: "/none/z": missing value',
  );
  t.is(
    refusal({ op: 'replace', path: '/list/7', value: 1 }),
    'replace operation does not apply: doc is missing key: /list/7: missing value',
  );
  t.is(
    refusal({ op: 'add', path: '/list/9', value: 1 }),
    "error in add for path: '/list/9': Unable to access invalid index: 9: invalid index referenced",
  );
  t.is(
    refusal({ op: 'add', path: '/list/x', value: 1 }),
    "error in add for path: '/list/x': value was not a proper array index: 'x': strconv.Atoi: parsing \"x\": invalid syntax",
  );
  t.is(refusal({ op: 'test', path: '/data/x', value: '2' }), 'testing value /data/x failed: test failed');
  t.is(refusal({ op: 'odd', path: '/data/x' }), 'Unexpected kind: odd');
  t.is(refusal(null), 'Unexpected kind: unknown');
  t.is(
    refusal({ op: 'copy', from: '/none/z', path: '/data/z' }),
    'copy operation does not apply: doc is missing from path: /none/z: missing value',
  );
  const large = 'x'.repeat(2_000_000);
  t.regex(
    refusal(
      { op: 'add', path: '/data/a', value: large },
      { op: 'copy', from: '/data/a', path: '/data/b' },
      { op: 'copy', from: '/data/a', path: '/data/c' },
    ),
    /^Unable to complete the copy, the accumulated size increase of copy is 4000004, exceeding the limit 3145728$/,
  );
});

test('a test of what is not there expects null; a null that is there is one', (t) => {
  t.is(refusal({ op: 'test', path: '/data/none', value: null }), 'applied');
  t.is(refusal({ op: 'test', path: '/data/y', value: null }), 'applied');
  t.is(refusal({ op: 'test', path: '/deep', value: { in: { it: 1 } } }), 'applied');
});

test('neither the document nor the patch is changed, and what was copied is two things', (t) => {
  const document = Object.freeze(base());
  Object.freeze(document.deep);
  const value = Object.freeze({ a: Object.freeze({ b: 1 }) });
  const made: any = applyJsonPatch(document, [
    { op: 'add', path: '/data/value', value },
    { op: 'add', path: '/data/value/a/c', value: 2 },
    { op: 'add', path: '/deep/in/more', value: 1 },
    { op: 'copy', from: '/deep/in', path: '/deep/out' },
    { op: 'replace', path: '/deep/out/it', value: 9 },
  ]);
  t.deepEqual(document, base());
  t.deepEqual(made.data.value, { a: { b: 1, c: 2 } });
  t.deepEqual(made.deep, { in: { it: 1, more: 1 }, out: { it: 9, more: 1 } });
  t.is(made.list, document.list, 'the rest is shared');
  t.is(refusal({ op: 'add', path: '/__proto__/polluted', value: 1 }).slice(0, 3), 'add');
});

const NAMES = ['a', 'b~1c', 'd', '0'];
const leaf = fc.oneof(fc.integer(), fc.constantFrom('x', '', null, true));
const document = fc.dictionary(
  fc.constantFrom(...NAMES.map((name) => name.replace('~1', '/'))),
  fc.oneof(leaf, fc.array(leaf, { maxLength: 3 }), fc.dictionary(fc.constantFrom('a', 'd'), leaf)),
);
const pointerOf = (...positions: string[]): fc.Arbitrary<string> =>
  fc
    .array(fc.constantFrom(...NAMES, ...positions), { minLength: 1, maxLength: 2 })
    .map((names) => `/${names.join('/')}`);
const pointer = pointerOf('1', '2', '-');
const operation = fc.oneof(
  fc.record({ op: fc.constantFrom('add', 'test'), path: pointer, value: leaf }),
  fc.record({ op: fc.constant('remove'), path: pointer }),
  // Where these go the library does not look whether the list is long enough.
  fc.record({ op: fc.constantFrom('move', 'copy'), from: pointer, path: pointerOf('-') }),
);

test('what RFC 6902 takes is taken, and leads to the same', (t) => {
  let taken = 0;
  fc.assert(
    fc.property(document, fc.array(operation, { minLength: 1, maxLength: 4 }), (before, operations) => {
      let expected: unknown;
      try {
        expected = fastJsonPatch.applyPatch(structuredClone(before), operations as never, true).newDocument;
      } catch {
        return;
      }
      taken++;
      const kept = structuredClone(before);
      t.deepEqual(applyJsonPatch(before, operations), expected as object);
      t.deepEqual(before, kept, 'what was given is not changed');
    }),
    { numRuns: 10_000 },
  );
  t.true(taken > 500, `only ${taken} patches could be applied`);
});
