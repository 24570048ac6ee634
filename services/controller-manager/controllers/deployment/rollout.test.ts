// Shows that rollouts keep their promises whatever the order of events: surge, availability, convergence, and quiet after.
import test from 'ava';
import fc from '../../../../test/kit/fast-check.ts';
import type { Deployment, Pod, ReplicaSet } from '../../../../lib/api/generated/types.ts';
import { RESOURCES } from '../../../../lib/api/resource.ts';
import { seededChance } from '../../../../lib/base/chance.ts';
import { ModelCluster } from '../../../../test/kit/api-model-cluster.ts';
import { ModelLoops, addNodes } from '../../../../test/kit/api-model-loops.ts';
import { ApiModel } from '../../../../test/kit/api-model.ts';
import { replicaset } from '../replicaset.ts';
import { deployment } from './deployment.ts';
import { maxSurge, minAvailable } from './sizes.ts';

const LOOPS = [deployment, replicaset];
const START = 1_800_000_000_000;

interface World {
  model: ApiModel;
  loops: ModelLoops;
  cluster: ModelCluster;
  clock: { now: number };
}

function world(seed: number, options: { lags?: boolean; faults?: number } = {}): World {
  const clock = { now: START };
  const chance = seededChance(seed);
  const model = new ApiModel({ chance, now: () => clock.now });
  const loops = new ModelLoops(model, LOOPS, { chance, ...options });
  addNodes(model, ['node-1', 'node-2', 'node-3']);
  return { model, loops, cluster: new ModelCluster(model, chance), clock };
}

function web(spec: Partial<Deployment['spec']> = {}): Deployment {
  const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'web:1' }] } };
  return {
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: 'web' } },
      template: template as unknown as Deployment['spec']['template'],
      progressDeadlineSeconds: 600,
      revisionHistoryLimit: 10,
      ...spec,
    },
  };
}

const find = ({ model }: World): Deployment => model.get<Deployment>(RESOURCES.deployments, 'default', 'web')!;
const sets = ({ model }: World): ReplicaSet[] => model.list<ReplicaSet>(RESOURCES.replicaSets);
const pods = ({ model }: World): Pod[] => model.list<Pod>(RESOURCES.pods);
const isActive = (pod: Pod): boolean => pod.metadata.deletionTimestamp === undefined;
const isReady = (pod: Pod): boolean =>
  isActive(pod) && (pod.status?.conditions ?? []).some((one) => one.type === 'Ready' && one.status === 'True');
const available = (one: World): number => pods(one).filter(isReady).length;
const asked = (one: World): number => sets(one).reduce((sum, set) => sum + (set.spec.replicas ?? 0), 0);
const edit = ({ model }: World, change: (spec: Deployment['spec']) => void): void =>
  void model.change<Deployment>(RESOURCES.deployments, 'default', 'web', (copy) => change(copy.spec));
const setImage =
  (image: string) =>
  (spec: Deployment['spec']): void =>
    void (spec.template.spec!.containers[0]!.image = image);
const events = ({ loops }: World): string[] => loops.events.map(({ reason, message }) => `${reason}: ${message}`);

/** Until neither the loops nor the cluster have anything to do. */
async function run(one: World, check: () => void = () => {}): Promise<void> {
  one.loops.afterWrite = check;
  for (let i = 0; i < 20_000; i++) {
    const clusterFirst = i % 2 === 0;
    const moved = clusterFirst
      ? one.cluster.step() || (await one.loops.step())
      : (await one.loops.step()) || one.cluster.step();
    check();
    if (!moved) return;
  }
  throw new Error('never quiet');
}

