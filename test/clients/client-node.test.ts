import {
  AppsV1Api,
  ApiextensionsV1Api,
  CoordinationV1Api,
  CoreV1Api,
  CustomObjectsApi,
  KubernetesObjectApi,
  PatchStrategy,
  V1MicroTime,
  VersionApi,
  Watch,
  makeInformer,
  setHeaderOptions,
  type V1ConfigMap,
  type V1Deployment,
  type V1Lease,
} from '@kubernetes/client-node';
import test from 'ava';
import { eventually } from '../kit/eventually.ts';
import { tellOnFailure } from '../kit/tell-on-failure.ts';
import { cluster, freshNamespace, kubeconfig, readyPod, refusal } from './cluster-under-test.ts';
import { exec, follow, forward, onTerminal } from './conversations.ts';

tellOnFailure(test, cluster);

test.before('one cluster for all', async (t) => {
  t.timeout(600_000);
  await cluster.up();
});

test.after.always('the cluster goes', async () => {
  await cluster.down();
});

const deployment = (replicas: number): V1Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: {
    replicas,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image: 'nginx:1' }] } },
  },
});

test('create, read, replace, list in pages, delete; and each refusal with its code', async (t) => {
  const namespace = await freshNamespace('crud');
  const core = kubeconfig().makeApiClient(CoreV1Api);
  const names = ['a', 'b', 'c'];
  for (const name of names)
    await core.createNamespacedConfigMap({
      namespace,
      body: { metadata: { name, labels: { of: 'crud' } }, data: { k: name } },
    });
  const again = await refusal(core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'a' } } }));
  t.deepEqual([again.code, again.reason], [409, 'AlreadyExists']);

  const read = await core.readNamespacedConfigMap({ name: 'a', namespace });
  t.true(read.metadata!.creationTimestamp instanceof Date);
  const replaced = await core.replaceNamespacedConfigMap({
    name: 'a',
    namespace,
    body: { ...read, data: { k: 'new' } },
  });
  t.deepEqual(replaced.data, { k: 'new' });
  const stale = await refusal(
    core.replaceNamespacedConfigMap({ name: 'a', namespace, body: { ...read, data: { k: 'x' } } }),
  );
  t.deepEqual([stale.code, stale.reason], [409, 'Conflict']);

  const first = await core.listNamespacedConfigMap({ namespace, labelSelector: 'of=crud', limit: 2 });
  t.deepEqual(
    first.items.map((item) => item.metadata!.name),
    ['a', 'b'],
  );
  const second = await core.listNamespacedConfigMap({
    namespace,
    labelSelector: 'of=crud',
    limit: 2,
    _continue: first.metadata!._continue!,
  });
  t.deepEqual(
    second.items.map((item) => item.metadata!.name),
    ['c'],
  );

  await core.deleteNamespacedConfigMap({ name: 'a', namespace });
  t.is((await refusal(core.readNamespacedConfigMap({ name: 'a', namespace }))).code, 404);
  const invalid = await refusal(
    core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'Not Valid' } } }),
  );
  t.is(invalid.code, 422);
  await core.deleteCollectionNamespacedConfigMap({ namespace, labelSelector: 'of=crud' });
  t.is((await core.listNamespacedConfigMap({ namespace, labelSelector: 'of=crud' })).items.length, 0);
  t.is((await kubeconfig().makeApiClient(VersionApi).getCode()).major, '1');
});

test('each type of patch does what its name says', async (t) => {
  const namespace = await freshNamespace('patches');
  const apps = kubeconfig().makeApiClient(AppsV1Api);
  await apps.createNamespacedDeployment({ namespace, body: deployment(0) });
  const patch = (type: PatchStrategy, body: unknown) =>
    apps.patchNamespacedDeployment({ name: 'web', namespace, body }, setHeaderOptions('Content-Type', type));
  const side = { spec: { template: { spec: { containers: [{ name: 'side', image: 'side:1' }] } } } };
  const strategic = await patch(PatchStrategy.StrategicMergePatch, side);
  t.deepEqual(strategic.spec!.template.spec!.containers.map(({ name }) => name).toSorted(), ['main', 'side']);
  const merged = await patch(PatchStrategy.MergePatch, side);
  t.deepEqual(
    merged.spec!.template.spec!.containers.map(({ name }) => name),
    ['side'],
  );
  const json = await patch(PatchStrategy.JsonPatch, [{ op: 'replace', path: '/spec/paused', value: true }]).catch(() =>
    patch(PatchStrategy.JsonPatch, [{ op: 'add', path: '/spec/paused', value: true }]),
  );
  t.true(json.spec!.paused);
  // Its controller writes at the same time: who replaces what was read tries again.
  const scaled = await eventually('a scale that nobody changed in between', async () => {
    const scale = await apps.readNamespacedDeploymentScale({ name: 'web', namespace });
    const body = { ...scale, spec: { replicas: 3 } };
    return apps.replaceNamespacedDeploymentScale({ name: 'web', namespace, body });
  });
  t.is(scaled.spec!.replicas, 3);
  t.is((await apps.readNamespacedDeployment({ name: 'web', namespace })).spec!.replicas, 3);
});

