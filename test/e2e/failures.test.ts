// Shows what breaks when a part dies, and that nothing else does: the article's table "Fails if…" row by row, a leader
// killed under load, quorum lost and back, and everything killed at once.
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import type { ConfigMap, Node, Pod, Service } from '../../lib/api/generated/types.ts';
import { run, TestCluster } from '../kit/cluster.ts';
import { eventually } from '../kit/eventually.ts';
import { isReady, shellPod, web, yaml, type List } from '../kit/manifests.ts';
import { podsIn } from '../kit/ready-pods.ts';
import { tellOnFailure } from '../kit/tell-on-failure.ts';
import { writeLoad } from '../kit/write-load.ts';

const cluster = new TestCluster({ name: 'e2e-fail' });
tellOnFailure(test, cluster);

test.before(async () => {
  await cluster.up();
  await cluster.mustApply(web({ name: 'web', replicas: 3 }));
  await readyPods('web', 3);
});
test.after.always(async () => void (await cluster.down()));

const { podsOf, readyPods } = podsIn(cluster);
/** Shows what happened where containers are not the same as before. */
async function undisturbed(t: ExecutionContext, before: string[]): Promise<void> {
  const after = await containers();
  if (after.join() !== before.join()) t.log(await cluster.must('get', 'events'));
  t.deepEqual(after, before, 'containers were disturbed');
}
const url = async (): Promise<string> => `http://${(await cluster.get<Service>('service', 'web')).spec!.clusterIP!}/`;
const serves = async (node: string, address: string, timeoutMs?: number): Promise<boolean> =>
  (await cluster.ask(node, address, timeoutMs)).code === 0;
const leader = (): Promise<string> =>
  eventually(
    'a store leads',
    async () => (await cluster.must('store', 'status')).match(/^(store-\d) .*\bleader\b/im)?.[1],
  );
const configMap = (name: string): string =>
  yaml({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { made: name } });
/** One line a container: a restart, or another pod in its place, changes it. */
const containers = async (): Promise<string[]> =>
  (await podsOf('web'))
    .map((pod) => {
      const status = pod.status?.containerStatuses?.[0];
      return `${pod.metadata.name} on ${pod.spec.nodeName}: ${status?.containerID} restarts ${status?.restartCount}`;
    })
    .toSorted();

test.serial('SIGKILL of the store leader under load loses no acknowledged write', async (t) => {
  const load = await writeLoad(cluster, 'kill-leader');
  await eventually('writes are under way', () => load.written() > 50);
  const before = load.written();
  await cluster.kill(await leader());
  await eventually('writes go on', () => load.written() > before + 100);
  const { acknowledged, longestGapMs, refused } = await load.stop();
  const stored = new Set(
    (await cluster.get<List<ConfigMap>>('configmaps', '-n', load.namespace)).items.map((one) => one.metadata.name),
  );
  const lost = acknowledged.filter((name) => !stored.has(name));
  t.log({ acknowledged: acknowledged.length, refused, longestGapMs });
  t.deepEqual(lost, []);
});

test.serial(
  'with 2 of 3 stores dead writes are refused in time with the reason, reads and pods go on, and one back heals it',
  async (t) => {
    await eventually(
      'all three stores follow',
      async () => (await cluster.must('store', 'status')).match(/^store-\d .*(leader|follower)/gim)?.length === 3,
    );
    const address = await url();
    const before = await containers();
    await cluster.must('stop', 'store-1');
    await cluster.must('stop', 'store-2');
    const began = performance.now();
    const refused = await cluster.apply(configMap('no-quorum'));
    const tookMs = performance.now() - began;
    t.not(refused.code, 0);
    t.regex(refused.stderr, /quorum/i);
    t.log({ refusedAfterMs: Math.round(tookMs), stderr: refused.stderr.trim() });
    const read = await cluster.flotilla('get', 'deployment', 'web');
    t.is(read.code, 0, read.stderr);
    t.regex(read.stderr, /quorum|cache/i, 'a read from the cache must be labelled');
    t.true(await serves('node-1', address));
    await cluster.must('start', 'store-1');
    await eventually('writes go on', async () => (await cluster.apply(configMap('after-quorum'))).code === 0);
    await undisturbed(t, before);
    await cluster.must('start', 'store-2');
  },
);

test.serial(
  'without the API server nothing can be asked or changed, and everything that runs keeps running',
  async (t) => {
    const address = await url();
    await cluster.must('stop', 'apiserver-1');
    const ran = await cluster.flotilla('get', 'pods');
    t.is(ran.code, 1);
    t.regex(ran.stderr, /connection .*refused/);
    t.true(await serves('node-2', address));
    await cluster.must('start', 'apiserver-1');
    await readyPods('web', 3);
  },
);

test.serial('without the scheduler new pods stay Pending', async (t) => {
  await cluster.must('stop', 'scheduler-1');
  await cluster.mustApply(shellPod('late', 'sleep 1000'));
  await sleep(2000);
  const late = await cluster.get<Pod>('pod', 'late');
  t.is(late.status?.phase, 'Pending');
  t.is(late.spec.nodeName, undefined);
  t.true(await serves('node-1', await url()));
  await cluster.must('start', 'scheduler-1');
  await eventually('late runs', async () => (await cluster.get<Pod>('pod', 'late')).status?.phase === 'Running');
  await cluster.must('delete', 'pod', 'late');
});

