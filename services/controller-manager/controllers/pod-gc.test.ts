// Shows that pods which nobody is left to end are ended, and only those.
import test from 'ava';
import type { Pod } from '../../../lib/api/generated/types.ts';
import { RESOURCES } from '../../../lib/api/resource.ts';
import { ModelLoops, addNodes } from '../../../test/kit/api-model-loops.ts';
import { ApiModel } from '../../../test/kit/api-model.ts';
import { podGc } from './pod-gc.ts';
import { terminatedPodGc } from './terminated-pod-gc.ts';

function world(lags = false) {
  const clock = { now: 1_800_000_000_000 };
  const model = new ApiModel({ now: () => clock.now });
  const loops = new ModelLoops(model, [podGc({ quarantineSeconds: 40 }), terminatedPodGc(3)], { lags });
  addNodes(model, ['node-1']);
  const pass = async (seconds: number): Promise<void> => {
    clock.now += seconds * 1000;
    loops.fire();
    await loops.settle();
  };
  return { model, loops, pass, clock };
}

function pod(model: ApiModel, name: string, nodeName: string, phase = 'Running'): void {
  model.create(RESOURCES.pods, {
    metadata: { name, namespace: 'default' },
    spec: { ...(nodeName === '' ? {} : { nodeName }), containers: [] },
  });
  model.change<Pod>(
    RESOURCES.pods,
    'default',
    name,
    (copy) => void (copy.status = { phase, conditions: [{ type: 'Ready', status: 'True' }] }),
    'status',
  );
}
const find = (model: ApiModel, name: string): Pod | undefined => model.get<Pod>(RESOURCES.pods, 'default', name);

test('the node is gone: not ready at once, gone after the quarantine', async (t) => {
  const { model, loops, pass } = world();
  pod(model, 'web', 'node-1');
  await loops.settle();
  t.is(loops.writes, 0);
  model.delete(RESOURCES.nodes, '', 'node-1');
  await loops.settle();
  const told = Object.fromEntries(find(model, 'web')!.status!.conditions!.map(({ type, status }) => [type, status]));
  t.deepEqual(told, { Ready: 'False', DisruptionTarget: 'True' });
  await pass(39);
  t.truthy(find(model, 'web'));
  await pass(1);
  t.is(find(model, 'web'), undefined);
});

test('the node comes back in time: it finds its pods', async (t) => {
  const { model, loops, pass } = world();
  pod(model, 'web', 'node-1');
  model.delete(RESOURCES.nodes, '', 'node-1');
  await loops.settle();
  await pass(20);
  addNodes(model, ['node-1']);
  await loops.settle();
  await pass(60);
  t.truthy(find(model, 'web'));
  t.deepEqual(
    find(model, 'web')!.status!.conditions!.map(({ type }) => type),
    ['Ready'],
  );
});

test('a node that is only not known yet is no reason', async (t) => {
  const { model, loops, pass } = world(true);
  addNodes(model, ['node-2']);
  pod(model, 'web', 'node-2');
  while (loops.view.waiting.includes('/pods')) loops.view.deliver('/pods');
  t.true(loops.view.waiting.includes('/nodes'));
  const { actions, againInMs } = podGc({ quarantineSeconds: 40 }).reconcile(
    loops.view,
    { namespace: 'default', name: 'web' },
    0,
  );
  t.deepEqual(actions, []);
  t.true(againInMs! > 0);
  await loops.settle();
  await pass(100);
  t.truthy(find(model, 'web'));
});

test('of finished pods the oldest go beyond the threshold', async (t) => {
  const { model, loops, clock } = world();
  for (let i = 0; i < 5; i++) {
    clock.now += 1000;
    pod(model, `job-${i}`, 'node-1', i % 2 === 0 ? 'Succeeded' : 'Failed');
  }
  pod(model, 'web', 'node-1');
  await loops.settle();
  t.deepEqual(
    model.list<Pod>(RESOURCES.pods).map((one) => one.metadata.name),
    ['job-2', 'job-3', 'job-4', 'web'],
  );
});
