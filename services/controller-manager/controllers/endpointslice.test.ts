// Shows that EndpointSlices and Endpoints say where a Service's pods are, with as few writes as it takes.
import test from 'ava';
import fc from '../../../test/kit/fast-check.ts';
import type { EndpointSlice, Endpoints, Pod, Service } from '../../../lib/api/generated/types.ts';
import { RESOURCES } from '../../../lib/api/resource.ts';
import { seededChance } from '../../../lib/base/chance.ts';
import { ModelLoops, addNodes } from '../../../test/kit/api-model-loops.ts';
import { ApiModel } from '../../../test/kit/api-model.ts';
import { endpoints } from './endpoints.ts';
import { endpointslice } from './endpointslice.ts';

const LOOPS = [endpointslice, endpoints];

function world(seed = 1, options: { lags?: boolean; faults?: number } = {}) {
  const chance = seededChance(seed);
  const model = new ApiModel({ chance });
  const loops = new ModelLoops(model, LOOPS, { chance, ...options });
  return { model, loops, chance };
}

function service(model: ApiModel, spec: object = {}, labels?: Record<string, string>): void {
  model.create(RESOURCES.services, {
    metadata: { name: 'web', namespace: 'default', ...(labels === undefined ? {} : { labels }) },
    spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }], ...spec },
  });
}

function pod(
  model: ApiModel,
  name: string,
  options: { ready?: boolean; ip?: string; phase?: string; spec?: object; labels?: Record<string, string> } = {},
): void {
  const {
    ready = true,
    ip = `10.1.0.${Number(/\d+/.exec(name)?.[0] ?? 1)}`,
    phase = 'Running',
    spec = {},
    labels = { app: 'web' },
  } = options;
  model.create(RESOURCES.pods, {
    metadata: { name, namespace: 'default', labels },
    spec: {
      nodeName: 'node-1',
      containers: [{ name: 'c', image: 'x', ports: [{ name: 'main', containerPort: 8080 }] }],
      ...spec,
    },
  });
  setStatus(model, name, { ready, ip, phase });
}

function setStatus(model: ApiModel, name: string, { ready = true, ip = '', phase = 'Running' }): void {
  model.change<Pod>(
    RESOURCES.pods,
    'default',
    name,
    (copy) =>
      void (copy.status = { phase, podIP: ip, conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] }),
    'status',
  );
}

const slices = (model: ApiModel): EndpointSlice[] => model.list<EndpointSlice>(RESOURCES.endpointSlices);
const found = (model: ApiModel): Endpoints | undefined => model.get<Endpoints>(RESOURCES.endpoints, 'default', 'web');
const mirror = (model: ApiModel): Endpoints => found(model)!;

test('one ready and one unready pod', async (t) => {
  const { model, loops } = world();
  addNodes(model, ['node-1']);
  model.change(
    RESOURCES.nodes,
    '',
    'node-1',
    (node) => void ((node as Pod).metadata.labels = { 'topology.kubernetes.io/zone': 'a' }),
  );
  pod(model, 'web-1');
  pod(model, 'web-2', { ready: false });
  service(model, {}, { team: 'x' });
  await loops.settle();
  const [slice] = slices(model);
  t.regex(slice!.metadata.name, /^web-\w{5}$/);
  t.deepEqual(slice!.metadata.labels, {
    'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
    'kubernetes.io/service-name': 'web',
    team: 'x',
  });
  t.is(slice!.metadata.ownerReferences?.[0]?.kind, 'Service');
  t.is(slice!.addressType, 'IPv4');
  t.deepEqual(slice!.ports, [{ name: 'http', protocol: 'TCP', port: 8080 }]);
  const uid = (name: string): string => model.get<Pod>(RESOURCES.pods, 'default', name)!.metadata.uid!;
  const endpoint = (name: string, ip: string, ready: boolean): object => ({
    addresses: [ip],
    conditions: { ready, serving: ready, terminating: false },
    targetRef: { kind: 'Pod', namespace: 'default', name, uid: uid(name) },
    nodeName: 'node-1',
    zone: 'a',
  });
  t.deepEqual(slice!.endpoints as object[], [
    endpoint('web-1', '10.1.0.1', true),
    endpoint('web-2', '10.1.0.2', false),
  ]);
  const [subset] = mirror(model).subsets!;
  t.deepEqual(
    subset!.addresses?.map(({ ip }) => ip),
    ['10.1.0.1'],
  );
  t.deepEqual(
    subset!.notReadyAddresses?.map(({ ip }) => ip),
    ['10.1.0.2'],
  );
  t.deepEqual(subset!.ports, [{ name: 'http', port: 8080, protocol: 'TCP' }]);
  t.is(await loops.reconcileAll(LOOPS), 0);
});

