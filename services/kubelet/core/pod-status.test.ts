// Asks what a pod's and a node's status say of what their workers remember.
import test from 'ava';
import type { Pod } from '../../../lib/api/generated/types.ts';
import { podStatusOf } from './pod-status.ts';
import { mustReport, newNode, nodeStatusOf, type NodeFacts } from './node-status.ts';
import { newPodState, stepPod, type PodState } from './pod-state.ts';
import { decidePod } from './decide.ts';
import { containerNamed, exited, NOW, podWith, runOf, sandboxOf, stateOf } from './test-pods.ts';

const statusOf = (state: PodState, now = NOW) =>
  podStatusOf(state, { scheme: 'containerd', hostIp: '10.1.1.1', now, terminationMessages: {} });
const condition = (state: PodState, type: string) => statusOf(state).conditions?.find((one) => one.type === type);

test('nothing runs yet: Pending, ContainerCreating; behind init containers, PodInitializing', (t) => {
  const status = statusOf(newPodState(podWith(), NOW));
  t.is(status.phase, 'Pending');
  t.deepEqual(status.containerStatuses?.[0]?.state, { waiting: { reason: 'ContainerCreating' } });
  t.is(status.startTime, '2026-01-01T00:00:00Z');
  const behind = stateOf(podWith({ initContainers: [containerNamed('one')] }), [runOf('one', { kind: 'init' })]);
  t.deepEqual(statusOf(behind).containerStatuses?.[0]?.state, { waiting: { reason: 'PodInitializing' } });
  const before = statusOf(newPodState(podWith({ initContainers: [containerNamed('one')] }), NOW));
  t.deepEqual(before.initContainerStatuses?.[0]?.state, { waiting: { reason: 'PodInitializing' } });
  t.like(condition(behind, 'Initialized'), {
    status: 'False',
    reason: 'ContainersNotInitialized',
    message: 'containers with incomplete status: [one]',
  });
});

test('an ephemeral container is told of, is never ready, and holds back nothing', (t) => {
  const pod = podWith({ ephemeralContainers: [{ name: 'look', image: 'web:1' }] });
  const before = statusOf(stateOf(pod, [runOf('main')]));
  t.deepEqual(before.ephemeralContainerStatuses?.[0]?.state, { waiting: { reason: 'ContainerCreating' } });
  t.is(condition(stateOf(pod, [runOf('main')]), 'Ready')?.status, 'True');
  const status = statusOf(stateOf(pod, [runOf('main'), exited('look', 2, { kind: 'ephemeral' })]));
  t.is(status.phase, 'Running');
  t.like(status.ephemeralContainerStatuses?.[0], { name: 'look', ready: false, restartCount: 0 });
  t.is(status.ephemeralContainerStatuses?.[0]?.state?.terminated?.exitCode, 2);
  const told = stateOf({ ...pod, status }, [runOf('main')]);
  t.deepEqual(statusOf(told).ephemeralContainerStatuses, status.ephemeralContainerStatuses, 'also without its records');
});

test('running and ready', (t) => {
  const status = statusOf(stateOf(podWith(), [runOf('main')]));
  t.is(status.phase, 'Running');
  t.is(status.podIP, '10.0.0.2');
  t.like(status.containerStatuses?.[0], {
    ready: true,
    started: true,
    restartCount: 0,
    containerID: 'containerd://main-0',
    imageID: 'sha256:1',
    lastState: {},
  });
  t.true(status.conditions?.every((one) => one.status === 'True'));
});

test('unready by its probe, and why', (t) => {
  const probe = { exec: { command: ['x'] } };
  const state = stateOf(
    podWith({ containers: [containerNamed('main', { readinessProbe: probe }), containerNamed('other')] }),
    [runOf('main'), runOf('other')],
  );
  t.like(condition(state, 'Ready'), {
    status: 'False',
    reason: 'ContainersNotReady',
    message: 'containers with unready status: [main]',
  });
});

test('readiness gates of others hold a ready pod back', (t) => {
  const pod: Pod = {
    ...podWith({ readinessGates: [{ conditionType: 'lb/ready' }] }),
    status: { conditions: [{ type: 'lb/ready', status: 'False' }] },
  };
  const state = stateOf(pod, [runOf('main')]);
  t.is(condition(state, 'ContainersReady')?.status, 'True');
  t.like(condition(state, 'Ready'), { status: 'False', reason: 'ReadinessGatesNotReady' });
  t.is(condition(state, 'lb/ready')?.status, 'False', 'kept');
});

