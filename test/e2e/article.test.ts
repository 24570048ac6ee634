// Shows the main job: one command brings up a real cluster that serves the article's Deployment, tells the chain of
// events as it happened, answers to the CLI and to kubectl, and goes without a trace.
import { existsSync, readFileSync } from 'node:fs';
import test from 'ava';
import type { ActorFile } from '../../lib/actor/settings.ts';
import type { Deployment, Pod, Service } from '../../lib/api/generated/types.ts';
import { silentLog } from '../../lib/base/log.ts';
import { connectNats } from '../../lib/bus/nats.ts';
import { patternOf, subjectOf } from '../../lib/bus/subjects.ts';
import { follow, TestCluster } from '../kit/cluster.ts';
import { eventually } from '../kit/eventually.ts';
import { leftovers, settledLeftovers } from '../kit/leftovers.ts';
import { tellOnFailure } from '../kit/tell-on-failure.ts';

const cluster = new TestCluster({ name: 'e2e-article' });
tellOnFailure(test, cluster);
const WORDS = [cluster.home, cluster.name];
let before: string[] = [];
let isDown = false;

test.before(async () => {
  before = await leftovers(...WORDS);
});
test.after.always(async () => {
  if (!isDown) await cluster.down();
});

interface List<T> {
  items: T[];
}
const ready = (pod: Pod): boolean =>
  pod.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') === true &&
  pod.metadata.deletionTimestamp === undefined;
const webPods = async (): Promise<Pod[]> => (await cluster.get<List<Pod>>('pods', '-l', 'app=web')).items;

test.serial('`up --demo` shows the chain of the article and answers from all three pods', async (t) => {
  const { stdout } = await cluster.up('--demo');
  t.log(stdout.split('\n').slice(-45).join('\n'));
  for (const unit of [
    'store-1',
    'store-2',
    'store-3',
    'apiserver-1',
    'scheduler-1',
    'controller-manager-1',
    'dns-1',
    'kubelet-node-3',
    'kube-proxy-node-3',
  ])
    t.true(stdout.includes(unit), unit);
  for (const word of ['Deployment', 'ReplicaSet', 'Pod', 'endpoints', 'rules']) t.regex(stdout, new RegExp(word, 'i'));
  const names = (await webPods()).filter(ready).map((pod) => pod.metadata.name);
  t.is(names.length, 3);
  for (const name of names) t.true(stdout.includes(name), `no answer shown from ${name}`);
});

test.serial('the three pods run on three nodes with the image and the requests of the article', async (t) => {
  const pods = await webPods();
  t.deepEqual(pods.map((pod) => pod.spec.nodeName ?? '').toSorted(), ['node-1', 'node-2', 'node-3']);
  const container = pods[0]!.spec.containers![0]!;
  t.is(container.image, 'ghcr.io/acme/web:1a2b3c4');
  t.deepEqual(container.resources?.requests, { cpu: '100m', memory: '128Mi' });
});

test.serial('a second `up` installs nothing and changes nothing', async (t) => {
  const uids = (await webPods()).map((pod) => pod.metadata.uid ?? '').toSorted();
  const { stdout } = await cluster.up();
  t.notRegex(stdout, /apt-get install/);
  t.deepEqual((await webPods()).map((pod) => pod.metadata.uid ?? '').toSorted(), uids);
});

test.serial('`status` shows every actor with pid, and one store leads', async (t) => {
  const text = await cluster.must('status');
  for (const unit of [
    'nats',
    'store-1',
    'apiserver-1',
    'scheduler-1',
    'controller-manager-1',
    'dns-1',
    'kubelet-node-1',
    'kube-proxy-node-1',
  ])
    t.true(text.includes(unit), unit);
  t.is(text.match(/\bleader\b/gi)?.length, 1, text);
  t.regex(await cluster.must('store', 'status'), /leader/i);
});

test.serial('the Service answers through its name in the cluster DNS', async (t) => {
  const service = await cluster.get<Service>('service', 'web');
  const pods = await webPods();
  const answer = await cluster.must(
    'exec',
    pods[0]!.metadata.name,
    '--',
    'wget',
    '-qO-',
    'http://web.default.svc.cluster.local/',
  );
  t.true(
    pods.some((pod) => answer.includes(pod.metadata.name)),
    answer,
  );
  t.regex(service.spec!.clusterIP!, /^10\./);
});

