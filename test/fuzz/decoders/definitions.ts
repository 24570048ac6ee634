// Decides how CRDs are fuzzed: schemas as odd as they may be, and objects of those that stand. Never serves one.
import { isRecord } from '../../../lib/base/records.ts';
import assert from 'node:assert/strict';
import fc from '../../kit/fast-check.ts';
import { customKinds } from '../../../lib/api/custom/custom-kind.ts';
import { decodeValue, expectedOf } from '../../../lib/api/decode.ts';
import type { FieldError } from '../../../lib/api/field-error.ts';
import { kindFor } from '../../../lib/api/kind.ts';
import type { KubeObject } from '../../../lib/api/object.ts';
import { apiResourceList } from '../../../lib/api/discovery.ts';
import { openApiV2, openApiV3 } from '../../../lib/api/openapi.ts';
import { decoder, type Decoder } from '../decoder.ts';
import { JSON_VALUES, KEYS, withOwnKeys } from '../inputs.ts';

const CRD = kindFor('apiextensions.k8s.io', 'v1', 'customresourcedefinitions')!;

export const SCHEMAS: fc.Arbitrary<unknown> = fc.letrec<{ schema: unknown }>((tie) => {
  const fields = fc.array(fc.tuple(KEYS, tie('schema')), { maxLength: 3 }).map(withOwnKeys);
  const extras = fc.array(
    fc.oneof(
      fc.tuple(fc.constantFrom('default', 'enum', 'example'), JSON_VALUES),
      fc.tuple(fc.constant('pattern'), fc.constantFrom('^a', '(a+)+$', '(?!x)', '(', '[', '\\1', 'a{1000}{1000}')),
      fc.tuple(
        fc.constantFrom('minimum', 'maximum', 'minLength', 'maxItems', 'multipleOf', 'minProperties'),
        fc.oneof(fc.double(), JSON_VALUES),
      ),
      fc.tuple(
        fc.constantFrom(
          'nullable',
          'uniqueItems',
          'x-kubernetes-preserve-unknown-fields',
          'x-kubernetes-int-or-string',
          'x-kubernetes-embedded-resource',
        ),
        fc.constantFrom(true, false),
      ),
      fc.tuple(
        fc.constant('x-kubernetes-validations'),
        fc.array(
          fc.constantFrom(
            { rule: 'self == oldSelf' },
            { rule: 'size(self) < 3', message: 'x' },
            { rule: 'self.a.b' },
            { rule: '(' },
          ),
          { maxLength: 2 },
        ),
      ),
      fc.tuple(fc.constantFrom('allOf', 'anyOf', 'oneOf'), fc.array(tie('schema'), { maxLength: 2 })),
      fc.tuple(fc.constant('x-kubernetes-list-type'), fc.constantFrom('map', 'set', 'atomic')),
      fc.tuple(fc.constant('required'), fc.array(KEYS, { maxLength: 2 })),
    ),
    { maxLength: 2 },
  );
  const shapes = fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(
      { type: 'string' },
      { type: 'integer' },
      { type: 'boolean' },
      { type: 'number', format: 'double' },
      { type: 'string', format: 'date-time' },
    ),
    fields.map((properties) => ({ type: 'object', properties })),
    tie('schema').map((items) => ({ type: 'array', items })),
    tie('schema').map((additionalProperties) => ({ type: 'object', additionalProperties })),
    JSON_VALUES,
  );
  return {
    schema: fc
      .tuple(shapes, extras)
      .map(([shape, more]) =>
        isRecord(shape) ? withOwnKeys([...Object.entries(shape), ...(more as Array<[string, unknown]>)]) : shape,
      ),
  };
}).schema;

function definition(schema: unknown, more: object): unknown {
  const version = {
    name: 'v1',
    served: true,
    storage: true,
    schema: { openAPIV3Schema: { type: 'object', properties: { spec: schema } } },
    ...more,
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'widgets.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'widgets', kind: 'Widget' },
      versions: [version],
    },
  };
}

export const PARTS = fc.constantFrom<object>(
  {},
  {
    additionalPrinterColumns: [
      { name: 'A', type: 'date', jsonPath: '.spec.a' },
      { name: 'B', type: 'integer', jsonPath: '.spec[*].b' },
    ],
  },
  { selectableFields: [{ jsonPath: '.spec.constructor' }] },
  { subresources: { status: {}, scale: { specReplicasPath: '.spec.__proto__', statusReplicasPath: '.status.a' } } },
  { additionalPrinterColumns: [{ name: 'A', type: 'string', jsonPath: '..[?(@.a' }] },
);

/** The definition as it would be kept, and what is wrong with it. */
function judged(value: unknown): { object: KubeObject; errors: FieldError[] } {
  const { object } = decodeValue({ value, duplicates: [] }, expectedOf(CRD), 'Ignore');
  object.metadata ??= { name: '' };
  CRD.default(object);
  CRD.prepareForCreate(object);
  return { object, errors: CRD.validate(object) };
}

/** What is told of an object of that definition, all that can be; or why the definition does not stand. */
export function told(schema: unknown, more: object, spec: unknown): unknown {
  const { object: crd, errors } = judged(definition(schema, more));
  if (errors.length > 0) return errors;
  const [kind] = customKinds(crd);
  const value = { metadata: { name: 'a', namespace: 'b' }, spec };
  const { object } = decodeValue({ value, duplicates: [] }, expectedOf(kind!), 'Ignore');
  kind!.default(object);
  const again = structuredClone(object);
  kind!.default(again);
  assert.deepEqual(again, object, 'defaults are filled in once');
  kind!.prepareForCreate(object);
  return [
    object,
    kind!.validate(object),
    kind!.validateUpdate(structuredClone(object), object),
    kind!.cells(object, 0),
    Object.values(kind!.fields).map((field) => field(object)),
    apiResourceList([kind!], 'example.com', 'v1'),
    openApiV3([kind!], 'example.com', 'v1', ''),
    openApiV2([kind!], ''),
  ];
}

export const definitions: Decoder[] = [
  decoder({
    name: 'crd',
    input: fc.tuple(SCHEMAS, PARTS, JSON_VALUES),
    decode: ([schema, more, spec]) => void JSON.stringify(told(schema, more, spec)),
  }),
];
