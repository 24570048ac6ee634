import test from 'ava';
import fc from '../../test/kit/fast-check.ts';
import { equalJson } from './equality.ts';
import { applyJsonMerge, createJsonMerge, threeWayJsonMerge } from './json-merge.ts';
import { threeWayMergePatch, twoWayMergePatch } from './strategic-diff.ts';
import { applyStrategicMerge } from './strategic-merge.ts';

const POD = 'core.v1.Pod';
const names = (value: any): string[] => value.spec.containers.map((container: any) => container.name);
const podWith = (...containers: any[]): any => ({ spec: { containers } });

test('containers merge by name; what the patch does not say stays', (t) => {
  const pod = podWith({ name: 'a', image: 'a:1', args: ['x'] }, { name: 'b', image: 'b:1' });
  const patched = applyStrategicMerge(POD, pod, podWith({ name: 'b', image: 'b:2' }));
  t.deepEqual(patched, podWith({ name: 'a', image: 'a:1', args: ['x'] }, { name: 'b', image: 'b:2' }));
  t.is(pod.spec.containers[1].image, 'b:1', 'the original is not changed');
});

test('an element that the object lacks comes first, as the real server does it', (t) => {
  const pod = podWith({ name: 'a' }, { name: 'b' });
  t.deepEqual(names(applyStrategicMerge(POD, pod, podWith({ name: 'c', image: 'c' }))), ['c', 'a', 'b']);
});

test('$setElementOrder puts elements in the order of the author, others stay between', (t) => {
  const pod = podWith({ name: 'a' }, { name: 'sidecar' }, { name: 'b' });
  const patch = {
    spec: {
      '$setElementOrder/containers': [{ name: 'a' }, { name: 'b' }, { name: 'c' }],
      containers: [{ name: 'c', image: 'c' }],
    },
  };
  t.deepEqual(names(applyStrategicMerge(POD, pod, patch)), ['a', 'sidecar', 'b', 'c']);
});

test('$patch: delete, replace and an unknown directive', (t) => {
  const pod = podWith({ name: 'a' }, { name: 'b' });
  t.deepEqual(names(applyStrategicMerge(POD, pod, podWith({ name: 'a', $patch: 'delete' }))), ['b']);
  t.deepEqual(names(applyStrategicMerge(POD, pod, podWith({ $patch: 'replace' }, { name: 'z', image: 'z' }))), ['z']);
  t.deepEqual(
    applyStrategicMerge(
      POD,
      { spec: { a: 1, nodeSelector: { x: 'y' } } },
      { spec: { nodeSelector: { $patch: 'replace', q: 'r' } } },
    ),
    {
      spec: { a: 1, nodeSelector: { q: 'r' } },
    },
  );
  const error = t.throws(() => applyStrategicMerge(POD, pod, { spec: { $patch: 'explode' } }));
  t.is(error.message, 'unknown patch type: explode in map: map[$patch:explode]');
});

test('$deleteFromPrimitiveList, finalizers merge without repeats, null deletes, tolerations are replaced whole', (t) => {
  const pod = {
    metadata: { finalizers: ['a', 'b'], labels: { x: '1', y: '2' } },
    spec: { tolerations: [{ key: 'k' }] },
  };
  const patched = applyStrategicMerge(POD, pod, {
    metadata: { finalizers: ['b', 'c'], '$deleteFromPrimitiveList/finalizers': ['a'], labels: { x: null } },
    spec: { tolerations: [{ key: 'z' }] },
  });
  t.deepEqual(patched, {
    metadata: { finalizers: ['b', 'c'], labels: { y: '2' } },
    spec: { tolerations: [{ key: 'z' }] },
  });
});

test('$retainKeys drops what a strategy of another type cannot keep', (t) => {
  const deployment = { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } };
  const patch = { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } };
  t.deepEqual(applyStrategicMerge('apps.v1.Deployment', deployment, patch), {
    spec: { strategy: { type: 'Recreate' } },
  });
});

test('ports that share a number are told apart by their protocol', (t) => {
  const ports = [
    { port: 53, protocol: 'TCP', name: 'tcp' },
    { port: 53, protocol: 'UDP', name: 'udp' },
  ];
  const patched = applyStrategicMerge(
    'core.v1.Service',
    { spec: { ports } },
    { spec: { ports: [{ port: 53, protocol: 'UDP', targetPort: 5353 }] } },
  );
  t.deepEqual(patched['spec'].ports, [ports[0], { ...ports[1], targetPort: 5353 }]);
  const from = { spec: { ports: [ports[0]] } };
  const to = { spec: { ports } };
  t.deepEqual(applyStrategicMerge('core.v1.Service', from, twoWayMergePatch('core.v1.Service', from, to)), to);
});

test('a patch without a merge key, or that is no object, is refused and says why', (t) => {
  t.regex(
    t.throws(() => applyStrategicMerge(POD, podWith({ name: 'a' }), podWith({ image: 'x' }))).message,
    /does not contain declared merge key: name/,
  );
  t.throws(() => applyStrategicMerge(POD, {}, [1]), { message: 'invalid JSON document' });
  t.throws(() => applyStrategicMerge(POD, podWith({ name: 'a' }), podWith('text')), {
    message: 'list element types are not identical: [[map[name:a]] [text]]',
  });
  const ordered = { spec: { '$setElementOrder/containers': [{ name: 'b' }], containers: [{ name: 'a' }] } };
  t.throws(() => applyStrategicMerge(POD, podWith({ name: 'a' }), ordered), {
    message:
      /^The order in patch list:\n\[map\[name:a\]\]\n doesn't match \$setElementOrder list:\n\[map\[name:b\]\]\n$/,
  });
});

