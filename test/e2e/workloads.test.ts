// Shows what users of a cluster rely on, with real containers and real traffic: restarts, replacement, readiness, rolling
// updates that lose nothing, limits, volumes, and that bad input is refused and harms nobody.
import { readFileSync } from 'node:fs';
import test from 'ava';
import type { ActorFile } from '../../lib/actor/settings.ts';
import { systemClock } from '../../lib/actor/system.ts';
import type { Deployment, Endpoints, Event, Node, Pod, Service } from '../../lib/api/generated/types.ts';
import { RESOURCES } from '../../lib/api/resource.ts';
import type { ApiError } from '../../lib/base/errors.ts';
import { silentLog } from '../../lib/base/log.ts';
import { connectNats } from '../../lib/bus/nats.ts';
import { subjectOf } from '../../lib/bus/subjects.ts';
import { busTransport } from '../../lib/client/bus-transport.ts';
import { Client } from '../../lib/client/client.ts';
import { run, TestCluster } from '../kit/cluster.ts';
import { eventually } from '../kit/eventually.ts';
import { IMAGE, isReady, shellPod, web, yaml, type List } from '../kit/manifests.ts';
import { podsIn } from '../kit/ready-pods.ts';
import { tellOnFailure } from '../kit/tell-on-failure.ts';

const cluster = new TestCluster({ name: 'e2e-work' });
tellOnFailure(test, cluster);

test.before(async () => void (await cluster.up()));
test.after.always(async () => void (await cluster.down()));

const { podsOf, readyPods } = podsIn(cluster);
const pod = (name: string): Promise<Pod> => cluster.get<Pod>('pod', name);
const clusterIp = async (name: string): Promise<string> =>
  (await cluster.get<Service>('service', name)).spec!.clusterIP!;
const must = (manifest: string): Promise<void> => cluster.mustApply(manifest);

test.serial('a container that ends is restarted, each time after a longer wait', async (t) => {
  await must(shellPod('crash', 'sleep 0.2; exit 3'));
  const crashed = await eventually('CrashLoopBackOff', async () => {
    const status = (await pod('crash')).status?.containerStatuses?.[0];
    return (
      status !== undefined &&
      (status.restartCount ?? 0) >= 1 &&
      status.state?.waiting?.reason === 'CrashLoopBackOff' &&
      status
    );
  });
  t.is(crashed.lastState?.terminated?.exitCode, 3);
  await eventually('it is printed', async () => /CrashLoopBackOff/.test(await cluster.must('get', 'pod', 'crash')));
  await cluster.must('delete', 'pod', 'crash');
});

test.serial('a deleted pod of a Deployment is replaced, a bare pod is not', async (t) => {
  await must(web({ name: 'store', replicas: 2 }));
  const [first] = await readyPods('store', 2);
  await cluster.must('delete', 'pod', first!.metadata.name);
  const after = await readyPods('store', 2);
  t.false(after.some((one) => one.metadata.uid === first!.metadata.uid));
  await must(shellPod('bare', 'sleep 1000'));
  await eventually('bare runs', async () => (await pod('bare')).status?.phase === 'Running');
  await cluster.must('delete', 'pod', 'bare');
  t.is((await cluster.flotilla('get', 'pod', 'bare')).code, 1);
});

test.serial('a pod that is not ready gets no traffic', async (t) => {
  await must(web({ name: 'probe', replicas: 2, readinessFile: '/tmp/ready' }));
  const pods = await eventually('2 running pods', async () => {
    const running = (await podsOf('probe')).filter((one) => one.status?.phase === 'Running');
    return running.length === 2 && running;
  });
  t.is(pods.filter(isReady).length, 0);
  const url = `http://${await clusterIp('probe')}/`;
  const refused = await cluster.ask('node-1', url);
  t.not(refused.code, 0, 'a Service without ready pods must refuse');
  const [chosen] = pods;
  await cluster.must('exec', chosen!.metadata.name, '--', 'touch', '/tmp/ready');
  await eventually('one endpoint', async () => {
    const endpoints = await cluster.get<Endpoints>('endpoints', 'probe');
    return endpoints.subsets?.[0]?.addresses?.length === 1;
  });
  for (const node of ['node-1', 'node-2', 'node-3']) {
    const answer = await eventually(`an answer on ${node}`, async () => {
      const ran = await cluster.ask(node, url);
      return ran.code === 0 && ran.stdout;
    });
    t.true(answer.includes(chosen!.metadata.name));
  }
  await cluster.must('delete', 'deployment,service', 'probe');
});

