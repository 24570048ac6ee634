import test from 'ava';
import { ApiError } from '../../base/errors.ts';
import { kindByName } from '../kind.ts';
import type { KubeObject } from '../object.ts';
import { applyConflict, printPath } from './conflicts.ts';
import { CONFIG_MAP, DEPLOYMENT, LATER, POD, SERVICE, apply, content, owned, write } from './testdata/kit.ts';
import { applyServerSide } from './apply.ts';

const data = (object: KubeObject): object | undefined => object['data'];
const containers = (object: KubeObject): any[] => object['spec'].template.spec.containers;
const spec = (...list: object[]): object => ({ spec: { template: { spec: { containers: list } } } });
const told = (result: { conflicts: readonly { path: readonly string[] }[] }): string[] =>
  result.conflicts.map(({ path }) => printPath(path));

test('who applies owns what it says, and nothing that it does not say', (t) => {
  const { object, conflicts } = apply(DEPLOYMENT, undefined, 'm', {
    metadata: { labels: { a: '1' }, finalizers: ['x.io/f'] },
    spec: {
      replicas: 1,
      selector: { matchLabels: { a: '1' } },
      template: {
        spec: {
          containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80 }], env: [{ name: 'E', value: '1' }] }],
          tolerations: [{ key: 'k' }],
        },
      },
    },
  });
  t.deepEqual(conflicts, []);
  t.deepEqual(owned(object), {
    m: [
      '.metadata.finalizers[="x.io/f"]',
      '.metadata.labels.a',
      '.spec.replicas',
      '.spec.selector',
      '.spec.template.spec.containers[name="c"]',
      '.spec.template.spec.containers[name="c"].env[name="E"]',
      '.spec.template.spec.containers[name="c"].env[name="E"].name',
      '.spec.template.spec.containers[name="c"].env[name="E"].value',
      '.spec.template.spec.containers[name="c"].image',
      '.spec.template.spec.containers[name="c"].name',
      '.spec.template.spec.containers[name="c"].ports[containerPort=80,protocol="TCP"]',
      '.spec.template.spec.containers[name="c"].ports[containerPort=80,protocol="TCP"].containerPort',
      '.spec.template.spec.tolerations',
    ],
  });
});

test('the same once more changes nothing, not even the time', (t) => {
  const config = { data: { a: '1' } };
  const { object } = apply(CONFIG_MAP, undefined, 'm', config);
  t.deepEqual(apply(CONFIG_MAP, object, 'm', config, { now: LATER }).object, object);
});

test('a second manager with the same values shares them, and is seen from then on', (t) => {
  const { object } = apply(CONFIG_MAP, undefined, 'a', { data: { x: '1' } });
  const second = apply(CONFIG_MAP, object, 'b', { data: { x: '1' } }, { now: LATER });
  t.deepEqual(second.conflicts, []);
  t.deepEqual(owned(second.object), { a: ['.data.x'], b: ['.data.x'] });
  t.is(second.object.metadata.managedFields![1]!.time, '2026-11-22T08:01:00Z');
});

