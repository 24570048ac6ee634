// The answers of a real kube-apiserver (1.20.2, testdata/cases-1.20.json), asked of the pure functions alone. Where the API
// has moved on since (1.36), the difference is named here and nowhere else.
import test from 'ava';
import { ApiError } from '../base/errors.ts';
import { decodeBody, decodeValue, expectedOf } from './decode.ts';
import { equalObjects } from './equality.ts';
import { invalid } from './field-error.ts';
import { applyJsonMerge } from './json-merge.ts';
import { kindFor, type Kind } from './kind.ts';
import { parseLabelSelector } from './selectors.ts';
import { applyStrategicMerge } from './strategic-merge.ts';
import { toTable } from './table.ts';
import cases from './testdata/cases-1.20.json' with { type: 'json' };

const CASES = cases as any[];
const answer = (name: string): any => structuredClone(CASES.find((each) => each.name === name).res.body);
const request = (name: string): any => structuredClone(CASES.find((each) => each.name === name).req);

function kindOfPath(path: string): { kind: Kind; namespace: string | undefined } | undefined {
  const match = /^\/(?:api|apis\/([^/]+))\/([^/]+)(?:\/namespaces\/([^/]+))?\/([^/?]+)/.exec(path);
  const kind = match === null ? undefined : kindFor(match[1] ?? '', match[2]!, match[4]!);
  return kind === undefined ? undefined : { kind, namespace: match![3] };
}

/** The pure part of a POST. */
function create(name: string): { kind: Kind; object: any; refusal: ApiError | undefined } {
  const { p, b } = request(name);
  const { kind, namespace } = kindOfPath(p)!;
  const { object } = decodeValue<any>({ value: b, duplicates: [] }, expectedOf(kind), 'Strict');
  const told = answer(name).metadata ?? {};
  object.metadata.name ??= told.name;
  if (namespace !== undefined) object.metadata.namespace = namespace;
  Object.assign(object.metadata, {
    uid: told.uid ?? 'u',
    creationTimestamp: told.creationTimestamp ?? '2026-11-22T06:27:15Z',
  });
  kind.default(object);
  kind.prepareForCreate(object);
  kind.default(object);
  const errors = kind.validate(object);
  return { kind, object, refusal: errors.length === 0 ? undefined : invalid(kind.ref, object.metadata.name, errors) };
}

/** Without what admission, allocators and the store add, and without nulls (absent since 1.34). */
function comparable(object: any): any {
  const out = JSON.parse(JSON.stringify(object), (_key, value) => (value === null ? undefined : value));
  delete out.metadata.managedFields;
  delete out.metadata.resourceVersion;
  return out;
}

/** Adds to the real answer what servers since then default. */
const NEWER: Record<string, (object: any) => void> = {
  Namespace: (object) => (object.metadata.labels = { 'kubernetes.io/metadata.name': object.metadata.name }),
  Service: (object) => (object.spec.internalTrafficPolicy = 'Cluster'),
  Pod: (object) => (object.metadata.generation = 1),
  StatefulSet(object) {
    object.spec.persistentVolumeClaimRetentionPolicy = { whenDeleted: 'Retain', whenScaled: 'Retain' };
    object.status.availableReplicas = 0;
  },
  DaemonSet: (object) => (object.spec.updateStrategy.rollingUpdate.maxSurge = 0),
};

/** Takes from the real answer what admission and allocators added. */
const ADDED: Record<string, (object: any) => void> = {
  Service(object) {
    delete object.spec.clusterIP;
    delete object.spec.clusterIPs;
    for (const port of object.spec.ports) delete port.nodePort;
  },
  Pod(object) {
    for (const field of ['serviceAccount', 'serviceAccountName', 'tolerations', 'priority', 'preemptionPolicy'])
      delete object.spec[field];
    object.spec.volumes = object.spec.volumes.filter((volume: any) => !volume.name.startsWith('default-token'));
    if (object.spec.volumes.length === 0) delete object.spec.volumes;
    for (const container of object.spec.containers) delete container.volumeMounts;
  },
  PersistentVolumeClaim: (object) => delete object.metadata.finalizers,
};

const CREATED = [
  'ns create',
  'deploy create minimal',
  'dryRun create',
  'cm create',
  'cm immutable',
  'generateName',
  'pod create minimal',
  'pod create rich',
  'svc create',
  'svc nodeport',
  'sts create',
  'ds create',
  'secret stringData',
  'pvc create',
];

for (const name of CREATED)
  test(`created as the real server creates it: ${name}`, (t) => {
    const { object, refusal } = create(name);
    t.is(refusal, undefined);
    const expected = answer(name);
    ADDED[expected.kind]?.(expected);
    NEWER[expected.kind]?.(expected);
    t.deepEqual(comparable(object), comparable(expected));
  });

test('refused with the same causes', (t) => {
  const bad = create('deploy invalid: no containers + bad name').refusal!.toStatus();
  t.deepEqual(bad, answer('deploy invalid: no containers + bad name'));
  const mismatch = 'deploy invalid: selector mismatch';
  t.deepEqual(create(mismatch).refusal!.toStatus(), answer(mismatch));
});

