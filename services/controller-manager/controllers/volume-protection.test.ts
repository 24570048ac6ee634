// Shows that a claim in use and a bound volume outlive their deletion, and no longer than that.
import test from 'ava';
import type { PersistentVolume, PersistentVolumeClaim } from '../../../lib/api/generated/types.ts';
import { RESOURCES, resourceRef } from '../../../lib/api/resource.ts';
import { ModelLoops } from '../../../test/kit/api-model-loops.ts';
import { ApiModel } from '../../../test/kit/api-model.ts';
import { pvcProtection, pvProtection } from './volume-protection.ts';

const CLAIMS = resourceRef('', 'v1', 'persistentvolumeclaims');
const VOLUMES = resourceRef('', 'v1', 'persistentvolumes');
const FINALIZER = 'kubernetes.io/pvc-protection';
const LOOPS = [pvcProtection, pvProtection];

function world(lags = false) {
  const model = new ApiModel();
  const claim = (name: string): PersistentVolumeClaim | undefined =>
    model.get<PersistentVolumeClaim>(CLAIMS, 'team', name);
  const pod = (name: string, claimName: string, nodeName?: string): void =>
    void model.create(RESOURCES.pods, {
      metadata: { name, namespace: 'team' },
      spec: {
        containers: [],
        volumes: [{ name: 'v', persistentVolumeClaim: { claimName } }],
        ...(nodeName === undefined ? {} : { nodeName }),
      },
    });
  const loops = new ModelLoops(model, LOOPS, { lags });
  model.create(CLAIMS, { metadata: { name: 'data', namespace: 'team' }, spec: {} });
  return { model, loops, claim, pod };
}

test('a claim goes when no pod on a node names it any more', async (t) => {
  const { model, loops, claim, pod } = world();
  await loops.settle();
  t.deepEqual(claim('data')?.metadata.finalizers, [FINALIZER], 'also one that was born without');
  pod('web', 'data', 'node-1');
  pod('other', 'other', 'node-1');
  pod('waiting', 'data');
  model.delete(CLAIMS, 'team', 'data');
  await loops.settle();
  t.not(claim('data')?.metadata.deletionTimestamp, undefined);
  model.delete(RESOURCES.pods, 'team', 'web', { gracePeriodSeconds: 0 });
  await loops.settle();
  t.is(claim('data'), undefined, 'who has no node yet does not hold it');
});

test('a view of pods that is older than the deletion lets nothing go', async (t) => {
  const { model, loops, pod } = world(true);
  pod('web', 'data', 'node-1');
  model.change<PersistentVolumeClaim>(CLAIMS, 'team', 'data', (copy) => void (copy.metadata.finalizers = [FINALIZER]));
  model.delete(CLAIMS, 'team', 'data');
  while (loops.view.waiting.includes('/persistentvolumeclaims')) loops.view.deliver('/persistentvolumeclaims');
  const key = { namespace: 'team', name: 'data' };
  const early = pvcProtection.reconcile(loops.view, key, 0);
  t.deepEqual(early.actions, []);
  t.true(early.againInMs! > 0);
  while (loops.view.waiting.includes('/pods')) loops.view.deliver('/pods');
  t.is(pvcProtection.reconcile(loops.view, key, 0).why, 'in use by pod web');
});

test('a volume goes when it is not bound', async (t) => {
  const { model, loops } = world();
  model.create(VOLUMES, { metadata: { name: 'disk' }, spec: {}, status: { phase: 'Bound' } });
  await loops.settle();
  const bound = (phase: string): void =>
    void model.change<PersistentVolume>(VOLUMES, '', 'disk', (copy) => void (copy.status = { phase }), 'status');
  bound('Bound');
  model.delete(VOLUMES, '', 'disk');
  await loops.settle();
  t.truthy(model.get(VOLUMES, '', 'disk'));
  bound('Released');
  await loops.settle();
  t.is(model.get(VOLUMES, '', 'disk'), undefined);
});
