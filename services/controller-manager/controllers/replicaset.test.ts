// Shows that a ReplicaSet has as many active pods as it asks for, in the end and without twins, whatever gets lost.
import test from 'ava';
import fc from '../../../test/kit/fast-check.ts';
import type { Pod, ReplicaSet } from '../../../lib/api/generated/types.ts';
import { RESOURCES } from '../../../lib/api/resource.ts';
import { seededChance } from '../../../lib/base/chance.ts';
import { ModelCluster } from '../../../test/kit/api-model-cluster.ts';
import { ModelLoops, addNodes } from '../../../test/kit/api-model-loops.ts';
import { ApiModel } from '../../../test/kit/api-model.ts';
import { replicaset } from './replicaset.ts';

function set(replicas: number, finalizers?: string[]): object {
  return {
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: {
          labels: { app: 'web', tier: 'front' },
          annotations: { note: 'x' },
          finalizers,
        },
        spec: { containers: [{ name: 'web', image: 'web:1' }] },
      },
    },
  };
}

function world(seed: number, options: { lags?: boolean; faults?: number } = {}) {
  const chance = seededChance(seed);
  const model = new ApiModel({ chance });
  const loops = new ModelLoops(model, [replicaset], { chance, ...options });
  addNodes(model, ['node-1']);
  return { model, loops, cluster: new ModelCluster(model, chance), chance };
}

const pods = (model: ApiModel): Pod[] => model.list<Pod>(RESOURCES.pods);
const active = (model: ApiModel): Pod[] =>
  pods(model).filter((pod) => pod.metadata.deletionTimestamp === undefined && pod.status?.phase !== 'Failed');
const web = (model: ApiModel): ReplicaSet => model.get<ReplicaSet>(RESOURCES.replicaSets, 'default', 'web')!;

