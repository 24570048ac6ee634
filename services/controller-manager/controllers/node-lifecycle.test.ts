// Shows what follows when a node falls silent, and when it comes back: conditions, taints, readiness, evictions.
import test from 'ava';
import type { Node, Pod, Toleration } from '../../../lib/api/generated/types.ts';
import { RESOURCES } from '../../../lib/api/resource.ts';
import { toMicroTime } from '../../../lib/base/clock.ts';
import { ModelLoops, addNodes } from '../../../test/kit/api-model-loops.ts';
import { ApiModel } from '../../../test/kit/api-model.ts';
import { nodeLifecycle } from './node-lifecycle.ts';

const LOOP = nodeLifecycle({ nodeMonitorGraceSeconds: 40, defaultTolerationSeconds: 300 });

function world() {
  const clock = { now: 1_800_000_000_000 };
  const model = new ApiModel({ now: () => clock.now });
  const loops = new ModelLoops(model, [LOOP]);
  addNodes(model, ['node-1', 'node-2']);
  for (const name of ['node-1', 'node-2'])
    model.create(RESOURCES.leases, {
      metadata: { name, namespace: 'kube-node-lease' },
      spec: { holderIdentity: name },
    });
  const renew = (name: string): unknown =>
    model.change<{ spec: { renewTime?: string } }>(RESOURCES.leases, 'kube-node-lease', name, (lease) => {
      // A clock that is a year wrong: nothing may be read from it.
      lease.spec.renewTime = toMicroTime(clock.now - 31_536_000_000);
    });
  /** Time passes second by second, while these nodes renew their leases. */
  const pass = async (seconds: number, alive: string[]): Promise<void> => {
    for (let i = 0; i < seconds; i++) {
      clock.now += 1000;
      if (i % 10 === 0) alive.forEach(renew);
      loops.fire();
      await loops.settle();
    }
  };
  return { clock, model, loops, pass, node: (name: string) => model.get<Node>(RESOURCES.nodes, '', name)! };
}

function pod(model: ApiModel, name: string, nodeName: string, tolerations?: Toleration[]): void {
  model.create(RESOURCES.pods, {
    metadata: { name, namespace: 'default' },
    spec: { nodeName, containers: [{ name: 'c', image: 'x' }], ...(tolerations === undefined ? {} : { tolerations }) },
  });
  model.change<Pod>(
    RESOURCES.pods,
    'default',
    name,
    (copy) => void (copy.status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }),
    'status',
  );
}

const taints = (node: Node): string[] =>
  (node.spec.taints ?? []).map(({ key, effect }) => `${key}:${effect}`).toSorted();
const ready = (node: Node): string | undefined => node.status?.conditions?.find(({ type }) => type === 'Ready')?.status;
const alivePod = (model: ApiModel, name: string): Pod | undefined => {
  const found = model.get<Pod>(RESOURCES.pods, 'default', name);
  return found?.metadata.deletionTimestamp === undefined ? found : undefined;
};
const isReady = (model: ApiModel, name: string): boolean =>
  model
    .get<Pod>(RESOURCES.pods, 'default', name)
    ?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;

test('nodes that renew their Lease are left alone, however wrong their clock', async (t) => {
  const { pass, node, loops } = world();
  await pass(120, ['node-1', 'node-2']);
  t.is(ready(node('node-1')), 'True');
  t.deepEqual(taints(node('node-1')), []);
  t.is(loops.writes, 0);
  t.true(loops.reconciles < 20, `${loops.reconciles} looks at two healthy nodes in two minutes`);
});

test('a silent node: Unknown, tainted, pods not ready, pods gone after 300 s; then nothing more', async (t) => {
  const { pass, node, model, loops } = world();
  pod(model, 'web', 'node-1');
  pod(model, 'other', 'node-2');
  await pass(39, ['node-2']);
  t.is(ready(node('node-1')), 'True');
  await pass(4, ['node-2']);
  const conditions = node('node-1').status!.conditions!;
  t.deepEqual(
    conditions.map(({ type, status, reason }) => [type, status, reason]),
    [
      ['Ready', 'Unknown', 'NodeStatusUnknown'],
      ['MemoryPressure', 'Unknown', 'NodeStatusNeverUpdated'],
      ['DiskPressure', 'Unknown', 'NodeStatusNeverUpdated'],
      ['PIDPressure', 'Unknown', 'NodeStatusNeverUpdated'],
    ],
  );
  t.is(conditions[0]!.message, 'Kubelet stopped posting node status.');
  t.deepEqual(taints(node('node-1')), [
    'node.kubernetes.io/unreachable:NoExecute',
    'node.kubernetes.io/unreachable:NoSchedule',
  ]);
  t.false(isReady(model, 'web'));
  t.true(isReady(model, 'other'));
  t.truthy(alivePod(model, 'web'));
  t.true(loops.events.some(({ message }) => message === 'Node node-1 status is now: NodeNotReady'));
  await pass(290, ['node-2']);
  t.truthy(alivePod(model, 'web'));
  await pass(15, ['node-2']);
  t.is(alivePod(model, 'web'), undefined);
  t.truthy(alivePod(model, 'other'));
  t.true(
    loops.events.some(
      ({ reason, message }) => reason === 'TaintManagerEviction' && message === 'Marking for deletion Pod default/web',
    ),
  );
  const { writes } = loops;
  await pass(100, ['node-2']);
  t.is(loops.writes, writes);
});