test('from nothing to three ready replicas, in upstream’s words', async (t) => {
  const one = world(1);
  one.model.create(RESOURCES.deployments, web());
  await run(one);
  const [set] = sets(one);
  const name = set!.metadata.name;
  t.regex(name, /^web-[bcdfghjklmnpqrstvwxz2456789]{7,10}$/);
  t.is(set!.metadata.labels?.['pod-template-hash'], name.slice(4));
  t.is(set!.spec.selector.matchLabels?.['pod-template-hash'], name.slice(4));
  t.is(set!.metadata.annotations?.['deployment.kubernetes.io/revision'], '1');
  t.is(set!.metadata.annotations?.['deployment.kubernetes.io/desired-replicas'], '3');
  t.is(set!.metadata.annotations?.['deployment.kubernetes.io/max-replicas'], '4');
  const found = find(one);
  t.is(found.metadata.annotations?.['deployment.kubernetes.io/revision'], '1');
  const { conditions, ...counts } = found.status!;
  t.deepEqual(counts, {
    observedGeneration: 1,
    replicas: 3,
    updatedReplicas: 3,
    readyReplicas: 3,
    availableReplicas: 3,
  });
  t.deepEqual(
    Object.fromEntries(
      conditions!.map(({ type, status, reason, message }) => [type, `${status} ${reason}: ${message}`]),
    ),
    {
      Progressing: `True NewReplicaSetAvailable: ReplicaSet "${name}" has successfully progressed.`,
      Available: 'True MinimumReplicasAvailable: Deployment has minimum availability.',
    },
  );
  t.true(events(one).includes(`ScalingReplicaSet: Scaled up replica set ${name} to 3`));
  t.is(events(one).filter((event) => /^SuccessfulCreate: Created pod: web-\w+-\w{5}$/.test(event)).length, 3);
  t.is(new Set(pods(one).map((pod) => pod.metadata.name)).size, 3);
  t.is(await one.loops.reconcileAll(LOOPS), 0);
});

test('a new template rolls; an undo makes the old ReplicaSet the newest revision; the history is bounded', async (t) => {
  const one = world(2);
  one.model.create(RESOURCES.deployments, web({ revisionHistoryLimit: 2 }));
  await run(one);
  const first = sets(one)[0]!;
  for (const image of ['web:2', 'web:3']) {
    edit(one, setImage(image));
    await run(one);
  }
  t.is(sets(one).length, 3);
  edit(one, setImage('web:1'));
  await run(one);
  const again = sets(one).find((set) => set.metadata.uid === first.metadata.uid)!;
  t.is(again.spec.replicas, 3);
  t.is(again.metadata.annotations?.['deployment.kubernetes.io/revision'], '4');
  t.is(again.metadata.annotations?.['deployment.kubernetes.io/revision-history'], '1');
  t.is(find(one).metadata.annotations?.['deployment.kubernetes.io/revision'], '4');
  for (const image of ['web:4', 'web:5']) {
    edit(one, setImage(image));
    await run(one);
  }
  const kept = sets(one).map((set) => set.metadata.annotations?.['deployment.kubernetes.io/revision'] ?? '');
  t.deepEqual(kept.toSorted(), ['4', '5', '6']);
});

test('Recreate: nothing new before everything old is gone', async (t) => {
  const one = world(3, { lags: true });
  one.model.create(RESOURCES.deployments, web({ strategy: { type: 'Recreate' } }));
  await run(one);
  edit(one, setImage('web:2'));
  await run(one, () => {
    const images = new Set(pods(one).map((pod) => pod.spec.containers[0]!.image));
    t.true(images.size <= 1, `both at once: ${[...images].join(', ')}`);
  });
  t.deepEqual(
    pods(one).map((pod) => pod.spec.containers[0]!.image),
    ['web:2', 'web:2', 'web:2'],
  );
});

test('paused: the template waits, scaling does not; resumed: it goes on', async (t) => {
  const one = world(4);
  one.model.create(RESOURCES.deployments, web());
  await run(one);
  edit(one, (spec) => {
    spec.paused = true;
    spec.replicas = 5;
    setImage('web:2')(spec);
  });
  await run(one);
  t.is(sets(one).length, 1);
  t.is(available(one), 5);
  const progressing = (): string | undefined =>
    find(one).status?.conditions?.find((condition) => condition.type === 'Progressing')?.reason;
  t.is(progressing(), 'DeploymentPaused');
  edit(one, (spec) => void (spec.paused = false));
  await run(one);
  t.is(progressing(), 'NewReplicaSetAvailable');
  t.true(pods(one).every((pod) => pod.spec.containers[0]!.image === 'web:2'));
});