test('a pod carries what the template says, its owner, and a name that the event tells', async (t) => {
  const { model, loops } = world(1);
  model.create(RESOURCES.replicaSets, set(1, ['example.com/wait']));
  await loops.settle();
  const [pod] = pods(model);
  t.regex(pod!.metadata.name, /^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  t.is(pod!.metadata.generateName, 'web-');
  t.deepEqual(pod!.metadata.labels, { app: 'web', tier: 'front' });
  t.deepEqual(pod!.metadata.annotations, { note: 'x' });
  t.deepEqual(pod!.metadata.finalizers, ['example.com/wait']);
  t.deepEqual(pod!.metadata.ownerReferences, [
    {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      name: 'web',
      uid: web(model).metadata.uid!,
      controller: true,
      blockOwnerDeletion: true,
    },
  ]);
  t.deepEqual(
    loops.events.map(({ reason, message, regarding }) => [regarding.kind, reason, message]),
    [['ReplicaSet', 'SuccessfulCreate', `Created pod: ${pod!.metadata.name}`]],
  );
});

test('the status counts, and is written once', async (t) => {
  const { model, loops, cluster } = world(2);
  model.create(RESOURCES.replicaSets, set(3));
  while ((await loops.step()) || cluster.step());
  const { name } = pods(model)[0]!.metadata;
  model.change<Pod>(RESOURCES.pods, 'default', name, (pod) => void (pod.metadata.labels = { app: 'web' }));
  cluster.setReady(pods(model)[1]!, false);
  await loops.settle();
  t.deepEqual(web(model).status, {
    replicas: 3,
    fullyLabeledReplicas: 2,
    readyReplicas: 2,
    availableReplicas: 2,
    observedGeneration: 1,
  });
  t.is(await loops.reconcileAll([replicaset]), 0);
});

test('finished and leaving pods do not count: they are replaced at once', async (t) => {
  const { model, loops, cluster } = world(3);
  model.create(RESOURCES.replicaSets, set(2));
  while ((await loops.step()) || cluster.step());
  const [first, second] = pods(model);
  model.delete(RESOURCES.pods, 'default', first!.metadata.name);
  model.change<Pod>(
    RESOURCES.pods,
    'default',
    second!.metadata.name,
    (pod) => void (pod.status!.phase = 'Failed'),
    'status',
  );
  await loops.settle();
  t.is(active(model).length, 2);
  t.is(pods(model).length, 4);
  t.is(new Set(pods(model).map((pod) => pod.metadata.name)).size, 4);
});

test('a pod whose labels match no more is let go and replaced; one that matches and is nobody’s is taken', async (t) => {
  const { model, loops } = world(4);
  model.create(RESOURCES.replicaSets, set(2));
  await loops.settle();
  const lost = pods(model)[0]!.metadata.name;
  model.change<Pod>(RESOURCES.pods, 'default', lost, (pod) => void (pod.metadata.labels = { app: 'debug' }));
  await loops.settle();
  t.is(model.get<Pod>(RESOURCES.pods, 'default', lost)!.metadata.ownerReferences, undefined);
  t.is(pods(model).length, 3);
  model.change<Pod>(RESOURCES.pods, 'default', lost, (pod) => void (pod.metadata.labels = { app: 'web' }));
  await loops.settle();
  // Now there is one too many.
  t.is(active(model).length, 2);
  t.true(
    loops.events.some(
      ({ reason, message }) => reason === 'SuccessfulDelete' && message.startsWith('Deleted pod: web-'),
    ),
  );
});

test('a pod of another controller is left alone, though its labels match', async (t) => {
  const { model, loops } = world(5);
  const owner = { apiVersion: 'batch/v1', kind: 'Job', name: 'job', uid: 'u', controller: true };
  model.create(RESOURCES.pods, {
    metadata: { name: 'job-1', namespace: 'default', labels: { app: 'web' }, ownerReferences: [owner] },
    spec: { containers: [] },
  });
  model.create(RESOURCES.replicaSets, set(0));
  await loops.settle();
  t.is(pods(model).length, 1);
});

test('a create whose answer was lost is not done twice: the name is the same', async (t) => {
  const { model } = world(6);
  model.create(RESOURCES.replicaSets, set(3));
  const { view } = new ModelLoops(model, [], { lags: true });
  model.change(
    RESOURCES.replicaSets,
    'default',
    'web',
    (copy) => void ((copy as ReplicaSet).metadata.labels = { a: 'b' }),
  );
  view.deliver('apps/replicasets');
  const names = (): string[] =>
    replicaset
      .reconcile(view, { namespace: 'default', name: 'web' }, 0)
      .actions.flatMap((action) => (action.type === 'create' ? [(action.object as Pod).metadata.name] : []));
  t.is(names().length, 3);
  t.deepEqual(names(), names());
});

test('in the end there are as many as asked for, and never a twin beyond it', async (t) => {
  const sizes = fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 20 })), {
    minLength: 1,
    maxLength: 5,
  });
  await fc.assert(
    fc.asyncProperty(fc.integer(), sizes, async (seed, changes) => {
      const { model, loops, cluster, chance } = world(seed, { lags: true, faults: 0.2 });
      model.create(RESOURCES.replicaSets, set(2));
      let most = 2;
      for (const [size, steps] of changes) {
        model.change<ReplicaSet>(RESOURCES.replicaSets, 'default', 'web', (copy) => void (copy.spec.replicas = size));
        most = Math.max(most, size);
        for (let i = 0; i < steps; i++) {
          await loops.step();
          if (chance.float() < 0.5) cluster.step();
          if (active(model).length > most)
            throw new Error(`${active(model).length} active pods, at most ${most} were ever asked for`);
        }
      }
      while ((await loops.step()) || cluster.step());
      t.is(pods(model).length, changes.at(-1)![0]);
      t.is(web(model).status?.readyReplicas ?? 0, changes.at(-1)![0]);
      t.is(await loops.reconcileAll([replicaset]), 0);
    }),
    {
      numRuns: 150,
      examples: [
        [
          1419332636,
          [
            [2, 4],
            [3, 0],
            [0, 6],
          ],
        ],
      ],
    },
  );
});

test('a refused pod is told by an event and a condition, with the counts as they are; the condition goes once all are there', async (t) => {
  const { model, loops } = world(11);
  model.create(RESOURCES.replicaSets, set(2));
  await loops.settle();
  const own = web(model);
  const wants = { ...own, spec: { ...own.spec, replicas: 3 } };
  const view = {
    get: () => wants,
    ownedBy: () => pods(model),
  } as unknown as Parameters<NonNullable<typeof replicaset.refused>>[0];
  const key = { namespace: 'default', name: 'web' };
  const create = { type: 'create' as const, ref: RESOURCES.pods, namespace: 'default', object: {} };
  const why = 'pods "web-x" is forbidden: exceeded quota: q';
  const told = replicaset.refused!(view, key, [{ action: create, message: why }], 0);
  t.like(told[0], { type: 'event', eventType: 'Warning', reason: 'FailedCreate', message: `Error creating: ${why}` });
  const status = (told[1] as unknown as { object: ReplicaSet }).object.status!;
  t.is(status.replicas, 2);
  t.like(status.conditions![0], { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: why });
  const write = (object: ReplicaSet): void => void (object.status = status);
  model.change<ReplicaSet>(RESOURCES.replicaSets, 'default', 'web', write, 'status');
  await loops.settle();
  t.deepEqual(web(model).status?.conditions ?? [], []);
});
