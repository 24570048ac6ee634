// Shows that what lost its owners goes, what has one stays, and owners wait or let go as they were told, in any order.
import test from 'ava';
import fc from '../../../test/kit/fast-check.ts';
import type { ConfigMap, OwnerReference } from '../../../lib/api/generated/types.ts';
import { RESOURCES, type ResourceRef } from '../../../lib/api/resource.ts';
import { seededChance } from '../../../lib/base/chance.ts';
import type { KubeObject } from '../../../lib/reconcile/controller.ts';
import { ModelLoops } from '../../../test/kit/api-model-loops.ts';
import { ApiModel } from '../../../test/kit/api-model.ts';
import { garbageCollectors } from './garbage-collector.ts';

const KINDS = [RESOURCES.configMaps, RESOURCES.secrets, RESOURCES.nodes, RESOURCES.leases];
const LOOPS = garbageCollectors(KINDS);

function world(seed = 1, options: { lags?: boolean; faults?: number } = {}) {
  const clock = { now: 1_800_000_000_000 };
  const chance = seededChance(seed);
  const model = new ApiModel({ chance, now: () => clock.now });
  const loops = new ModelLoops(model, LOOPS, { chance, ...options });
  const settle = async (): Promise<void> => {
    await loops.settle();
    for (let i = 0; i < 5; i++) {
      clock.now += 2000;
      loops.fire();
      await loops.settle();
    }
  };
  return { model, loops, settle };
}

function ownerOf(ref: ResourceRef, object: KubeObject, blocks = true): OwnerReference {
  const apiVersion = ref.group === '' ? ref.version : `${ref.group}/${ref.version}`;
  return {
    apiVersion,
    kind: ref.kind,
    name: object.metadata.name,
    uid: object.metadata.uid!,
    blockOwnerDeletion: blocks,
  };
}

function add(model: ApiModel, ref: ResourceRef, name: string, ownerReferences: OwnerReference[] = []): KubeObject {
  const namespace = ref.namespaced ? { namespace: 'default' } : {};
  return model.create<KubeObject>(ref, {
    metadata: { name, ...namespace, ...(ownerReferences.length === 0 ? {} : { ownerReferences }) },
  });
}

const names = (model: ApiModel): string[] =>
  KINDS.flatMap((ref) => model.list<KubeObject>(ref).map((one) => one.metadata.name)).toSorted();

test('background: dependents follow, and theirs; strangers stay', async (t) => {
  const { model, settle } = world();
  const top = add(model, RESOURCES.configMaps, 'top');
  const middle = add(model, RESOURCES.secrets, 'middle', [ownerOf(RESOURCES.configMaps, top)]);
  add(model, RESOURCES.configMaps, 'leaf', [ownerOf(RESOURCES.secrets, middle)]);
  add(model, RESOURCES.configMaps, 'stranger');
  await settle();
  t.is(names(model).length, 4);
  model.delete(RESOURCES.configMaps, 'default', 'top');
  await settle();
  t.deepEqual(names(model), ['stranger']);
});

test('foreground: the owner waits for those that block it', async (t) => {
  const { model, loops, settle } = world();
  const top = add(model, RESOURCES.configMaps, 'top');
  const middle = add(model, RESOURCES.secrets, 'middle', [ownerOf(RESOURCES.configMaps, top)]);
  add(model, RESOURCES.configMaps, 'leaf', [ownerOf(RESOURCES.secrets, middle)]);
  model.change<ConfigMap>(
    RESOURCES.configMaps,
    'default',
    'leaf',
    (copy) => void (copy.metadata.finalizers = ['example.com/slow']),
  );
  model.delete(RESOURCES.configMaps, 'default', 'top', { propagationPolicy: 'Foreground' });
  await settle();
  t.deepEqual(names(model), ['leaf', 'middle', 'top']);
  const order: string[] = [];
  model.onEvent(({ type, name }) => void (type === 'DELETED' && order.push(name)));
  model.change<ConfigMap>(RESOURCES.configMaps, 'default', 'leaf', (copy) => void delete copy.metadata.finalizers);
  await loops.settle();
  t.deepEqual(order, ['leaf', 'middle', 'top']);
});

