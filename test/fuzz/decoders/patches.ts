// Decides how patches are fuzzed: JSON patch, merge, strategic merge and server-side apply on objects of all kinds. Never sends
// one.
import { isRecord } from '../../../lib/base/records.ts';
import assert from 'node:assert/strict';
import fc from '../../kit/fast-check.ts';
import { ApiError } from '../../../lib/base/errors.ts';
import { applyServerSide } from '../../../lib/api/managed-fields/apply.ts';
import { entriesOf, readOwners } from '../../../lib/api/managed-fields/owners.ts';
import type { Kind } from '../../../lib/api/kind.ts';
import type { KubeObject } from '../../../lib/api/object.ts';
import { apiVersionOf } from '../../../lib/api/resource.ts';
import { patched, type PatchType } from '../../../services/apiserver/core/pipeline/patch.ts';
import { decoder, isRefusal, type Decoder } from '../decoder.ts';
import { JSON_VALUES, KEYS, STORED, typedValue, withOwnKeys } from '../inputs.ts';

export const POD = STORED.find(({ ref }) => ref.resource === 'pods')!;
export const BASE = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'a', namespace: 'b', labels: { a: 'b' }, finalizers: ['x/y'] },
  spec: {
    containers: [{ name: 'c', image: 'x', ports: [{ containerPort: 1 }], env: [{ name: 'e' }] }],
    tolerations: [{ key: 'a' }],
  },
} as unknown as KubeObject;

const PATHS = fc.oneof(
  fc.constantFrom(
    '',
    '/',
    '/spec',
    '/spec/containers/0',
    '/spec/containers/-',
    '/spec/containers/1e3',
    '/spec/containers/99999999999',
  ),
  fc.constantFrom(
    '/__proto__/polluted',
    '/constructor/prototype/polluted',
    '/metadata/__proto__',
    'spec',
    '/~2',
    '/metadata/labels/~01~1',
  ),
  fc.array(KEYS, { maxLength: 4 }).map((names) => names.map((name) => `/${name}`).join('')),
);
const OPERATIONS = fc.array(
  fc
    .tuple(
      fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test', 'test2', '__proto__'),
      PATHS,
      PATHS,
      JSON_VALUES,
    )
    .map(([op, path, from, value]) => ({ op, path, from, value })),
  { maxLength: 3 },
);
const DIRECTIVES = fc
  .tuple(
    fc.oneof(
      fc.constantFrom('$patch', '$retainKeys', '$setElementOrder/containers', '$deleteFromPrimitiveList/finalizers'),
      // Every object of JavaScript answers to these.
      fc.constantFrom('$setElementOrder/constructor', '$deleteFromPrimitiveList/toString', 'valueOf'),
    ),
    JSON_VALUES,
  )
  .map((entry) => withOwnKeys([entry]));
export const MERGES = fc.oneof(
  typedValue('core.v1.Pod'),
  JSON_VALUES,
  DIRECTIVES,
  DIRECTIVES.map((spec) => ({ spec })),
  fc.tuple(DIRECTIVES, typedValue('core.v1.Container')).map(([one, other]) => ({ spec: { containers: [one, other] } })),
);

function applied(type: PatchType): (value: unknown) => void {
  return (value) => {
    const base = structuredClone(BASE);
    patched(POD, base, { type, value, duplicates: [] }, 'Ignore');
    assert.deepEqual(base, BASE, 'the base is changed');
  };
}

export function serverSide(kind: Kind, current: KubeObject | undefined, value: unknown, force: boolean): unknown {
  return applyServerSide({
    typeName: kind.typeName,
    apiVersion: apiVersionOf(kind.ref),
    kind: kind.ref.kind,
    current,
    applied: value,
    manager: 'me',
    force,
    subresource: '',
    now: 0,
  });
}

export const patches: Decoder[] = [
  decoder({
    name: 'json-patch',
    input: fc.oneof(OPERATIONS, JSON_VALUES),
    decode: applied('application/json-patch+json'),
  }),
  decoder({ name: 'merge-patch', input: MERGES, decode: applied('application/merge-patch+json') }),
  decoder({ name: 'strategic-merge', input: MERGES, decode: applied('application/strategic-merge-patch+json') }),
  decoder({
    name: 'server-side-apply',
    input: fc.tuple(MERGES, JSON_VALUES, fc.boolean(), fc.boolean()),
    // Upstream has no code of its own for what does not fit its type.
    mayRefuse: (error) =>
      isRefusal(error) ||
      (error instanceof ApiError && error.message.startsWith('failed to create typed patch object')),
    decode([config, fieldsV1, exists, force]) {
      const value = isRecord(config)
        ? Object.assign({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' } }, config)
        : config;
      const managedFields = [
        { manager: 'other', operation: 'Update', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1 },
      ];
      // What is kept was read, and found whole.
      const owners = readOwners(managedFields as never);
      const current = {
        ...structuredClone(BASE),
        metadata: { ...BASE.metadata, managedFields: owners === undefined ? undefined : entriesOf(owners) },
      } as unknown as KubeObject;
      serverSide(POD, exists ? current : undefined, value, force);
    },
  }),
];