/** As long as the busiest machine may need to tell every proxy that a pod goes. */
const DRAIN_SECONDS = 8;

test.serial('a rolling update under continuous requests loses none, and undo goes back', async (t) => {
  await must(web({ name: 'roll', replicas: 3, version: 'v1', drainSeconds: DRAIN_SECONDS }));
  await readyPods('roll', 3);
  const url = `http://${await clusterIp('roll')}/`;
  await eventually('the Service answers', async () => (await cluster.ask('node-2', url)).code === 0);
  const traffic = await cluster.traffic('node-2', url);
  await must(web({ name: 'roll', replicas: 3, version: 'v2', drainSeconds: DRAIN_SECONDS }));
  t.regex(await cluster.must('rollout', 'status', 'deployment/roll'), /successfully rolled out/);
  t.is(await cluster.must('rollout', 'undo', 'deployment/roll'), 'deployment.apps/roll rolled back\n');
  t.regex(await cluster.must('rollout', 'status', 'deployment/roll'), /successfully rolled out/);
  await eventually('old pods gone', async () => (await podsOf('roll')).length === 3);
  const counted = await traffic.stop();
  t.log(counted);
  t.is(counted.failed, 0, JSON.stringify(counted.errors));
  t.true(counted.ok > 100);
  const versions = (await podsOf('roll')).map((one) => one.spec.containers![0]!.env?.[0]?.value);
  t.deepEqual(versions, ['v1', 'v1', 'v1']);
  t.regex(await cluster.must('rollout', 'history', 'deployment/roll'), /REVISION[\s\S]*2[\s\S]*3/);
});

test.serial('a bad update stops at its limits and the old pods go on serving', async (t) => {
  await must(web({ name: 'roll', replicas: 3, version: 'v3', readinessFile: '/never' }));
  await eventually('the update is stuck', async () => {
    const deployment = await cluster.get<Deployment>('deployment', 'roll');
    return deployment.status?.updatedReplicas === 1 && deployment.status.availableReplicas === 3;
  });
  await cluster.must('rollout', 'undo', 'deployment/roll');
  t.regex(await cluster.must('rollout', 'status', 'deployment/roll'), /successfully rolled out/);
  await cluster.must('delete', 'deployment,service', 'roll');
});

test.serial('memory limits are enforced by the kernel, and the reason is told', async (t) => {
  await must(
    shellPod('greedy', 'sleep 1; tail /dev/zero', {
      pod: { restartPolicy: 'Never' },
      container: { resources: { limits: { memory: '24Mi', cpu: '200m' } } },
    }),
  );
  const status = await eventually('OOMKilled', async () => {
    const one = (await pod('greedy')).status;
    return one?.containerStatuses?.[0]?.state?.terminated?.reason === 'OOMKilled' && one;
  });
  t.is(status.phase, 'Failed');
  await cluster.must('delete', 'pod', 'greedy');
});