test('foreground: one that does not block is not waited for', async (t) => {
  const { model, settle } = world();
  const top = add(model, RESOURCES.configMaps, 'top');
  add(model, RESOURCES.secrets, 'side', [ownerOf(RESOURCES.configMaps, top, false)]);
  model.change(
    RESOURCES.secrets,
    'default',
    'side',
    (copy) => void ((copy as KubeObject).metadata.finalizers = ['example.com/slow']),
  );
  model.delete(RESOURCES.configMaps, 'default', 'top', { propagationPolicy: 'Foreground' });
  await settle();
  t.deepEqual(names(model), ['side']);
});

test('foreground: a circle of owners goes as a whole', async (t) => {
  const { model, settle } = world();
  const [a, b, c] = ['a', 'b', 'c'].map((name) => add(model, RESOURCES.configMaps, name)) as [
    KubeObject,
    KubeObject,
    KubeObject,
  ];
  for (const [dependent, owner] of [
    [a, c],
    [b, a],
    [c, b],
  ] as const)
    model.change<ConfigMap>(RESOURCES.configMaps, 'default', dependent.metadata.name, (copy) => {
      copy.metadata.ownerReferences = [ownerOf(RESOURCES.configMaps, owner)];
    });
  await settle();
  t.deepEqual(names(model), ['a', 'b', 'c']);
  model.delete(RESOURCES.configMaps, 'default', 'a', { propagationPolicy: 'Foreground' });
  await settle();
  t.deepEqual(names(model), []);
});

test('orphan: dependents stay and forget their owner', async (t) => {
  const { model, settle } = world();
  const top = add(model, RESOURCES.configMaps, 'top');
  add(model, RESOURCES.secrets, 'kept', [ownerOf(RESOURCES.configMaps, top)]);
  model.delete(RESOURCES.configMaps, 'default', 'top', { propagationPolicy: 'Orphan' });
  await settle();
  t.deepEqual(names(model), ['kept']);
  t.is(model.get<KubeObject>(RESOURCES.secrets, 'default', 'kept')!.metadata.ownerReferences, undefined);
});

test('one of two owners goes: the dependent stays with the other', async (t) => {
  const { model, settle } = world();
  const a = add(model, RESOURCES.configMaps, 'a');
  const b = add(model, RESOURCES.configMaps, 'b');
  add(model, RESOURCES.secrets, 'child', [ownerOf(RESOURCES.configMaps, a), ownerOf(RESOURCES.configMaps, b)]);
  model.delete(RESOURCES.configMaps, 'default', 'a', { propagationPolicy: 'Foreground' });
  await settle();
  t.deepEqual(names(model), ['b', 'child']);
  t.deepEqual(
    model.get<KubeObject>(RESOURCES.secrets, 'default', 'child')!.metadata.ownerReferences?.map(({ name }) => name),
    ['b'],
  );
});

test('an owner of the same name but another uid is not the owner', async (t) => {
  const { model, settle } = world();
  const first = add(model, RESOURCES.configMaps, 'top');
  model.delete(RESOURCES.configMaps, 'default', 'top');
  add(model, RESOURCES.configMaps, 'top');
  add(model, RESOURCES.secrets, 'late', [ownerOf(RESOURCES.configMaps, first)]);
  await settle();
  t.deepEqual(names(model), ['top']);
});

test('an owner of the cluster’s scope counts for a namespaced dependent', async (t) => {
  const { model, settle } = world();
  const node = add(model, RESOURCES.nodes, 'node-1');
  add(model, RESOURCES.leases, 'node-1', [ownerOf(RESOURCES.nodes, node)]);
  await settle();
  t.is(names(model).length, 2);
  model.delete(RESOURCES.nodes, '', 'node-1');
  await settle();
  t.deepEqual(names(model), []);
});

