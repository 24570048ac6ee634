// What a real kube-apiserver (1.20.2, ../testdata/cases-1.20.json) recorded about who owns what, asked of the pure functions
// alone. Where the API has moved on since, the difference is named here and nowhere else.
import test from 'ava';
import { decodeValue, expectedOf } from '../decode.ts';
import { kindFor, type Kind } from '../kind.ts';
import type { KubeObject } from '../object.ts';
import { apiVersionOf } from '../resource.ts';
import cases from '../testdata/cases-1.20.json' with { type: 'json' };
import { applyServerSide, type ApplyResult } from './apply.ts';
import { applyConflict } from './conflicts.ts';
import { difference, format, setOf, union, type Fields, type Path } from './fields.ts';
import { DEPLOYMENT, write } from './testdata/kit.ts';
import { updateManagedFields } from './update.ts';

const CASES = cases as any[];
const caseOf = (name: string): any => structuredClone(CASES.find((each) => each.name === name));
const answer = (name: string): any => caseOf(name).res.body;
const fieldsOfEntry = (entry: any): Fields => entry.fieldsV1 as Fields;
const without = (fields: Fields, ...paths: Path[]): Fields => difference(fields, setOf(...paths));
const fields = (text: string): string[] => text.split(' ').map((name) => `f:${name}`);

function kindOfPath(path: string): Kind {
  const [, group = '', version, plural] = /^\/(?:api|apis\/([^/]+))\/([^/]+)(?:\/namespaces\/[^/]+)?\/([^/?]+)/.exec(
    path,
  )!;
  return kindFor(group, version!, plural!)!;
}

/** Added since 1.20, or given to another: the status is nobody's at creation since 1.22. */
const CHANGED: Record<string, (golden: Fields) => Fields> = {
  'ns create': (golden) =>
    union(
      without(golden, fields('status phase')),
      setOf(fields('metadata labels'), fields('metadata labels kubernetes.io/metadata.name')),
    ),
  // An ObjectFieldSelector is one field since 1.24.
  'pod create rich': (golden) => {
    const env = ['f:spec', 'f:containers', 'k:{"name":"c"}', 'f:env', 'k:{"name":"N"}', 'f:valueFrom', 'f:fieldRef'];
    return without(golden, [...env, 'f:apiVersion'], [...env, 'f:fieldPath']);
  },
  'svc create': withService,
  'svc nodeport': withService,
  'sts create': (golden) =>
    union(
      golden,
      setOf(
        fields('spec persistentVolumeClaimRetentionPolicy'),
        fields('spec persistentVolumeClaimRetentionPolicy whenDeleted'),
        fields('spec persistentVolumeClaimRetentionPolicy whenScaled'),
      ),
    ),
  // nodeSelector is atomic since 1.24; the annotation is written after tracking.
  'ds create': (golden) =>
    union(
      without(
        golden,
        fields('metadata annotations'),
        fields('metadata annotations deprecated.daemonset.template.generation'),
        fields('spec template spec nodeSelector no'),
      ),
      setOf(fields('spec updateStrategy rollingUpdate maxSurge')),
    ),
  'job create': (golden) =>
    union(
      golden,
      setOf(
        ...['completionMode', 'manualSelector', 'podReplacementPolicy', 'suspend'].map((name) =>
          fields(`spec ${name}`),
        ),
      ),
    ),
  'pvc create': (golden) => without(golden, fields('status phase')),
  'crd create': (golden) => without(golden, fields('status storedVersions')),
};

/** A selector is atomic since 1.23, and there is a default more. */
function withService(golden: Fields): Fields {
  return union(without(golden, fields('spec selector a')), setOf(fields('spec internalTrafficPolicy')));
}

const CREATED = CASES.filter(({ req, res }) => req.m === 'POST' && res.body?.metadata?.managedFields !== undefined)
  .map(({ name }) => name as string)
  // A subresource that is no object, and a custom resource.
  .filter((name) => name !== 'token request' && name !== 'cr create');

test('there are cases', (t) => {
  t.true(CREATED.length >= 15);
});

for (const name of CREATED)
  test(`owned by its creator as on the real server: ${name}`, (t) => {
    const { req, res } = caseOf(name);
    const [golden] = res.body.metadata.managedFields;
    const kind = kindOfPath(req.p);
    const { object } = decodeValue({ value: req.b, duplicates: [] }, expectedOf(kind));
    object.metadata ??= { name: '' };
    kind.default(object);
    const entries = updateManagedFields({
      typeName: kind.typeName,
      before: undefined,
      after: object,
      manager: golden.manager,
      apiVersion: apiVersionOf(kind.ref),
      subresource: '',
      now: Date.parse(golden.time),
    });
    const expected = format((CHANGED[name] ?? ((same) => same))(fieldsOfEntry(golden)));
    // As text: the order of the elements is the real server's too.
    t.is(JSON.stringify(entries), JSON.stringify([{ ...golden, fieldsV1: expected }]));
  });

