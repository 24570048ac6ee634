// Asks a kubelet with a pretended runtime what becomes of pods, against a real API actor: nothing but this process runs.
import test from 'ava';
import type { PodSpec } from '../../lib/api/generated/types.ts';
import { BusError, type Bus } from '../../lib/bus/bus.ts';
import type { RuntimeShim } from '../../runtime-shims/contract.ts';
import { openHollowShim } from '../../runtime-shims/hollow/index.ts';
import { eventually } from '../../test/kit/eventually.ts';
import { containerOf, isReady, startTestNode, type TestNode } from '../../test/kit/kubelet-node.ts';

let node: TestNode;
test.before(async () => {
  node = await startTestNode({
    openShim: (ctx) => openHollowShim(ctx, { present: ['docker.io/library/web:1'] }),
    between: losesAnswers,
  });
});
test.after.always(() => node.stop());

/** The first answer that calls the pod `unheard` ready is lost on its way, as when the API actor dies after the write. */
function losesAnswers(bus: Bus): Bus {
  let lost = false;
  const request: Bus['request'] = async (subject, data, options) => {
    const answer = await bus.request(subject, data, options);
    const { path = '', body } = data as { path?: string; body?: unknown };
    if (lost || !path.endsWith('/unheard/status') || !JSON.stringify(body).includes('"type":"Ready","status":"True"'))
      return answer;
    lost = true;
    throw new BusError('timeout', 'the answer was lost');
  };
  return new Proxy(bus, {
    get: (target, key) => {
      const value: unknown = key === 'request' ? request : Reflect.get(target, key, target);
      return typeof value === 'function' && key !== 'request' ? (value.bind(target) as unknown) : value;
    },
  });
}

const hollow = (settings: Record<string, string>): { annotations: Record<string, string> } => ({
  annotations: Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [`hollow.flotilla.io/${name}`, value]),
  ),
});
const web = (more: Partial<PodSpec> = {}): PodSpec => ({ containers: [{ name: 'main', image: 'web:1' }], ...more });

test('what its containers use is told as metrics, of nodes and of pods', async (t) => {
  await node.createPod('used', web(), { labels: { used: 'yes' } });
  await node.podWhen('used', 'is ready', isReady);
  const metrics = '/apis/metrics.k8s.io/v1beta1';
  const nodes = await node.request('GET', `${metrics}/nodes`);
  t.like(nodes, { kind: 'NodeMetricsList', apiVersion: 'metrics.k8s.io/v1beta1' });
  t.like(nodes.items[0], { metadata: { name: 'node-1' }, usage: { cpu: '0n', memory: '0Ki' } });
  const pods = await node.request('GET', `${metrics}/namespaces/default/pods?labelSelector=used%3Dyes`);
  t.is(pods.items.length, 1);
  t.like(pods.items[0], { kind: 'PodMetrics', metadata: { name: 'used', namespace: 'default' } });
  t.deepEqual(pods.items[0].containers, [{ name: 'main', usage: { cpu: '0n', memory: '0Ki' } }]);
  const one = await node.request('GET', `${metrics}/namespaces/default/pods/used`);
  t.is(one.metadata.name, 'used');
  t.is(await node.request('GET', `${metrics}/nodes/other`), undefined);
});

test('the node is registered, with its labels, address, range, size and a Lease', async (t) => {
  const registered = await eventually(
    () => 'the node is ready',
    async () => {
      const found = await node.node();
      return found?.status?.conditions?.some(
        (condition: any) => condition.type === 'Ready' && condition.status === 'True',
      )
        ? found
        : undefined;
    },
  );
  t.like(registered.metadata.labels, { 'kubernetes.io/hostname': 'node-1', rack: 'r1' });
  t.is(registered.spec?.podCIDR, '10.232.1.0/24');
  t.deepEqual(registered.status?.capacity?.['cpu'], '4');
  t.deepEqual(registered.status?.addresses?.[0], { type: 'InternalIP', address: '127.0.0.1' });
  const lease = await eventually(
    () => 'a lease',
    async () => node.request('GET', '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node-1'),
  );
  t.is(lease.spec.holderIdentity, 'node-1');
  await eventually(
    () => 'the lease is renewed',
    async () => {
      const again = await node.request('GET', '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node-1');
      return again.spec.renewTime > lease.spec.renewTime ? true : undefined;
    },
  );
});