test('another value is a conflict; the object is told in the words of the real server', (t) => {
  const { object } = apply(CONFIG_MAP, undefined, 'a', { data: { x: '1', y: '1' } });
  const one = apply(CONFIG_MAP, object, 'b', { data: { x: '2' } });
  t.deepEqual(applyConflict(one.conflicts).toStatus(), {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'Apply failed with 1 conflict: conflict with "a": .data.x',
    reason: 'Conflict',
    details: { causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "a"', field: '.data.x' }] },
    code: 409,
  });
  const updated = write(CONFIG_MAP, object, 'kubectl-edit', { ...content(object), data: { x: '1', y: '2' } });
  const two = apply(CONFIG_MAP, updated, 'b', { data: { x: '2', y: '3' } });
  t.is(
    applyConflict(two.conflicts).message,
    'Apply failed with 2 conflicts: conflicts with "a":\n- .data.x\nconflicts with "kubectl-edit" using v1:\n- .data.y',
  );
  t.deepEqual(
    applyConflict(two.conflicts).details!.causes!.map(({ message }) => message),
    ['conflict with "a"', 'conflict with "kubectl-edit" using v1'],
  );
});

test('a conflict with who wrote through a subresource says so', (t) => {
  const before = write(DEPLOYMENT, undefined, 'kubectl-create', { spec: { replicas: 1 } });
  const scaled = write(DEPLOYMENT, before, 'hpa', { spec: { replicas: 2 } }, { subresource: 'scale' });
  const { conflicts } = apply(DEPLOYMENT, scaled, 'b', { spec: { replicas: 3 } });
  t.is(
    applyConflict(conflicts).message,
    'Apply failed with 1 conflict: conflict with "hpa" with subresource "scale" using apps/v1: .spec.replicas',
  );
});

test('force takes the field from the others and leaves them the rest', (t) => {
  const { object } = apply(CONFIG_MAP, undefined, 'a', { data: { x: '1', y: '1' } });
  const forced = apply(CONFIG_MAP, object, 'b', { data: { x: '2' } }, { force: true });
  t.deepEqual(forced.conflicts, []);
  t.deepEqual(data(forced.object), { x: '2', y: '1' });
  t.deepEqual(owned(forced.object), { a: ['.data.y'], b: ['.data.x'] });
  const back = apply(CONFIG_MAP, forced.object, 'a', { data: { x: '1', y: '1' } });
  t.is(applyConflict(back.conflicts).message, 'Apply failed with 1 conflict: conflict with "b": .data.x');
});

test('what a manager no longer applies goes, unless another owns it', (t) => {
  const { object } = apply(CONFIG_MAP, undefined, 'a', { data: { x: '1', y: '1', z: '1' } });
  const shared = apply(CONFIG_MAP, object, 'b', { data: { y: '1' } }).object;
  const updated = write(CONFIG_MAP, shared, 'u', { ...content(shared), data: { x: '1', y: '1', z: '1', u: '1' } });
  const after = apply(CONFIG_MAP, updated, 'a', { data: { z: '1' } });
  t.deepEqual(data(after.object), { u: '1', y: '1', z: '1' });
  t.deepEqual(owned(after.object), { a: ['.data.z'], b: ['.data.y'], 'u Update': ['.data.u'] });
  t.deepEqual(data(apply(CONFIG_MAP, object, 'a', {}).object), undefined);
});

test('an object keeps its name, uid and revision when the last of its metadata that anyone applied goes', (t) => {
  const first = apply(CONFIG_MAP, undefined, 'a', { metadata: { labels: { l: '1' } }, data: { x: '1' } }).object;
  const stored = { ...first, metadata: { ...first.metadata, uid: 'u', resourceVersion: '7' } };
  const applied = { apiVersion: 'v1', kind: 'ConfigMap', data: { x: '1' } };
  const { object } = apply(CONFIG_MAP, stored, 'a', {}, { applied });
  t.deepEqual(content(object).metadata, { name: 'x', uid: 'u', resourceVersion: '7' });
});

test('what an updater took over stays when the applier drops it', (t) => {
  const { object } = apply(CONFIG_MAP, undefined, 'a', { data: { x: '1' } });
  const updated = write(CONFIG_MAP, object, 'u', { ...content(object), data: { x: '2' } });
  t.deepEqual(owned(updated), { 'u Update': ['.data.x'] });
  t.deepEqual(data(apply(CONFIG_MAP, updated, 'a', {}).object), { x: '2' });
});

test('an element of a list goes with all that its only owner set and what nobody owns', (t) => {
  const first = apply(DEPLOYMENT, undefined, 'a', spec({ name: 'c', image: 'i' }, { name: 'd', image: 'i' })).object;
  // As defaults do.
  for (const each of containers(first)) each.terminationMessagePath = '/dev/termination-log';
  const after = apply(DEPLOYMENT, first, 'a', spec({ name: 'd', image: 'i' }));
  t.deepEqual(containers(after.object), [
    { name: 'd', image: 'i', resources: {}, terminationMessagePath: '/dev/termination-log' },
  ]);
});

test("a struct that is dropped goes with defaults that were filled in beside the manager's fields", (t) => {
  const first = apply(DEPLOYMENT, undefined, 'a', {
    spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } },
  }).object;
  first['spec'].strategy.rollingUpdate.maxUnavailable = '25%';
  const after = apply(DEPLOYMENT, first, 'a', { spec: { strategy: { type: 'Recreate' } } });
  t.deepEqual(after.object['spec'].strategy, { type: 'Recreate' });
});

