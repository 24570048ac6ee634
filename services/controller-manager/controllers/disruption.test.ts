// Shows how many pods budgets let go: by numbers and by parts, while pods come, fall ill and are evicted.
import test from 'ava';
import type { Pod, PodDisruptionBudget } from '../../../lib/api/generated/types.ts';
import { RESOURCES, resourceRef } from '../../../lib/api/resource.ts';
import { ModelLoops } from '../../../test/kit/api-model-loops.ts';
import { ApiModel } from '../../../test/kit/api-model.ts';
import { disruption } from './disruption.ts';

const BUDGETS = resourceRef('policy', 'v1', 'poddisruptionbudgets');
const NOW = 1_800_000_000_000;

function world() {
  let now = NOW;
  const model = new ApiModel({ now: () => now });
  const loops = new ModelLoops(model, [disruption], { lags: false });
  const labels = { app: 'web' };
  const budget = (name: string, spec: object): void =>
    void model.create(BUDGETS, {
      metadata: { name, namespace: 'team' },
      spec: { selector: { matchLabels: labels }, ...spec },
    });
  const ready = (name: string, status = 'True'): void =>
    void model.change<Pod>(
      RESOURCES.pods,
      'team',
      name,
      (copy) => void (copy.status = { phase: 'Running', conditions: [{ type: 'Ready', status }] }),
      'status',
    );
  const pods = (names: string[], owner?: { kind: string; name: string; uid: string }): void => {
    for (const name of names) {
      model.create(RESOURCES.pods, {
        metadata: {
          name,
          namespace: 'team',
          labels,
          ...(owner === undefined ? {} : { ownerReferences: [{ apiVersion: 'apps/v1', controller: true, ...owner }] }),
        },
        spec: { nodeName: 'node-1', containers: [] },
      });
      ready(name);
    }
  };
  const told = (name: string): number[] => {
    const { expectedPods, currentHealthy, desiredHealthy, disruptionsAllowed } = model.get<PodDisruptionBudget>(
      BUDGETS,
      'team',
      name,
    )!.status!;
    return [expectedPods!, currentHealthy!, desiredHealthy!, disruptionsAllowed!];
  };
  const wait = (ms: number): void => {
    now += ms;
    loops.fire();
  };
  return { model, loops, budget, pods, ready, told, wait };
}

/** A Deployment of 4 with a set of 4; the reference to the set. */
function owned(model: ApiModel) {
  const meta = (name: string, ownerReferences: object[] = []): object => ({
    metadata: { name, namespace: 'team', ownerReferences },
    spec: { replicas: 4, selector: {}, template: {} },
  });
  const deployment = model.create(RESOURCES.deployments, meta('web'));
  const uid = (object: object): string => (object as { metadata: { uid: string } }).metadata.uid;
  const set = model.create(
    RESOURCES.replicaSets,
    meta('web-1', [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: uid(deployment), controller: true }]),
  );
  return { kind: 'ReplicaSet', name: 'web-1', uid: uid(set) };
}

test('a number of pods that must stay', async (t) => {
  const { loops, budget, pods, ready, told, model } = world();
  budget('b', { minAvailable: 2 });
  await loops.settle();
  t.deepEqual(told('b'), [0, 0, 2, 0]);
  pods(['x', 'y', 'z']);
  await loops.settle();
  t.deepEqual(told('b'), [3, 3, 2, 1]);
  const [condition] = model.get<PodDisruptionBudget>(BUDGETS, 'team', 'b')!.status!.conditions!;
  t.like(condition, { type: 'DisruptionAllowed', status: 'True', reason: 'SufficientPods', observedGeneration: 1 });
  ready('x', 'False');
  await loops.settle();
  t.deepEqual(told('b'), [3, 2, 2, 0]);
  t.is(await loops.reconcileAll([disruption]), 0);
});

test('parts are of what the controllers want, not of what is there', async (t) => {
  const { model, loops, budget, pods, told } = world();
  const owner = owned(model);
  budget('half', { minAvailable: '50%' });
  budget('one', { maxUnavailable: 1 });
  budget('third', { maxUnavailable: '30%' });
  pods(['x', 'y', 'z'], owner);
  await loops.settle();
  t.deepEqual(told('half'), [4, 3, 2, 1]);
  t.deepEqual(told('one'), [4, 3, 3, 0]);
  t.deepEqual(told('third'), [4, 3, 2, 1], 'rounded up, as upstream');
});

test('who says nothing of how many it wants lets nothing go', async (t) => {
  const { model, loops, budget, pods } = world();
  budget('b', { maxUnavailable: 1 });
  pods(['x'], { kind: 'Widget', name: 'w', uid: 'u' });
  await loops.settle();
  const { disruptionsAllowed, conditions } = model.get<PodDisruptionBudget>(BUDGETS, 'team', 'b')!.status!;
  t.is(disruptionsAllowed, 0);
  t.like(conditions![0], { status: 'False', reason: 'SyncFailed', message: 'found no controllers for pod "x"' });
});

test('an evicted pod counts no more, and again when it was not deleted after all', async (t) => {
  const { model, loops, budget, pods, told, wait } = world();
  budget('b', { minAvailable: 1 });
  pods(['x', 'y', 'z']);
  await loops.settle();
  const evicted = (names: string[]): void =>
    void model.change<PodDisruptionBudget>(
      BUDGETS,
      'team',
      'b',
      (copy) =>
        void (copy.status = {
          ...copy.status,
          disruptionsAllowed: 0,
          disruptedPods: Object.fromEntries(names.map((name) => [name, new Date(NOW).toISOString()])),
        }),
      'status',
    );
  evicted(['x', 'y']);
  model.delete(RESOURCES.pods, 'team', 'x', { gracePeriodSeconds: 0 });
  await loops.settle();
  t.deepEqual(told('b'), [2, 1, 1, 0]);
  t.deepEqual(Object.keys(model.get<PodDisruptionBudget>(BUDGETS, 'team', 'b')!.status!.disruptedPods!), ['y']);
  wait(121_000);
  await loops.settle();
  t.deepEqual(told('b'), [2, 2, 1, 1]);
  t.is(model.get<PodDisruptionBudget>(BUDGETS, 'team', 'b')!.status!.disruptedPods, undefined);
});