test('a condition keeps the time of its last change', (t) => {
  const before: Pod = {
    ...podWith(),
    status: { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2025-01-01T00:00:00Z' }] },
  };
  t.is(condition(stateOf(before, [runOf('main')]), 'Ready')?.lastTransitionTime, '2025-01-01T00:00:00Z');
  t.is(condition(stateOf(before, []), 'Ready')?.lastTransitionTime, '2026-01-01T00:00:00Z');
});

test('ended: reasons, codes, and phases by restart policy', (t) => {
  const phase = (restartPolicy: string, code: number): string | undefined =>
    statusOf(stateOf(podWith({ restartPolicy }), [exited('main', code)])).phase;
  t.deepEqual(
    ['Always', 'OnFailure', 'Never'].map((policy) => [phase(policy, 0), phase(policy, 1)]),
    [
      ['Running', 'Running'],
      ['Succeeded', 'Running'],
      ['Succeeded', 'Failed'],
    ],
  );
  const status = statusOf(stateOf(podWith({ restartPolicy: 'Never' }), [exited('main', 137, { reason: 'OOMKilled' })]));
  t.like(status.containerStatuses?.[0]?.state?.terminated, {
    exitCode: 137,
    reason: 'OOMKilled',
    finishedAt: '2026-01-01T00:00:00Z',
  });
});

test('a crash loop: waiting, with the last end beside it', (t) => {
  const first = decidePod(
    stepPod(stateOf(podWith(), [exited('main', 1)]), { type: 'imageReady', name: 'main', attempt: 1 }, NOW),
    NOW,
  ).state;
  const runs = [exited('main', 1), exited('main', 2, { attempt: 1 })];
  const state = stepPod(first, { type: 'observed', sandboxes: [sandboxOf()], containers: runs }, NOW);
  const status = statusOf(state).containerStatuses?.[0];
  t.like(status?.state?.waiting, {
    reason: 'CrashLoopBackOff',
    message: 'back-off 10s restarting failed container=main pod=web_default(u1)',
  });
  t.is(status?.lastState?.terminated?.exitCode, 2);
  t.is(status?.restartCount, 1);
  t.is(statusOf(state, NOW + 10_000).containerStatuses?.[0]?.state?.terminated?.exitCode, 2, 'when it may run again');
});

test('running again: the run before is the last state', (t) => {
  const status = statusOf(stateOf(podWith(), [exited('main', 3), runOf('main', { attempt: 1 })]))
    .containerStatuses?.[0];
  t.is(status?.lastState?.terminated?.exitCode, 3);
  t.truthy(status?.state?.running);
});

test('a failed pull is waited for, and its message told', (t) => {
  const state = stepPod(
    stateOf(podWith()),
    { type: 'failed', key: 'pull:main', reason: 'ErrImagePull', message: 'no such host' },
    NOW,
  );
  t.deepEqual(statusOf(state).containerStatuses?.[0]?.state?.waiting, {
    reason: 'ErrImagePull',
    message: 'no such host',
  });
  t.is(statusOf(state, NOW + 2000).containerStatuses?.[0]?.state?.waiting?.reason, 'ImagePullBackOff');
});

test("a verdict is the pod's own end", (t) => {
  const state = stepPod(
    stateOf(podWith()),
    { type: 'rejected', verdict: { reason: 'OutOfcpu', message: 'too small' } },
    NOW,
  );
  t.like(statusOf(state), { phase: 'Failed', reason: 'OutOfcpu', message: 'too small' });
});

test('a pod that has ended stays so', (t) => {
  const pod: Pod = { ...podWith(), status: { phase: 'Succeeded', podIP: '10.0.0.9' } };
  const status = statusOf(stateOf(pod, [], []));
  t.is(status.phase, 'Succeeded');
  t.is(status.podIP, '10.0.0.9');
});

const facts: NodeFacts = {
  name: 'n1',
  ip: '10.1.1.1',
  podCidr: '10.244.1.0/24',
  labels: { rack: 'a' },
  machine: {
    cpuMillis: 1500,
    memoryBytes: 1 << 30,
    ephemeralBytes: 2048,
    maxPods: 110,
    info: {
      machineID: '',
      systemUUID: '',
      bootID: '',
      kernelVersion: '',
      osImage: '',
      containerRuntimeVersion: 'containerd://1',
      kubeletVersion: 'v1',
      kubeProxyVersion: '',
      operatingSystem: 'linux',
      architecture: 'amd64',
    },
  },
  runtimeTrouble: undefined,
  images: [
    { ref: 'small', sizeBytes: 1 },
    { ref: 'large', sizeBytes: 2 },
  ],
};

test('a node says what it has, and whether its runtime answers', (t) => {
  const node = newNode(facts, NOW);
  t.like(node.metadata.labels, { 'kubernetes.io/hostname': 'n1', 'kubernetes.io/os': 'linux', rack: 'a' });
  t.deepEqual(node.status?.capacity, { cpu: '1500m', memory: '1048576Ki', 'ephemeral-storage': '2Ki', pods: '110' });
  t.deepEqual(
    node.status?.images?.map(({ names }) => names?.[0]),
    ['large', 'small'],
  );
  const down = nodeStatusOf({ ...facts, runtimeTrouble: 'refused' }, node.status, NOW + 5000);
  t.like(
    down.conditions?.find(({ type }) => type === 'Ready'),
    {
      status: 'False',
      reason: 'KubeletNotReady',
      message: 'container runtime is down: refused',
      lastTransitionTime: '2026-01-01T00:00:05Z',
    },
  );
  t.is(down.conditions?.find(({ type }) => type === 'DiskPressure')?.lastTransitionTime, '2026-01-01T00:00:00Z');
});

test('an unchanged node is not written, but every five minutes; who called it dead is answered', (t) => {
  const written = nodeStatusOf(facts, undefined, NOW);
  t.false(mustReport(written, nodeStatusOf(facts, written, NOW + 60_000), NOW, NOW + 60_000));
  t.true(mustReport(written, nodeStatusOf(facts, written, NOW + 300_000), NOW, NOW + 300_000));
  t.true(mustReport(undefined, written, NOW, NOW));
  const dead = {
    ...written,
    conditions: written.conditions!.map((one) => (one.type === 'Ready' ? { ...one, status: 'Unknown' } : one)),
  };
  t.true(mustReport(dead, nodeStatusOf(facts, dead, NOW + 1), NOW, NOW + 1));
});