test('lists of two managers: each keeps its own elements, in the order of who applies', (t) => {
  const images = (list: any[]): string[] => list.map(({ name, image }) => `${name}:${image}`);
  const first = apply(DEPLOYMENT, undefined, 'a', spec({ name: 'c', image: '1' }, { name: 'd', image: '1' })).object;
  const second = apply(DEPLOYMENT, first, 'b', spec({ name: 'e', image: '2' }, { name: 'd' })).object;
  t.deepEqual(images(containers(second)), ['c:1', 'e:2', 'd:1']);
  const third = apply(DEPLOYMENT, second, 'a', spec({ name: 'd', image: '1' })).object;
  t.deepEqual(images(containers(third)), ['e:2', 'd:1']);
  const fourth = apply(DEPLOYMENT, third, 'b', {}).object;
  t.deepEqual(images(containers(fourth)), ['d:1']);
});

test('order: what both have is as applied, what only the object has stays before what followed it', (t) => {
  const order = (live: string, applied: string): string => {
    const list = (text: string): object => spec(...text.split('').map((name) => ({ name })));
    const first = apply(DEPLOYMENT, undefined, 'a', list(live)).object;
    const names = containers(apply(DEPLOYMENT, first, 'b', list(applied)).object).map(({ name }) => name);
    return names.join('');
  };
  t.is(order('abc', 'cba'), 'cba');
  t.is(order('abc', 'c'), 'abc');
  t.is(order('abc', 'xb'), 'axbc');
  t.is(order('abc', 'bx'), 'abcx');
  t.is(order('abcd', 'dxa'), 'bcdxa');
  t.is(order('abc', 'xyz'), 'abcxyz');
});

test('ports are told apart by both keys, and the protocol may be left out', (t) => {
  const port = (more: object): object => ({ spec: { ports: [{ port: 53, ...more }] } });
  const udp = apply(SERVICE, undefined, 'a', port({ protocol: 'UDP', name: 'dns' })).object;
  const both = apply(SERVICE, udp, 'b', port({ name: 'tcp' })).object;
  t.deepEqual(
    both['spec'].ports.map((each: any) => [each.protocol, each.name]),
    [
      ['UDP', 'dns'],
      [undefined, 'tcp'],
    ],
  );
  const named = apply(SERVICE, both, 'c', port({ protocol: 'TCP', name: 'other' }));
  t.deepEqual(told(named), ['.spec.ports[port=53,protocol="TCP"].name']);
});

test('sets: elements are owned one by one', (t) => {
  const finalizers = (...list: string[]): object => ({ metadata: { finalizers: list } });
  const first = apply(CONFIG_MAP, undefined, 'a', finalizers('x.io/a', 'x.io/b')).object;
  const second = apply(CONFIG_MAP, first, 'b', finalizers('x.io/c', 'x.io/b')).object;
  t.deepEqual(second.metadata.finalizers, ['x.io/a', 'x.io/c', 'x.io/b']);
  const third = apply(CONFIG_MAP, second, 'a', {}).object;
  t.deepEqual(third.metadata.finalizers, ['x.io/c', 'x.io/b']);
});

