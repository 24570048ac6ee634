// Shows what a resource within a custom resource must say of itself, wherever it stands.
import test from 'ava';
import { hasEmbedded, validateEmbedded } from './embedded.ts';
import type { JsonSchema } from './json-schema.ts';

const RESOURCE: JsonSchema = {
  type: 'object',
  'x-kubernetes-embedded-resource': true,
  'x-kubernetes-preserve-unknown-fields': true,
};
const SCHEMA: JsonSchema = {
  type: 'object',
  properties: {
    one: RESOURCE,
    list: { type: 'array', items: RESOURCE },
    map: { type: 'object', additionalProperties: RESOURCE },
  },
};

const told = (value: unknown): string[] =>
  validateEmbedded(SCHEMA, value).map(({ path, message }) => `${path}: ${message.slice(0, 60)}`);

test('it is known which schemas have one', (t) => {
  t.true(hasEmbedded(SCHEMA));
  t.true(hasEmbedded({ type: 'array', items: { type: 'object', additionalProperties: RESOURCE } }));
  t.false(hasEmbedded({ type: 'object', properties: { a: { type: 'string' } } }));
});

test('a resource within another has a type; its metadata is checked where it is there', (t) => {
  const pod = { apiVersion: 'v1', kind: 'Pod' };
  t.deepEqual(
    told({ one: pod, list: [{ ...pod, metadata: {} }], map: { a: { ...pod, metadata: { name: 'a:b' } } } }),
    [],
  );
  t.deepEqual(told({ one: {}, list: [{ apiVersion: '', kind: 1 }] }), [
    'one.apiVersion: Required value: must not be empty',
    'one.kind: Required value: must not be empty',
    'list[0].apiVersion: Invalid value: "": must not be empty',
    'list[0].kind: Invalid value: 1: must be a string',
  ]);
  t.deepEqual(
    told({ map: { a: { apiVersion: 'a/b/c', kind: 'x y', metadata: { name: 'a/b', labels: { 'a b': '' } } } } }),
    [
      'map[a].apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/',
      'map[a].kind: Invalid value: "x y": may have mixed case, but should otherw',
      'map[a].metadata.name: Invalid value: "a/b": may not contain \'/\'',
      'map[a].metadata.labels: Invalid value: "a b": name part must consist of alphanumeric',
    ],
  );
});
