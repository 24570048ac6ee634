import test from 'ava';
import { LAST_APPLIED } from '../../lib/api/managed-fields/last-applied.ts';
import { lastAppliedOf, typeOfKind, threeWayPatch, withLastApplied } from './three-way.ts';

type Json = Record<string, unknown>;
const DEPLOYMENT = typeOfKind('apps', 'v1', 'Deployment');
const SERVICE = typeOfKind('', 'v1', 'Service');
const POD = typeOfKind('', 'v1', 'Pod');

const web = (container: Json, more: Json = {}): Json => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: { replicas: 3, template: { spec: { containers: [{ name: 'web', ...container }] } }, ...more },
});
const specOf = (patch: Json): Json => (patch['spec'] ?? {}) as Json;

test('the annotation holds the object, sorted, without itself', (t) => {
  const object = withLastApplied({
    kind: 'ConfigMap',
    apiVersion: 'v1',
    metadata: { name: 'a' },
    data: { b: '1', a: '2' },
  });
  const text = (object['metadata'] as { annotations: Record<string, string> }).annotations[LAST_APPLIED];
  t.is(
    text,
    '{"apiVersion":"v1","data":{"a":"2","b":"1"},"kind":"ConfigMap","metadata":{"annotations":{},"name":"a"}}\n',
  );
  t.deepEqual(lastAppliedOf(object)?.['data'], { a: '2', b: '1' });
  t.deepEqual(withLastApplied(object), object, 'applying what was applied changes nothing');
});

test('what the server and others added stays: nothing to do', (t) => {
  const file = web({ image: 'a' });
  const live = {
    ...web({ image: 'a', imagePullPolicy: 'IfNotPresent' }, { progressDeadlineSeconds: 600 }),
    status: { replicas: 3 },
  };
  t.deepEqual(threeWayPatch(file, file, live, DEPLOYMENT), {});
});

test('a changed field of a list element names the element by its key', (t) => {
  const patch = threeWayPatch(web({ image: 'a' }), web({ image: 'b' }), web({ image: 'a', tty: true }), DEPLOYMENT);
  t.deepEqual(patch, {
    spec: {
      template: {
        spec: { containers: [{ name: 'web', image: 'b' }], '$setElementOrder/containers': [{ name: 'web' }] },
      },
    },
  });
});

test('what the file no longer says is removed, what it never said is not', (t) => {
  const before = web({ image: 'a', command: ['x'] }, { minReadySeconds: 5 });
  const live = web({ image: 'a', command: ['x'], tty: true }, { minReadySeconds: 5, paused: true });
  const patch = specOf(threeWayPatch(before, web({ image: 'a' }), live, DEPLOYMENT));
  t.is(patch['minReadySeconds'], null);
  t.false('paused' in patch);
  t.deepEqual((patch['template'] as { spec: Json }).spec['containers'], [{ name: 'web', command: null }]);
});

test('an element that left the file is deleted; one that somebody else added is not', (t) => {
  const pod = (...names: string[]): Json => ({ spec: { containers: names.map((name) => ({ name, image: name })) } });
  const patch = specOf(threeWayPatch(pod('a', 'b'), pod('a'), pod('a', 'b', 'sidecar'), POD));
  t.deepEqual(patch['containers'], [{ $patch: 'delete', name: 'b' }]);
});

test('ports of a Service merge by port', (t) => {
  const service = (...ports: Json[]): Json => ({ spec: { ports } });
  const live = service({ port: 80, targetPort: 8080, protocol: 'TCP', nodePort: 30_001 });
  t.deepEqual(
    specOf(
      threeWayPatch(service({ port: 80, targetPort: 8080 }), service({ port: 80, targetPort: 9090 }), live, SERVICE),
    )['ports'],
    [{ port: 80, targetPort: 9090 }],
  );
});

test('lists without a key are replaced whole, sets are added to and taken from', (t) => {
  const pod = (args: string[], finalizers: string[]): Json => ({
    metadata: { finalizers },
    spec: { containers: [{ name: 'a', args }] },
  });
  const patch = threeWayPatch(pod(['1'], ['x/a']), pod(['2'], ['x/b']), pod(['1'], ['x/a', 'x/own']), POD);
  t.deepEqual((specOf(patch)['containers'] as Json[])[0], { name: 'a', args: ['2'] });
  t.deepEqual(patch['metadata'], {
    finalizers: ['x/b'],
    '$deleteFromPrimitiveList/finalizers': ['x/a'],
    '$setElementOrder/finalizers': ['x/b'],
  });
});

test('a kind that nobody knows merges as plain JSON', (t) => {
  t.is(typeOfKind('example.com', 'v1', 'Widget'), undefined);
  const patch = threeWayPatch(
    { spec: { a: [1], b: 1 } },
    { spec: { a: [2] } },
    { spec: { a: [1], b: 1, c: 1 } },
    undefined,
  );
  t.deepEqual(patch, { spec: { a: [2], b: null } });
});

test('null in a file takes away what is there', (t) => {
  const patch = threeWayPatch(
    web({ image: 'a' }),
    web({ image: 'a', command: null }),
    web({ image: 'a', command: ['x'] }),
    DEPLOYMENT,
  );
  t.deepEqual((specOf(patch)['template'] as { spec: Json }).spec['containers'], [{ name: 'web', command: null }]);
  const widget = threeWayPatch({ spec: {} }, { spec: { a: null } }, { spec: { a: 1 } }, undefined);
  t.deepEqual(widget, { spec: { a: null } });
});

test('null in a file means nothing where there is nothing', (t) => {
  t.deepEqual(
    threeWayPatch(undefined, { metadata: { creationTimestamp: null } }, { metadata: { name: 'a' } }, POD),
    {},
  );
});