test.serial('the CLI speaks as kubectl does', async (t) => {
  t.regex(await cluster.must('get', 'pods', '-o', 'wide'), /NAME +READY +STATUS +RESTARTS +AGE +IP +NODE/);
  t.regex(await cluster.must('get', 'deploy,svc'), /deployment\.apps\/web/);
  t.regex(await cluster.must('get', 'pods', '-o', 'name'), /^pod\/web-/m);
  t.is(await cluster.must('scale', 'deployment/web', '--replicas', '4'), 'deployment.apps/web scaled\n');
  t.regex(await cluster.must('rollout', 'status', 'deployment/web'), /successfully rolled out/);
  t.is((await webPods()).filter(ready).length, 4);
  await eventually('its Event', async () =>
    /ScalingReplicaSet/.test(await cluster.must('describe', 'deployment', 'web')),
  );
  const missing = await cluster.flotilla('get', 'deployment', 'nope');
  t.is(missing.code, 1);
  t.is(missing.stderr.trim(), 'Error from server (NotFound): deployments.apps "nope" not found');
  const unknown = await cluster.flotilla('gte', 'pods');
  t.is(unknown.code, 1);
  t.regex(unknown.stderr, /get/);
});

test.serial('`trace deployment/web` is one tree from the request to the rules', async (t) => {
  const text = await cluster.must('trace', 'deployment/web');
  t.log(text);
  for (const word of ['request', 'ReplicaSet', 'Pod', 'schedule', 'sync', 'rules']) t.true(text.includes(word), word);
});

test.serial("any NATS client with the observer's credential sees every reconcile, and nothing else", async (t) => {
  const watching = follow([process.execPath, 'examples/trace-subscriber.ts', cluster.home]);
  t.teardown(() => watching.stop());
  const file = JSON.parse(readFileSync(`${cluster.home}/actors/apiserver-1.json`, 'utf8')) as ActorFile;
  const nats = { ...file.nats, seedFile: `${cluster.home}/nkeys/observer.seed` };
  const bus = await connectNats('observer', nats, silentLog);
  t.teardown(() => bus.close());
  const overheard: string[] = [];
  for (const subject of [
    '>',
    `${file.cluster}.>`,
    patternOf(file.cluster, 'watch'),
    patternOf(file.cluster, 'raft'),
    `_INBOX_operator.>`,
  ])
    bus.subscribe(subject, (message) => void overheard.push(message.subject));
  const forbidden = subjectOf(file.cluster, 'apiRequest', { from: 'operator' });
  await t.throwsAsync(bus.request(forbidden, { method: 'GET', path: '/api/v1/secrets' }, { timeoutMs: 1000 }));
  await eventually('the subscriber hears anything', async () => {
    await cluster.mustApply('{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"heard"}}');
    return watching.said() !== '';
  });
  await cluster.must('scale', 'deployment/web', '--replicas', '3');
  await cluster.must('rollout', 'status', 'deployment/web');
  for (const line of [
    /apiserver-1 request Deployment default\/web/,
    /reconcile ReplicaSet default\/web-/,
    /rules Node \/node-1/,
  ])
    await eventually(`${line} among what the subscriber saw`, () => line.test(watching.said()));
  t.deepEqual(overheard, []);
});

test.serial('kubectl, unmodified, does the same work', async (t) => {
  if (!existsSync('/usr/bin/kubectl')) {
    t.log('no kubectl on this machine: nothing compared');
    t.pass();
    return;
  }
  const must = async (...args: string[]): Promise<string> => {
    const ran = await cluster.kubectl(...args);
    t.is(ran.code, 0, `kubectl ${args.join(' ')}: ${ran.stderr}`);
    return ran.stdout;
  };
  t.regex(await must('get', 'nodes'), /node-1 +Ready/);
  t.regex(await must('apply', '-f', 'examples/web.yaml'), /deployment\.apps\/web (configured|unchanged)/);
  t.regex(await must('scale', 'deployment', 'web', '--replicas=3'), /scaled/);
  t.regex(await must('rollout', 'status', 'deployment/web', '--timeout=60s'), /successfully rolled out/);
  t.regex(await must('describe', 'pod', '-l', 'app=web'), /Events:/);
  t.is(typeof (await must('logs', 'deployment/web')), 'string');
  t.regex(await must('create', 'configmap', 'settings', '--from-literal=a=b'), /created/);
  t.regex(await must('delete', 'configmap', 'settings'), /deleted/);
  t.regex(await must('get', 'pods', '-w', '--request-timeout=8s').catch(() => ''), /web-/);
});

test.serial('a deleted Deployment takes its pods with it', async (t) => {
  t.regex(await cluster.must('delete', 'deployment', 'web'), /deployment\.apps "web" deleted/);
  await eventually('all pods gone', async () => (await webPods()).length === 0);
  t.is((await cluster.get<List<Deployment>>('deployments')).items.length, 0);
});

test.serial('`down` leaves nothing behind', async (t) => {
  const ran = await cluster.down();
  isDown = true;
  t.is(ran.code, 0, ran.stderr);
  t.deepEqual(await settledLeftovers(before, ...WORDS), before);
});