test('atomic lists, maps and structs are one field', (t) => {
  const first = apply(SERVICE, undefined, 'a', { spec: { selector: { a: '1' }, externalIPs: ['1.1.1.1'] } }).object;
  t.deepEqual(owned(first), { a: ['.spec.externalIPs', '.spec.selector'] });
  const second = apply(SERVICE, first, 'b', { spec: { selector: { b: '1' }, externalIPs: ['2.2.2.2'] } });
  t.deepEqual(told(second), ['.spec.externalIPs', '.spec.selector']);
  const forced = apply(SERVICE, first, 'b', { spec: { selector: { b: '1' } } }, { force: true }).object;
  t.deepEqual(forced['spec'].selector, { b: '1' });
});

test('the same quantity written in another way is no conflict, and a false that nobody keeps neither', (t) => {
  const limits = (cpu: string): object => spec({ name: 'c', resources: { limits: { cpu } } });
  const first = apply(DEPLOYMENT, undefined, 'a', limits('1')).object;
  t.deepEqual(apply(DEPLOYMENT, first, 'b', limits('1000m')).conflicts, []);
  const off = { spec: { paused: false } };
  const paused = apply(DEPLOYMENT, undefined, 'a', off).object;
  t.deepEqual(owned(paused), { a: ['.spec.paused'] });
  t.deepEqual(apply(DEPLOYMENT, paused, 'b', off).conflicts, []);
  t.deepEqual(told(apply(DEPLOYMENT, paused, 'b', { spec: { paused: true } })), ['.spec.paused']);
});

test('null owns a field and takes its value away', (t) => {
  const first = apply(DEPLOYMENT, undefined, 'a', { spec: { replicas: 3 } }).object;
  const second = apply(DEPLOYMENT, first, 'a', { spec: { replicas: null } }).object;
  t.is(second['spec'].replicas, undefined);
  t.deepEqual(owned(second), { a: ['.spec.replicas'] });
  const pod = apply(POD, undefined, 'a', { metadata: { creationTimestamp: null }, spec: { nodeName: 'n' } }).object;
  t.deepEqual(owned(pod), { a: ['.spec.nodeName'] });
});

test('elements that cannot be told apart are owned together', (t) => {
  const env = [
    { name: 'E', value: '1' },
    { name: 'E', value: '2' },
  ];
  const before = write(DEPLOYMENT, undefined, 'u', spec({ name: 'c', env }));
  t.true(owned(before)['u Update']!.includes('.spec.template.spec.containers[name="c"].env[name="E"]'));
  t.false(owned(before)['u Update']!.includes('.spec.template.spec.containers[name="c"].env[name="E"].value'));
  const over = spec({ name: 'c', env: [{ name: 'E', value: '3' }] });
  t.true(told(apply(DEPLOYMENT, before, 'a', over)).includes('.spec.template.spec.containers[name="c"].env[name="E"]'));
  const after = apply(DEPLOYMENT, before, 'a', over, { force: true }).object;
  t.deepEqual(containers(after)[0].env, [{ name: 'E', value: '3' }]);
  const beside = apply(DEPLOYMENT, before, 'a', spec({ name: 'c', env: [{ name: 'F' }] })).object;
  t.deepEqual(
    containers(beside)[0].env.map((each: any) => each.value),
    ['1', '2', undefined],
  );
});

test('an object that nobody tracked belongs to before-first-apply', (t) => {
  const untracked = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'x', uid: 'u' },
    data: { a: '1', b: '1' },
  };
  const same = apply(CONFIG_MAP, untracked, 'm', { data: { a: '1' } }).object;
  t.deepEqual(owned(same), { m: ['.data.a'], 'before-first-apply Update': ['.data', '.data.a', '.data.b'] });
  const { conflicts } = apply(CONFIG_MAP, untracked, 'm', { data: { a: '2' } });
  t.is(
    applyConflict(conflicts).message,
    'Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .data.a',
  );
});

test('the status is nobody’s on the object proper, and all that there is on /status', (t) => {
  const config = { metadata: { labels: { a: '1' } }, spec: { replicas: 1 }, status: { replicas: 1 } };
  const main = apply(DEPLOYMENT, undefined, 'm', config).object;
  t.deepEqual(owned(main), { m: ['.metadata.labels.a', '.spec.replicas'] });
  const status = apply(DEPLOYMENT, main, 'm', config, { subresource: 'status' }).object;
  t.deepEqual(owned(status), {
    m: ['.metadata.labels.a', '.spec.replicas'],
    'm status': ['.metadata.labels.a', '.status.replicas'],
  });
});