test('bodies that do not parse, media types that nobody reads', (t) => {
  for (const name of ['bad json', 'unsupported media type']) {
    const { p, b, h } = request(name);
    const error = t.throws(() =>
      decodeBody(
        new TextEncoder().encode(b),
        h?.['content-type'] ?? 'application/json',
        expectedOf(kindOfPath(p)!.kind),
      ),
    );
    t.deepEqual((error as ApiError).toStatus(), answer(name));
  }
});

test('a broken label selector', (t) => {
  const error = t.throws(() => parseLabelSelector('a===b'));
  t.deepEqual((error as ApiError).toStatus(), answer('bad label selector'));
});

/** The pure part of a PUT or PATCH on an object. */
function update(kind: Kind, old: any, value: any): { object: any; causes: string[] } {
  const { object } = decodeValue<any>({ value, duplicates: [] }, expectedOf(kind));
  kind.default(object);
  kind.prepareForUpdate(object, old);
  return { object, causes: kind.validateUpdate(object, old).map((error) => `${error.path} ${error.code}`) };
}

test('patches make what the real server makes of them', (t) => {
  const kind = kindFor('apps', 'v1', 'deployments')!;
  const before = create('deploy create minimal').object;
  const patched = update(
    kind,
    before,
    applyStrategicMerge(kind.typeName as string, before, request('patch smp image').b),
  );
  t.deepEqual(patched.causes, []);
  const expected = answer('patch smp image');
  t.deepEqual(comparable(patched.object).spec, comparable(expected).spec);
  t.is(patched.object.metadata.generation, expected.metadata.generation);
  const noop = update(
    kind,
    patched.object,
    applyStrategicMerge(kind.typeName as string, patched.object, request('patch smp noop').b),
  );
  t.true(equalObjects(noop.object, patched.object));
  t.is(noop.object.metadata.generation, 2);
  const merged = update(kind, patched.object, applyJsonMerge(patched.object, request('patch merge annotation').b));
  t.is(merged.object.metadata.annotations.a, answer('patch merge annotation').metadata.annotations.a);
  t.is(merged.object.metadata.generation, 2, 'annotations are no spec');
});

test('a selector is fixed, a pod keeps its environment', (t) => {
  const deployments = kindFor('apps', 'v1', 'deployments')!;
  const old = create('deploy create minimal').object;
  t.deepEqual(
    update(deployments, old, request('put immutable selector').b).causes.filter((cause) =>
      cause.startsWith('spec.selector'),
    ),
    ['spec.selector FieldValueInvalid'],
  );
  const pods = kindFor('', 'v1', 'pods')!;
  const pod = create('pod create minimal').object;
  const changed = applyStrategicMerge(pods.typeName as string, pod, request('pod immutable field').b);
  t.deepEqual(update(pods, pod, changed).causes, ['spec FieldValueForbidden']);
});

test('a status patch leaves the spec alone', (t) => {
  const kind = kindFor('apps', 'v1', 'deployments')!;
  const old = create('deploy create minimal').object;
  const { object } = decodeValue<any>(
    { value: applyJsonMerge(old, request('status patch ignores spec').b), duplicates: [] },
    expectedOf(kind),
  );
  kind.prepareForStatusUpdate(object, old, '2026-11-22T08:00:00Z');
  t.is(object.spec.replicas, 0);
  t.is(object.status.replicas, 1);
  t.is(object.metadata.generation, 1);
});

test('rows of pods and deployments', (t) => {
  const table = answer('deploy table');
  const kind = kindFor('apps', 'v1', 'deployments')!;
  t.deepEqual(
    toTable(kind, [], { now: 0 }).columnDefinitions!.map(({ name, type, format, priority }) => [
      name,
      type,
      format,
      priority,
    ]),
    table.columnDefinitions.map(({ name, type, format, priority }: any) => [name, type, format, priority]),
  );
  const deployment = create('deploy create minimal').object;
  Object.assign(deployment, { status: { replicas: 1, readyReplicas: 1, updatedReplicas: 1, availableReplicas: 1 } });
  deployment.spec.replicas = 1;
  Object.assign(deployment.spec.template.spec.containers[0], { name: 'e', image: 'x' });
  t.deepEqual(kind.cells(deployment, Date.parse('2026-11-22T06:27:24Z')), table.rows[0].cells);
  const pod = create('pod create minimal').object;
  pod.spec.nodeName = 'fake-1';
  pod.status = {
    phase: 'Running',
    podIP: '10.244.0.11',
    containerStatuses: [{ name: 'c', ready: true, restartCount: 0, state: { running: {} } }],
  };
  t.deepEqual(
    kindFor('', 'v1', 'pods')!.cells(pod, Date.parse('2026-11-22T06:27:24Z')),
    // Restarts are a text since 1.22: it may say when the last one was.
    answer('table get').rows[0].cells.with(3, '0'),
  );
});