test('a pod gets ready, with address, container id, conditions and Events', async (t) => {
  await node.createPod('plain', web());
  const pod = await node.podWhen('plain', 'ready', isReady);
  t.is(pod.status?.phase, 'Running');
  t.regex(pod.status?.podIP ?? '', /^127\.232\.1\.\d+$/);
  t.is(pod.status?.hostIP, '127.0.0.1');
  t.regex(containerOf(pod)?.containerID ?? '', /^hollow:\/\/[0-9a-f]{40}$/);
  t.true(containerOf(pod)?.state?.running?.startedAt !== undefined);
  t.deepEqual(pod.status?.conditions?.map(({ type, status }) => `${type}=${status}`).sort(), [
    'ContainersReady=True',
    'Initialized=True',
    'PodReadyToStartContainers=True',
    'PodScheduled=True',
    'Ready=True',
  ]);
  const reasons = await eventually(
    () => 'all events',
    async () => {
      const found = (await node.eventsOf('plain')).map(({ reason }) => reason);
      return found.length >= 3 ? found : undefined;
    },
  );
  t.deepEqual(reasons.map(String).toSorted(), ['Created', 'Pulled', 'Started']);
});

test('the trace tells of one connected sync: started, and ready', async (t) => {
  await node.createPod('traced', web());
  await node.podWhen('traced', 'ready', isReady);
  const spans = await eventually(
    () => 'the span',
    async () => {
      const found = node.api.spans.filter(({ actor, name }) => actor === 'kubelet' && name === 'traced');
      return found.some(({ did }) => did.includes('ready')) ? found : undefined;
    },
  );
  const did = spans.flatMap((span) => span.did);
  t.true(did.some((line) => /^made sandbox with address/.test(line)));
  t.true(did.includes('started container main'));
  t.true(spans.every((span) => span.verb === 'sync' && span.kind === 'Pod' && span.causes.revisions.length === 1));
});

test('a status whose answer was lost is told as written once it is seen to be there', async (t) => {
  await node.createPod('unheard', web());
  await node.podWhen('unheard', 'ready', isReady);
  const span = await eventually('a span that made it ready', () =>
    node.api.spans.find(({ actor, name, did }) => actor === 'kubelet' && name === 'unheard' && did.includes('ready')),
  );
  t.is(span.outcome, 'changed');
  t.true(span.wrote.some(({ kind }) => kind === 'Pod'));
});

test('deleted: it ends, its last status is written, then it is gone from API and node', async (t) => {
  await node.createPod('short', web());
  await node.podWhen('short', 'ready', isReady);
  await node.deletePod('short');
  await node.podGone('short');
  // Events travel beside the deletion, not before it.
  const killing = await eventually(
    () => 'a Killing event',
    async () => (await node.eventsOf('short')).find(({ reason }) => reason === 'Killing'),
  );
  t.is(killing.message, 'Stopping container main');
});

test('one that ignores TERM is killed when its grace is over, not before', async (t) => {
  await node.createPod('deaf', web({ terminationGracePeriodSeconds: 1 }), hollow({ 'ignores-term': 'true' }));
  await node.podWhen('deaf', 'ready', isReady);
  const began = performance.now();
  await node.deletePod('deaf');
  await node.podGone('deaf');
  // A timer may be a millisecond early.
  t.true(performance.now() - began >= 990);
});

