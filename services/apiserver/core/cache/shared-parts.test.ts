// Shows that objects keep saying what they say while they share what they have alike, and that nobody can change that. Never
// measures memory.
import test from 'ava';
import fc from '../../../../test/kit/fast-check.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { SharedParts } from './shared-parts.ts';

const pod = (name: string, image: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    labels: { app: 'web', 'pod-template-hash': 'abc123' },
    managedFields: [
      {
        manager: 'm',
        operation: 'Update',
        time: `2026-11-22T08:00:0${name}Z`,
        fieldsV1: { 'f:spec': { 'f:containers': {} } },
      },
    ],
  },
  spec: { nodeName: `node-${name}`, containers: [{ name: 'web', image, ports: [{ containerPort: 80 }] }] },
});

test('what two objects have alike they have together, and nothing else', (t) => {
  const parts = new SharedParts();
  const [a, b, c] = [pod('1', 'x'), pod('2', 'x'), pod('3', 'y')].map((object) => parts.share(object));
  t.deepEqual([a, b, c], [pod('1', 'x'), pod('2', 'x'), pod('3', 'y')]);
  t.is(a!['spec'].containers, b!['spec'].containers);
  t.is(a!.metadata.labels, c!.metadata.labels);
  t.is(a!.metadata.managedFields![0]!.fieldsV1, c!.metadata.managedFields![0]!.fieldsV1);
  t.not(a!['spec'], b!['spec']);
  t.not(a!['spec'].containers, c!['spec'].containers);
});

test('a shared part cannot be changed, the object around it can', (t) => {
  const object = new SharedParts().share(pod('1', 'x'));
  t.throws(() => (object['spec'].containers[0].ports[0].containerPort = 81), { instanceOf: TypeError });
  t.throws(() => object['spec'].containers.push({}), { instanceOf: TypeError });
  object.metadata.resourceVersion = '7';
  object['spec'].nodeName = 'other';
  t.is(object['spec'].nodeName, 'other');
});

test('whatever comes, also after much has been forgotten, is what it was', (t) => {
  const parts = new SharedParts();
  const filling = 'v'.repeat(4_000);
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), fc.nat(600), (spec, labels, i) => {
      const object = (): KubeObject =>
        ({
          kind: 'X',
          metadata: { name: 'x', labels, annotations: { filling: `${i}${filling}` } },
          spec: { spec, same: { i } },
        }) as never;
      t.deepEqual(parts.share(object()), object());
    }),
    { numRuns: 1_000 },
  );
});
