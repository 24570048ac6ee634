// Asks what a worker does next in every stage of a pod's life; then lets worlds go wrong at random and looks whether what
// must hold did.
import fc from '../../../test/kit/fast-check.ts';
import test from 'ava';
import { seededChance } from '../../../lib/base/chance.ts';
import type { ContainerStatus, Pod, PodSpec } from '../../../lib/api/generated/types.ts';
import type { ContainerState, SandboxState } from '../../../runtime-shims/contract.ts';
import { decidePod } from './decide.ts';
import type { PodEffect } from './effects.ts';
import { definitionOf, isDeleting, newPodState, stepPod, type PodState } from './pod-state.ts';
import { containerNamed, exited, identity, NOW, podWith, runOf, sandboxOf, stateOf } from './test-pods.ts';

const keysAt = (state: PodState, now = NOW): string[] => decidePod(state, now).effects.map(({ key }) => key);
/** The image has been made ready for the next attempt. */
const withImage = (state: PodState, name = 'main', attempt = 0): PodState =>
  stepPod(state, { type: 'imageReady', name, attempt }, NOW);
const deleted = (pod: Pod, more: Partial<Pod['metadata']> = {}): Pod => ({
  ...pod,
  metadata: { ...pod.metadata, deletionTimestamp: '2026-01-01T00:00:30Z', deletionGracePeriodSeconds: 30, ...more },
});

test('before the runtime has been looked at, nothing is done', (t) => {
  t.deepEqual(keysAt(newPodState(podWith(), NOW)), []);
});

test('volumes, then sandbox, then image, then container', (t) => {
  let state = stepPod(newPodState(podWith(), NOW), { type: 'observed', sandboxes: [], containers: [] }, NOW);
  t.deepEqual(keysAt(state), ['volumes']);
  state = stepPod(state, { type: 'done', key: 'volumes' }, NOW);
  t.deepEqual(keysAt(state), ['sandbox']);
  state = stepPod(state, { type: 'observed', sandboxes: [sandboxOf()], containers: [] }, NOW);
  t.deepEqual(keysAt(state), ['pull:main']);
  t.deepEqual(keysAt(withImage(state)), ['start:main']);
});

test('a container may have a name that every object answers to', (t) => {
  const state = stateOf(podWith({ containers: [containerNamed('constructor')] }));
  t.like(decidePod(withImage(state, 'constructor'), NOW).effects, [{ key: 'start:constructor', attempt: 0 }]);
});

test('what is under way is not asked for again; what failed waits', (t) => {
  const state = withImage(stateOf(podWith()));
  t.deepEqual(keysAt(stepPod(state, { type: 'began', key: 'start:main' }, NOW)), []);
  const failed = stepPod(
    state,
    { type: 'failed', key: 'start:main', reason: 'CreateContainerError', message: 'no' },
    NOW,
  );
  t.deepEqual(keysAt(failed), []);
  t.is(decidePod(failed, NOW).againInMs, 2000);
  t.deepEqual(keysAt(failed, NOW + 2000), ['start:main']);
});

test('an ephemeral container starts beside the others, once, and ends with the pod', (t) => {
  const pod = podWith({ ephemeralContainers: [{ name: 'look', image: 'web:1', targetContainerName: 'main' }] });
  t.deepEqual(keysAt(stateOf(pod, [runOf('main')])), ['pull:look']);
  t.deepEqual(keysAt(withImage(stateOf(pod, [runOf('main')]), 'look')), ['start:look']);
  const waiting = { ...pod, spec: { ...pod.spec, initContainers: [containerNamed('one')] } };
  t.deepEqual(keysAt(stateOf(waiting, [runOf('one', { kind: 'init' })])), ['pull:look']);
  t.deepEqual(keysAt(stateOf(pod, [runOf('main'), exited('look', 1, { kind: 'ephemeral' })])), []);
  const ended = { name: 'look', state: { terminated: { exitCode: 0 } } } as ContainerStatus;
  t.deepEqual(keysAt(stateOf({ ...pod, status: { ephemeralContainerStatuses: [ended] } }, [runOf('main')])), []);
  const both = [runOf('main'), runOf('look', { kind: 'ephemeral' })];
  t.deepEqual(keysAt(stateOf(deleted(pod), both)), ['stop:main-0', 'stop:look-0']);
});