test('server-side apply: objects of any kind, a conflict, force', async (t) => {
  const namespace = await freshNamespace('apply');
  const objects = KubernetesObjectApi.makeApiClient(kubeconfig());
  const map = (data: Record<string, string>): V1ConfigMap => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'shared', namespace },
    data,
  });
  const apply = (manager: string, data: Record<string, string>, force = false): Promise<V1ConfigMap> =>
    objects.patch(map(data), undefined, undefined, manager, force, PatchStrategy.ServerSideApply);
  await apply('one', { a: '1', b: '2' });
  const same = await apply('one', { a: '1', b: '2' });
  t.deepEqual(same.data, { a: '1', b: '2' });
  const conflict = await refusal(apply('two', { a: '9' }));
  t.is(conflict.code, 409);
  t.true(conflict.message.includes('conflict with "one": .data.a'), conflict.message);
  const forced = await apply('two', { a: '9' }, true);
  t.deepEqual(forced.data, { a: '9', b: '2' });
  t.deepEqual(forced.metadata!.managedFields!.map(({ manager }) => manager!).toSorted(), ['one', 'two']);
  await objects.delete(map({}));
  t.is(
    (await refusal(objects.read({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'shared', namespace } })))
      .code,
    404,
  );
});

test('an informer knows what there is, also after the API actor was killed', async (t) => {
  t.timeout(600_000);
  const namespace = await freshNamespace('informer');
  const config = kubeconfig();
  const core = config.makeApiClient(CoreV1Api);
  const write = (name: string, version: string): Promise<unknown> =>
    core.createNamespacedConfigMap({
      namespace,
      body: { metadata: { name, labels: { of: 'informer' } }, data: { version } },
    });
  await write('before', '1');
  const labelSelector = 'of=informer';
  const informer = makeInformer<V1ConfigMap>(
    config,
    `/api/v1/namespaces/${namespace}/configmaps`,
    () => core.listNamespacedConfigMap({ namespace, labelSelector }),
    labelSelector,
  );
  const told: string[] = [];
  for (const event of ['add', 'update', 'delete'] as const)
    informer.on(event, (object: V1ConfigMap) => void told.push(`${event} ${object.metadata!.name}`));
  let stopping = false;
  // The library gives up on a connection that breaks while it lists; its users start it again.
  informer.on('error', () => void setTimeout(() => stopping || void informer.start().catch(() => {}), 500));
  await informer.start();
  try {
    const known = (): string =>
      informer
        .list(namespace)
        .map(({ metadata }) => metadata!.name!)
        .toSorted()
        .join(' ');
    await eventually('the first object', () => known() === 'before');
    await write('live', '1');
    await eventually('a new object', () => known() === 'before live');

    await cluster.kill('apiserver-1');
    await eventually('the API answers again', () => write('after', '1').then(() => true));
    await eventually('what was written after the restart', () => known() === 'after before live');
    await core.deleteNamespacedConfigMap({ name: 'live', namespace });
    await eventually('a delete after the restart', () => known() === 'after before');
    t.is(told.filter((text) => text === 'add before').length, 1, 'nothing was told as new twice');
    t.true(told.includes('delete live'));
  } finally {
    stopping = true;
    await informer.stop();
  }
});