test('a leaving pod serves but is not ready; it is out of the old Endpoints', async (t) => {
  const { model, loops } = world();
  service(model);
  pod(model, 'web-1');
  await loops.settle();
  model.delete(RESOURCES.pods, 'default', 'web-1');
  await loops.settle();
  t.deepEqual(slices(model)[0]!.endpoints?.[0]?.conditions, { ready: false, serving: true, terminating: true });
  t.is(mirror(model).subsets, undefined);
});

test('publishNotReadyAddresses: all are ready to be found', async (t) => {
  const { model, loops } = world();
  service(model, { publishNotReadyAddresses: true, clusterIP: 'None' });
  pod(model, 'web-1', { ready: false, spec: { hostname: 'db-0', subdomain: 'web' } });
  await loops.settle();
  const [endpoint] = slices(model)[0]!.endpoints!;
  t.deepEqual(endpoint!.conditions, { ready: true, serving: false, terminating: false });
  t.is(endpoint!.hostname, 'db-0');
  t.is(slices(model)[0]!.metadata.labels?.['service.kubernetes.io/headless'], '');
  t.is(mirror(model).subsets?.[0]?.addresses?.length, 1);
});

test('without an address, finished, or of other labels: not in there; the empty slice says so', async (t) => {
  const { model, loops } = world();
  service(model);
  pod(model, 'web-1', { ip: '' });
  pod(model, 'web-2', { phase: 'Succeeded' });
  pod(model, 'web-3', { labels: { app: 'other' } });
  await loops.settle();
  t.is(slices(model).length, 1);
  t.deepEqual(slices(model)[0]!.endpoints ?? [], []);
});

test('a named port is another number in each pod: one slice a number', async (t) => {
  const { model, loops } = world();
  service(model, { ports: [{ name: 'http', port: 80, targetPort: 'main' }] });
  pod(model, 'web-1');
  pod(model, 'web-2', {
    spec: { containers: [{ name: 'c', image: 'x', ports: [{ name: 'main', containerPort: 9090 }] }] },
  });
  pod(model, 'web-3', { spec: { containers: [{ name: 'c', image: 'x' }] } });
  await loops.settle();
  const told = slices(model).map((slice) => [slice.ports?.[0]?.port, slice.endpoints?.[0]?.addresses[0]]);
  t.deepEqual(
    told.toSorted((a, b) => (a[1]! < b[1]! ? -1 : 1)),
    [
      [8080, '10.1.0.1'],
      [9090, '10.1.0.2'],
      [undefined, '10.1.0.3'],
    ],
  );
});

test('a hundred endpoints a slice; one change writes one slice', async (t) => {
  const { model, loops } = world();
  service(model);
  for (let i = 1; i <= 205; i++) pod(model, `web-${i}`, { ip: `10.2.${i >> 8}.${i & 255}` });
  await loops.settle();
  t.deepEqual(
    slices(model)
      .map((slice) => slice.endpoints!.length)
      .toSorted((a, b) => b - a),
    [100, 100, 5],
  );
  const before = new Map(slices(model).map((slice) => [slice.metadata.name, slice.metadata.resourceVersion]));
  setStatus(model, 'web-7', { ready: false, ip: '10.2.0.7' });
  await loops.settle();
  const changed = slices(model).filter((slice) => before.get(slice.metadata.name) !== slice.metadata.resourceVersion);
  t.is(changed.length, 1);
});