test('back in time: taints go, nobody is evicted', async (t) => {
  const { pass, node, model } = world();
  pod(model, 'web', 'node-1');
  await pass(60, ['node-2']);
  t.is(ready(node('node-1')), 'Unknown');
  model.change<Node>(
    RESOURCES.nodes,
    '',
    'node-1',
    (copy) => void (copy.status!.conditions = [{ type: 'Ready', status: 'True' }]),
    'status',
  );
  await pass(400, ['node-1', 'node-2']);
  t.deepEqual(taints(node('node-1')), []);
  t.truthy(alivePod(model, 'web'));
});

test('a pod that its kubelet calls ready before the Lease is renewed is not contradicted', async (t) => {
  const { pass, node, model, loops } = world();
  pod(model, 'web', 'node-1');
  await pass(60, ['node-2']);
  t.is(ready(node('node-1')), 'Unknown');
  t.false(isReady(model, 'web'));
  model.change<Pod>(
    RESOURCES.pods,
    'default',
    'web',
    (copy) => void (copy.status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }),
    'status',
  );
  const { writes } = loops;
  await pass(5, ['node-2']);
  t.true(isReady(model, 'web'));
  t.is(loops.writes, writes);
});

test('patience is each pod’s own', async (t) => {
  const { pass, model } = world();
  const unreachable = { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' };
  pod(model, 'short', 'node-1', [{ ...unreachable, tolerationSeconds: 5 }]);
  pod(model, 'ever', 'node-1', [unreachable]);
  pod(model, 'plain', 'node-1');
  await pass(50, ['node-2']);
  t.is(alivePod(model, 'short'), undefined);
  await pass(320, ['node-2']);
  t.is(alivePod(model, 'plain'), undefined);
  t.truthy(alivePod(model, 'ever'));
});

test('a taint of the user evicts those that do not tolerate it, at once or in their time', async (t) => {
  const { pass, model } = world();
  pod(model, 'gone', 'node-1');
  pod(model, 'late', 'node-1', [
    { key: 'gpu', operator: 'Equal', value: 'bad', effect: 'NoExecute', tolerationSeconds: 20 },
  ]);
  pod(model, 'wrong', 'node-1', [{ key: 'gpu', operator: 'Equal', value: 'good', effect: 'NoExecute' }]);
  model.change<Node>(RESOURCES.nodes, '', 'node-1', (copy) => {
    copy.spec = { taints: [{ key: 'gpu', value: 'bad', effect: 'NoExecute', timeAdded: '2027-01-15T08:00:00Z' }] };
  });
  await pass(2, ['node-1', 'node-2']);
  t.is(alivePod(model, 'gone'), undefined);
  t.is(alivePod(model, 'wrong'), undefined);
  t.truthy(alivePod(model, 'late'));
  await pass(25, ['node-1', 'node-2']);
  t.is(alivePod(model, 'late'), undefined);
});

test('cordon and pressure become taints; taints of users stay', async (t) => {
  const { pass, model, node } = world();
  model.change<Node>(RESOURCES.nodes, '', 'node-1', (copy) => {
    copy.spec = { unschedulable: true, taints: [{ key: 'mine', effect: 'PreferNoSchedule' }] };
  });
  model.change<Node>(
    RESOURCES.nodes,
    '',
    'node-1',
    (copy) =>
      void (copy.status!.conditions = [
        { type: 'Ready', status: 'False' },
        { type: 'DiskPressure', status: 'True' },
      ]),
    'status',
  );
  await pass(1, ['node-1', 'node-2']);
  t.deepEqual(taints(node('node-1')), [
    'mine:PreferNoSchedule',
    'node.kubernetes.io/disk-pressure:NoSchedule',
    'node.kubernetes.io/not-ready:NoExecute',
    'node.kubernetes.io/not-ready:NoSchedule',
    'node.kubernetes.io/unschedulable:NoSchedule',
  ]);
  model.change<Node>(RESOURCES.nodes, '', 'node-1', (copy) => void delete copy.spec.unschedulable);
  model.change<Node>(
    RESOURCES.nodes,
    '',
    'node-1',
    (copy) => void (copy.status!.conditions = [{ type: 'Ready', status: 'True' }]),
    'status',
  );
  await pass(1, ['node-1', 'node-2']);
  t.deepEqual(taints(node('node-1')), ['mine:PreferNoSchedule']);
});

test('when no node is well, nobody is moved; when one is, those in due time are', async (t) => {
  const { pass, model, node } = world();
  pod(model, 'web', 'node-1');
  await pass(400, []);
  t.is(ready(node('node-2')), 'Unknown');
  t.truthy(alivePod(model, 'web'));
  model.change<Node>(
    RESOURCES.nodes,
    '',
    'node-2',
    (copy) => void (copy.status!.conditions = [{ type: 'Ready', status: 'True' }]),
    'status',
  );
  await pass(60, ['node-2']);
  t.is(alivePod(model, 'web'), undefined);
});

test('a node that never spoke is unreachable from the start', async (t) => {
  const { pass, model, node } = world();
  model.create(RESOURCES.nodes, { metadata: { name: 'node-3' } });
  await pass(1, ['node-1', 'node-2']);
  t.deepEqual(taints(node('node-3')), [
    'node.kubernetes.io/unreachable:NoExecute',
    'node.kubernetes.io/unreachable:NoSchedule',
  ]);
});
