// Shows what a decided write holds besides its object: the comparisons that make it safe, and the addresses it takes or
// gives back. What clients see of it is shown over HTTPS in test/conformance.
import test from 'ava';
import { kindFor } from '../../../../lib/api/kind.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { seededChance } from '../../../../lib/base/chance.ts';
import type { Cause, KeyValue } from '../../../../lib/bus/messages.ts';
import { Rbac } from '../auth/rbac.ts';
import { authenticated } from '../auth/user.ts';
import { ClusterCache } from '../cache/cluster-cache.ts';
import { requestInfo, type ResourceRequest } from '../request-info.ts';
import { planCreate } from './create.ts';
import { planDelete, type DeleteOptions } from './delete.ts';
import { textOf, type Plan, type WriteRequest } from './plan.ts';
import { planUpdate, type Part } from './update.ts';

const CAUSE: Cause = { span: 's', actor: 'a' };

/** A store in miniature: plans are carried out on it. */
class World {
  readonly cache: ClusterCache;
  readonly chance = seededChance(7);
  readonly serviceCidr: string;
  now = Date.parse('2026-11-22T08:00:00Z');

  constructor(serviceCidr = '10.96.0.0/16') {
    this.serviceCidr = serviceCidr;
    const namespace: KeyValue = {
      key: '/registry/core/namespaces//x',
      value: encode({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'x' } }),
      createRevision: 1,
      modRevision: 1,
    };
    this.cache = new ClusterCache([namespace], 1);
  }

  request(method: string, path: string): WriteRequest {
    const info = requestInfo(method, path, new URLSearchParams()) as ResourceRequest;
    return {
      user: authenticated('me', ['system:masters']),
      info,
      kind: kindFor(info.group, info.version, info.resource)!,
      view: this.cache,
      rbac: new Rbac({ roles: [], clusterRoles: [], roleBindings: [], clusterRoleBindings: [] }),
      facts: { name: 'c', clusterId: '', domain: 'd', podCidr: '', serviceCidr: this.serviceCidr, dnsIp: '10.96.0.10' },
      defaultTolerationSeconds: 300,
      now: this.now,
      chance: this.chance,
    };
  }

  carryOut(plan: Plan): Plan {
    const revision = this.cache.revision + 1;
    const changes = plan.operations.map((op) => ({
      type: op.type,
      key: op.key,
      value: op.type === 'put' ? op.value : new Uint8Array(),
      createRevision: revision,
    }));
    if (changes.length > 0) this.cache.apply([{ revision, changes, cause: CAUSE }]);
    return plan;
  }

  create(path: string, body: object): Plan {
    const request = this.request('POST', path);
    const object = { apiVersion: 'v1', kind: request.kind.ref.kind, ...body } as KubeObject;
    request.kind.default(object);
    return this.carryOut(planCreate(request, object));
  }

  current(path: string): { request: WriteRequest; item: NonNullable<ReturnType<ClusterCache['get']>> } {
    const request = this.request('DELETE', path);
    const { group, resource } = request.kind.ref;
    const item = this.cache.get({
      stream: `${group === '' ? 'core' : group}/${resource}`,
      namespace: request.info.namespace,
      name: request.info.name,
    })!;
    return { request, item };
  }

  delete(path: string, options: DeleteOptions = {}): Plan {
    const { request, item } = this.current(path);
    return this.carryOut(planDelete(request, item, options));
  }

  update(path: string, change: (object: KubeObject) => void, part: Part = 'main'): Plan {
    const { request, item } = this.current(path);
    const object = structuredClone(item.object);
    change(object);
    request.kind.default(object);
    return this.carryOut(planUpdate(request, item, object, part));
  }
}

function encode(object: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(object));
}

const keys = (plan: Plan): string[] => plan.operations.map((op) => `${op.type} ${op.key}`);

test('a create compares that the name is free and that its namespace is the one that was seen', (t) => {
  const plan = new World().create('/api/v1/namespaces/x/configmaps', { metadata: { name: 'a' } });
  t.deepEqual(plan.compares, [
    { key: '/registry/core/configmaps/x/a', revision: 0 },
    { key: '/registry/core/namespaces//x', revision: 1 },
  ]);
});

test('a stored object has no resourceVersion, its answer has the one of the write', (t) => {
  const plan = new World().create('/api/v1/namespaces/x/configmaps', { metadata: { name: 'a' } });
  const [put] = plan.operations;
  t.is(
    JSON.parse(new TextDecoder().decode(put!.type === 'put' ? put!.value : undefined)).metadata.resourceVersion,
    undefined,
  );
  t.is((plan.answer(42) as KubeObject).metadata.resourceVersion, '42');
});