test('a watch tells each change from a revision on, with bookmarks', async (t) => {
  const namespace = await freshNamespace('watch');
  const config = kubeconfig();
  const core = config.makeApiClient(CoreV1Api);
  const { metadata } = await core.listNamespacedSecret({ namespace });
  const body = { metadata: { name: 'seen' }, stringData: { a: 'b' } };
  await core.createNamespacedSecret({ namespace, body });
  await core.deleteNamespacedSecret({ name: 'seen', namespace });
  const told: string[] = [];
  const request = await new Watch(config).watch(
    `/api/v1/namespaces/${namespace}/secrets`,
    { resourceVersion: metadata!.resourceVersion, allowWatchBookmarks: true },
    (phase, object) => void told.push(`${phase} ${object.metadata.name ?? ''}`),
    () => {},
  );
  await eventually('both events', () => told.includes('DELETED seen'));
  request.abort();
  t.deepEqual(
    told.filter((text) => !text.startsWith('BOOKMARK')),
    ['ADDED seen', 'DELETED seen'],
  );
});

/** Takes the lease if it is free or its time is over, as client-go's leader election does: by compare-and-swap. */
async function tryToLead(
  namespace: string,
  holderIdentity: string,
  isOver: (lease: V1Lease) => boolean,
): Promise<boolean> {
  const leases = kubeconfig().makeApiClient(CoordinationV1Api);
  const spec = { holderIdentity, leaseDurationSeconds: 1, renewTime: new V1MicroTime() };
  try {
    const lease = await leases.readNamespacedLease({ name: 'leader', namespace }).catch(() => undefined);
    if (lease === undefined)
      await leases.createNamespacedLease({ namespace, body: { metadata: { name: 'leader' }, spec } });
    else if (lease.spec!.holderIdentity === holderIdentity || isOver(lease))
      await leases.replaceNamespacedLease({ name: 'leader', namespace, body: { ...lease, spec } });
    else return false;
    return true;
  } catch (error) {
    if ((error as { code?: number }).code !== 409) throw error;
    return false;
  }
}

