// Shows how namespaces begin and end: what each is given, and that nothing is left when one goes.
import test from 'ava';
import type { ConfigMap, Namespace, Pod } from '../../../lib/api/generated/types.ts';
import { RESOURCES } from '../../../lib/api/resource.ts';
import { ModelLoops } from '../../../test/kit/api-model-loops.ts';
import { ApiModel } from '../../../test/kit/api-model.ts';
import { namespace } from './namespace.ts';
import { rootCaPublisher } from './root-ca-publisher.ts';
import { serviceaccount } from './serviceaccount.ts';

const KINDS = [RESOURCES.namespaces, RESOURCES.pods, RESOURCES.configMaps, RESOURCES.serviceAccounts, RESOURCES.events];
const LOOPS = [namespace(KINDS), serviceaccount, rootCaPublisher('PEM')];

function world(lags = false) {
  const model = new ApiModel();
  const loops = new ModelLoops(model, LOOPS, { lags });
  model.create(RESOURCES.namespaces, { metadata: { name: 'team' } });
  return { model, loops };
}
const team = (model: ApiModel): Namespace | undefined => model.get<Namespace>(RESOURCES.namespaces, '', 'team');
const ca = (model: ApiModel): ConfigMap | undefined =>
  model.get<ConfigMap>(RESOURCES.configMaps, 'team', 'kube-root-ca.crt');

test('every namespace has a ServiceAccount default and the root CA, and gets them back', async (t) => {
  const { model, loops } = world();
  await loops.settle();
  t.truthy(model.get(RESOURCES.serviceAccounts, 'team', 'default'));
  t.deepEqual(ca(model)?.data, { 'ca.crt': 'PEM' });
  model.delete(RESOURCES.serviceAccounts, 'team', 'default');
  model.change<ConfigMap>(
    RESOURCES.configMaps,
    'team',
    'kube-root-ca.crt',
    (copy) => void (copy.data = { 'ca.crt': 'forged' }),
  );
  await loops.settle();
  t.truthy(model.get(RESOURCES.serviceAccounts, 'team', 'default'));
  t.deepEqual(ca(model)?.data, { 'ca.crt': 'PEM' });
  t.is(await loops.reconcileAll(LOOPS), 0);
});

test('an ending namespace takes everything with it, and waits for what ends slowly', async (t) => {
  const { model, loops } = world();
  await loops.settle();
  model.create(RESOURCES.configMaps, { metadata: { name: 'a', namespace: 'team' } });
  model.create(RESOURCES.configMaps, { metadata: { name: 'a', namespace: 'other' } });
  model.create(RESOURCES.pods, {
    metadata: { name: 'web', namespace: 'team' },
    spec: { nodeName: 'node-1', containers: [] },
  });
  model.delete(RESOURCES.namespaces, '', 'team');
  await loops.settle();
  t.is(team(model)?.status?.phase, 'Terminating');
  t.is(model.list(RESOURCES.configMaps, 'team').length, 0);
  t.is(model.list(RESOURCES.serviceAccounts, 'team').length, 0);
  t.not(model.get<Pod>(RESOURCES.pods, 'team', 'web')?.metadata.deletionTimestamp, undefined);
  model.delete(RESOURCES.pods, 'team', 'web', { gracePeriodSeconds: 0 });
  await loops.settle();
  t.is(team(model), undefined);
  t.is(model.list(RESOURCES.configMaps, 'other').length, 1);
});

test('one that only seems empty is not let go', (t) => {
  const { model, loops } = world(true);
  model.create(RESOURCES.configMaps, { metadata: { name: 'a', namespace: 'team' } });
  model.delete(RESOURCES.namespaces, '', 'team');
  while (loops.view.waiting.includes('/namespaces')) loops.view.deliver('/namespaces');
  const key = { namespace: '', name: 'team' };
  const early = LOOPS[0]!.reconcile(loops.view, key, 0);
  t.deepEqual(early.actions, []);
  t.true(early.againInMs! > 0);
  loops.view.deliver('/configmaps');
  t.is(LOOPS[0]!.reconcile(loops.view, key, 0).actions[0]?.type, 'delete');
});