test('the text of an answer is the answer, and none of a plan that answers something else', (t) => {
  const world = new World();
  const textAt = (plan: Plan, revision: number): unknown => {
    const text = textOf(plan, revision);
    return text === undefined ? undefined : JSON.parse(new TextDecoder().decode(text));
  };
  const created = world.create('/api/v1/namespaces/x/configmaps', { metadata: { name: 'a' }, data: { a: 'ü' } });
  t.deepEqual(textAt(created, 42), created.answer(42));
  t.is(textAt(created, 0), undefined, 'nothing was written');
  t.is(textAt({ ...created, answer: () => ({ kind: 'Status' }) }, 42), undefined);
});

test('a Service takes its address and ports with it, and gives them back', (t) => {
  const world = new World();
  const made = world.create('/api/v1/namespaces/x/services', {
    metadata: { name: 's' },
    spec: { type: 'NodePort', ports: [{ port: 80 }] },
  });
  const ip = made.object['spec'].clusterIP;
  const port = made.object['spec'].ports[0].nodePort;
  const address = `/registry/networking.k8s.io/ipaddresses//${ip}`;
  const formerly = `/allocations/clusterips/${ip}`;
  const taken = [address, `/allocations/nodeports/${port}`];
  t.deepEqual(
    keys(made).slice(1),
    taken.map((key) => `put ${key}`),
  );
  for (const key of [...taken, formerly])
    t.true(made.compares.some((compare) => compare.key === key && compare.revision === 0));
  const inner = world.update('/api/v1/namespaces/x/services/s', (object) => (object['spec'].type = 'ClusterIP'));
  t.deepEqual(keys(inner).slice(1), [`delete ${taken[1]}`]);
  t.is(inner.object['spec'].clusterIP, ip);
  const ends = keys(world.delete('/api/v1/namespaces/x/services/s')).slice(1);
  t.deepEqual(ends, [`delete ${address}`, `delete ${formerly}`]);
});

test('an address that is given out by name is no Service’s; a further range is used when the first is full', (t) => {
  const world = new World('10.96.0.0/28');
  const make = (spec: object, i = 0): Plan =>
    world.create('/api/v1/namespaces/x/services', {
      metadata: { name: `s${i}` },
      spec: { ports: [{ port: 80 }], ...spec },
    });
  world.create('/apis/networking.k8s.io/v1/ipaddresses', {
    metadata: { name: '10.96.0.9' },
    spec: { parentRef: { resource: 'gateways', group: 'example.com', name: 'g' } },
  });
  t.throws(() => make({ clusterIP: '10.96.0.9' }), { message: /10\.96\.0\.9: provided IP is already allocated/ });
  // Also one that somebody gave to this Service before there was one: whether it is meant so, nobody knows.
  world.create('/apis/networking.k8s.io/v1/ipaddresses', {
    metadata: { name: '10.96.0.8' },
    spec: { parentRef: { resource: 'services', namespace: 'x', name: 's0' } },
  });
  t.throws(() => make({ clusterIP: '10.96.0.8' }), { message: /10\.96\.0\.8: provided IP is already allocated/ });
  t.throws(() => make({ clusterIP: '10.97.0.9' }), { message: /range of valid IPs is 10\.96\.0\.0\/28/ });
  for (let i = 0; i < 10; i++) t.regex(make({}, i).object['spec'].clusterIP, /^10\.96\.0\./);
  world.create('/apis/networking.k8s.io/v1/servicecidrs', {
    metadata: { name: 'more' },
    spec: { cidrs: ['10.97.0.0/28', '2001:db8::/64'] },
  });
  t.regex(make({}, 98).object['spec'].clusterIP, /^10\.97\.0\./);
  t.is(make({ clusterIP: '10.97.0.9' }, 99).object['spec'].clusterIP, '10.97.0.9');
});

test('a small range is given out to the last address, never twice, never the one of dns, and then is full', (t) => {
  const world = new World('10.96.0.0/28');
  const ips: string[] = [];
  const make = (i: number): Plan =>
    world.create('/api/v1/namespaces/x/services', { metadata: { name: `s${i}` }, spec: { ports: [{ port: 80 }] } });
  // 16 addresses without network, broadcast, the first (the Service kubernetes) and that of dns.
  for (let i = 0; i < 12; i++) ips.push(make(i).object['spec'].clusterIP);
  t.is(new Set(ips).size, 12);
  t.false(ips.includes('10.96.0.10') || ips.includes('10.96.0.1'));
  t.throws(() => make(99), { message: /range 10\.96\.0\.0\/28 is full/ });
});

