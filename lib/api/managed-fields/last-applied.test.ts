// The ways of kubectl between client-side and server-side apply, as the requests that kubectl sends.
import test from 'ava';
import type { KubeObject } from '../object.ts';
import { applyConflict } from './conflicts.ts';
import { LAST_APPLIED } from './last-applied.ts';
import { DEPLOYMENT, LATER, apply, content, named, owned, write } from './testdata/kit.ts';

const CLIENT = 'kubectl-client-side-apply';
const manifest = (replicas: number, image: string): Record<string, any> => ({
  spec: { replicas, template: { spec: { containers: [{ name: 'c', image }] } } },
});

/** What kubectl apply makes: the manifest, and the manifest as an annotation. */
function clientSide(replicas: number, image: string, before?: KubeObject): KubeObject {
  const text = `${JSON.stringify(named(DEPLOYMENT, manifest(replicas, image)))}\n`;
  const value = { ...manifest(replicas, image), metadata: { annotations: { [LAST_APPLIED]: text } } };
  return write(DEPLOYMENT, before, CLIENT, value);
}

const annotation = (object: KubeObject): any => {
  const text = object.metadata.annotations?.[LAST_APPLIED];
  return text === undefined ? undefined : JSON.parse(text);
};

test('kubectl apply --server-side on what kubectl apply made: no conflict with itself', (t) => {
  const before = clientSide(1, 'i:1');
  const { object, conflicts } = apply(DEPLOYMENT, before, 'kubectl', manifest(2, 'i:2'));
  t.deepEqual(conflicts, []);
  t.is(object['spec'].replicas, 2);
  t.true(owned(object)['kubectl']!.includes('.spec.replicas'));
  t.false(owned(object)[`${CLIENT} Update`]!.includes('.spec.replicas'));
  t.deepEqual(annotation(object), named(DEPLOYMENT, manifest(2, 'i:2')), 'who goes back finds what was applied last');
  t.is(
    object.metadata.annotations![LAST_APPLIED],
    `${JSON.stringify(sortKeys(named(DEPLOYMENT, manifest(2, 'i:2'))))}\n`,
  );
});

function sortKeys(value: any): any {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return Array.isArray(value) ? value.map(sortKeys) : value;
  return Object.fromEntries(
    Object.keys(value)
      .toSorted()
      .map((key) => [key, sortKeys(value[key])]),
  );
}

test('the second request, as kubectl-last-applied, takes the annotation and nothing else', (t) => {
  const first = apply(DEPLOYMENT, clientSide(1, 'i:1'), 'kubectl', manifest(2, 'i:1')).object;
  const metadata = { annotations: { [LAST_APPLIED]: first.metadata.annotations![LAST_APPLIED] } };
  const { object, conflicts } = apply(DEPLOYMENT, first, 'kubectl-last-applied', { metadata }, { now: LATER });
  t.deepEqual(conflicts, []);
  t.deepEqual(content(object), content(first));
  t.deepEqual(owned(object)['kubectl-last-applied'], [`.metadata.annotations.${LAST_APPLIED}`]);
  const third = apply(DEPLOYMENT, object, 'kubectl', manifest(3, 'i:1')).object;
  t.deepEqual(annotation(third), named(DEPLOYMENT, manifest(3, 'i:1')));
  t.deepEqual(owned(third)['kubectl-last-applied'], [`.metadata.annotations.${LAST_APPLIED}`]);
});

test('kubectl moves its client-side entry to server-side by a patch of managedFields: dropped fields go then', (t) => {
  const before = clientSide(1, 'i:1');
  const { fieldsV1 } = before.metadata.managedFields![0]!;
  const managedFields = [
    {
      manager: 'kubectl',
      operation: 'Apply',
      apiVersion: 'apps/v1',
      time: '2026-11-22T08:00:00Z',
      fieldsType: 'FieldsV1',
      fieldsV1,
    },
  ];
  const { annotations } = before.metadata;
  const moved = write(DEPLOYMENT, before, 'kubectl', { ...content(before), metadata: { annotations, managedFields } });
  t.deepEqual(Object.keys(owned(moved)), ['kubectl']);
  const { replicas: _, ...rest } = manifest(1, 'i:1')['spec'];
  const after = apply(DEPLOYMENT, moved, 'kubectl', { spec: rest });
  t.deepEqual(after.conflicts, []);
  t.is(after.object['spec'].replicas, undefined);
});

test('a field that someone changed since is a conflict all the same, and only it is told', (t) => {
  const before = clientSide(1, 'i:1');
  const scaled = write(DEPLOYMENT, before, 'kubectl-edit', {
    ...content(before),
    spec: { ...before['spec'], replicas: 5 },
  });
  const { conflicts } = apply(DEPLOYMENT, scaled, 'kubectl', manifest(2, 'i:2'));
  t.is(
    applyConflict(conflicts).message,
    'Apply failed with 1 conflict: conflict with "kubectl-edit" using apps/v1: .spec.replicas',
  );
});

for (const [what, text] of [
  ['no JSON', '{'],
  ['no object', '[]'],
  ['another version', JSON.stringify({ ...named(DEPLOYMENT, manifest(1, 'i:1')), apiVersion: 'apps/v1beta1' })],
  ['no version', JSON.stringify(manifest(1, 'i:1'))],
  ['wrong types', JSON.stringify({ apiVersion: 'apps/v1', kind: 'Deployment', spec: 1 })],
] as const)
  test(`an annotation that explains nothing: ${what}`, (t) => {
    const value = { ...manifest(1, 'i:1'), metadata: { annotations: { [LAST_APPLIED]: text } } };
    const before = write(DEPLOYMENT, undefined, CLIENT, value);
    const { conflicts } = apply(DEPLOYMENT, before, 'kubectl', manifest(2, 'i:1'));
    t.is(
      applyConflict(conflicts).message,
      `Apply failed with 1 conflict: conflict with "${CLIENT}" using apps/v1: .spec.replicas`,
    );
  });

test('other managers than kubectl neither profit from the annotation nor touch it', (t) => {
  const before = clientSide(1, 'i:1');
  t.is(apply(DEPLOYMENT, before, 'helm', manifest(2, 'i:1')).conflicts.length, 1);
  const forced = apply(DEPLOYMENT, before, 'helm', manifest(2, 'i:1'), { force: true }).object;
  t.deepEqual(annotation(forced), annotation(before));
  t.is(apply(DEPLOYMENT, undefined, 'kubectl', manifest(1, 'i:1')).object.metadata.annotations, undefined);
});

test('an annotation that would make the object too large goes', (t) => {
  const before = clientSide(1, 'i:1');
  const large = { ...manifest(1, 'i:1'), metadata: { annotations: { big: 'x'.repeat(200 * 1024) } } };
  const { object } = apply(DEPLOYMENT, before, 'kubectl', large, { force: true });
  t.deepEqual(Object.keys(object.metadata.annotations!), ['big']);
});
