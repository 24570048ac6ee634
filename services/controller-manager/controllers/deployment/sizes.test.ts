// Shows how surge and availability are rounded, and how replicas are shared.
import test from 'ava';
import fc from '../../../../test/kit/fast-check.ts';
import type { Deployment, ReplicaSet } from '../../../../lib/api/generated/types.ts';
import { maxSurge, maxUnavailable, proportionalSizes, shrinkOldSets, sizeOf } from './sizes.ts';

type Amount = number | string | undefined;

function deployment(replicas: number, surge: Amount, unavailable: Amount, type = 'RollingUpdate'): Deployment {
  return {
    metadata: { name: 'web' },
    spec: {
      replicas,
      selector: {},
      template: {} as Deployment['spec']['template'],
      strategy: { type, rollingUpdate: { maxSurge: surge, maxUnavailable: unavailable } },
    },
  };
}

function set(name: string, replicas: number, available: number, created = '2026-01-01T00:00:00Z'): ReplicaSet {
  return {
    metadata: { name, creationTimestamp: created },
    spec: { replicas, selector: {} },
    status: { replicas, availableReplicas: available },
  };
}

const ROUNDING: Array<[number, Amount, Amount, number, number]> = [
  // replicas, maxSurge, maxUnavailable → surge, unavailable
  [3, '25%', '25%', 1, 0],
  [10, '25%', '25%', 3, 2],
  [3, 0, '25%', 0, 1],
  [3, 0, 0, 0, 1],
  [3, 1, 0, 1, 0],
  [2, '100%', '100%', 2, 2],
  [2, 0, 5, 0, 2],
  [0, 1, 1, 1, 0],
  [4, undefined, undefined, 1, 1],
];
for (const [replicas, surge, unavailable, more, less] of ROUNDING)
  test(`${replicas} replicas, surge ${surge}, unavailable ${unavailable}: ${more} more, ${less} fewer`, (t) => {
    const one = deployment(replicas, surge, unavailable);
    t.is(maxSurge(one), more);
    t.is(maxUnavailable(one), less);
  });

test('Recreate knows neither', (t) => {
  const one = deployment(3, 1, 1, 'Recreate');
  t.is(maxSurge(one), 0);
  t.is(maxUnavailable(one), 0);
});

test('replicas that are not available anyway go first, the oldest set before others', (t) => {
  const one = deployment(4, 1, 1);
  const broken = set('broken', 1, 0, '2026-01-02T00:00:00Z');
  t.deepEqual(
    [...shrinkOldSets(one, set('new', 1, 1), [set('old', 3, 3), broken])],
    [
      ['broken', 0],
      ['old', 2],
    ],
  );
});

test('the new set must deliver before the old one shrinks', (t) => {
  const one = deployment(3, 1, 0);
  t.deepEqual([...shrinkOldSets(one, set('new', 1, 0), [set('old', 3, 3)])], []);
  t.deepEqual([...shrinkOldSets(one, set('new', 1, 1), [set('old', 3, 3)])], [['old', 2]]);
});

test('shares of a scaling always add up, and no set goes below zero', (t) => {
  const sizes = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 5 }), (before, replicas, surge) => {
      const one = deployment(replicas, surge, 1);
      const active = before.map((size, i) => set(`set-${i}`, size, size));
      const max = active.reduce((sum, each) => sum + sizeOf(each), 0);
      const after = [...proportionalSizes(one, active, () => max).values()];
      t.true(after.every((size) => size >= 0));
      t.is(
        after.reduce((sum, size) => sum + size, 0),
        replicas === 0 ? 0 : replicas + surge,
      );
    }),
  );
});