test.serial('env, init containers, ConfigMaps, Secrets and emptyDir reach the container', async (t) => {
  await must(
    yaml(
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'settings' },
        data: { colour: 'blue', file: 'from a file' },
      },
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'token' }, stringData: { key: 's3cret' } },
    ) +
      shellPod('mounts', 'echo "$COLOUR $KEY $POD $(cat /cfg/file) $(cat /sec/key) $(cat /work/made)"; sleep 1000', {
        pod: {
          volumes: [
            { name: 'cfg', configMap: { name: 'settings' } },
            { name: 'sec', secret: { secretName: 'token' } },
            { name: 'work', emptyDir: {} },
          ],
          initContainers: [
            {
              name: 'make',
              image: IMAGE,
              command: ['sh', '-c', 'echo by-init > /work/made'],
              volumeMounts: [{ name: 'work', mountPath: '/work' }],
            },
          ],
        },
        container: {
          env: [
            { name: 'COLOUR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'colour' } } },
            { name: 'KEY', valueFrom: { secretKeyRef: { name: 'token', key: 'key' } } },
            { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
          ],
          volumeMounts: [
            { name: 'cfg', mountPath: '/cfg' },
            { name: 'sec', mountPath: '/sec' },
            { name: 'work', mountPath: '/work' },
          ],
        },
      }),
  );
  const line = await eventually('the line', async () => {
    const ran = await cluster.flotilla('logs', 'mounts');
    return ran.stdout.includes('blue') && ran.stdout.trim();
  });
  t.is(line, 'blue s3cret mounts from a file s3cret by-init');
  t.false(
    (await cluster.must('trace', '--no-follow', '--unchanged', '--json')).includes('s3cret'),
    'a Secret in a trace',
  );
  await cluster.must('delete', 'pod', 'mounts');
});

test.serial('liveness restarts, a startup probe holds it back', async (t) => {
  await must(
    shellPod('sick', 'touch /tmp/ok; sleep 3; rm /tmp/ok; sleep 1000', {
      container: {
        startupProbe: { exec: { command: ['cat', '/tmp/ok'] }, periodSeconds: 1, failureThreshold: 10 },
        livenessProbe: { exec: { command: ['cat', '/tmp/ok'] }, periodSeconds: 1, failureThreshold: 2 },
      },
    }),
  );
  await eventually(
    'a restart',
    async () => ((await pod('sick')).status?.containerStatuses?.[0]?.restartCount ?? 0) >= 1,
  );
  await eventually('its Event', async () =>
    (await cluster.get<List<Event>>('events')).items.some(
      (event) => event.involvedObject.name === 'sick' && event.reason === 'Unhealthy',
    ),
  );
  t.pass();
  await cluster.must('delete', 'pod', 'sick');
});

test.serial('a pod that fits nowhere stays Pending and says why', async (t) => {
  await must(shellPod('huge', 'sleep 1', { container: { resources: { requests: { cpu: '1000' } } } }));
  await eventually('the reason', async () =>
    /0\/3 nodes are available: 3 Insufficient cpu\./.test(await cluster.must('describe', 'pod', 'huge')),
  );
  await must(shellPod('picky', 'sleep 1', { pod: { nodeSelector: { disk: 'tape' } } }));
  await eventually('the reason', async () =>
    /didn't match Pod's node affinity\/selector/.test(await cluster.must('describe', 'pod', 'picky')),
  );
  t.is((await pod('huge')).status?.phase, 'Pending');
  await cluster.must('delete', 'pod', 'huge', 'picky');
});

test.serial('exec gives output and exit code through', async (t) => {
  const [one] = await readyPods('store', 2);
  const ran = await cluster.flotilla('exec', one!.metadata.name, '--', 'sh', '-c', 'echo out; echo err >&2; exit 7');
  t.is(ran.stdout, 'out\n');
  t.regex(ran.stderr, /err/);
  t.is(ran.code, 7);
});

