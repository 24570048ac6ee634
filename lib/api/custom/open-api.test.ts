// Shows what of a custom resource's schema is published. Never serves it.
import test from 'ava';
import { customOpenApi } from './open-api.ts';

const METADATA = { $ref: '#/definitions/ObjectMeta' };

test('in v2, a root that keeps unknown fields is any object; in v3 it has its properties', (t) => {
  const schema = { type: 'object', description: 'd', 'x-kubernetes-preserve-unknown-fields': true } as const;
  t.deepEqual(customOpenApi(schema, { metadata: METADATA, isV2: true }), { type: 'object' });
  const v3 = customOpenApi(schema, { metadata: METADATA, isV2: false });
  t.deepEqual(Object.keys(v3['properties'] as object), ['apiVersion', 'kind', 'metadata']);
  t.true(v3['x-kubernetes-preserve-unknown-fields']);
});

test('in v2, a field that keeps unknown fields keeps its description alone', (t) => {
  const free = { type: 'object', description: 'd', properties: { a: { type: 'string' } } } as const;
  const kept = { ...free, 'x-kubernetes-preserve-unknown-fields': true } as const;
  const schema = { type: 'object', properties: { free, kept } } as const;
  const { properties } = customOpenApi(schema as never, { metadata: METADATA, isV2: true });
  t.deepEqual((properties as Record<string, unknown>)['free'], free);
  t.deepEqual((properties as Record<string, unknown>)['kept'], {
    type: 'object',
    description: 'd',
    'x-kubernetes-preserve-unknown-fields': true,
  });
});
