import test from 'ava';
import type { KubeObject } from '../object.ts';
import { capUpdaters, entriesOf, ownerKey, ownersOf, type Owner } from './owners.ts';
import { setOf } from './fields.ts';
import { CONFIG_MAP, DEPLOYMENT, LATER, NOW, apply, content, owned, write } from './testdata/kit.ts';
import type { ManagedFieldsEntry } from '../generated/types.ts';
import { updateManagedFields } from './update.ts';

const created = (): KubeObject => write(CONFIG_MAP, undefined, 'u', { data: { a: '1', b: '1' } });
const entry = (more: Partial<ManagedFieldsEntry>): ManagedFieldsEntry => ({
  manager: 'm',
  operation: 'Apply',
  apiVersion: 'v1',
  time: '2026-11-22T07:00:00Z',
  fieldsType: 'FieldsV1',
  fieldsV1: { 'f:data': { 'f:a': {} } } as never,
  ...more,
});

test('who creates owns what it set, the map with its keys', (t) => {
  const object = write(CONFIG_MAP, undefined, 'u', { metadata: { labels: { l: '1' }, uid: 'x' }, data: { a: '1' } });
  t.deepEqual(object.metadata.managedFields, [
    {
      manager: 'u',
      operation: 'Update',
      apiVersion: 'v1',
      time: '2026-11-22T08:00:00Z',
      fieldsType: 'FieldsV1',
      fieldsV1: { 'f:data': { '.': {}, 'f:a': {} }, 'f:metadata': { 'f:labels': { '.': {}, 'f:l': {} } } } as never,
    },
  ]);
});

test('nothing changed: not even the time', (t) => {
  const before = created();
  const after = write(CONFIG_MAP, before, 'other', content(before), { now: LATER });
  t.deepEqual(after, before);
  t.is(after.metadata.managedFields![0], before.metadata.managedFields![0]);
});

test('what a writer changes becomes its own, what goes is nobody’s', (t) => {
  const before = created();
  const after = write(CONFIG_MAP, before, 'v', { data: { a: '2', c: '1' } }, { now: LATER });
  t.deepEqual(owned(after), { 'u Update': ['.data'], 'v Update': ['.data.a', '.data.c'] });
  t.deepEqual(
    after.metadata.managedFields!.map(({ time }) => time),
    ['2026-11-22T08:00:00Z', '2026-11-22T08:01:00Z'],
  );
  const gone = write(CONFIG_MAP, after, 'w', {});
  t.deepEqual(owned(gone), {});
  t.is(gone.metadata.managedFields, undefined);
});

test('one entry for each manager, operation, version and subresource', (t) => {
  const one = write(DEPLOYMENT, undefined, 'u', { spec: { replicas: 1 } });
  const two = write(DEPLOYMENT, one, 'u', { spec: { replicas: 1, paused: true } });
  const three = write(DEPLOYMENT, two, 'u', { ...content(two), status: { replicas: 1 } }, { subresource: 'status' });
  const four = write(
    DEPLOYMENT,
    three,
    'u',
    { ...content(three), spec: { replicas: 2, paused: true } },
    { subresource: 'scale' },
  );
  t.deepEqual(owned(four), {
    'u Update': ['.spec.paused'],
    'u Update scale': ['.spec.replicas'],
    'u Update status': ['.status.replicas'],
  });
  const five = write(
    DEPLOYMENT,
    four,
    'u',
    { ...content(four), spec: { replicas: 3 } },
    { apiVersion: 'apps/v1beta2' },
  );
  t.deepEqual(
    five.metadata.managedFields!.map(({ apiVersion, subresource }) => [apiVersion, subresource]),
    [
      ['apps/v1', 'status'],
      ['apps/v1beta2', undefined],
    ],
  );
});

test('the status does not count on the object proper, nor the rest on /status', (t) => {
  const before = write(DEPLOYMENT, undefined, 'u', { spec: { replicas: 1 }, status: { replicas: 5 } });
  t.deepEqual(owned(before), { 'u Update': ['.spec.replicas'] });
  const after = write(
    DEPLOYMENT,
    before,
    'v',
    { metadata: { labels: { a: '1' } }, spec: { replicas: 2 }, status: { replicas: 6 } },
    { subresource: 'status' },
  );
  t.deepEqual(owned(after), {
    'u Update': ['.spec.replicas'],
    'v Update status': ['.metadata.labels', '.metadata.labels.a', '.status.replicas'],
  });
});

test('what an update takes from an applier is no longer the applier’s', (t) => {
  const before = apply(CONFIG_MAP, undefined, 'm', { data: { a: '1', b: '1' } }).object;
  const after = write(CONFIG_MAP, before, 'u', { data: { a: '2' } });
  t.deepEqual(owned(after), { 'u Update': ['.data.a'] });
});

test('a list that must be there loses its elements without being gone', (t) => {
  const pod = (...list: object[]): object => ({ spec: { template: { spec: { containers: list } } } });
  const before = write(DEPLOYMENT, undefined, 'u', pod({ name: 'c', image: 'i' }));
  const path = '.spec.template.spec.containers';
  t.false(owned(before)['u Update']!.includes(path));
  const after = write(DEPLOYMENT, before, 'v', pod());
  t.deepEqual(owned(after), {});
});

for (const [what, managedFields] of [
  ['an empty list', []],
  ['one empty entry', [{}]],
] as const)
  test(`${what} clears who owns what, and tracking begins with the next apply`, (t) => {
    const cleared = write(CONFIG_MAP, created(), 'u', { metadata: { managedFields }, data: { a: '2' } });
    t.is(cleared.metadata.managedFields, undefined);
    const updated = write(CONFIG_MAP, cleared, 'u', { data: { a: '3' } });
    t.is(updated.metadata.managedFields, undefined);
    t.deepEqual(owned(apply(CONFIG_MAP, updated, 'm', { data: { b: '1' } }).object), {
      m: ['.data.b'],
      'before-first-apply Update': ['.data', '.data.a'],
    });
  });

