// Shows that what is answered after a write is the written object at its revision, whatever it holds. Never stores anything.
import test from 'ava';
import fc from '../../../../test/kit/fast-check.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { withRevision } from './cached-object.ts';
import { storedText, textAt } from './stored-text.ts';

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

const object = fc.record({
  apiVersion: fc.constantFrom('v1', 'apps/v1'),
  kind: fc.string({ minLength: 1 }),
  metadata: fc.record(
    {
      name: fc.string({ unit: 'binary' }),
      resourceVersion: fc.constant('3'),
      labels: fc.dictionary(fc.string(), fc.string()),
    },
    { requiredKeys: ['name'] },
  ),
  spec: fc.option(fc.jsonValue(), { nil: undefined }),
  data: fc.option(fc.dictionary(fc.string(), fc.string({ unit: 'binary' })), { nil: undefined }),
}) as fc.Arbitrary<KubeObject>;

/** Lone surrogates become what every encoder of UTF-8 makes of them. */
const asSent = (value: unknown): unknown => JSON.parse(textOf(new TextEncoder().encode(JSON.stringify(value))));

test('the text at a revision is the object at that revision, and the stored text has none', (t) => {
  fc.assert(
    fc.property(object, fc.nat(), (written, revision) => {
      const stored = storedText(written);
      const { resourceVersion: _, ...metadata } = written.metadata;
      t.deepEqual(JSON.parse(textOf(stored.bytes)), asSent({ ...written, metadata }));
      t.deepEqual(JSON.parse(textOf(textAt(stored, revision))), asSent(withRevision(written, revision)));
    }),
    { numRuns: 300 },
  );
});

test('apiVersion, kind and metadata come first, the revision last of metadata', (t) => {
  const stored = storedText({ data: { a: 'ü' }, metadata: { name: 'é' }, kind: 'ConfigMap', apiVersion: 'v1' });
  t.is(
    textOf(textAt(stored, 7)),
    '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"é","resourceVersion":"7"},"data":{"a":"ü"}}',
  );
  t.is(
    textOf(textAt(storedText({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'x' } }), 8)),
    '{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"x","resourceVersion":"8"}}',
  );
});