function ssa(name: string, current: KubeObject | undefined): ApplyResult {
  const { req, res } = caseOf(name);
  const query = new URLSearchParams(req.p.split('?')[1]);
  const times = (res.body.metadata.managedFields ?? []).map((entry: any) => entry.time as string).toSorted();
  const result = applyServerSide({
    typeName: DEPLOYMENT.typeName,
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    current,
    applied: JSON.parse(req.b),
    manager: query.get('fieldManager')!,
    force: query.get('force') === 'true',
    subresource: '',
    now: Date.parse(times.at(-1) ?? '2026-11-22T06:27:16Z'),
  });
  return result;
}

/** As the pipeline does after an apply. */
function kept(object: KubeObject): KubeObject {
  DEPLOYMENT.default(object);
  return object;
}

const spec = (body: any): object => {
  const { template, ...rest } = body.spec;
  const { creationTimestamp: _, ...metadata } = template.metadata;
  return { ...rest, template: { ...template, metadata } };
};

test('server-side apply as on the real server: create, the same again, conflict, force', (t) => {
  const created = kept(ssa('ssa create', undefined).object);
  t.deepEqual(created.metadata.managedFields, answer('ssa create').metadata.managedFields);
  t.deepEqual(created['spec'], spec(answer('ssa create')));
  t.deepEqual(kept(ssa('ssa same again', created).object), created);
  const { conflicts } = ssa('ssa conflict', created);
  t.deepEqual(applyConflict(conflicts).toStatus(), answer('ssa conflict'));

  // What the Deployment controller did meanwhile.
  const golden = answer('ssa force');
  const controller = golden.metadata.managedFields.find((entry: any) => entry.operation === 'Update');
  const now = Date.parse(controller.time);
  const { annotations } = golden.metadata;
  const { managedFields: _, ...metadata } = created.metadata;
  const main = { ...created, metadata: { ...metadata, annotations } };
  const annotated = write(DEPLOYMENT, created, controller.manager, main, { now });
  const withStatus = { ...main, status: golden.status };
  const current = write(DEPLOYMENT, annotated, controller.manager, withStatus, { now, subresource: 'status' });

  const forced = kept(ssa('ssa force', current).object);
  t.deepEqual(forced['spec'], spec(golden));
  const entries = forced.metadata.managedFields!;
  const applies = (list: any[]): any[] => list.filter(({ operation }) => operation === 'Apply');
  t.deepEqual(applies(entries), applies(golden.metadata.managedFields));
  // A controller's entry is one for each subresource since 1.22.
  const updates = entries.filter(({ operation }) => operation === 'Update');
  t.deepEqual(
    updates.map(({ manager, subresource, time }) => [manager, subresource, time]),
    [
      [controller.manager, undefined, controller.time],
      [controller.manager, 'status', controller.time],
    ],
  );
  t.deepEqual(format(union(fieldsOfEntry(updates[0]), fieldsOfEntry(updates[1]))), controller.fieldsV1);
});

test('patches as on the real server: an image of the same owner, an annotation, a finalizer', (t) => {
  const image = answer('patch smp image');
  const mine = image.metadata.managedFields.find((entry: any) => entry.manager === 'unknown');
  const before = answer('deploy create minimal') as KubeObject;
  const after = { ...structuredClone(before), spec: image.spec } as KubeObject;
  const entries = updateManagedFields({
    typeName: DEPLOYMENT.typeName,
    before,
    after,
    manager: 'unknown',
    apiVersion: 'apps/v1',
    subresource: '',
    now: Date.parse(mine.time),
  });
  t.deepEqual(entries, [mine]);

  const created = answer('cm create') as KubeObject;
  const finalized = answer('delete with finalizer');
  const [golden] = finalized.metadata.managedFields;
  const withFinalizer = { ...created, metadata: { ...created.metadata, finalizers: ['x.io/f'] } };
  const kind = kindFor('', 'v1', 'configmaps')!;
  t.deepEqual(
    updateManagedFields({
      typeName: kind.typeName,
      before: created,
      after: withFinalizer,
      manager: 'unknown',
      apiVersion: 'v1',
      subresource: '',
      now: Date.parse(golden.time),
    }),
    [golden],
  );
});

test('a status patch is an entry of its own since 1.22, with the fields that the real server gave it', (t) => {
  const golden = answer('status patch ignores spec');
  const before = answer('patch merge annotation') as KubeObject;
  const status = { replicas: 1 };
  const entries = updateManagedFields({
    typeName: DEPLOYMENT.typeName,
    before,
    after: { ...before, spec: { ...before['spec'], replicas: 7 }, status: { ...before['status'], ...status } },
    manager: 'unknown',
    apiVersion: 'apps/v1',
    subresource: 'status',
    now: Date.parse('2026-11-22T06:27:16Z'),
  })!;
  const mine = entries.filter(({ manager }) => manager === 'unknown');
  t.deepEqual(
    mine.map(({ subresource, time }) => [subresource, time]),
    [
      [undefined, '2026-11-22T06:27:15Z'],
      ['status', '2026-11-22T06:27:16Z'],
    ],
  );
  const goldenMine = golden.metadata.managedFields.find((entry: any) => entry.manager === 'unknown');
  t.deepEqual(format(union(fieldsOfEntry(mine[0]), fieldsOfEntry(mine[1]))), goldenMine.fieldsV1);
});