test('an owner of a kind that is not known is left to others', async (t) => {
  const { model, settle } = world();
  add(model, RESOURCES.secrets, 'cert', [{ apiVersion: 'example.com/v1', kind: 'Certificate', name: 'x', uid: 'u' }]);
  await settle();
  t.deepEqual(names(model), ['cert']);
});

test('an owner that was not seen yet is not an owner that is gone', (t) => {
  const { model, loops } = world(1, { lags: true });
  const top = add(model, RESOURCES.configMaps, 'top');
  add(model, RESOURCES.secrets, 'child', [ownerOf(RESOURCES.configMaps, top)]);
  loops.view.deliver('/secrets');
  const secrets = LOOPS[KINDS.indexOf(RESOURCES.secrets)]!;
  const early = secrets.reconcile(loops.view, { namespace: 'default', name: 'child' }, 0);
  t.deepEqual(early.actions, []);
  t.true(early.againInMs! > 0);
  loops.view.deliver('/configmaps');
  t.deepEqual(secrets.reconcile(loops.view, { namespace: 'default', name: 'child' }, 0).actions, []);
});

interface Planned {
  parents: number[];
  steps: number;
}

test('whatever is deleted when: all that stays has an owner or never had one, and nothing else went', async (t) => {
  const tree: fc.Arbitrary<Planned[]> = fc.array(
    fc.record({ parents: fc.uniqueArray(fc.nat(9), { maxLength: 2 }), steps: fc.nat(6) }),
    { minLength: 1, maxLength: 10 },
  );
  const deletions = fc.array(
    fc.record({ which: fc.nat(9), policy: fc.constantFrom('Background', 'Foreground', 'Orphan'), steps: fc.nat(12) }),
    { maxLength: 4 },
  );
  await fc.assert(
    fc.asyncProperty(fc.integer(), tree, deletions, async (seed, plan, gone) => {
      const { model, loops, settle } = world(seed, { lags: true, faults: 0.15 });
      const made: Array<{ ref: ResourceRef; object: KubeObject }> = [];
      for (const { parents, steps } of plan) {
        const i = made.length;
        const ref = i % 2 === 0 ? RESOURCES.configMaps : RESOURCES.secrets;
        const owners = parents.filter((parent) => parent < i).map((parent) => made[parent]!);
        made.push({
          ref,
          object: add(
            model,
            ref,
            `o${i}`,
            owners.map((owner) => ownerOf(owner.ref, owner.object)),
          ),
        });
        for (let n = 0; n < steps; n++) await loops.step();
      }
      await settle();
      t.is(names(model).length, plan.length, 'nothing goes while its owners are there');
      const isOrphaning = gone.some(({ policy }) => policy === 'Orphan');
      const deleted = new Set<number>();
      for (const { which, policy, steps } of gone) {
        const target = made[which % made.length]!;
        deleted.add(which % made.length);
        model.delete(target.ref, 'default', target.object.metadata.name, { propagationPolicy: policy });
        for (let n = 0; n < steps; n++) await loops.step();
      }
      await settle();
      const left = new Set(names(model));
      const uids = new Set(KINDS.flatMap((ref) => model.list<KubeObject>(ref).map((one) => one.metadata.uid)));
      for (const ref of KINDS)
        for (const { metadata } of model.list<KubeObject>(ref)) {
          t.is(metadata.deletionTimestamp, undefined);
          t.true((metadata.ownerReferences ?? []).every((owner) => uids.has(owner.uid)));
        }
      // Without orphaning, exactly those stay that were not deleted and have a way to keep an owner, or never had any.
      if (isOrphaning) return;
      const stays: boolean[] = [];
      for (const [i, { parents }] of plan.entries()) {
        const owners = parents.filter((parent) => parent < i);
        stays[i] = !deleted.has(i) && (owners.length === 0 || owners.some((owner) => stays[owner]));
        t.is(left.has(`o${i}`), stays[i]!, `o${i}`);
      }
    }),
    { numRuns: 200 },
  );
});