test('init containers: one after the other; a failed one is repeated, or fails the pod', (t) => {
  const initContainers = [containerNamed('one'), containerNamed('two')];
  const pod = podWith({ initContainers });
  t.deepEqual(keysAt(stateOf(pod)), ['pull:one']);
  t.deepEqual(keysAt(stateOf(pod, [runOf('one', { kind: 'init' })])), []);
  t.deepEqual(keysAt(stateOf(pod, [exited('one', 0, { kind: 'init' })])), ['pull:two']);
  t.deepEqual(keysAt(stateOf(pod, [exited('one', 1, { kind: 'init' })])), ['pull:one']);
  t.deepEqual(keysAt(stateOf(pod, [exited('one', 0, { kind: 'init' }), exited('two', 0, { kind: 'init' })])), [
    'pull:main',
  ]);
  const never = stateOf(podWith({ initContainers, restartPolicy: 'Never' }), [exited('one', 1, { kind: 'init' })]);
  t.is(decidePod(never, NOW).state.lifecycle, 'cleaning');
});

test('a sidecar starts in its turn, holds the next back until it has started, and ends last', (t) => {
  const sidecar = containerNamed('side', { restartPolicy: 'Always', startupProbe: { exec: { command: ['x'] } } });
  const pod = podWith({ initContainers: [sidecar, containerNamed('after')] });
  const side = runOf('side', { kind: 'init' });
  const state = stateOf(pod, [side]);
  t.deepEqual(keysAt(state), ['probe:side-0:startup']);
  const started = stepPod(state, { type: 'probed', containerId: 'side-0', kind: 'startup', outcome: 'success' }, NOW);
  t.deepEqual(keysAt(started), ['pull:after']);
  const ending = stateOf(deleted(pod), [side, runOf('main')]);
  t.deepEqual(keysAt(ending), ['stop:main-0']);
  t.deepEqual(keysAt(stateOf(deleted(pod), [side, exited('main', 0)])), ['stop:side-0']);
});

test('restart policies', (t) => {
  const restarts = (restartPolicy: string, exitCode: number): boolean =>
    keysAt(stateOf(podWith({ restartPolicy }), [exited('main', exitCode)])).includes('pull:main');
  t.deepEqual(
    ['Always', 'OnFailure', 'Never'].map((policy) => [restarts(policy, 0), restarts(policy, 1)]),
    [
      [true, true],
      [false, true],
      [false, false],
    ],
  );
});

test('the first restart is at once, the second after 10 s', (t) => {
  const first = withImage(stateOf(podWith(), [exited('main', 1)]), 'main', 1);
  const decision = decidePod(first, NOW);
  t.deepEqual(
    decision.effects.map(({ key }) => key),
    ['start:main'],
  );
  const again = stepPod(
    { ...decision.state, inFlight: [] },
    { type: 'observed', sandboxes: [sandboxOf()], containers: [exited('main', 1, { attempt: 1 })] },
    NOW,
  );
  const second = decidePod(again, NOW);
  t.deepEqual(second.effects, []);
  t.is(second.againInMs, 10_000);
  t.deepEqual(
    second.events.map(({ reason }) => reason),
    ['BackOff'],
  );
  t.deepEqual(decidePod(second.state, NOW).events, [], 'said once');
});

