// Does nothing but serve the tests of this folder: short ways to apply and update, and configurations of any shape that a
// client may apply.
import fc from '../../../../test/kit/fast-check.ts';
import { decodeValue, expectedOf } from '../../decode.ts';
import { kindByName, type Kind } from '../../kind.ts';
import type { KubeObject } from '../../object.ts';
import { apiVersionOf } from '../../resource.ts';
import { applyServerSide, type ApplyRequest, type ApplyResult } from '../apply.ts';
import { printPath } from '../conflicts.ts';
import { pathsOf, type Fields } from '../fields.ts';
import { updateManagedFields, type UpdateRequest } from '../update.ts';

export const NOW = Date.parse('2026-11-22T08:00:00Z');
export const LATER = NOW + 60_000;

export const DEPLOYMENT = kindByName('apps', 'v1', 'Deployment')!;
export const CONFIG_MAP = kindByName('', 'v1', 'ConfigMap')!;
export const POD = kindByName('', 'v1', 'Pod')!;
export const SERVICE = kindByName('', 'v1', 'Service')!;

export const named = (kind: Kind, value: object, name = 'x'): Record<string, any> => ({
  apiVersion: apiVersionOf(kind.ref),
  kind: kind.ref.kind,
  ...value,
  metadata: { name, ...(value as { metadata?: object }).metadata },
});

export function apply(
  kind: Kind,
  current: KubeObject | undefined,
  manager: string,
  applied: object,
  more: Partial<ApplyRequest> = {},
): ApplyResult {
  return applyServerSide({
    typeName: kind.typeName,
    apiVersion: apiVersionOf(kind.ref),
    kind: kind.ref.kind,
    current,
    applied: named(kind, applied),
    manager,
    force: false,
    subresource: '',
    now: NOW,
    ...more,
  });
}

/** A write that is no apply: the object as it was sent, with its new owners. */
export function write(
  kind: Kind,
  before: KubeObject | undefined,
  manager: string,
  value: object,
  more: Partial<UpdateRequest> = {},
): KubeObject {
  const sent = named(kind, value);
  const { object } = decodeValue({ value: sent, duplicates: [] }, expectedOf(kind));
  const after = { ...object, metadata: { ...object.metadata } };
  // An empty list says something here, and the canonical form loses it.
  const managedFields = sent['metadata'].managedFields ?? after.metadata.managedFields;
  if (managedFields !== undefined) after.metadata.managedFields = managedFields;
  const entries = updateManagedFields({
    typeName: kind.typeName,
    before,
    after,
    manager,
    apiVersion: apiVersionOf(kind.ref),
    subresource: '',
    now: NOW,
    ...more,
  });
  delete after.metadata.managedFields;
  if (entries !== undefined) after.metadata.managedFields = entries;
  return after;
}

export const printAll = (fields: Fields): string[] => pathsOf(fields).map(printPath).toSorted();

/** Paths by `manager`, `manager Update` or `manager Update status`. */
export function owned(object: KubeObject): Record<string, string[]> {
  return Object.fromEntries(
    (object.metadata.managedFields ?? []).map(({ manager, operation, subresource, fieldsV1 }) => [
      [
        manager,
        ...(operation === 'Update' ? [operation] : []),
        ...(subresource === undefined ? [] : [subresource]),
      ].join(' '),
      printAll(fieldsV1 as unknown as Fields),
    ]),
  );
}

/** Without who owns what. */
export function content(object: KubeObject): KubeObject {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

const word = fc.constantFrom('a', 'b', 'c');
const optional = (fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<Record<string, unknown>> =>
  fc.record(fields, { requiredKeys: [] }) as fc.Arbitrary<Record<string, unknown>>;
const words = fc.dictionary(word, word, { minKeys: 1, maxKeys: 3 });
const keyed = (
  keys: Record<string, fc.Arbitrary<unknown>>,
  required: string[],
  others: Record<string, fc.Arbitrary<unknown>>,
): fc.Arbitrary<unknown[]> =>
  fc.uniqueArray(fc.record({ ...keys, ...others }, { requiredKeys: required }), {
    selector: (item) => JSON.stringify(Object.keys(keys).map((key) => (item as any)[key] ?? 'TCP')),
    minLength: 1,
    maxLength: 3,
  });

const container = keyed({ name: word }, ['name'], {
  image: word,
  args: fc.array(word, { minLength: 1, maxLength: 2 }),
  tty: fc.constant(true),
  env: keyed({ name: word }, ['name'], { value: word }),
  ports: keyed(
    { containerPort: fc.constantFrom(80, 443, 8080), protocol: fc.constantFrom('TCP', 'UDP') },
    ['containerPort'],
    { name: word },
  ),
  resources: optional({ limits: fc.dictionary(fc.constantFrom('cpu', 'memory'), fc.constantFrom('1', '100m')) }),
  securityContext: optional({ runAsUser: fc.integer({ min: 1, max: 3 }), privileged: fc.boolean() }),
});

/** What somebody may apply to one Deployment: structs, maps, sets, lists with one and two keys, and atomic fields. */
export const deploymentConfig: fc.Arbitrary<Record<string, unknown>> = optional({
  metadata: optional({
    labels: words,
    annotations: words,
    finalizers: fc.uniqueArray(fc.constantFrom('x.io/a', 'x.io/b', 'x.io/c'), { minLength: 1 }),
  }),
  spec: optional({
    replicas: fc.integer({ min: 0, max: 2 }),
    minReadySeconds: fc.integer({ min: 1, max: 2 }),
    selector: fc.record({ matchLabels: words }),
    strategy: optional({
      type: fc.constantFrom('Recreate', 'RollingUpdate'),
      rollingUpdate: optional({ maxSurge: fc.constantFrom(1, '25%') }),
    }),
    template: optional({
      metadata: optional({ labels: words }),
      spec: optional({
        containers: container,
        nodeSelector: words,
        tolerations: fc.array(fc.record({ key: word }), { minLength: 1, maxLength: 2 }),
        volumes: keyed({ name: word }, ['name'], { emptyDir: fc.constant({ medium: 'Memory' }) }),
      }),
    }),
  }),
});