test('a writer may say who owns what; on a subresource it may not', (t) => {
  const before = created();
  const after = write(CONFIG_MAP, before, 'u', { ...content(before), metadata: { managedFields: [entry({})] } });
  t.deepEqual(owned(after), { m: ['.data.a'] });
  t.is(after.metadata.managedFields![0]!.time, '2026-11-22T07:00:00Z');
  const status = write(
    CONFIG_MAP,
    before,
    'u',
    { ...content(before), metadata: { managedFields: [entry({})] } },
    { subresource: 'status' },
  );
  t.deepEqual(owned(status), owned(before));
});

for (const [what, broken] of [
  ['an unknown operation', entry({ operation: 'Delete' as never })],
  ['no version', entry({ apiVersion: '' })],
  ['no type of fields', entry({ fieldsType: '' })],
  ['another type of fields', entry({ fieldsType: 'FieldsV2' })],
  ['fields that are none', entry({ fieldsV1: { nonsense: {} } as never })],
  ['fields that are a list', entry({ fieldsV1: [] as never })],
] as const)
  test(`broken owners change nothing: ${what}`, (t) => {
    const before = created();
    const after = write(CONFIG_MAP, before, 'u', {
      ...content(before),
      metadata: { managedFields: [entry({}), broken] },
    });
    t.deepEqual(owned(after), owned(before));
  });

test('objects are tracked from their creation, or from their first apply', (t) => {
  const value = { data: { a: '1' } };
  const untracked = write(CONFIG_MAP, undefined, 'u', value, { tracksNew: false });
  t.is(untracked.metadata.managedFields, undefined);
  const still = write(CONFIG_MAP, untracked, 'u', { data: { a: '2' } }, { tracksNew: false });
  t.is(still.metadata.managedFields, undefined);
  const applied = apply(CONFIG_MAP, still, 'm', { data: { b: '1' } }).object;
  const updated = write(CONFIG_MAP, applied, 'u', { data: { a: '3', b: '1' } }, { tracksNew: false });
  t.deepEqual(owned(updated)['u Update'], ['.data.a']);
});

test('the object is not changed, nor what it was', (t) => {
  const before = created();
  const after = { ...before, data: { a: '2' } } as KubeObject;
  const copies = structuredClone([before, after]);
  updateManagedFields({
    typeName: CONFIG_MAP.typeName,
    before,
    after,
    manager: 'v',
    apiVersion: 'v1',
    subresource: '',
    now: LATER,
  });
  t.deepEqual([before, after], copies);
});

test('applies come first, then the oldest', (t) => {
  const owner = (manager: string, operation: Owner['operation'], time: string): [string, Owner] => {
    const one = { manager, operation, time, apiVersion: 'v1', subresource: '', fields: setOf(['f:a']) };
    return [ownerKey(one), one];
  };
  const owners = new Map([
    owner('a', 'Update', '2026-01-02T00:00:00Z'),
    owner('b', 'Update', '2026-01-01T00:00:00Z'),
    owner('d', 'Apply', '2026-01-03T00:00:00Z'),
    owner('c', 'Apply', '2026-01-03T00:00:00Z'),
  ]);
  t.deepEqual(
    entriesOf(owners)!.map(({ manager }) => manager),
    ['c', 'd', 'b', 'a'],
  );
});

test('of more than ten updaters the oldest are kept as one, and nothing that they own is lost', (t) => {
  let object: KubeObject | undefined;
  const data: Record<string, string> = {};
  for (let i = 0; i < 14; i++) {
    data[`k${i}`] = '1';
    object = write(CONFIG_MAP, object, `u${i}`, { data }, { now: NOW + i * 1000 });
  }
  const managers = object!.metadata.managedFields!.map(({ manager }) => manager);
  t.deepEqual(managers, ['ancient-changes', ...[5, 6, 7, 8, 9, 10, 11, 12, 13].map((i) => `u${i}`)]);
  t.deepEqual(owned(object!)['ancient-changes Update'], [
    '.data',
    '.data.k0',
    '.data.k1',
    '.data.k2',
    '.data.k3',
    '.data.k4',
  ]);
  t.is(object!.metadata.managedFields![0]!.time, '2026-11-22T08:00:04Z');
});

test('updaters of different versions are not thrown together', (t) => {
  const owners = new Map<string, Owner>();
  for (let i = 0; i < 12; i++) {
    const one: Owner = {
      manager: `u${i}`,
      operation: 'Update',
      apiVersion: i === 1 ? 'v2' : 'v1',
      subresource: '',
      time: `2026-01-01T00:00:${10 + i}Z`,
      fields: setOf([`f:a${i}`]),
    };
    owners.set(ownerKey(one), one);
  }
  const kept = entriesOf(capUpdaters(owners))!;
  t.is(kept.length, 10);
  t.deepEqual(
    kept.slice(0, 2).map(({ manager, apiVersion, fieldsV1 }) => [manager, apiVersion, Object.keys(fieldsV1 as object)]),
    [
      ['u1', 'v2', ['f:a1']],
      ['ancient-changes', 'v1', ['f:a0', 'f:a2', 'f:a3']],
    ],
  );
});

test('what was written reads as it was', (t) => {
  const object = apply(CONFIG_MAP, created(), 'm', { data: { a: '1' } }).object;
  const again = JSON.parse(JSON.stringify(object)) as KubeObject;
  t.deepEqual(entriesOf(ownersOf(again.metadata.managedFields)), object.metadata.managedFields);
});
