// Requests about definitions of custom resources and their objects: what a schema may say, and what it refuses of an object.
import type { Case } from '../area.ts';
import { createNamespace } from '../make.ts';

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const THINGS = '/apis/cr.example.com/v1/namespaces/custom/things';
const TEXT = { type: 'string' };

function definition(plural: string, spec: object, more: object = {}, version: object = {}): object {
  const openAPIV3Schema = { type: 'object', properties: { spec } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.cr.example.com` },
    spec: {
      group: 'cr.example.com',
      scope: 'Namespaced',
      names: { plural, kind: 'Thing' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema }, ...version }],
      ...more,
    },
  };
}

/** A field of the spec, in a definition that is only tried. */
const field = (name: string, own: object): Case => ({
  name: `field: ${name}`,
  m: 'POST',
  p: `${CRDS}?dryRun=All`,
  b: definition('tries', { type: 'object', properties: { x: own } }),
});
const tried = (name: string, more: object, version: object = {}): Case => ({
  name: `definition: ${name}`,
  m: 'POST',
  p: `${CRDS}?dryRun=All`,
  b: definition('tries', { type: 'object', properties: { x: TEXT } }, more, version),
});
const rule = (text: string): Case =>
  field(`rule ${text}`, {
    type: 'object',
    properties: { a: { type: 'integer' }, s: TEXT, l: { type: 'array', maxItems: 3, items: TEXT } },
    'x-kubernetes-validations': [{ rule: text }],
  });

const SPEC = {
  type: 'object',
  properties: {
    count: { type: 'integer', minimum: 1, maximum: 9 },
    name: { type: 'string', minLength: 2, maxLength: 4, pattern: '^[a-z]+$' },
    color: { type: 'string', enum: ['red', 'blue'] },
    when: { type: 'string', format: 'date-time' },
    set: { type: 'array', items: TEXT, 'x-kubernetes-list-type': 'set' },
    either: { type: 'string', oneOf: [{ pattern: '^a' }, { maxLength: 1 }] },
    port: { 'x-kubernetes-int-or-string': true },
    level: { type: 'string', default: 'low' },
    fixed: { type: 'string', 'x-kubernetes-validations': [{ rule: 'self == "a"', message: 'stays a' }] },
  },
};
const object = (name: string, spec: unknown): Case => ({
  name: `object: ${name}`,
  m: 'POST',
  p: `${THINGS}?dryRun=All`,
  b: { apiVersion: 'cr.example.com/v1', kind: 'Thing', metadata: { name: 't' }, spec },
});

export const cases: readonly Case[] = [
  ...createNamespace('custom'),
  tried('no dot in the group', { group: 'plain' }),
  tried('an unknown scope', { scope: 'Both' }),
  tried('none is stored', {}, { storage: false }),
  tried('a warning without deprecation', {}, { deprecationWarning: 'x' }),
  tried('a webhook without an address', {
    conversion: { strategy: 'Webhook', webhook: { clientConfig: {}, conversionReviewVersions: ['v9'] } },
  }),
  tried('a column of no type', {}, { additionalPrinterColumns: [{ name: 'A', type: 'foo', jsonPath: 'x' }] }),
  tried('what is not there is selected', {}, { selectableFields: [{ jsonPath: '.spec.nope' }] }),
  field('no type', {}),
  field('a list without items', { type: 'array' }),
  field('a type within anyOf', { type: 'object', anyOf: [{ type: 'object' }] }),
  field('a key that may be absent', {
    type: 'array',
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['k'],
    items: { type: 'object', properties: { k: TEXT } },
  }),
  field('a default of another type', { type: 'string', default: 1 }),
  field('no pattern', { type: 'string', pattern: '(a' }),
  field('elements of nothing', { type: 'array', items: [null] }),
  field('elements of no kind', { type: 'array', items: [true] }),
  field('elements of a text', { type: 'array', items: 'x' }),
  field('more of a list', { type: 'object', additionalProperties: [null] }),
  rule('self.nope == 1'),
  rule('self.s == 1'),
  rule('self.a'),
  rule('self.s && true'),
  rule('self.l.all(x, x == 1)'),
  { name: 'define', m: 'POST', p: CRDS, b: definition('things', SPEC) },
  { name: 'served', p: `${THINGS}/none`, until: ({ body }) => body?.details?.name === 'none' },
  object('nothing', {}),
  object('null is absent', { count: null, level: null }),
  object('another type', { count: 'x' }),
  object('too small', { count: 0 }),
  object('too short', { name: 'A' }),
  object('none of the words', { color: 'green' }),
  object('no time', { when: 'soon' }),
  object('twice in a set', { set: ['a', 'a', 'a'] }),
  object('neither', { either: 'bcd' }),
  object('neither number nor text', { port: true }),
  object('a broken rule', { fixed: 'b' }),
];

export const differs: Readonly<Record<string, string>> = {};