test('deletion: TERM, then KILL when the grace is over; the sandbox goes when all have ended', (t) => {
  const pod = deleted(podWith());
  const first = decidePod(stateOf(pod, [runOf('main')]), NOW);
  t.deepEqual(
    first.effects.map(({ key }) => key),
    ['stop:main-0'],
  );
  t.is(first.againInMs, 30_000);
  t.deepEqual(
    first.events.map(({ message }) => message),
    ['Stopping container main'],
  );
  t.deepEqual(keysAt(first.state, NOW + 29_999), []);
  t.deepEqual(keysAt(first.state, NOW + 30_000), ['kill:main-0']);
  const shortened = stepPod(
    first.state,
    { type: 'podChanged', pod: deleted(pod, { deletionGracePeriodSeconds: 2 }) },
    NOW,
  );
  t.is(decidePod(shortened, NOW + 5000).againInMs, 2000, 'a shorter grace counts from when it was said');
  const ended = stepPod(
    first.state,
    { type: 'observed', sandboxes: [sandboxOf()], containers: [exited('main', 0)] },
    NOW,
  );
  t.deepEqual(keysAt(ended), ['unsandbox:s0']);
  const without = stepPod(ended, { type: 'observed', sandboxes: [], containers: [exited('main', 0)] }, NOW);
  t.deepEqual(keysAt(without), ['unmount']);
  const unmounted = stepPod(without, { type: 'done', key: 'unmount' }, NOW);
  t.deepEqual(keysAt(unmounted), ['delete']);
  const gone = stepPod(unmounted, { type: 'done', key: 'delete' }, NOW);
  t.deepEqual(keysAt(gone), ['remove:main-0']);
  const bare = stepPod(gone, { type: 'observed', sandboxes: [], containers: [] }, NOW);
  t.deepEqual(keysAt(bare), ['files']);
  t.is(decidePod(stepPod(bare, { type: 'done', key: 'files' }, NOW), NOW).state.lifecycle, 'gone');
});

test('preStop runs before TERM and uses up the grace, but for two seconds', (t) => {
  const lifecycle = { preStop: { exec: { command: ['x'] } } };
  const pod = deleted(podWith({ containers: [containerNamed('main', { lifecycle })] }));
  const first = decidePod(stateOf(pod, [runOf('main')]), NOW);
  t.deepEqual(
    first.effects.map(({ key }) => key),
    ['preStop:main-0'],
  );
  const running = stepPod(first.state, { type: 'began', key: 'preStop:main-0' }, NOW);
  t.deepEqual(keysAt(running, NOW + 10_000), []);
  t.deepEqual(keysAt(running, NOW + 30_000), ['kill:main-0'], 'a hook that hangs does not hold up the end');
  const done = stepPod(running, { type: 'done', key: 'preStop:main-0' }, NOW + 29_000);
  const second = decidePod(done, NOW + 29_000);
  t.deepEqual(
    second.effects.map(({ key }) => key),
    ['stop:main-0'],
  );
  t.is(second.againInMs, 2000);
});

test('a pod that is gone from the API is ended and forgotten, without asking the API', (t) => {
  const state = stepPod(stateOf(podWith(), [runOf('main')]), { type: 'podGone' }, NOW);
  t.deepEqual(keysAt(state), ['stop:main-0']);
  const ended = stepPod(
    { ...state, volumes: 'none' },
    { type: 'observed', sandboxes: [], containers: [exited('main', 0)] },
    NOW,
  );
  t.deepEqual(keysAt(ended), ['remove:main-0']);
});

test('deleted while its image is pulled: nobody waits for the pull', (t) => {
  const pulling = stepPod(stateOf(podWith()), { type: 'began', key: 'pull:main' }, NOW);
  const state = stepPod(pulling, { type: 'podChanged', pod: deleted(podWith()) }, NOW);
  t.deepEqual(keysAt(state), ['unsandbox:s0']);
});

test('deleted while a container is being started: its start is waited for', (t) => {
  const starting = stepPod(withImage(stateOf(podWith())), { type: 'began', key: 'start:main' }, NOW);
  t.deepEqual(keysAt(stepPod(starting, { type: 'podChanged', pod: deleted(podWith()) }, NOW)), []);
});

test('a lost sandbox: what is left in it is ended, it is removed, and all is made again', (t) => {
  const lost = stateOf(podWith(), [exited('main', 137)], [sandboxOf(0, 'lost')]);
  t.deepEqual(keysAt(lost), ['unsandbox:s0']);
  const without = stepPod(lost, { type: 'observed', sandboxes: [], containers: [exited('main', 137)] }, NOW);
  const made = decidePod(without, NOW);
  t.deepEqual(made.effects, [{ type: 'createSandbox', key: 'sandbox', attempt: 1 }]);
  const again = stepPod(
    made.state,
    { type: 'observed', sandboxes: [sandboxOf(1)], containers: [exited('main', 137)] },
    NOW,
  );
  t.deepEqual(keysAt(again), ['pull:main']);
});