test('a container that ends is restarted at once, then after 10 s: CrashLoopBackOff', async (t) => {
  await node.createPod('crash', web(), hollow({ 'exit-code': '3', 'exit-after-ms': '100' }));
  const pod = await node.podWhen(
    'crash',
    'backs off',
    (one) => containerOf(one)?.state?.waiting?.reason === 'CrashLoopBackOff',
  );
  t.is(containerOf(pod)?.restartCount, 1);
  t.like(containerOf(pod)?.lastState?.terminated, { exitCode: 3, reason: 'Error' });
  t.regex(
    containerOf(pod)?.state?.waiting?.message ?? '',
    /^back-off 10s restarting failed container=main pod=crash_default\(/,
  );
  t.is(pod.status?.phase, 'Running');
  t.false(isReady(pod));
  await eventually(
    () => 'a BackOff event',
    async () => ((await node.eventsOf('crash')).some(({ reason }) => reason === 'BackOff') ? true : undefined),
  );
});

test('restartPolicy Never: the pod succeeds or fails, and stays to be read', async (t) => {
  await node.createPod('succeeds', web({ restartPolicy: 'Never' }), hollow({ 'exit-code': '0' }));
  await node.createPod('fails', web({ restartPolicy: 'Never' }), hollow({ 'exit-code': '4' }));
  const [good, bad] = await Promise.all([
    node.podWhen('succeeds', 'Succeeded', (pod) => pod.status?.phase === 'Succeeded'),
    node.podWhen('fails', 'Failed', (pod) => pod.status?.phase === 'Failed'),
  ]);
  t.like(containerOf(good)?.state?.terminated, { exitCode: 0, reason: 'Completed' });
  t.like(containerOf(bad)?.state?.terminated, { exitCode: 4, reason: 'Error' });
});

test('init containers run one after the other, before the others', async (t) => {
  await node.createPod(
    'inits',
    web({
      initContainers: [
        { name: 'one', image: 'web:1' },
        { name: 'two', image: 'web:1' },
      ],
    }),
  );
  const pod = await node.podWhen('inits', 'ready', isReady);
  t.deepEqual(
    pod.status?.initContainerStatuses?.map(({ name, ready, state }) => [name, ready, state?.terminated?.exitCode]),
    [
      ['one', true, 0],
      ['two', true, 0],
    ],
  );
});

test('an image that cannot be pulled: ErrImagePull, then ImagePullBackOff', async (t) => {
  await node.createPod('nopull', web({ containers: [{ name: 'main', image: 'registry.io/no-such-image:1' }] }));
  const pod = await node.podWhen(
    'nopull',
    'ImagePullBackOff',
    (one) => containerOf(one)?.state?.waiting?.reason === 'ImagePullBackOff',
  );
  t.is(pod.status?.phase, 'Pending');
  const reasons = await eventually(
    () => 'its events',
    async () => {
      const found = (await node.eventsOf('nopull')).map(({ reason, message }) => `${reason}: ${message}`);
      return found.some((line) => line.startsWith('BackOff')) ? found : undefined;
    },
  );
  t.true(reasons.includes('Pulling: Pulling image "registry.io/no-such-image:1"'));
  t.true(reasons.includes('Failed: Error: ErrImagePull'));
  await node.deletePod('nopull');
  await node.podGone('nopull');
});

test('a config map that is missing is waited for', async (t) => {
  const env = [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'later', key: 'a' } } }];
  await node.createPod('waits', web({ containers: [{ name: 'main', image: 'web:1', env }] }));
  const pod = await node.podWhen(
    'waits',
    'config error',
    (one) => containerOf(one)?.state?.waiting?.reason === 'CreateContainerConfigError',
  );
  t.is(containerOf(pod)?.state?.waiting?.message, 'configmap "later" not found');
  await node.request('POST', '/api/v1/namespaces/default/configmaps', {
    metadata: { name: 'later' },
    data: { a: '1' },
  });
  await node.podWhen('waits', 'ready', isReady);
});

test('a program that cannot be started counts as a crash', async (t) => {
  await node.createPod('nostart', web(), hollow({ start: 'fail' }));
  const pod = await node.podWhen(
    'nostart',
    'backs off',
    (one) => containerOf(one)?.state?.waiting?.reason === 'CrashLoopBackOff',
  );
  t.like(containerOf(pod)?.lastState?.terminated, { exitCode: 128, reason: 'StartError' });
});