const BAD: Array<{ what: string; manifest: string; says: RegExp }> = [
  { what: 'invalid YAML', manifest: 'kind: [unclosed', says: /error/i },
  {
    what: 'an unknown kind',
    manifest: yaml({ apiVersion: 'v1', kind: 'Podd', metadata: { name: 'x' } }),
    says: /no matches for kind "Podd"/,
  },
  {
    what: 'an unknown field',
    manifest: yaml({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' }, dataa: {} }),
    says: /unknown field "dataa"/,
  },
  {
    what: 'a wrong type',
    manifest: yaml({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'x' }, spec: { replicas: 'three' } }),
    says: /replicas/,
  },
  {
    what: 'a name with ..',
    manifest: yaml({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: '../../etc' } }),
    says: /Invalid value|invalid/,
  },
  {
    what: 'a name with NATS wildcards',
    manifest: yaml({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a.>' } }),
    says: /Invalid value: "a.>"/,
  },
  {
    what: 'an object over 1.5 MiB',
    manifest: yaml({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'x' },
      data: { big: 'x'.repeat(1_700_000) },
    }),
    says: /too large|Too long|limit/i,
  },
  {
    what: 'a missing namespace',
    manifest: yaml({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x', namespace: 'nowhere' } }),
    says: /namespaces "nowhere" not found/,
  },
  {
    what: 'a selector that does not match',
    manifest: yaml({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'x' },
      spec: {
        selector: { matchLabels: { a: 'b' } },
        template: { metadata: { labels: { a: 'c' } }, spec: { containers: [{ name: 'x', image: 'x' }] } },
      },
    }),
    says: /selector.*does not match template.*labels/,
  },
];

for (const { what, manifest, says } of BAD) {
  test.serial(`${what} is refused with a clear error and changes nothing`, async (t) => {
    const pids = (await cluster.units()).map((unit) => unit.pid);
    const ran = await cluster.apply(manifest);
    t.not(ran.code, 0);
    t.regex(ran.stderr, says);
    t.is((await cluster.flotilla('get', 'configmap', 'x')).code, 1);
    t.deepEqual(
      (await cluster.units()).map((unit) => unit.pid),
      pids,
      'an actor died of it',
    );
  });
}

test.serial('a wrong token is Unauthorized', async (t) => {
  const ran = await run([process.execPath, '-e', WRONG_TOKEN, `https://127.0.0.1:${cluster.port}/api/v1/pods`]);
  t.regex(ran.stdout, /^401 [\s\S]*"reason": ?"Unauthorized"/, ran.stderr);
});

const WRONG_TOKEN = `
  require('node:https').get(process.argv[1], { rejectUnauthorized: false, headers: { authorization: 'Bearer wrong' } }, (r) => {
    process.stdout.write(r.statusCode + ' ');
    r.pipe(process.stdout);
  });`;

test.serial("a node's credential cannot touch another node's objects, nor speak in another's name", async (t) => {
  const foreign = (await podsOf('store'))[0]!;
  const [mine, another] = ['node-1', 'node-2', 'node-3'].filter((node) => node !== foreign.spec.nodeName) as [
    string,
    string,
  ];
  const file = JSON.parse(readFileSync(`${cluster.home}/actors/kubelet-${mine}.json`, 'utf8')) as ActorFile;
  const bus = await connectNats(file.instance, file.nats, silentLog);
  t.teardown(() => bus.close());
  const client = new Client(busTransport({ cluster: file.cluster, bus, clock: systemClock }));
  const own = await client.get<Node>(RESOURCES.nodes, { name: mine });
  t.is(own.metadata.name, mine);
  const patch = { metadata: { labels: { taken: 'over' } } };
  const other = client.patch(RESOURCES.nodes, { name: another }, 'application/merge-patch+json', patch);
  t.is((await t.throwsAsync<ApiError>(other))?.reason, 'Forbidden');
  const status = { status: { phase: 'Failed' } };
  const at = { namespace: 'default', name: foreign.metadata.name, subresource: 'status' };
  t.is(
    (await t.throwsAsync<ApiError>(client.patch(RESOURCES.pods, at, 'application/merge-patch+json', status)))?.reason,
    'Forbidden',
  );
  t.is((await t.throwsAsync<ApiError>(client.list(RESOURCES.secrets, {})))?.reason, 'Forbidden');
  const forged = subjectOf(file.cluster, 'apiRequest', { from: `kubelet-${another}` });
  await t.throwsAsync(bus.request(forged, { method: 'GET', path: '/api/v1/nodes' }, { timeoutMs: 2000 }));
  const past = subjectOf(file.cluster, 'storeWrite', { member: 'store-1', from: `kubelet-${mine}` });
  await t.throwsAsync(bus.request(past, { session: 'x', acknowledged: 0, txns: [] }, { timeoutMs: 2000 }));
});