test('after a lost sandbox init containers run again', (t) => {
  const pod = podWith({ initContainers: [containerNamed('one')] });
  const state = stateOf(pod, [exited('one', 0, { kind: 'init' }), exited('main', 137)], [sandboxOf(1)]);
  t.deepEqual(keysAt(state), ['pull:one']);
});

test('liveness: the container is ended with its reason; readiness alone never ends it', (t) => {
  const probe = { exec: { command: ['x'] }, failureThreshold: 1 };
  const state = stateOf(
    podWith({
      containers: [
        containerNamed('main', {
          livenessProbe: { ...probe, terminationGracePeriodSeconds: 5 },
          readinessProbe: probe,
        }),
      ],
    }),
    [runOf('main')],
  );
  const both = decidePod(state, NOW);
  t.deepEqual(
    both.effects.map(({ key }) => key),
    ['probe:main-0:liveness', 'probe:main-0:readiness'],
  );
  const unready = stepPod(state, { type: 'probed', containerId: 'main-0', kind: 'readiness', outcome: 'failure' }, NOW);
  t.false(keysAt(unready).includes('stop:main-0'));
  const dead = decidePod(
    stepPod(state, { type: 'probed', containerId: 'main-0', kind: 'liveness', outcome: 'failure' }, NOW),
    NOW,
  );
  t.deepEqual(
    dead.effects.map(({ key }) => key),
    ['stop:main-0'],
  );
  t.deepEqual(
    dead.events.map(({ message }) => message),
    ['Container main failed liveness probe, will be restarted'],
  );
  t.is(dead.againInMs, 5000);
});

test('an image that was changed restarts its container; a short name is the full one', (t) => {
  const changed = stateOf(podWith({ containers: [containerNamed('main', { image: 'web:2' })] }), [runOf('main')]);
  t.deepEqual(keysAt(changed), ['stop:main-0']);
  t.deepEqual(keysAt(stateOf(podWith(), [runOf('main')])), []);
});

test('volumes that show the pod are made again each minute, and at once when its labels change', (t) => {
  const volumes = [{ name: 'podinfo', downwardAPI: { items: [{ path: 'labels' }] } }];
  const pod = podWith({ volumes });
  const state = stateOf(pod, [runOf('main')]);
  const makesVolumes = (at: PodState, now: number): boolean => keysAt(at, now).includes('volumes');
  t.false(makesVolumes(state, NOW + 59_000));
  t.true(makesVolumes(state, NOW + 60_000));
  const same = stepPod(state, { type: 'podChanged', pod: podWith({ volumes }, { resourceVersion: '9' }) }, NOW);
  t.false(makesVolumes(same, NOW));
  const other = stepPod(state, { type: 'podChanged', pod: podWith({ volumes }, { labels: { a: 'b' } }) }, NOW);
  t.true(makesVolumes(other, NOW));
});

test('only the last two runs are kept', (t) => {
  const runs = [exited('main', 1), exited('main', 1, { attempt: 1 }), runOf('main', { attempt: 2 })];
  t.deepEqual(keysAt(stateOf(podWith(), runs)), ['remove:main-0']);
});

test('a pod over its deadline comes down', (t) => {
  const state = stateOf(podWith({ activeDeadlineSeconds: 10 }), [runOf('main')]);
  t.is(decidePod(state, NOW).againInMs, 10_000);
  t.deepEqual(keysAt(state, NOW + 10_000), ['stop:main-0']);
});

test('a pod that has ended never starts again, whatever became of its records', (t) => {
  const pod: Pod = { ...podWith({ restartPolicy: 'Never' }), status: { phase: 'Succeeded' } };
  const state = stepPod(newPodState(pod, NOW), { type: 'observed', sandboxes: [], containers: [] }, NOW);
  t.deepEqual(keysAt(state), ['unmount']);
});

test('a kubelet that has lost its records counts restarts on', (t) => {
  const pod: Pod = {
    ...podWith(),
    status: {
      containerStatuses: [
        { name: 'main', restartCount: 4, ready: true, image: '', imageID: '', containerID: 'containerd://x' },
      ],
    },
  };
  const decision = decidePod(withImage(stateOf(pod), 'main', 5), NOW);
  t.like(decision.effects[0], { type: 'startContainer', attempt: 5 });
});