test('gone with its Service, also when another of that name comes at once', async (t) => {
  const { model, loops } = world();
  service(model);
  pod(model, 'web-1');
  await loops.settle();
  const [old] = slices(model);
  model.delete(RESOURCES.services, 'default', 'web');
  service(model);
  await loops.settle();
  t.is(slices(model).length, 1);
  t.not(slices(model)[0]!.metadata.uid, old!.metadata.uid);
  model.delete(RESOURCES.services, 'default', 'web');
  await loops.settle();
  t.deepEqual(slices(model), []);
  t.is(found(model), undefined);
});

test('what somebody else wrote for a Service without selector stays', async (t) => {
  const { model, loops } = world();
  service(model, { selector: {} });
  model.create(RESOURCES.endpoints, {
    metadata: { name: 'web', namespace: 'default' },
    subsets: [{ addresses: [{ ip: '1.2.3.4' }] }],
  });
  model.create(RESOURCES.endpointSlices, {
    metadata: { name: 'web-mine', namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['1.2.3.4'] }],
    ports: [],
  });
  await loops.settle();
  t.is(mirror(model).subsets?.[0]?.addresses?.[0]?.ip, '1.2.3.4');
  t.is(slices(model).length, 1);
});

test('whatever pods do, in the end each is in exactly one slice, as it is', async (t) => {
  const change = fc.record({
    name: fc.integer({ min: 1, max: 6 }),
    what: fc.constantFrom('add', 'ready', 'unready', 'leave', 'gone', 'relabel'),
    steps: fc.integer({ min: 0, max: 6 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.array(change, { maxLength: 25 }), async (seed, changes) => {
      const { model, loops } = world(seed, { lags: true, faults: 0.2 });
      service(model);
      for (const { name: i, what, steps } of changes) {
        const name = `web-${i}`;
        const known = model.get(RESOURCES.pods, 'default', name) !== undefined;
        if (what === 'add' && !known) pod(model, name);
        else if (what === 'leave') model.delete(RESOURCES.pods, 'default', name);
        else if (what === 'gone') model.delete(RESOURCES.pods, 'default', name, { gracePeriodSeconds: 0 });
        else if (what === 'relabel')
          model.change<Pod>(RESOURCES.pods, 'default', name, (copy) => void (copy.metadata.labels = { app: 'x' }));
        else if (known) setStatus(model, name, { ready: what === 'ready', ip: `10.1.0.${i}` });
        for (let n = 0; n < steps; n++) await loops.step();
      }
      await loops.settle();
      const isReady = (one: Pod): boolean =>
        one.status?.conditions?.[0]?.status === 'True' && one.metadata.deletionTimestamp === undefined;
      const wanted = model
        .list<Pod>(RESOURCES.pods)
        .filter((one) => one.metadata.labels?.['app'] === 'web' && one.status?.podIP)
        .map((one) => [one.metadata.uid, one.status!.podIP, isReady(one)]);
      const told = slices(model).flatMap((slice) =>
        (slice.endpoints ?? []).map((one) => [one.targetRef?.uid, one.addresses[0], one.conditions?.ready]),
      );
      t.deepEqual(told.map(String).toSorted(), wanted.map(String).toSorted());
      t.deepEqual(
        (mirror(model).subsets ?? []).flatMap((subset) => (subset.addresses ?? []).map(({ ip }) => ip)).toSorted(),
        wanted
          .filter(([, , ready]) => ready)
          .map(([, ip]) => ip as string)
          .toSorted(),
      );
      t.is(model.list<Service>(RESOURCES.services).length, 1);
      t.is(await loops.reconcileAll(LOOPS), 0);
    }),
    { numRuns: 100 },
  );
});