test('probes: readiness gates, liveness restarts', async (t) => {
  const probe = { exec: { command: ['x'] }, periodSeconds: 1, failureThreshold: 1 };
  const probed = (kind: string): PodSpec => web({ containers: [{ name: 'main', image: 'web:1', [kind]: probe }] });
  await node.createPod('unready', probed('readinessProbe'), hollow({ 'exec-exit-code': '1' }));
  await node.createPod('readied', probed('readinessProbe'));
  await node.createPod('unlively', probed('livenessProbe'), hollow({ 'exec-exit-code': '1' }));
  await node.podWhen('readied', 'ready', isReady);
  const restarted = await node.podWhen('unlively', 'restarted', (pod) => (containerOf(pod)?.restartCount ?? 0) > 0);
  t.truthy(restarted);
  const unready = await node.podWhen('unready', 'runs', (pod) => pod.status?.phase === 'Running');
  t.false(isReady(unready));
  const why = 'Container main failed liveness probe, will be restarted';
  await eventually(
    () => 'the Event of the kill',
    async () => ((await node.eventsOf('unlively')).some(({ message }) => message === why) ? true : undefined),
  );
});

test('a pod over its deadline fails', async (t) => {
  await node.createPod('overdue', web({ activeDeadlineSeconds: 6, terminationGracePeriodSeconds: 1 }));
  const pod = await node.podWhen('overdue', 'failed', (one) => one.status?.phase === 'Failed');
  t.is(pod.status?.reason, 'DeadlineExceeded');
});

test('a pod that does not fit is refused', async (t) => {
  await node.createPod(
    'huge',
    web({ containers: [{ name: 'main', image: 'web:1', resources: { requests: { cpu: '5' } } }] }),
  );
  const pod = await node.podWhen('huge', 'failed', (one) => one.status?.phase === 'Failed');
  t.is(pod.status?.reason, 'OutOfcpu');
});

test('a kubelet that comes back adopts what runs: same container, never unready', async (t) => {
  const own = await startTestNode({ openShim: (ctx) => openHollowShim(ctx) });
  t.teardown(() => own.stop());
  const readinessProbe = { exec: { command: ['x'] }, periodSeconds: 1, initialDelaySeconds: 0 };
  await own.createPod('lasting', web({ containers: [{ name: 'main', image: 'web:1', readinessProbe }] }));
  const before = await own.podWhen('lasting', 'ready', isReady);
  await own.stopKubelet();
  await own.createPod('meanwhile', web());
  await own.startKubelet();
  await own.podWhen('meanwhile', 'ready', isReady);
  const after = (await own.getPod('lasting'))!;
  t.is(containerOf(after)?.containerID, containerOf(before)?.containerID);
  t.is(containerOf(after)?.restartCount, 0);
  t.deepEqual(after.status?.conditions, before.status?.conditions);
});

test('without the API pods go on: what ends is restarted, and told when the API is back', async (t) => {
  let shim!: RuntimeShim;
  const own = await startTestNode({ openShim: async (ctx) => (shim = await openHollowShim(ctx)) });
  t.teardown(() => own.stop());
  await own.createPod('alone', web());
  await own.podWhen('alone', 'ready', isReady);
  own.cut();
  await own.stopKubelet();
  await own.startKubelet();
  const [container] = (await shim.list()).containers;
  await shim.signal(container!.id, 'SIGKILL');
  await eventually(
    () => 'restarted without the API',
    async () => ((await shim.list()).containers.some(({ attempt }) => attempt === 1) ? true : undefined),
  );
  t.is(own.kubelet.status()['podsSynced'], false);
  t.is(containerOf((await own.getPod('alone'))!)?.restartCount, 0, 'the API knows nothing of it yet');
  own.join();
  await own.podWhen('alone', 'the restart is told', (pod) => (containerOf(pod)?.restartCount ?? 0) >= 1);
});

test('a pod that was deleted while no kubelet ran is cleaned away', async (t) => {
  const own = await startTestNode({ openShim: (ctx) => openHollowShim(ctx) });
  t.teardown(() => own.stop());
  await own.createPod('orphan', web());
  await own.podWhen('orphan', 'ready', isReady);
  await own.stopKubelet();
  await own.deletePod('orphan', 0);
  await own.podGone('orphan');
  await own.startKubelet();
  await eventually(
    () => 'nothing runs any more',
    async () =>
      own.kubelet.status()['containersRunning'] === 0 && own.kubelet.status()['pods'] === 0 ? true : undefined,
  );
  t.pass();
});