// ---- worlds that go wrong -------------------------------------------------------------------------------------------

interface World {
  sandboxes: SandboxState[];
  containers: ContainerState[];
}

const specs: PodSpec[] = [
  podWith().spec,
  podWith({ restartPolicy: 'Never', containers: [containerNamed('main'), containerNamed('other')] }).spec,
  podWith({ restartPolicy: 'OnFailure', initContainers: [containerNamed('one'), containerNamed('two')] }).spec,
  podWith({
    initContainers: [containerNamed('side', { restartPolicy: 'Always' })],
    containers: [containerNamed('main', { lifecycle: { preStop: { exec: { command: ['x'] } } } })],
  }).spec,
  podWith({
    containers: [
      containerNamed('main', { livenessProbe: { exec: { command: ['x'] }, failureThreshold: 1, periodSeconds: 1 } }),
    ],
  }).spec,
];

/** What must hold of every effect at the moment that it is asked for. */
function check(state: PodState, world: World, effect: PodEffect): void {
  const running = world.containers.filter((run) => run.state === 'running');
  const must = (holds: boolean, what: string): void => {
    if (!holds) throw new Error(`${effect.key}: ${what}`);
  };
  if (effect.type === 'startContainer') {
    const { container, kind, attempt } = effect;
    must(!running.some(({ name }) => name === container.name), 'the container runs already');
    must(
      !world.containers.some((run) => run.name === container.name && run.attempt >= attempt),
      'this attempt was made before',
    );
    must(!isDeleting(state) && state.verdict === undefined, 'the pod must stop');
    must(
      world.sandboxes.some((sandbox) => sandbox.id === effect.sandboxId),
      'its sandbox is not there',
    );
    const inits = (state.pod.spec.initContainers ?? []).filter((init) => init.restartPolicy !== 'Always');
    const done = inits.every((init) =>
      world.containers.some(
        (run) => run.name === init.name && run.exitCode === 0 && run.sandboxId === effect.sandboxId,
      ),
    );
    must(kind === 'init' || done, 'its init containers are not done');
  }
  if (effect.type === 'createSandbox') must(world.sandboxes.length === 0, 'there is a sandbox already');
  if (effect.type === 'removeSandbox')
    must(!running.some(({ sandboxId }) => sandboxId === effect.id), 'something runs in it');
  if (effect.type === 'removeContainer') must(!running.some(({ id }) => id === effect.id), 'it runs');
  if (effect.type === 'deletePod' || effect.type === 'removeFiles')
    must(running.length === 0 && world.sandboxes.length === 0, 'something of it is left');
}

function act(world: World, effect: PodEffect, now: number, exitNow: boolean): void {
  switch (effect.type) {
    case 'createSandbox':
      world.sandboxes.push(sandboxOf(effect.attempt));
      break;
    case 'removeSandbox':
      world.sandboxes = world.sandboxes.filter(({ id }) => id !== effect.id);
      break;
    case 'startContainer': {
      const { container, attempt, kind, sandboxId } = effect;
      const run = runOf(container.name, { attempt, kind, sandboxId, startedAtMs: now });
      const endsAtOnce = kind === 'init' && container.restartPolicy !== 'Always';
      world.containers.push(
        endsAtOnce || exitNow ? { ...run, state: 'exited', exitCode: endsAtOnce ? 0 : 1, finishedAtMs: now } : run,
      );
      break;
    }
    case 'signal':
      world.containers = world.containers.map((run) =>
        run.id === effect.id && (effect.signal === 'SIGKILL' || !exitNow)
          ? { ...run, state: 'exited', exitCode: 143, finishedAtMs: now }
          : run,
      );
      break;
    case 'removeContainer':
      world.containers = world.containers.filter(({ id }) => id !== effect.id);
      break;
    default:
  }
}