test('a rollout that makes no progress is told so after its deadline, and again when it moves on', async (t) => {
  const one = world(5);
  one.model.create(RESOURCES.deployments, web({ progressDeadlineSeconds: 60 }));
  await run(one);
  one.cluster.isBroken = (pod) => pod.spec.containers[0]!.image === 'web:bad';
  edit(one, setImage('web:bad'));
  await run(one);
  t.true(available(one) >= 3);
  one.clock.now = one.loops.nextAt!;
  one.loops.fire();
  await run(one);
  const told = find(one).status?.conditions?.find((condition) => condition.type === 'Progressing');
  t.is(told?.status, 'False');
  t.is(told?.reason, 'ProgressDeadlineExceeded');
  t.regex(told?.message ?? '', /^ReplicaSet "web-\w+" has timed out progressing\.$/);
  one.cluster.isBroken = () => false;
  await run(one);
  t.is(
    find(one).status?.conditions?.find((condition) => condition.type === 'Progressing')?.reason,
    'NewReplicaSetAvailable',
  );
});

test('minReadySeconds: ready is not yet available', async (t) => {
  const one = world(6);
  one.model.create(RESOURCES.deployments, web({ minReadySeconds: 10 }));
  await run(one);
  t.is(find(one).status?.readyReplicas, 3);
  t.is(find(one).status?.availableReplicas, undefined);
  one.clock.now += 10_000;
  one.loops.fire();
  await run(one);
  t.is(find(one).status?.availableReplicas, 3);
});

test('a name that is taken is hashed around', async (t) => {
  const probe = world(7);
  probe.model.create(RESOURCES.deployments, web());
  await run(probe);
  const taken = sets(probe)[0]!.metadata.name;
  const one = world(7);
  const foreign = web({ selector: { matchLabels: { app: 'other' } } });
  foreign.spec.template.metadata!.labels = { app: 'other' };
  one.model.create(RESOURCES.replicaSets, {
    metadata: { name: taken, namespace: 'default' },
    spec: { replicas: 0, selector: foreign.spec.selector, template: foreign.spec.template },
  });
  one.model.create(RESOURCES.deployments, web());
  await run(one);
  t.is(find(one).status?.collisionCount, 1);
  t.is(available(one), 3);
  t.is(sets(one).length, 2);
});

test('orphaned ReplicaSets that match are adopted', async (t) => {
  const one = world(8);
  one.model.create(RESOURCES.deployments, web());
  await run(one);
  const [set] = sets(one);
  one.model.change<ReplicaSet>(
    RESOURCES.replicaSets,
    'default',
    set!.metadata.name,
    (copy) => void delete copy.metadata.ownerReferences,
  );
  await run(one);
  t.is(sets(one).length, 1);
  t.is(sets(one)[0]!.metadata.ownerReferences?.[0]?.name, 'web');
});

test('scaling in the middle of a rollout is shared in proportion', async (t) => {
  const one = world(9);
  one.model.create(
    RESOURCES.deployments,
    web({ replicas: 10, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } } }),
  );
  await run(one);
  one.cluster.isBroken = (pod) => pod.spec.containers[0]!.image === 'web:bad';
  edit(one, setImage('web:bad'));
  await run(one);
  t.deepEqual(
    sets(one).map((set) => set.spec.replicas),
    [8, 5],
  );
  edit(one, (spec) => void (spec.replicas = 15));
  await one.loops.settle();
  // Upstream's own example: 5 more are split 8:5 over the two, so 8 → 11 and 5 → 7.
  t.deepEqual(
    sets(one).map((set) => set.spec.replicas),
    [11, 7],
  );
});

test('an empty selector is refused with an event and changes nothing', async (t) => {
  const one = world(10);
  one.model.create(RESOURCES.deployments, web({ selector: {} }));
  await one.loops.settle();
  t.deepEqual(sets(one), []);
  t.true(events(one)[0]!.startsWith('SelectingAll: '));
});

const amount = fc.oneof(fc.integer({ min: 0, max: 4 }), fc.constantFrom('0%', '25%', '34%', '50%', '100%'));

