// Shows whom a patch is blamed for that leaves an object of no type, or with fields that nobody knows.
import test from 'ava';
import { kindFor } from '../../../../lib/api/kind.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { patched, type PatchType } from './patch.ts';

const kind = kindFor('apps', 'v1', 'deployments')!;
const base = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' }, spec: {} } as KubeObject;
const STRATEGIC = 'application/strategic-merge-patch+json';
const MERGE = 'application/merge-patch+json';

test('a strategic patch is shown as it is, others as what they made', (t) => {
  const refusal = (type: PatchType, spec: object): string => {
    const error = t.throws(() => patched(kind, base, { type, value: { spec }, duplicates: [] }, 'Strict'));
    return error.message;
  };
  const made = (spec: string): string =>
    JSON.stringify(`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":${spec}}`);
  t.is(
    refusal(STRATEGIC, { wat: 1 }),
    ' "" is invalid: patch: Invalid value: "map[spec:map[wat:1]]": strict decoding error: unknown field "spec.wat"',
  );
  t.is(
    refusal(MERGE, { wat: 1 }),
    ` "" is invalid: patch: Invalid value: ${made('{"wat":1}')}: strict decoding error: unknown field "spec.wat"`,
  );
  t.is(
    refusal(STRATEGIC, { replicas: 'x' }),
    ' "" is invalid: patch: Invalid value: "map[spec:map[replicas:x]]": unrecognized type: int32',
  );
  t.is(
    refusal(MERGE, { replicas: 'x' }),
    ` "" is invalid: patch: Invalid value: ${made('{"replicas":"x"}')}: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32`,
  );
});