test('who applies and updates under one name is two managers', (t) => {
  const first = write(CONFIG_MAP, undefined, 'm', { data: { a: '1' } });
  const { conflicts } = apply(CONFIG_MAP, first, 'm', { data: { a: '2' } });
  t.is(applyConflict(conflicts).message, 'Apply failed with 1 conflict: conflict with "m" using v1: .data.a');
});

const REFUSED: Array<[what: string, applied: unknown, message: RegExp]> = [
  [
    'no object',
    [],
    /^error decoding YAML: .* json: cannot unmarshal array into Go value of type map\[string\]interface \{\}$/,
  ],
  ['no kind', { metadata: { name: 'x' } }, /^invalid object type: \/, Kind=$/],
  ['another kind', { apiVersion: 'v1', kind: 'Pod' }, /^invalid object type: \/v1, Kind=Pod$/],
  [
    'managedFields',
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { managedFields: [] } },
    /^metadata.managedFields must be nil$/,
  ],
  [
    'an unknown field',
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'x', namespace: 'n' }, spec: { replicaz: 1 } },
    /^failed to create typed patch object \(n\/x; apps\/v1, Kind=Deployment\): \.spec\.replicaz: field not declared in schema$/,
  ],
  [
    'a wrong type',
    { apiVersion: 'apps/v1', kind: 'Deployment', spec: { replicas: 'x' } },
    /\.spec\.replicas: expected numeric \(int or float\), got string$/,
  ],
  [
    'an element without its key',
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      spec: {
        template: { spec: { containers: [{ name: 'c', ports: [{ protocol: 'TCP' }] }, null] } },
      },
    },
    /\.spec\.template\.spec\.containers: element 1: associative list with keys may not have a null element$/,
  ],
  [
    'an element twice',
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      spec: { template: { spec: { containers: [{ name: 'c', env: [{ name: 'E' }, { name: 'E' }] }] } } },
    },
    /: \.spec\.template\.spec\.containers\[name="c"\]\.env: duplicate entries for key \[name="E"\]$/,
  ],
  [
    'a finalizer twice',
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { finalizers: ['a/a', 'a/a'] } },
    /: \.metadata\.finalizers: duplicate entries for key \[="a\/a"\]$/,
  ],
];

for (const [what, applied, message] of REFUSED)
  test(`refused: ${what}`, (t) => {
    const current = apply(DEPLOYMENT, undefined, 'm', { spec: { replicas: 1 } }).object;
    const before = structuredClone(current);
    const error = t.throws(
      () =>
        applyServerSide({
          typeName: DEPLOYMENT.typeName,
          apiVersion: 'apps/v1',
          kind: 'Deployment',
          current,
          applied,
          manager: 'm',
          force: true,
          subresource: '',
          now: LATER,
        }),
      { instanceOf: ApiError },
    );
    t.is(error.code, error.message.startsWith('failed to create typed patch') ? 500 : 400);
    t.regex(error.message, message);
    t.deepEqual(current, before);
  });

test('an element may leave out a key only when it has a default', (t) => {
  const account = kindByName('', 'v1', 'ServiceAccount')!;
  const error = t.throws(() => apply(account, undefined, 'm', { secrets: [{ namespace: 'n' }] }));
  t.is(
    error.message,
    'failed to create typed patch object (/x; /v1, Kind=ServiceAccount): .secrets: element 0: associative list with keys ' +
      'has an element that omits key field "name" (and doesn\'t have default value)',
  );
  t.deepEqual(owned(apply(POD, undefined, 'm', { spec: { imagePullSecrets: [{}] } }).object), {
    m: ['.spec.imagePullSecrets[name=""]'],
  });
});