test('surge and availability hold at every moment of every rollout, late events and lost answers included', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer(),
      fc.integer({ min: 1, max: 7 }),
      amount,
      amount,
      fc.integer({ min: 1, max: 3 }),
      fc.boolean(),
      async (seed, replicas, surge, unavailable, templates, isFaulty) => {
        const one = world(seed, { lags: true, faults: isFaulty ? 0.15 : 0 });
        one.model.create(
          RESOURCES.deployments,
          web({
            replicas,
            strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: surge, maxUnavailable: unavailable } },
          }),
        );
        await run(one);
        t.is(available(one), replicas);
        const chance = seededChance(seed);
        for (let i = 0; i < templates; i++) {
          edit(one, setImage(`web:${i + 2}`));
          const holds = (): void => {
            const most = replicas + maxSurge(find(one));
            if (asked(one) > most) throw new Error(`${asked(one)} replicas asked for, ${most} are allowed`);
            if (available(one) < minAvailable(find(one)))
              throw new Error(`${available(one)} available, ${minAvailable(find(one))} were promised`);
          };
          // The next template may come in the middle of this one's rollout.
          if (i < templates - 1 && chance.float() < 0.5)
            for (let n = chance.int(40); n > 0; n--) {
              await one.loops.step();
              if (chance.float() < 0.5) one.cluster.step();
              holds();
            }
          else await run(one, holds);
        }
        const image = `web:${templates + 1}`;
        t.is(pods(one).length, replicas);
        t.true(pods(one).every((pod) => isReady(pod) && pod.spec.containers[0]!.image === image));
        t.is(find(one).status?.updatedReplicas, replicas);
        t.is(await one.loops.reconcileAll(LOOPS), 0, 'a second look does nothing');
      },
    ),
    { numRuns: 150, examples: [[2101547292, 3, 3, '50%', 3, true]] },
  );
});

test('whatever is done to it, in the end it is as the Deployment says', async (t) => {
  const change = fc.oneof(
    fc.integer({ min: 0, max: 6 }).map((n) => ({ scale: n })),
    fc.integer({ min: 1, max: 3 }).map((n) => ({ image: n })),
    fc.boolean().map((paused) => ({ paused })),
    fc.constantFrom({ strategy: 'Recreate' }, { strategy: 'RollingUpdate' }),
    fc.constant({ deletePod: true }),
    fc.constant({ orphanSet: true }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.integer(),
      fc.array(fc.tuple(change, fc.integer({ min: 0, max: 25 })), { maxLength: 8 }),
      async (seed, changes) => {
        const one = world(seed, { lags: true, faults: 0.1 });
        one.model.create(RESOURCES.deployments, web());
        for (const [what, steps] of changes) {
          const doomed = pods(one).find(isActive);
          const set = sets(one)[0];
          if ('scale' in what) edit(one, (spec) => void (spec.replicas = what.scale));
          else if ('image' in what) edit(one, setImage(`web:${what.image}`));
          else if ('paused' in what) edit(one, (spec) => void (spec.paused = what.paused));
          else if ('strategy' in what) edit(one, (spec) => void (spec.strategy = { type: what.strategy }));
          else if ('deletePod' in what && doomed !== undefined)
            one.model.delete(RESOURCES.pods, 'default', doomed.metadata.name);
          else if ('orphanSet' in what && set !== undefined)
            one.model.change<ReplicaSet>(
              RESOURCES.replicaSets,
              'default',
              set.metadata.name,
              (copy) => void delete copy.metadata.ownerReferences,
            );
          for (let i = 0; i < steps; i++) {
            await one.loops.step();
            one.cluster.step();
          }
        }
        edit(one, (spec) => void (spec.paused = false));
        await run(one);
        const { replicas, template } = find(one).spec;
        t.is(pods(one).length, replicas ?? -1);
        t.true(
          pods(one).every(
            (pod) => isReady(pod) && pod.spec.containers[0]!.image === template.spec!.containers[0]!.image,
          ),
        );
        t.is(find(one).status?.availableReplicas ?? 0, replicas ?? -1);
        t.is(await one.loops.reconcileAll(LOOPS), 0);
      },
    ),
    { numRuns: 150 },
  );
});