test('an update that changes nothing is no write; one of the spec counts a generation', (t) => {
  const world = new World();
  const spec = {
    replicas: 1,
    selector: { matchLabels: { a: 'b' } },
    template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'x' }] } },
  };
  const path = '/apis/apps/v1/namespaces/x/deployments';
  const made = world.create(path, { apiVersion: 'apps/v1', metadata: { name: 'd' }, spec });
  t.is(made.object.metadata.generation, 1);
  t.is(world.update(`${path}/d`, () => {}).verb, 'unchanged');
  t.is(world.update(`${path}/d`, (object) => (object['spec'].replicas = 2)).object.metadata.generation, 2);
  const status = world.update(`${path}/d`, (object) => (object['status'] = { replicas: 9 }));
  t.is(status.verb, 'unchanged', 'the main endpoint does not write status');
});

test('policies that change objects change a status too, and nothing besides it', (t) => {
  const world = new World();
  const policies = '/apis/admissionregistration.k8s.io/v1';
  const operations = ['status/reason', 'metadata/labels/seen', 'spec/nodeName'].map(
    (path) => `JSONPatch{op: "add", path: "/${path}", value: "yes"}`,
  );
  const rule = { apiGroups: [''], apiVersions: ['v1'], operations: ['UPDATE'], resources: ['pods/status'] };
  world.create(`${policies}/mutatingadmissionpolicies`, {
    metadata: { name: 'p' },
    spec: {
      reinvocationPolicy: 'Never',
      matchConstraints: { resourceRules: [rule] },
      mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression: `[${operations.join(', ')}]` } }],
    },
  });
  world.create(`${policies}/mutatingadmissionpolicybindings`, { metadata: { name: 'p' }, spec: { policyName: 'p' } });
  const spec = {
    serviceAccountName: 's',
    automountServiceAccountToken: false,
    containers: [{ name: 'c', image: 'x' }],
  };
  const path = '/api/v1/namespaces/x/pods';
  world.create('/api/v1/namespaces/x/serviceaccounts', { metadata: { name: 's' } });
  world.create(path, { metadata: { name: 'a', labels: { a: 'b' } }, spec });
  const change = (object: KubeObject): unknown => (object['status'].phase = 'Running');
  const { object } = world.update(`${path}/a/status`, change, 'status');
  t.like(object['status'], { phase: 'Running', reason: 'yes' });
  t.is(object['spec'].nodeName, undefined);
  t.is(world.update(`${path}/a`, (pod) => (pod.metadata.labels!['c'] = 'd')).object['status'].reason, 'yes');
});

test('propagation policies are finalizers; the last finalizer takes the object away', (t) => {
  const world = new World();
  const path = '/api/v1/namespaces/x/configmaps';
  world.create(path, { metadata: { name: 'a' } });
  t.deepEqual(world.delete(`${path}/a`, { propagationPolicy: 'Foreground' }).object.metadata.finalizers, [
    'foregroundDeletion',
  ]);
  t.deepEqual(world.delete(`${path}/a`, { propagationPolicy: 'Orphan' }).object.metadata.finalizers, ['orphan']);
  const last = world.update(`${path}/a`, (object) => delete object.metadata.finalizers);
  t.is(last.verb, 'delete');
  t.deepEqual(keys(last), ['delete /registry/core/configmaps/x/a']);
});

test('deleting again changes nothing; a grace is only ever made shorter', (t) => {
  const world = new World();
  world.create('/api/v1/namespaces/x/serviceaccounts', { metadata: { name: 'default' } });
  world.create('/api/v1/namespaces/x/pods', {
    metadata: { name: 'p' },
    spec: { nodeName: 'n', containers: [{ name: 'c', image: 'x' }] },
  });
  const path = '/api/v1/namespaces/x/pods/p';
  const first = world.delete(path);
  t.is(first.object.metadata.deletionTimestamp, '2026-11-22T08:00:30Z');
  world.now += 5_000;
  t.is(world.delete(path).verb, 'unchanged');
  t.is(world.delete(path, { gracePeriodSeconds: 60 }).verb, 'unchanged');
  const shorter = world.delete(path, { gracePeriodSeconds: 10 });
  t.is(shorter.object.metadata.deletionTimestamp, '2026-11-22T08:00:10Z', 'counted from when it was first deleted');
  t.is(world.delete(path, { gracePeriodSeconds: 0 }).verb, 'delete');
});