test('in worlds that go wrong at random, what must hold holds, and a deleted pod leaves nothing', (t) => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(specs.length - 1), fc.integer({ min: 0, max: 40 }), (seed, which, deleteAt) => {
      const chance = seededChance(seed);
      const pod: Pod = { metadata: { ...identity, resourceVersion: '1' }, spec: specs[which]! };
      const world: World = { sandboxes: [], containers: [] };
      let state = newPodState(pod, NOW);
      let now = NOW;
      let flying: PodEffect[] = [];
      for (let round = 0; round < 400 && state.lifecycle !== 'gone'; round++) {
        const isCalm = round > 120;
        const luck = (part: number): boolean => !isCalm && chance.float() < part;
        if (round === deleteAt) state = stepPod(state, { type: 'podChanged', pod: deleted(pod) }, now);
        // The world goes on by itself: containers end, a reboot takes everything.
        world.containers = world.containers.map((run) =>
          run.state === 'running' && luck(0.1)
            ? { ...run, state: 'exited', exitCode: chance.int(2), finishedAtMs: now }
            : run,
        );
        if (luck(0.02)) {
          world.sandboxes = world.sandboxes.map((sandbox) => ({ ...sandbox, state: 'lost' }));
          world.containers = world.containers.map((run) => ({
            ...run,
            state: 'exited',
            exitCode: run.exitCode ?? 137,
            finishedAtMs: run.finishedAtMs ?? now,
          }));
        }
        // A kubelet may die at any time; what it had begun may have been done or not.
        if (luck(0.05)) {
          state = newPodState(state.pod, now);
          flying = [];
        }
        state = stepPod(
          state,
          {
            type: 'observed',
            sandboxes: structuredClone(world.sandboxes),
            containers: structuredClone(world.containers),
          },
          now,
        );
        const decision = decidePod(state, now);
        state = decision.state;
        for (const effect of decision.effects) {
          check(state, world, effect);
          state = stepPod(state, { type: 'began', key: effect.key }, now);
          flying.push(effect);
        }
        // Effects land in any order, some much later, some in vain.
        const [landing, stay] = [flying.filter(() => isCalm || chance.float() < 0.6), [] as PodEffect[]];
        stay.push(...flying.filter((effect) => !landing.includes(effect)));
        flying = stay;
        for (const effect of landing) {
          if (luck(0.2)) {
            state = stepPod(state, { type: 'failed', key: effect.key, reason: 'Unavailable', message: 'no' }, now);
            continue;
          }
          act(world, effect, now, luck(0.3));
          if (effect.type === 'ensureImage')
            state = stepPod(state, { type: 'imageReady', name: effect.container.name, attempt: effect.attempt }, now);
          if (effect.type === 'probe')
            state = stepPod(
              state,
              { type: 'probed', containerId: effect.id, kind: effect.kind, outcome: luck(0.3) ? 'failure' : 'success' },
              now,
            );
          state = stepPod(
            state,
            {
              type: 'observed',
              sandboxes: structuredClone(world.sandboxes),
              containers: structuredClone(world.containers),
            },
            now,
          );
          state = stepPod(state, { type: 'done', key: effect.key }, now);
        }
        now += isCalm ? (decision.againInMs ?? 1000) : chance.int(5000);
      }
      const left = world.containers.length + world.sandboxes.length;
      if (state.lifecycle !== 'gone' || left > 0)
        throw new Error(
          `the pod is ${state.lifecycle}, ${left} things are left: ${JSON.stringify(state, undefined, 1)}`,
        );
    }),
    // Seeds that failed once: a container that was being started when its sandbox was lost.
    { numRuns: 300, examples: [[841548740, 0, 17]] },
  );
  t.pass();
});

test('without a deletion, a calm world brings a pod that shall run to running', (t) => {
  for (const spec of [specs[0]!, specs[3]!]) {
    const world: World = { sandboxes: [], containers: [] };
    let state = newPodState({ metadata: { ...identity }, spec }, NOW);
    for (let round = 0; round < 20; round++) {
      state = stepPod(state, { type: 'observed', ...structuredClone(world) }, NOW);
      const decision = decidePod(state, NOW);
      state = decision.state;
      for (const effect of decision.effects) {
        act(world, effect, NOW, false);
        if (effect.type === 'ensureImage')
          state = stepPod(state, { type: 'imageReady', name: effect.container.name, attempt: effect.attempt }, NOW);
        state = stepPod(state, { type: 'done', key: effect.key }, NOW);
      }
    }
    t.is(state.lifecycle, 'running');
    t.true(world.containers.every((run) => run.state === 'running' && definitionOf(state.pod, run.name) !== undefined));
  }
});