test('leader election: of many candidates one leads, and another when it is over', async (t) => {
  const namespace = await freshNamespace('election');
  const candidates = Array.from({ length: 8 }, (_, i) => `candidate-${i}`);
  const round = (isOver: boolean): Promise<boolean[]> =>
    Promise.all(candidates.map((name) => tryToLead(namespace, name, () => isOver)));
  const first = await round(false);
  t.is(first.filter(Boolean).length, 1, 'one of eight created the lease');
  const leases = kubeconfig().makeApiClient(CoordinationV1Api);
  const holder = async (): Promise<string> =>
    (await leases.readNamespacedLease({ name: 'leader', namespace })).spec!.holderIdentity!;
  t.is(await holder(), candidates[first.indexOf(true)]!);
  t.true(await tryToLead(namespace, await holder(), () => false), 'the leader renews');
  t.false(await tryToLead(namespace, 'late', () => false), 'nobody else takes a live lease');
  const before = await leases.readNamespacedLease({ name: 'leader', namespace });
  const second = await round(true);
  const after = await leases.readNamespacedLease({ name: 'leader', namespace });
  t.true(second.some(Boolean));
  t.not(after.metadata!.resourceVersion, before.metadata!.resourceVersion);
  t.regex(JSON.stringify(after.spec!.renewTime), /\.\d{6}Z"$/, 'microseconds are kept');
});

test('a custom resource is defined, stored, watched and gone', async (t) => {
  const namespace = await freshNamespace('custom');
  const config = kubeconfig();
  const group = 'clients.example.com';
  const plural = 'boats';
  const extensions = config.makeApiClient(ApiextensionsV1Api);
  const schema = {
    type: 'object',
    properties: { spec: { type: 'object', properties: { sails: { type: 'integer' } } } },
  };
  await extensions.createCustomResourceDefinition({
    body: {
      metadata: { name: `${plural}.${group}` },
      spec: {
        group,
        scope: 'Namespaced',
        names: { plural, singular: 'boat', kind: 'Boat' },
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
      },
    },
  });
  const custom = config.makeApiClient(CustomObjectsApi);
  const place = { group, version: 'v1', namespace, plural };
  const boat = { apiVersion: `${group}/v1`, kind: 'Boat', metadata: { name: 'argo' }, spec: { sails: 3 } };
  await eventually('boats are served', () => custom.createNamespacedCustomObject({ ...place, body: boat }));
  const wrong = await refusal(
    custom.createNamespacedCustomObject({
      ...place,
      body: { ...boat, metadata: { name: 'x' }, spec: { sails: 'many' } },
    }),
  );
  t.is(wrong.code, 422);
  const told: string[] = [];
  const request = await new Watch(config).watch(
    `/apis/${group}/v1/namespaces/${namespace}/${plural}`,
    {},
    (phase, object) => void told.push(`${phase} ${object.spec.sails}`),
    () => {},
  );
  await eventually('the boat that is there', () => told.includes('ADDED 3'));
  await custom.patchNamespacedCustomObject(
    { ...place, name: 'argo', body: { spec: { sails: 4 } } },
    setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
  );
  await eventually('its change', () => told.includes('MODIFIED 4'));
  await extensions.deleteCustomResourceDefinition({ name: `${plural}.${group}` });
  await eventually('it goes with its definition', () => told.some((text) => text.startsWith('DELETED')));
  request.abort();
  t.pass();
});

test('exec: both outputs, input to its end, the exit code, a terminal and its size', async (t) => {
  t.timeout(600_000);
  const place = await readyPod(await freshNamespace('exec'), 'shell', 'sleep 1000');
  const done = await exec(place, ['sh', '-c', 'cat; echo oops >&2'], 'all of it\n');
  t.deepEqual([done.stdout, done.stderr, done.status.status], ['all of it\n', 'oops\n', 'Success']);
  const failed = await exec(place, ['sh', '-c', 'exit 7']);
  t.is(failed.status.reason, 'NonZeroExitCode');
  t.deepEqual(failed.status.details?.causes, [{ reason: 'ExitCode', message: '7' }]);

  const script = 'until [ "$(stty size)" = "33 101" ]; do sleep 0.1; done; read name; echo "hello $name"';
  const terminal = await onTerminal(place, { rows: 33, columns: 101 }, ['sh', '-c', script]);
  terminal.type('you\n');
  await terminal.closed;
  t.regex(terminal.said(), /hello you\r\n/);
  const error = await t.throwsAsync(exec({ ...place, pod: 'nosuch' }, ['ls']), { any: true });
  t.regex(String((error as { message?: string }).message), /404/);
});

test('attach: to a container on its own terminal, more than once', async (t) => {
  t.timeout(600_000);
  const line = 'while read word; do echo "heard $word"; done';
  const place = await readyPod(await freshNamespace('attach'), 'talk', line, { stdin: true, tty: true });
  for (const word of ['first', 'second']) {
    const terminal = await onTerminal(place, { rows: 24, columns: 80 });
    terminal.type(`${word}\n`);
    await eventually(`${word} is heard`, () => terminal.said().includes(`heard ${word}\r\n`));
    if (word === 'first') continue;
    terminal.type('\u0004');
    await terminal.closed;
  }
  t.pass();
});

test('logs: all, the last lines, and followed to the end', async (t) => {
  t.timeout(600_000);
  const namespace = await freshNamespace('logs');
  const place = await readyPod(
    namespace,
    'talker',
    'echo one; echo two; until [ -e /tmp/go ]; do sleep 0.1; done; echo last',
  );
  const live = await follow(place, { follow: true });
  await eventually('the first lines', () => live.said() === 'one\ntwo\n');
  await exec(place, ['touch', '/tmp/go']);
  await live.ended;
  t.is(live.said(), 'one\ntwo\nlast\n');
  const tail = await follow(place, { tailLines: 1, timestamps: true });
  await tail.ended;
  t.regex(tail.said(), /^\d{4}-\d\d-\d\dT[\d:.]+Z last\n$/);
  const core = kubeconfig().makeApiClient(CoreV1Api);
  t.is(await core.readNamespacedPodLog({ name: 'talker', namespace, limitBytes: 5 }), 'one\nt');
  const none = await refusal(core.readNamespacedPodLog({ name: 'talker', namespace, container: 'nosuch' }));
  t.deepEqual([none.code, none.message], [400, 'container nosuch is not valid for pod talker']);
});

test('port-forward: many connections at once, whole files', async (t) => {
  t.timeout(600_000);
  const line = 'mkdir /w; head -c 300000 /dev/zero > /w/index.html; exec httpd -f -p 80 -h /w';
  const place = await readyPod(await freshNamespace('forward'), 'web', line, {
    readinessProbe: { tcpSocket: { port: 80 }, periodSeconds: 1 },
  });
  const way = await forward(place, 80);
  try {
    const page = async (): Promise<number> =>
      (await (await fetch(way.url, { headers: { connection: 'close' } })).arrayBuffer()).byteLength;
    t.deepEqual(await Promise.all(Array.from({ length: 6 }, page)), Array<number>(6).fill(300_000));
  } finally {
    way.close();
  }
});