test.serial('without the controller manager the desired state is not enforced', async (t) => {
  await cluster.must('stop', 'controller-manager-1');
  const [victim] = await podsOf('web');
  await cluster.must('delete', 'pod', victim!.metadata.name);
  await sleep(2000);
  t.is((await podsOf('web')).length, 2);
  await cluster.must('start', 'controller-manager-1');
  await readyPods('web', 3);
  t.pass();
});

test.serial("without a node's kubelet its pods are not managed, but they run", async (t) => {
  const address = await url();
  await cluster.must('stop', 'kubelet-node-1');
  await cluster.mustApply(shellPod('stuck', 'sleep 1000', { pod: { nodeName: 'node-1' } }));
  await sleep(2000);
  t.is((await cluster.get<Pod>('pod', 'stuck')).status?.phase, 'Pending');
  t.true(await serves('node-1', address));
  await cluster.must('start', 'kubelet-node-1');
  await eventually('stuck runs', async () => (await cluster.get<Pod>('pod', 'stuck')).status?.phase === 'Running');
  await cluster.must('delete', 'pod', 'stuck');
});

test.serial("without a node's kube-proxy new Services do not reach that node, old ones do", async (t) => {
  await cluster.must('stop', 'kube-proxy-node-2');
  await cluster.mustApply(
    yaml({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'fresh' },
      spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] },
    }),
  );
  const fresh = `http://${(await cluster.get<Service>('service', 'fresh')).spec!.clusterIP!}/`;
  await eventually('node-1 reaches it', () => serves('node-1', fresh));
  t.false(await serves('node-2', fresh, 3000));
  t.true(await serves('node-2', await url()), 'rules that stand must go on working');
  await cluster.must('start', 'kube-proxy-node-2');
  await eventually('node-2 reaches it', () => serves('node-2', fresh));
});

test.serial('without containerd no container starts on that node, and those that run go on', async (t) => {
  const address = await url();
  const before = await containers();
  await cluster.must('stop', 'containerd-node-3');
  await cluster.mustApply(shellPod('waiting', 'sleep 1000', { pod: { nodeName: 'node-3' } }));
  await sleep(3000);
  t.not((await cluster.get<Pod>('pod', 'waiting')).status?.phase, 'Running');
  t.true(await serves('node-3', address));
  await cluster.must('start', 'containerd-node-3');
  await eventually('waiting runs', async () => (await cluster.get<Pod>('pod', 'waiting')).status?.phase === 'Running');
  await undisturbed(t, before);
  await cluster.must('delete', 'pod', 'waiting');
});

test.serial('SIGKILL of everything at once: all acknowledged objects are there, containers are adopted', async (t) => {
  await cluster.mustApply(configMap('survivor'));
  const identity = (object: ConfigMap | Pod): string => `${object.metadata.uid} ${object.metadata.resourceVersion}`;
  const survivor = identity(await cluster.get<ConfigMap>('configmap', 'survivor'));
  const running = await containers();
  const uids = (await podsOf('web')).map((pod) => pod.metadata.uid ?? '').toSorted();
  const units = (await cluster.units()).filter((unit) => unit.pid !== undefined);
  const supervisor = await run(['pgrep', '-f', `supervise.*${cluster.home}`]);
  for (const pid of supervisor.stdout.split('\n').filter(Boolean)) process.kill(Number(pid), 'SIGKILL');
  for (const unit of units) {
    try {
      process.kill(unit.pid!, 'SIGKILL');
    } catch {
      // a child that died with its wrapper
    }
  }
  await cluster.up();
  t.is(identity(await cluster.get<ConfigMap>('configmap', 'survivor')), survivor);
  const pods = await readyPods('web', 3);
  t.deepEqual(pods.map((pod) => pod.metadata.uid ?? '').toSorted(), uids);
  await undisturbed(t, running);
  t.deepEqual(
    pods.map((pod) => pod.status?.containerStatuses?.[0]?.restartCount),
    [0, 0, 0],
  );
  await eventually('the Service answers', async () => serves('node-1', await url()));
});

test.serial('a dead node: its bare pod is not made again, the Deployment’s is', async (t) => {
  await cluster.mustApply(web({ name: 'moving', replicas: 3, tolerationSeconds: 5 }));
  await readyPods('moving', 3);
  await cluster.mustApply(shellPod('bare', 'sleep 1000', { pod: { nodeName: 'node-2' } }));
  await eventually('bare runs', async () => (await cluster.get<Pod>('pod', 'bare')).status?.phase === 'Running');
  for (const unit of ['kubelet-node-2', 'kube-proxy-node-2', 'containerd-node-2']) await cluster.must('stop', unit);
  await eventually('node-2 is not ready', async () => {
    const node = await cluster.get<Node>('node', 'node-2');
    return node.status?.conditions?.some((c) => c.type === 'Ready' && c.status !== 'True');
  });
  const pods = await eventually('three ready pods on two nodes', async () => {
    const ready = (await podsOf('moving')).filter((pod) => isReady(pod) && pod.spec.nodeName !== 'node-2');
    return ready.length === 3 && ready;
  });
  t.is(pods.length, 3);
  const bare = (await cluster.get<List<Pod>>('pods', '-l', 'app=bare')).items;
  t.true(
    bare.every((pod) => pod.spec.nodeName === 'node-2'),
    'a bare pod must not move',
  );
});