test('apply: a field that the author dropped goes, what others set stays', (t) => {
  const container = { name: 'c', image: 'i:1' };
  const lastApplied = {
    metadata: { labels: { mine: '1', gone: '1' } },
    spec: {
      replicas: 2,
      template: {
        spec: {
          containers: [
            { ...container, args: ['x'] },
            { name: 'old', image: 'o' },
          ],
        },
      },
    },
  };
  const current = structuredClone(lastApplied) as any;
  current.metadata.labels.theirs = '1';
  current.spec.template.spec.containers.push({ name: 'injected', image: 'i' });
  current.spec.template.spec.containers[0].imagePullPolicy = 'Always';
  const modified = {
    metadata: { labels: { mine: '2' } },
    spec: { replicas: 2, template: { spec: { containers: [{ ...container, image: 'i:2' }] } } },
  };
  const patch = threeWayMergePatch('apps.v1.Deployment', lastApplied, current, modified)!;
  t.deepEqual(applyStrategicMerge('apps.v1.Deployment', current, patch), {
    metadata: { labels: { mine: '2', theirs: '1' } },
    spec: {
      replicas: 2,
      template: {
        spec: {
          containers: [
            { name: 'c', image: 'i:2', imagePullPolicy: 'Always' },
            { name: 'injected', image: 'i' },
          ],
        },
      },
    },
  });
  t.is(
    threeWayMergePatch(
      'apps.v1.Deployment',
      modified,
      applyStrategicMerge('apps.v1.Deployment', current, patch),
      modified,
    ),
    undefined,
    'applied again: nothing to do',
  );
});

test('apply after scale by hand: replicas that the author never said are not touched', (t) => {
  const patch = threeWayMergePatch(
    'apps.v1.Deployment',
    { spec: { paused: true } },
    { spec: { replicas: 7, paused: true } },
    { spec: { minReadySeconds: 1 } },
  );
  t.deepEqual(patch, { spec: { paused: null, minReadySeconds: 1 } });
});

const name = fc.constantFrom('a', 'b', 'c', 'd');
const container = fc.record({
  name,
  image: fc.constantFrom('x', 'y'),
  env: fc.uniqueArray(fc.record({ name, value: name }), { selector: (v) => v.name, maxLength: 3 }),
});
const pod = fc.record({
  metadata: fc.record({ labels: fc.dictionary(name, name), finalizers: fc.uniqueArray(name) }),
  spec: fc.record({
    containers: fc.uniqueArray(container, { selector: (c) => c.name, minLength: 1, maxLength: 4 }),
    nodeSelector: fc.dictionary(name, name),
    priority: fc.nat(3),
  }),
});

test('property: the patch between two pods makes the second out of the first', (t) => {
  fc.assert(
    fc.property(pod, pod, (from, to) => {
      const patch = twoWayMergePatch(POD, from, to);
      const result = patch === undefined ? from : applyStrategicMerge(POD, from, patch);
      if (!equalJson(result, to))
        throw new Error(`${JSON.stringify(patch)}\n${JSON.stringify(result)}\n${JSON.stringify(to)}`);
    }),
    { numRuns: 500 },
  );
  t.pass();
});

test('property: applying twice does nothing, and the author gets what was said', (t) => {
  fc.assert(
    fc.property(pod, pod, pod, (lastApplied, current, modified) => {
      const patch = threeWayMergePatch(POD, lastApplied, current, modified);
      const result = patch === undefined ? current : applyStrategicMerge(POD, current, patch);
      const again = threeWayMergePatch(POD, modified, result, modified);
      if (again !== undefined)
        throw new Error(`${JSON.stringify(patch)}\n${JSON.stringify(result)}\nagain ${JSON.stringify(again)}`);
    }),
    { numRuns: 500 },
  );
  t.pass();
});

test('JSON merge patch: the examples of RFC 7386', (t) => {
  const cases: [unknown, unknown, unknown][] = [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ];
  for (const [value, patch, expected] of cases) t.deepEqual(applyJsonMerge(value, patch), expected);
});

test('property: a created merge patch makes the second value out of the first', (t) => {
  const value = fc.dictionary(name, fc.oneof(fc.nat(3), fc.array(fc.nat(3)), fc.dictionary(name, fc.nat(3))));
  fc.assert(
    fc.property(value, value, (from, to) => equalJson(applyJsonMerge(from, createJsonMerge(from, to) ?? {}), to)),
  );
  t.deepEqual(threeWayJsonMerge({ spec: { a: 1 } }, { spec: { a: 1, x: 2 } }, { spec: { b: 1 } }), {
    spec: { a: null, b: 1 },
  });
  t.is(threeWayJsonMerge({ a: 1 }, { a: 1, b: 2 }, { a: 1 }), undefined);
});
