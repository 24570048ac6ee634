// Shows how namespaces begin and end: what each is given, and that nothing is left when one goes.
import test from 'ava';
import type { APIService, ConfigMap, Namespace, Pod } from '../../../lib/api/generated/types.ts';
import { RESOURCES, resourceRef, type ResourceRef } from '../../../lib/api/resource.ts';
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

test('an ending namespace takes everything with it: its pods first, and the rest when they are gone', async (t) => {
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
  t.not(model.get<Pod>(RESOURCES.pods, 'team', 'web')?.metadata.deletionTimestamp, undefined);
  const others = [...model.list(RESOURCES.configMaps, 'team'), ...model.list(RESOURCES.serviceAccounts, 'team')];
  t.deepEqual(
    others.map(({ metadata }) => [metadata.name, metadata.deletionTimestamp]),
    [
      ['kube-root-ca.crt', undefined],
      ['a', undefined],
      ['default', undefined],
    ],
  );
  model.delete(RESOURCES.pods, 'team', 'web', { gracePeriodSeconds: 0 });
  await loops.settle();
  t.is(team(model), undefined);
  t.is(model.list(RESOURCES.configMaps, 'other').length, 1);
});

test('one that only seems empty is not let go, nor is anything deleted before pods that may be there', (t) => {
  const { model, loops } = world(true);
  model.create(RESOURCES.pods, { metadata: { name: 'web', namespace: 'team' }, spec: { containers: [] } });
  model.create(RESOURCES.configMaps, { metadata: { name: 'a', namespace: 'team' } });
  model.delete(RESOURCES.namespaces, '', 'team');
  while (loops.view.waiting.includes('/namespaces')) loops.view.deliver('/namespaces');
  const key = { namespace: '', name: 'team' };
  const early = LOOPS[0]!.reconcile(loops.view, key, 0);
  t.deepEqual(early.actions, []);
  t.true(early.againInMs! > 0);
  loops.view.deliver('/configmaps');
  const guarding = LOOPS[0]!.reconcile(loops.view, key, 0);
  t.deepEqual([guarding.actions, guarding.why], [[], 'pods may only not be known yet']);
  loops.view.deliver('/pods');
  t.deepEqual(
    LOOPS[0]!.reconcile(loops.view, key, 0).actions.map((action) => action.type === 'delete' && action.ref.resource),
    ['pods'],
  );
});

const SERVICES = resourceRef('apiregistration.k8s.io', 'v1', 'apiservices');
const NOTES: ResourceRef = { group: 'ext.io', version: 'v1', resource: 'notes', kind: 'Note', namespaced: true };
const CM = RESOURCES.configMaps;

const told = (model: ApiModel): Record<string, string> =>
  Object.fromEntries(
    (team(model)?.status?.conditions ?? [])
      .filter(({ status }) => status === 'True')
      .map(({ type, message = '' }) => [type, message]),
  );

test('what holds it up is told in its status, once it is clear that it stays', async (t) => {
  let now = 1_800_000_000_000;
  const model = new ApiModel({ now: () => now });
  const loops = new ModelLoops(model, LOOPS, { lags: false });
  model.create(RESOURCES.namespaces, { metadata: { name: 'team' } });
  for (const [name, finalizers] of [
    ['a', ['x.io/keep']],
    ['b', ['x.io/keep', 'y.io/too']],
  ] as const)
    model.create(CM, { metadata: { name, namespace: 'team', finalizers: [...finalizers] } });
  await loops.settle();
  model.delete(RESOURCES.namespaces, '', 'team');
  await loops.settle();
  t.deepEqual(told(model), {}, 'it may go in a moment');
  while (Object.keys(told(model)).length === 0 && loops.nextAt !== undefined) {
    now = loops.nextAt;
    loops.fire();
    await loops.settle();
  }
  t.deepEqual(told(model), {
    NamespaceContentRemaining: 'Some resources are remaining: configmaps. has 2 resource instances',
    NamespaceFinalizersRemaining:
      'Some content in the namespace has finalizers remaining: x.io/keep in 2 resource instances, y.io/too in 1 resource instances',
  });
  t.is(team(model)?.status?.conditions?.length, 5);
  for (const name of ['a', 'b'])
    model.change<ConfigMap>(CM, 'team', name, (copy) => void (copy.metadata.finalizers = []));
  await loops.settle();
  t.is(team(model), undefined);
});

test('another server behind the API must say that it has nothing left', async (t) => {
  let now = 1_800_000_000_000;
  const model = new ApiModel({ now: () => now });
  const elsewhere = { groupVersions: ['ext.io/v1'], isWhole: true, kinds: [NOTES] };
  const known = namespace(KINDS, elsewhere);
  const unasked = namespace(KINDS);
  const loops = new ModelLoops(model, [unasked], { lags: false });
  const available = (status: string): void =>
    void model.change<APIService>(
      SERVICES,
      '',
      'v1.ext.io',
      (copy) => void (copy.status = { conditions: [{ type: 'Available', status }] }),
      'status',
    );
  model.create(SERVICES, {
    metadata: { name: 'v1.ext.io' },
    spec: { group: 'ext.io', version: 'v1', service: { namespace: 'default', name: 'ext' } },
  });
  model.create(SERVICES, { metadata: { name: 'v1.apps' }, spec: { group: 'apps', version: 'v1' } });
  available('False');
  model.create(RESOURCES.namespaces, { metadata: { name: 'team' } });
  await loops.settle();
  model.delete(RESOURCES.namespaces, '', 'team');
  await loops.settle();
  while (Object.keys(told(model)).length === 0 && loops.nextAt !== undefined) {
    now = loops.nextAt;
    loops.fire();
    await loops.settle();
  }
  t.deepEqual(told(model), {
    NamespaceDeletionDiscoveryFailure:
      'Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: ext.io/v1: stale GroupVersion discovery: ext.io/v1',
  });
  available('True');
  await loops.settle();
  const key = { namespace: '', name: 'team' };
  const waits = unasked.reconcile(loops.view, key, now);
  t.deepEqual([waits.actions, waits.why], [[], 'ext.io/v1 was not asked yet']);
  const ends = known.reconcile(loops.view, key, now);
  t.deepEqual(
    ends.actions.map(({ type }) => type),
    ['empty', 'update'],
    'it is let go after what others have is gone',
  );
});
